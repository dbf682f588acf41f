#!/usr/bin/env python3
"""PyTorch as the peer of `unroll bench recurrent`: rows on standard input, times and checksums on standard output.

nn.RNN, nn.GRU and nn.LSTM where PyTorch has the cell, with PackedSequence for ragged batches. The textbook's GRU and
tide, which it does not have, are written in Python as well as we could: the input's products before the loop, one
product for gates that share an operand. With --compile the cell goes through torch.compile, and the cells that PyTorch
has are left out.
"""
import argparse

import numpy as np
import torch
from formula import CELLS, Weights, checksum, input_size, row_input, row_lengths, weight_order
from server import Unsupported, serve
from torch import nn
from torch.nn.functional import linear
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

# PyTorch's order of unroll's matrices; of the one for the input, of the one for the state.
LIBRARY = {
    "elman": (nn.RNN, ["hidden"], ["hidden"]),
    "gru-reset-after": (nn.GRU, ["reset", "update", "candidate"], ["reset", "update", "recurrent"]),
    "lstm": (nn.LSTM, ["input", "forget", "candidate", "output"], ["input", "forget", "candidate", "output"]),
}


def library(row):
    make, inputs, states = LIBRARY[row["cell"]]
    module = make(input_size(row), row["hidden"], row["layers"])
    with torch.no_grad():
        for layer in range(row["layers"]):
            weights = Weights(row, layer)
            bias = [np.zeros_like(weights.bias[a]) if a == b else weights.bias[b] for a, b in zip(inputs, states)]
            for name, parts in [("weight_ih", [weights.input[n] for n in inputs]),
                                ("weight_hh", [weights.state[n] for n in states]),
                                ("bias_ih", [weights.bias[n] for n in inputs]), ("bias_hh", bias)]:
                getattr(module, f"{name}_l{layer}").copy_(torch.from_numpy(np.concatenate(parts)))
    return module


def library_gradients(row, module):
    _, inputs, states = LIBRARY[row["cell"]]
    flat = []
    for layer in range(row["layers"]):
        grads = [getattr(module, f"weight_{part}_l{layer}").grad.numpy() for part in ("hh", "ih")]
        flat.append(weight_order(row, dict(zip(states, np.split(grads[0], len(states)))),
                                 dict(zip(inputs, np.split(grads[1], len(inputs))))))
    return np.concatenate(flat)


class TextbookGRU(nn.Module):
    """The gates z and r as one product with h, the candidate as one with r * h; `x` comes multiplied already."""
    first, second = ["update", "reset"], ["candidate"]
    states = 1

    def forward(self, x, h):
        gates, candidate = x.split([2 * h.shape[1], h.shape[1]], 1)
        z, r = torch.sigmoid(gates + linear(h, self.first_weight)).chunk(2, 1)
        new = torch.tanh(candidate + linear(r * h, self.second_weight))
        return (h + z * (new - h),)


class Tide(nn.Module):
    """The cell that no library has, see `unroll bench recurrent`; `x` comes multiplied already."""
    first, second = ["rate", "memory"], ["hidden"]
    states = 2

    def forward(self, x, h, m):
        gates, candidate = x.split([2 * h.shape[1], h.shape[1]], 1)
        a, u = (gates + linear(h, self.first_weight)).chunk(2, 1)
        a = torch.sigmoid(a)
        m = m + a * (torch.tanh(u) - m)
        new = torch.tanh(candidate + linear(m, self.second_weight))
        return h + a * (new - h), m


WRITTEN = {"gru": TextbookGRU, "tide": Tide}


class Written(nn.Module):
    """Layers of a cell written in Python: the input's products at once, then time step after time step."""

    def __init__(self, row, compiled):
        super().__init__()
        self.row = row
        self.cells = nn.ModuleList()
        for layer in range(row["layers"]):
            cell, weights = WRITTEN[row["cell"]](), Weights(row, layer)
            for name, values in [("first_weight", [weights.state[n] for n in cell.first]),
                                 ("second_weight", [weights.state[n] for n in cell.second]),
                                 ("input_weight", [weights.input[n] for n in cell.first + cell.second]),
                                 ("bias", [weights.bias[n] for n in cell.first + cell.second])]:
                cell.register_parameter(name, nn.Parameter(torch.from_numpy(np.concatenate(values))))
            self.cells.append(cell)
        self.steps = [torch.compile(cell, dynamic=False) if compiled else cell for cell in self.cells]

    def forward(self, x, states=None):
        states = states or [tuple(torch.zeros(x.shape[1:]) for _ in range(cell.states)) for cell in self.cells]
        final = []
        for cell, step, state in zip(self.cells, self.steps, states):
            outputs = []
            for row in linear(x, cell.input_weight, cell.bias).unbind(0):
                state = step(row, *state)
                outputs.append(state[0])
            x = torch.stack(outputs)
            final.append(state)
        return x, final

    def gradients(self):
        flat = []
        for cell in self.cells:
            names = cell.first + cell.second
            state = np.concatenate([cell.first_weight.grad.numpy(), cell.second_weight.grad.numpy()])
            split = [dict(zip(names, np.split(g, len(names)))) for g in (state, cell.input_weight.grad.numpy())]
            flat.append(weight_order(self.row, *split))
        return np.concatenate(flat)


