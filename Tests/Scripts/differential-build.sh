#!/bin/sh
# Builds the program that differential-safetensors.py and fuzz-write-faults.sh drive: differential-build.sh PROGRAM
set -eu
cd "$(dirname "$0")/../.."
build=.build/release
swift build -c release --target Interchange >&2
swiftc -O -parse-as-library -swift-version 6 -I $build/Modules \
  -Xcc -fmodule-map-file=$build/CKernels.build/module.modulemap Tests/Scripts/differential-safetensors.swift \
  $(find $build/Interchange.build $build/Tensors.build $build/CKernels.build -name '*.o') -o "$1"
