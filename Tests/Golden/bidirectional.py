#!/usr/bin/env python3
"""Golden values of bidirectional networks: outputs, states, loss and gradients, computed in Float64.

    python3 Tests/Golden/bidirectional.py    (needs torch and numpy; overwrites bidirectional-*.json beside this file)

torch.nn.LSTM and GRU with bidirectional=True over packed, ragged sequences: `<cell>-1` has one layer, `<cell>-2` two,
the upper one reading both outputs of the lower. Gates, names and the loss are those of recurrent.py; states and their
loss weights are [layers * 2, batch, hidden], a layer's forward direction before its backward one. PyTorch's parameters
of the backward direction end in `_reverse`.
"""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recurrent import BATCH, HIDDEN, INPUT, LENGTHS, TIME, Source, write

CELLS = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def golden(cell, layers, seed):
    source = Source(seed)
    network = CELLS[cell](INPUT, HIDDEN, layers, bidirectional=True).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(source.draw(*parameter.shape, bound=0.7))
    kinds = ["hidden", "cell"] if cell == "lstm" else ["hidden"]
    inputs = {"input": source.draw(TIME, BATCH, INPUT, bound=1.5)}
    inputs |= {f"initial.{kind}": source.draw(2 * layers, BATCH, HIDDEN) for kind in kinds}
    weights = {"loss.output": source.draw(TIME, BATCH, 2 * HIDDEN)}
    weights |= {f"loss.{kind}": source.draw(2 * layers, BATCH, HIDDEN) for kind in kinds}
    inputs = {name: tensor.requires_grad_() for name, tensor in inputs.items()}
    packed = pack_padded_sequence(inputs["input"], torch.tensor(LENGTHS), enforce_sorted=False)
    states = tuple(inputs[f"initial.{kind}"] for kind in kinds)
    packed, final = network(packed, states if cell == "lstm" else states[0])
    results = {"output": pad_packed_sequence(packed)[0]}
    results |= dict(zip([f"final.{kind}" for kind in kinds], final if cell == "lstm" else [final]))
    sizes = {"time": TIME, "batch": BATCH, "input": INPUT, "hidden": HIDDEN, "layers": layers}
    write(f"bidirectional-{cell}-{layers}", sizes, inputs, dict(network.named_parameters()), weights, results)


if __name__ == "__main__":
    for number, cell in enumerate(CELLS):
        for layers in [1, 2]:
            golden(cell, layers, seed=10 + 2 * number + layers)
