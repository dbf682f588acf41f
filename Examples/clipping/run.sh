#!/bin/sh
# Plain networks of ReLUs whose gradients explode, without clipping and with each kind of it, three seeds.
set -eu
unroll=${UNROLL:-$(dirname "$0")/../../.build/release/unroll}

try() {
  for seed in 1 2 3; do
    "$unroll" bench gradients --cells elman-relu --hidden 64 --updates 2000 --seed $seed --threads 1 \
      --recurrent-initializer identity=1.1 "$@" | if [ $seed = 1 ]; then cat; else tail -n +2; fi
  done
}
echo "20 numbers, SGD"
try --lengths 20 --optimizer sgd --learning-rate 0.003 --clip 0 1 value=0.5 adaptive=0.2
echo "50 numbers, Adam"
try --lengths 50 --learning-rate 0.001 --clip 0 1 value=0.5 adaptive=0.02
