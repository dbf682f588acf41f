#!/bin/sh
# Fuzzes the readers of safetensors, JSON, JSON lines and of examples (texts, numbers, IDX, tagged sentences, pairs, tables,
# merges) with libFuzzer and AddressSanitizer.
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

swift build -c release --target Corpora --build-path $build --sanitize address -Xswiftc -sanitize=fuzzer
swiftc -O -parse-as-library -swift-version 6 -sanitize=fuzzer,address -use-ld=lld \
  -I $build/release/Modules -Xcc -fmodule-map-file=$build/release/CKernels.build/module.modulemap \
  -Xcc -fmodule-map-file=Sources/CZlib/module.modulemap Tests/Scripts/fuzz-readers.swift -lz \
  $(find $build/release/Corpora.build $build/release/Interchange.build $build/release/Tensors.build $build/release/CKernels.build -name '*.o') \
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
printf '4good film\tyes\nbad\tno\n' >"$work/corpus/tsv"
printf '5"a ""b"", c",x\r\nd,"y\nz"\n' >"$work/corpus/csv"
printf '6{"text":"a","label":1}\n{"label":true,"text":"\\u00e9"}\n' >"$work/corpus/jsonl"
printf '71,2.5,a\n-3e2,4,b\n' >"$work/corpus/numbers"
printf '8\0\0\010\002\0\0\0\002\0\0\0\001ab' >"$work/corpus/idx"
printf '9# a\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\tb\tX\tY\t_\t_\t_\t_\t_\n\n' >"$work/corpus/conllu"
printf ':-DOCSTART- O\n\nU.N. B-ORG\nleft O\n\n' >"$work/corpus/columns"
printf ';a man\tein Mann\n' >"$work/corpus/pairs"
printf '<{"entries":["<unk>","a"],"kind":"words","version":1}' >"$work/corpus/table"
printf '=#version: 0.2\na b\nab a</w>\n' >"$work/corpus/merges"
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
