#!/bin/sh
# An Elman network whose gradients explode, without clipping and with each kind of it.
set -eu
unroll=${UNROLL:-$(dirname "$0")/../../.build/release/unroll}

"$unroll" bench gradients --lengths 50 --cells elman --hidden 64 --updates 1500 --seed 1 --threads 1 \
  --recurrent-initializer orthogonal=1.6 --optimizer sgd --learning-rate 0.01 \
  --clip 0 1 value=0.1 adaptive=0.02
