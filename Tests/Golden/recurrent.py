#!/usr/bin/env python3
"""Golden values of recurrent networks: outputs, states, loss and gradients, computed in Float64.

    python3 Tests/Golden/recurrent.py        (needs torch and numpy; overwrites recurrent-*.json beside this file)

`elman`, `gru` and `lstm` are torch.nn.RNN (tanh), GRU and LSTM; `gru-textbook` is a loop written here.
Weights, inputs and states are random Float32 values, so a Float32 program starts from exactly the same numbers.

Order of the gates in PyTorch's stacked rows, `hidden` rows each, in weight_ih, weight_hh, bias_ih and bias_hh alike:
    LSTM   i f g o    input, forget, candidate, output
                      c' = f * c + i * g,  h' = o * tanh(c')
    GRU    r z n      reset, update, candidate
                      n = tanh(W_in x + b_in + r * (W_hn h + b_hn)),  h' = (1 - z) * n + z * h    (z KEEPS the old state)
    RNN    one        h' = tanh(W_ih x + b_ih + W_hh h + b_hh)
The textbook's GRU, weights [hidden, hidden + input] with the columns of h first:
    z = sigmoid(Wz [h, x] + bz),  r = sigmoid(Wr [h, x] + br)
    h~ = tanh(W [r * h, x] + b),  h' = (1 - z) * h + z * h~                                        (z TAKES the candidate)

The rows are ragged and unsorted. Input beyond a row's length is not zero, and the loss has weights there: whoever reads
it is found out. Outputs there are zero; final states are those after a row's own last step.
    loss = sum(output * loss.output) + sum(final.hidden * loss.hidden) [+ sum(final.cell * loss.cell)]

A file holds "sizes", "lengths", "loss" and "tensors": name -> shape and values, row-major. Names: input and output
[time, batch, features]; initial.hidden, initial.cell, final.* and loss.* [layers, batch, hidden]; parameters as PyTorch
names them; gradient.<name> for the input, the initial states and every parameter.
"""
import json
from pathlib import Path

import numpy
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

LENGTHS = [5, 2, 4, 1]
TIME, BATCH, INPUT, HIDDEN, LAYERS = max(LENGTHS), len(LENGTHS), 3, 7, 2  # all different: no transposition passes


class Source:
    """Random Float32 values held in Float64, uniform in [-bound, bound]."""

    def __init__(self, seed):
        self.generator = numpy.random.Generator(numpy.random.PCG64(seed))

    def draw(self, *shape, bound=1.0):
        values = self.generator.uniform(-bound, bound, shape).astype(numpy.float32)
        return torch.tensor(values.astype(numpy.float64))


def common(source, layers, cell_state):
    """The input, the initial states and the loss weights that every file has."""
    inputs = {"input": source.draw(TIME, BATCH, INPUT, bound=1.5)}
    weights = {"loss.output": source.draw(TIME, BATCH, HIDDEN)}
    for kind in ["hidden", "cell"] if cell_state else ["hidden"]:
        inputs[f"initial.{kind}"] = source.draw(layers, BATCH, HIDDEN)
        weights[f"loss.{kind}"] = source.draw(layers, BATCH, HIDDEN)
    return {name: tensor.requires_grad_() for name, tensor in inputs.items()}, weights


def write(name, sizes, inputs, parameters, weights, results):
    """Takes the loss and its gradients, and writes one file. `results` are `output`, `final.hidden`, `final.cell`."""
    loss = sum((tensor * weights["loss." + key.split(".")[-1]]).sum() for key, tensor in results.items())
    loss.backward()
    learned = inputs | parameters
    gradients = {f"gradient.{key}": tensor.grad for key, tensor in learned.items()}
    lines = []
    for key, tensor in (learned | weights | results | gradients).items():
        values = ",".join(f"{value:.9g}" for value in tensor.detach().flatten().tolist())
        lines.append(f'    "{key}": {{"shape": {json.dumps(list(tensor.shape))}, "values": [{values}]}}')
    text = '{\n  "sizes": %s,\n  "lengths": %s,\n  "loss": %.9g,\n  "tensors": {\n%s\n  }\n}\n' % (
        json.dumps(sizes), json.dumps(LENGTHS), loss.item(), ",\n".join(lines))
    json.loads(text)
    Path(__file__).with_name(f"{name}.json").write_text(text)


def sizes(layers):
    return {"time": TIME, "batch": BATCH, "input": INPUT, "hidden": HIDDEN, "layers": layers}


def from_torch(name, network, seed):
    source = Source(seed)
    network = network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(source.draw(*parameter.shape, bound=0.7))
    is_lstm = isinstance(network, torch.nn.LSTM)
    inputs, weights = common(source, LAYERS, cell_state=is_lstm)
    packed = pack_padded_sequence(inputs["input"], torch.tensor(LENGTHS), enforce_sorted=False)
    states = (inputs["initial.hidden"], inputs["initial.cell"]) if is_lstm else inputs["initial.hidden"]
    packed, final = network(packed, states)
    results = {"output": pad_packed_sequence(packed)[0]}
    results |= dict(zip(["final.hidden", "final.cell"], final if is_lstm else [final]))
    write(f"recurrent-{name}", sizes(LAYERS), inputs, dict(network.named_parameters()), weights, results)


def textbook_gru(seed):
    source = Source(seed)
    parameters = {key: source.draw(HIDDEN, HIDDEN + INPUT, bound=0.7) for key in ["Wz", "Wr", "W"]}
    parameters |= {key: source.draw(HIDDEN, bound=0.7) for key in ["bz", "br", "b"]}
    Wz, Wr, W, bz, br, b = (tensor.requires_grad_() for tensor in parameters.values())
    inputs, weights = common(source, 1, cell_state=False)
    h = inputs["initial.hidden"][0]
    outputs = []
    for t in range(TIME):
        x = inputs["input"][t]
        hx = torch.cat([h, x], dim=1)
        z = torch.sigmoid(hx @ Wz.T + bz)
        r = torch.sigmoid(hx @ Wr.T + br)
        candidate = torch.tanh(torch.cat([r * h, x], dim=1) @ W.T + b)
        alive = torch.tensor([[t < length] for length in LENGTHS])
        h = torch.where(alive, (1 - z) * h + z * candidate, h)
        outputs.append(torch.where(alive, h, 0))
    results = {"output": torch.stack(outputs), "final.hidden": h[None]}
    write("recurrent-gru-textbook", sizes(1), inputs, parameters, weights, results)


if __name__ == "__main__":
    from_torch("elman", torch.nn.RNN(INPUT, HIDDEN, LAYERS), seed=1)
    from_torch("gru", torch.nn.GRU(INPUT, HIDDEN, LAYERS), seed=2)
    from_torch("lstm", torch.nn.LSTM(INPUT, HIDDEN, LAYERS), seed=3)
    textbook_gru(seed=4)
