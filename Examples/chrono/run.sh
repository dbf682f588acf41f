#!/bin/sh
# Gates that begin with long memories, against an LSTM's usual forget bias of 1 and a GRU's half-open gates.
set -eu
unroll=${UNROLL:-$(dirname "$0")/../../.build/release/unroll}

for flags in "" "--chrono 200"; do
  echo "adding-200 $flags"
  # shellcheck disable=SC2086
  "$unroll" bench memory --problems adding-200 --cells lstm gru --hidden 64 --batch 20 --updates 1500 --every 250 \
    --learning-rate 0.002 --seeds 1 2 --threads 1 $flags 2> /dev/null
done
