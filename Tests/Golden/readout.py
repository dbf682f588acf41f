"""Losses and gradients of a linear layer with cross-entropy by PyTorch, for ReadoutTests.swift.

    python3 readout.py > readout.json

A target of -1 is left out; "smoothed" is the same with label smoothing of 0.2. Needs PyTorch.
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


def outcome(smoothing):
    for leaf in (x, weight, bias):
        leaf.grad = None
    losses = cross_entropy(
        linear(x, weight, bias), targets, reduction="none", ignore_index=-1, label_smoothing=smoothing)
    (losses * weights).sum().backward()
    return {
        "losses": numbers(losses),
        "gradients": {"x": numbers(x.grad), "weight": numbers(weight.grad), "bias": numbers(bias.grad)},
    }


print(json.dumps({
    "rows": ROWS, "size": SIZE, "classes": CLASSES, "targets": targets.tolist(), "x": numbers(x),
    "weight": numbers(weight), "bias": numbers(bias), "weights": numbers(weights), **outcome(0.0),
    "smoothed": outcome(0.2),
}).replace('], "', '],\n "'))