def doubling(a, b):
    """h[t] = a[t] * h[t - 1] + b[t] from h = 0, for all t at once: in log2 T rounds of products."""
    distance = 1
    while distance < len(a):
        b = torch.cat([b[:distance], b[distance:] + a[distance:] * b[:-distance]])
        a = torch.cat([a[:distance], a[distance:] * a[:-distance]])
        distance *= 2
    return b


def stepping(a, b):
    """The same, one step after the other."""
    h, outputs = torch.zeros_like(b[0]), []
    for a_t, b_t in zip(a.unbind(0), b.unbind(0)):
        h = torch.addcmul(b_t, a_t, h)
        outputs.append(h)
    return torch.stack(outputs)


class Scanned(nn.Module):
    """Cells with products of the input alone, all of them at once. Where the rest is linear in the state, it is run by
    `scan`; the SRU's gates see the state, so it goes step by step."""

    def __init__(self, row, scan, compiled):
        super().__init__()
        self.row, self.scan = row, scan
        weights = Weights(row, 0)
        self.names = [name for name, _, _ in CELLS[row["cell"]]]
        biases = [weights.bias[name] for name in self.names]
        if row["cell"] == "sru":
            self.memory = nn.Parameter(torch.from_numpy(np.stack([biases[2], weights.last])))
            biases[2] = np.zeros_like(biases[2])
        self.weight = nn.Parameter(torch.from_numpy(np.concatenate([weights.input[name] for name in self.names])))
        self.bias = nn.Parameter(torch.from_numpy(np.concatenate(biases)))
        self.run = torch.compile(getattr(self, row["cell"]), dynamic=False) if compiled else getattr(self, row["cell"])

    def mingru(self, x):
        z, candidate = linear(x, self.weight, self.bias).chunk(2, -1)
        z = torch.sigmoid(z)
        return self.scan(1 - z, z * candidate)

    def minlstm(self, x):
        f, i, candidate = linear(x, self.weight, self.bias).chunk(3, -1)
        f, i = torch.sigmoid(f), torch.sigmoid(i)
        return self.scan(f / (f + i), i / (f + i) * candidate)

    def sru(self, x):
        forget, reset, candidate = linear(x, self.weight, self.bias).chunk(3, -1)
        c, outputs = torch.zeros_like(x[0]), []
        for x_t, f, r, new in zip(x.unbind(0), forget.unbind(0), reset.unbind(0), candidate.unbind(0)):
            f, r = torch.sigmoid(f + self.memory[0] * c), torch.sigmoid(r + self.memory[1] * c)
            c = new + f * (c - new)
            outputs.append(x_t + r * (c - x_t))
        return torch.stack(outputs)

    def forward(self, x):
        return self.run(x), None

    def gradients(self):
        split = dict(zip(self.names, np.split(self.weight.grad.numpy(), len(self.names))))
        return weight_order(self.row, {}, split)


def training(row, module, gradients):
    x = torch.from_numpy(row_input(row))
    packed = None
    if row["kind"] == "ragged":
        packed = pack_padded_sequence(x, torch.from_numpy(row_lengths(row)), enforce_sorted=False)
        x = packed.data
    x = x.clone().requires_grad_(True)

    def padded(data):
        return pad_packed_sequence(packed._replace(data=data), total_length=row["time"])[0] if packed else data

    def work():
        module.zero_grad()
        x.grad = None
        output = module(PackedSequence(x, *packed[1:]) if packed else x)[0]
        output = output.data if packed else output
        output.sum().backward()
        return output

    output = work().detach()
    checks = {"output": checksum(padded(output)), "inputGradient": checksum(padded(x.grad)),
              "weightGradient": checksum(gradients())}
    return checks, work


def forward(row, module):
    x = torch.from_numpy(row_input(row))

    @torch.inference_mode()
    def work():
        return module(x)[0]

    return {"output": checksum(work())}, work


def steps(row, module):
    inputs = list(torch.from_numpy(row_input(row)).split(1))
    state, place = None, 0

    @torch.inference_mode()
    def work():
        nonlocal state, place
        output, state = module(inputs[place], state)
        place = (place + 1) % len(inputs)
        return output

    return {"output": checksum(np.concatenate([work().numpy() for _ in inputs]))}, work


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", action="store_true", help="torch.compile the cells that PyTorch does not have")
    compiled = parser.parse_args().compile

    def prepare(row):
        torch.set_num_threads(row["threads"])
        torch._dynamo.reset()
        if row["cell"] in LIBRARY:
            if compiled:
                raise Unsupported("a cell of the library")
            module = library(row)
            gradients = lambda: library_gradients(row, module)
        elif row["kind"] == "ragged":
            raise Unsupported("PackedSequence takes cells of the library only")
        elif row["cell"] in ("mingru", "minlstm", "sru"):
            is_sru = row["cell"] == "sru"
            if row["kind"] != "train" or row["layers"] > 1 or (is_sru and (compiled or "inputs" in row)):
                raise Unsupported("one layer in training; a thousand steps of SRU are too many for the compiler")
            # Measured: rounds of doubling are faster for one sequence, or compiled, and slower else.
            module = Scanned(row, doubling if compiled or row["batch"] == 1 else stepping, compiled)
            gradients = module.gradients
        else:
            module = Written(row, compiled)
            gradients = module.gradients
        if row["kind"] in ("train", "ragged"):
            return training(row, module, gradients)
        return (forward if row["kind"] == "forward" else steps)(row, module)

    serve(torch.__version__, prepare)


if __name__ == "__main__":
    main()
