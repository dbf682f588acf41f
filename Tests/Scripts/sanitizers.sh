#!/bin/sh
# Builds the command line with a sanitizer and lets it train, resume, generate, evaluate, quantize, inspect and bench, with
# every instruction set of the machine: no report may come.
#
#     Tests/Scripts/sanitizers.sh thread|address [tests]
#
# With `tests`, the tests of kernels, recurrence, training and the command line run under the sanitizer too (a longer build).
set -eu
cd "$(dirname "$0")/../.."
case ${1:-} in
thread) build=.build-tsan ;;
address) build=.build-asan ;;
*)
  echo "usage: $0 thread|address [tests]" >&2
  exit 2
  ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A report gives an exit code that the program itself never has.
export TSAN_OPTIONS="exitcode=66 halt_on_error=0 log_path=$work/report"
export ASAN_OPTIONS="exitcode=66 detect_stack_use_after_return=1 log_path=$work/report"
# Foundation's Process.run keeps 32 bytes of some processes that have ended.
echo "leak:10Foundation7ProcessC3run" >"$work/suppressions"
export LSAN_OPTIONS="suppressions=$work/suppressions:print_suppressions=0"
swift build -c release --sanitize="$1" --scratch-path $build --product unroll
unroll=$build/release/unroll
if [ "$1" = thread ]; then
  "$(dirname "$(readlink -f "$(command -v swift)")")/clang" -shared -fPIC -O1 -o "$work/mutex.so" \
    Tests/Scripts/thread-sanitizer-mutex.c
  preload=$work/mutex.so
fi

fail() {
  echo "FAIL: $*"
  cat "$work"/report.* 2>/dev/null | head -60
  exit 1
}
run() {
  LD_PRELOAD=${preload:-} "$unroll" "$@" >"$work/output" 2>"$work/errors" || {
    code=$?
    cat "$work/errors"
    fail "exit code $code: $*"
  }
}

i=0
while [ $i -lt 400 ]; do
  echo "the cat sat on mat number $i and saw $((i * 7 % 13)) dogs run over the hill."
  i=$((i + 1))
done >"$work/text"
for cell in elman gru lstm; do
  for threads in 2 3 4; do
    run train text --data "$work/text" --out "$work/$cell$threads" --cell $cell --threads $threads --layers 2 \
      --hidden 64 --embedding 24 --length 20 --step 13 --batch 12 --dropout 0.1 --epochs 1 --checkpoint-every 20
    run train text --out "$work/$cell$threads" --resume --epochs 2 --threads $threads
  done
  run train text --data "$work/text" --out "$work/$cell-watched" --cell $cell --threads 3 --hidden 48 --embedding 16 \
    --length 20 --batch 12 --epochs 1 --watch-every 3 --preserve-gradients 0.5
  run generate "$work/${cell}2" --length 200 --threads 2
  run evaluate "$work/${cell}2" --data "$work/text" --threads 3
  run inspect "$work/${cell}2" --picture step --format svg
  run inspect "$work/${cell}2" --passes
  for precision in bf16 int8; do
    run quantize "$work/${cell}2" --precision $precision --out "$work/$cell-$precision"
    for set in portable avx2 avx512 avx512bf16 neon; do
      # Of another machine: that a process which ends in the middle of a beginning is reported does not count.
      env -u TSAN_OPTIONS -u ASAN_OPTIONS UNROLL_ISA=$set "$unroll" generate "$work/${cell}2" --length 0 \
        >"$work/output" 2>&1 || continue
      export UNROLL_ISA=$set
      run generate "$work/$cell-$precision" --length 100
      run evaluate "$work/$cell-$precision" --data "$work/text" --threads 3
      unset UNROLL_ISA
    done
  done
  cmp "$work/${cell}2/weights.safetensors" "$work/${cell}4/weights.safetensors" || fail "$cell: threads change the weights"
done
# One sequence, and steps one by one, large enough for a team of threads.
run bench recurrent --filter "lstm train T100 B1 H128" --rounds 1 --threads 3
run bench recurrent --filter "gru forward T100 B1 H256" --rounds 1 --threads 2
run bench recurrent --filter "lstm step H256" --rounds 1 --threads 2
run bench passes --time 5 --batch 3 --hidden 21 --milliseconds 1 --rounds 1 --threads 3
# Ctrl-C in the middle: signals come on a thread of their own.
LD_PRELOAD=${preload:-} "$unroll" train text --data "$work/text" --out "$work/stopped" --hidden 64 --length 20 --epochs 1000 >"$work/output" 2>&1 &
sleep 5
kill -INT $!
wait $! || fail "exit code $? after Ctrl-C"
# Wrong input takes other ways.
head -c 1000 "$work/lstm2/weights.safetensors" >"$work/cut" && cp "$work/cut" "$work/gru2/weights.safetensors"
"$unroll" generate "$work/gru2" >"$work/output" 2>&1 && fail "cut weights were read" || [ $? = 1 ] || fail "cut weights: exit code"
if [ "${2:-}" = tests ]; then
  LD_PRELOAD=${preload:-} swift test -c release --sanitize="$1" --scratch-path $build \
    --filter 'CKernelsTests|RecurrenceTests|NetworksTests|TrainingTests|ParadigmsTests' || fail "tests"
  # A process that ends with an error still holds what it had: that is no leak.
  [ "$1" = thread ] || ASAN_OPTIONS="$ASAN_OPTIONS detect_leaks=0" swift test -c release --sanitize="$1" \
    --scratch-path $build --filter UnrollCommandTests || fail "tests of the command line"
fi
[ -z "$(ls "$work"/report.* 2>/dev/null)" ] || fail "reports"
echo "pass: no report of the $1 sanitizer"
