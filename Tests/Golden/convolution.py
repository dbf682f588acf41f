"""Outputs and gradients of a convolution with a pooling by PyTorch, for ConvolutionTests.swift.

    python3 convolution.py > convolution.json

Pictures are rows of channels, as Unroll has them; the weight is [outputs, rows · columns · inputs]. Needs PyTorch.
"""
import json

import torch
from torch.nn.functional import conv2d, max_pool2d

COUNT, HEIGHT, WIDTH, INPUTS, OUTPUTS = 2, 5, 4, 3, 6


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().flatten().tolist()]


torch.manual_seed(3)
x = torch.randn(COUNT, HEIGHT, WIDTH, INPUTS, requires_grad=True)
weight = torch.randn(OUTPUTS, 3, 3, INPUTS, requires_grad=True)
bias = torch.randn(OUTPUTS, requires_grad=True)
maps = conv2d(x.permute(0, 3, 1, 2), weight.permute(0, 3, 1, 2), bias, padding=1)
pooled = max_pool2d(maps, 2, ceil_mode=True)
cotangents = torch.randn_like(pooled)
(pooled * cotangents).sum().backward()
print(json.dumps({
    "count": COUNT, "height": HEIGHT, "width": WIDTH, "inputs": INPUTS, "outputs": OUTPUTS, "x": numbers(x),
    "weight": numbers(weight), "bias": numbers(bias), "maps": numbers(maps.permute(0, 2, 3, 1)),
    "pooled": numbers(pooled.permute(0, 2, 3, 1)), "cotangents": numbers(cotangents.permute(0, 2, 3, 1)),
    "gradients": {"x": numbers(x.grad), "weight": numbers(weight.grad), "bias": numbers(bias.grad)},
}).replace('], "', '],\n "'))
