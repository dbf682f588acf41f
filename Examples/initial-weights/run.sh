#!/bin/sh
# How recurrent weights begin: orthogonal against Glorot's, and the identity for rectified units.
set -eu
unroll=${UNROLL:-$(dirname "$0")/../../.build/release/unroll}

echo "# the gradient of an Elman network before its first update"
for kind in glorot orthogonal; do
  echo "--recurrent-initializer $kind"
  "$unroll" bench gradients --lengths 100 200 --cells elman --updates 1 --seed 1 --threads 1 \
    --recurrent-initializer $kind
done
echo "# what it learns: the copy problem over 10 steps"
for kind in glorot orthogonal; do
  echo "--recurrent-initializer $kind"
  "$unroll" bench memory --problems copy-10 --cells elman --hidden 64 --batch 20 --updates 3000 --every 500 \
    --learning-rate 0.001 --seeds 1 2 3 --threads 1 --recurrent-initializer $kind 2> /dev/null
done
echo "# rectified units: the adding problem of 200 numbers"
for kind in glorot orthogonal identity; do
  echo "--recurrent-initializer $kind"
  "$unroll" bench memory --problems adding-200 --cells elman-relu --hidden 64 --batch 20 --updates 3000 --every 250 \
    --learning-rate 0.001 --seeds 1 2 3 --threads 1 --recurrent-initializer $kind 2> /dev/null
done
