#!/usr/bin/env python3
"""Golden values of layer normalisation from torch.nn.LayerNorm: outputs and gradients, in Float64.

    python3 Tests/Golden/layernorm.py        (needs numpy and torch; overwrites layernorm.json beside this file)

Rows are of different sizes and means; one has equal values. The file holds "lengths" (of the rows as a batch), "sizes",
"loss" and "tensors": name -> shape and values, row-major. loss = sum(output * loss.output).
"""
import json
from pathlib import Path

import numpy
import torch

LENGTHS, SIZE = [3, 0, 4], 5

generator = numpy.random.Generator(numpy.random.PCG64(1))


def draw(*shape):
    return torch.tensor(generator.uniform(-1, 1, shape).astype(numpy.float32).astype(numpy.float64))


x = draw(sum(LENGTHS), SIZE) * torch.tensor([[1], [0.125], [8], [1], [1], [0], [2]]) + torch.arange(7)[:, None]
x = x.requires_grad_()
norm = torch.nn.LayerNorm(SIZE).double()
norm.weight.data, norm.bias.data = draw(SIZE), draw(SIZE)
weight = draw(sum(LENGTHS), SIZE)
output = norm(x)
loss = (output * weight).sum()
loss.backward()
tensors = {"input": x, "gain": norm.weight, "shift": norm.bias, "loss.output": weight, "output": output,
           "gradient.input": x.grad, "gradient.gain": norm.weight.grad, "gradient.shift": norm.bias.grad}
values = {name: {"shape": list(tensor.shape), "values": [float(f"{number:.9g}") for number in tensor.flatten().tolist()]}
          for name, tensor in tensors.items()}
document = {"sizes": {"size": SIZE}, "lengths": LENGTHS, "loss": loss.item(), "tensors": values}
Path(__file__).with_name("layernorm.json").write_text(json.dumps(document) + "\n")
print(f"loss {loss.item():.9g}")
