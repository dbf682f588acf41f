#!/bin/sh
# Shows that a step of a session allocates nothing: many more steps, in as many measurements, take hardly more
# allocations (a measurement has arrays of its own).
#
#     Tests/Scripts/session-allocations.sh PATH
set -eu
unroll=${1:?usage: $0 PATH_OF_UNROLL}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$(dirname "$(readlink -f "$(command -v swift)")")/clang" -shared -fPIC -O1 -o "$work/count.so" \
  "$(dirname "$0")/count-allocations.c" -ldl
count() {
  LD_PRELOAD=$work/count.so "$unroll" bench recurrent --filter "$2" --rounds "$1" 2>&1 >/dev/null |
    sed -n 's/allocations: //p'
}
for row in "lstm step H128" "lstm step H256" "gru step bf16 H256"; do
  few=$(count 1 "$row")
  many=$(count 9 "$row")
  more=$((many - few))
  # Eight more rounds are a quarter of a second each: 100,000 steps and more.
  echo "$row: $few allocations, with 8 more rounds of about 20,000 steps $more more"
  [ $more -lt 2000 ] || { echo "FAIL: steps allocate"; exit 1; }
done
echo pass
