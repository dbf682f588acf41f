#!/bin/sh
# Lets every system call of a save fail in turn, then fills a disk. Linux only.
#
#     Tests/Scripts/fuzz-write-faults.sh
#
# Passes when, whatever fails: the old file or the whole new one is there and loads, no temporary file is left, the
# exit code is not 0 and the message names the file. Needs strace; the disk-full part needs `unshare -rm` or root.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$work/program
Tests/Scripts/differential-build.sh "$program"
failed=0
runs=0

fail() {
  echo "FAILURE $*"
  failed=1
}

# Checks the folder of a save that was disturbed: old or new content, nothing else.
check() {
  what=$1 folder=$2 code=$3
  [ "$(ls -A "$folder")" = weights ] || fail "$what: left behind: $(ls -A "$folder" | tr '\n' ' ')"
  "$program" read "$folder/weights" | grep -q '"error"' && fail "$what: the file does not load"
  if [ "$code" != 0 ]; then
    grep -q "$folder/weights" "$work/said" || fail "$what: the message does not name the file"
    [ "$code" = 74 ] || fail "$what: exit code $code"
  fi
}

folder=$work/save
mkdir "$folder"
for call in openat write fsync rename close ftruncate fchmod; do
  for cause in ENOSPC EIO; do
    for from in "" +; do
      number=0
      while :; do
        number=$((number + 1))
        rm -f "$folder/weights" "$folder/.weights.tmp"
        "$program" write "$folder/weights" 1000
        code=0
        strace -qq -o "$work/trace" -P "$folder/.weights.tmp" -P "$folder/weights" -P "$folder" \
          -e trace=$call -e inject=$call:error=$cause:when=$number$from "$program" write "$folder/weights" \
          2>"$work/said" || code=$?
        grep -q INJECTED "$work/trace" || break
        runs=$((runs + 1))
        [ $code = 0 ] && fail "$call $number$from $cause: exit code 0"
        check "$call $number$from $cause" "$folder" $code
      done
      [ $number = 1 ] && fail "$call was never made"
    done
  done
done
echo "$runs saves with a failing system call"

# A disk of 64 KiB: the second file does not fit beside the first; then a log grows until the disk is full.
cat >"$work/full.sh" <<'END'
set -eu
mount -t tmpfs -o size=64k none "$2"
"$1" write "$2/weights" 9000
code=0
"$1" write "$2/weights" 9001 2>"$3/said" || code=$?
echo $code >"$3/code"
cp -a "$2/." "$3/disk"
"$1" append "$2/log" 100000 2>"$3/log-said" || echo $? >"$3/log-code"
tail -c 1 "$2/log" | od -An -c >"$3/log-end"
rm "$2/weights"
"$1" append "$2/log" 3 >"$3/log-lines"
wc -l <"$2/log" >"$3/log-count"
END
mkdir "$work/mount" "$work/disk"
if unshare -rm true 2>/dev/null; then
  unshare -rm sh "$work/full.sh" "$program" "$work/mount" "$work" || fail "disk full: $(cat "$work/said")"
  sed -i "s#$work/mount#$work/disk#" "$work/said"
  [ "$(cat "$work/code")" = 74 ] || fail "disk full: exit code $(cat "$work/code")"
  grep -q "the disk is full" "$work/said" || fail "disk full: $(cat "$work/said")"
  check "disk full" "$work/disk" 74
  [ "$(cat "$work/log-code")" = 74 ] && grep -q "the disk is full" "$work/log-said" || fail "log: no error"
  grep -q '\\n' "$work/log-end" || fail "log: a torn line was left"
  [ "$(cat "$work/log-lines")" = "$(cat "$work/log-count")" ] || fail "log: lines were lost"
  echo "a full disk: save and log, $(cat "$work/log-lines" | tr -d ' ') lines kept"
else
  echo "SKIPPED the full disk: no permission to mount one"
fi

[ $failed = 0 ] && echo "PASS fuzz-write-faults" || echo "FAIL fuzz-write-faults"
exit $failed
