#!/bin/sh
# Makes the guide and the reference of the whole library with DocC, and fails at a warning: a link that leads nowhere,
# a picture that is not there.
#
#     Tests/Scripts/guide.sh [archive, .build/guide.doccarchive by default]
#
# `docc` is part of Swift's toolchains. Any web server that serves the archive's files shows it, at /documentation/unroll.
set -eu
cd "$(dirname "$0")/../.."
archive=${1:-.build/guide.doccarchive}
symbols=.build/symbols
modules=.build/release

swift build -c release --target Unroll
mkdir -p $symbols
# The umbrella has no symbols of its own: those of the rooms that it exports are shown as its.
swift symbolgraph-extract -module-name Unroll -target "$(uname -m)-unknown-linux-gnu" -output-dir $symbols \
  -I $modules/Modules -I Sources/CZlib -Xcc -fmodule-map-file=$modules/CKernels.build/module.modulemap \
  -experimental-allowed-reexported-modules="$(sed -n 's/^@_exported import //p' Sources/Unroll/Unroll.swift | paste -sd, -)"
docc convert Sources/Unroll/Unroll.docc --additional-symbol-graph-dir $symbols --warnings-as-errors \
  --output-path "$archive"
echo "pass: $archive"
