#!/bin/sh
# Fuzzes the safetensors, JSON and JSON-lines readers with libFuzzer and AddressSanitizer.
#
#     Tests/Scripts/fuzz-readers.sh [runs, 100000 by default] [seed, 1 by default]
#
# Passes when no input crashes, traps, takes over a second or 512 MB. A failing input is left in .build-fuzz/.
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-100000}
seed=${2:-1}
build=.build-fuzz
log=$build/fuzz-readers.log
# Files in memory: the reader is to be tested, not the disk.
work=$(TMPDIR=$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}") mktemp -d)
trap 'rm -rf "$work"' EXIT

swift build -c release --target Interchange --build-path $build --sanitize address -Xswiftc -sanitize=fuzzer
swiftc -O -parse-as-library -swift-version 6 -sanitize=fuzzer,address -use-ld=lld \
  -I $build/release/Modules -Xcc -fmodule-map-file=$build/release/CKernels.build/module.modulemap Tests/Scripts/fuzz-readers.swift \
  $(find $build/release/Interchange.build $build/release/Tensors.build $build/release/CKernels.build -name '*.o') \
  -o $build/fuzz-readers

mkdir "$work/corpus" "$work/files"
cat >"$work/words" <<'END'
"\"dtype\":\"F32\""
"\"shape\":["
"\"data_offsets\":["
"\"__metadata__\":{"
"\"format\":\"unroll\""
"\"version\":\"1\""
"\"checksum\":\"xxh64:"
"\"layers\":[{"
"\"hidden\":"
"\"next\":[{"
"\"small\":128"
"\"scale\":1e39"
"18446744073709551616"
"9223372036854775807"
"-9223372036854775809"
"1e999"
"\\ud83d\\ude42"
"null"
END
entry='"dtype":"F32","shape":[1,2],"data_offsets":[0,8]'
printf '0\002\0\0\0\0\0\0\0{}' >"$work/corpus/raw"
printf '1{"a":{%s}}\00012345678' "$entry" >"$work/corpus/one"
printf '1{"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[0],"data_offsets":[8,8]},"a":{%s}}\00012345678' "$entry" \
  >"$work/corpus/two"
printf '2{"version":1,"cell":"lstm","layers":[{"hidden":3,"dropout":0.5,"names":["a"]}],"flags":[true]}' >"$work/corpus/json"
printf '2{"vocabulary":{"a":1,"\\u00e9":2},"layers":[{"hidden":1,"next":[{"hidden":2}]}]}' >"$work/corpus/deep"
printf '3{"hidden":1}\n{"hidden":2,"scale":0.5}\n{"hid' >"$work/corpus/lines"

echo "fuzzing: $runs runs, seed $seed; log in $log"
if FUZZ_FOLDER="$work/files" $build/fuzz-readers -runs="$runs" -seed="$seed" -timeout=1 -rss_limit_mb=512 -max_len=2048 \
  -dict="$work/words" -artifact_prefix=$build/ "$work/corpus" >$log 2>&1
then
  grep '^Done' $log
  grep -E 'DONE' $log
  echo "PASS fuzz-readers"
else
  tail -40 $log
  echo "FAIL fuzz-readers: see $log"
  exit 1
fi
