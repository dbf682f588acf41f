#!/bin/sh
# A penalty on steps that shrink or stretch the gradient, on an Elman network that does not learn without.
set -eu
unroll=${UNROLL:-$(dirname "$0")/../../.build/release/unroll}

for flags in "" "--preserve-gradients 1" "--preserve-gradients 4"; do
  echo "copy-10 $flags"
  # shellcheck disable=SC2086
  "$unroll" bench memory --problems copy-10 --cells elman --hidden 64 --batch 20 --updates 3000 --every 500 \
    --learning-rate 0.001 --recurrent-initializer glorot --seeds 1 2 3 --threads 1 $flags 2> /dev/null
done
echo "where it does not help: adding-60"
for flags in "" "--preserve-gradients 1"; do
  echo "adding-60 $flags"
  # shellcheck disable=SC2086
  "$unroll" bench memory --problems adding-60 --cells elman --hidden 64 --batch 20 --updates 3000 --every 500 \
    --optimizer sgd --learning-rate 0.01 --recurrent-initializer glorot --seeds 1 --threads 1 $flags 2> /dev/null
done
