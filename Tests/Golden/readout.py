"""Losses and gradients of a linear layer with cross-entropy by PyTorch, for ReadoutTests.swift.

    python3 readout.py > readout.json

A target of -1 is left out. Needs PyTorch.
"""
import json

import torch
from torch.nn.functional import cross_entropy, linear

ROWS, SIZE, CLASSES = 6, 5, 140  # more classes than one piece of the fused operation has


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().flatten().tolist()]


torch.manual_seed(12)
x = torch.randn(ROWS, SIZE, requires_grad=True)
weight = torch.randn(CLASSES, SIZE, requires_grad=True)
bias = torch.randn(CLASSES, requires_grad=True)
targets = torch.tensor([139, 0, -1, 127, 128, 64])
weights = torch.randn(ROWS)
losses = cross_entropy(linear(x, weight, bias), targets, reduction="none", ignore_index=-1)
(losses * weights).sum().backward()

print(json.dumps({
    "rows": ROWS, "size": SIZE, "classes": CLASSES, "targets": targets.tolist(), "x": numbers(x),
    "weight": numbers(weight), "bias": numbers(bias), "weights": numbers(weights), "losses": numbers(losses),
    "gradients": {"x": numbers(x.grad), "weight": numbers(weight.grad), "bias": numbers(bias.grad)},
}).replace('], "', '],\n "'))
