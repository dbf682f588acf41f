#!/bin/sh
# The C kernels under AddressSanitizer and UndefinedBehaviorSanitizer, their threads under ThreadSanitizer.
# Uses clang from $CLANG, else the one beside swift, else from the path.
set -eu
cd "$(dirname "$0")/../.."

if [ -z "${CLANG:-}" ]; then
  CLANG=clang
  if command -v swift >/dev/null; then
    beside="$(dirname "$(readlink -f "$(command -v swift)")")/clang"
    [ -x "$beside" ] && CLANG=$beside
  fi
fi

# The ThreadSanitizer of a Swift toolchain needs that toolchain's libdispatch.
libraries="$(dirname "$(readlink -f "$(command -v "$CLANG")")")/../lib/swift/linux"
dispatch=
[ -e "$libraries/libdispatch.so" ] && dispatch="-L$libraries -Wl,-rpath,$libraries -ldispatch -lBlocksRuntime"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # name, sanitizers, libraries
  "$CLANG" -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -fsanitize="$2" -fno-sanitize-recover=all \
    -I Sources/CKernels/include Sources/CKernels/*.c Sources/CKernels/isa/*.c Tests/Scripts/kernels_driver.c \
    -lpthread -lm $3 -o "$work/$1" -fuse-ld=lld
}

build memory address,undefined ""
echo "AddressSanitizer, UndefinedBehaviorSanitizer"
"$work/memory"
"$work/memory" threads

build threads thread "$dispatch"
echo "ThreadSanitizer"
"$work/threads" threads
