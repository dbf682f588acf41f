"""Weights after updates by PyTorch's optimisers, for OptimizerTests.swift.

    python3 optimizers.py > optimizers.json

Gradients are given, not computed, so that nothing but the optimiser is compared. Needs PyTorch.
"""
import json

import torch

UPDATES = 6
SHAPES = {"matrix": (3, 7), "bias": (5,)}
CASES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd.momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.02),
    "sgd.nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.04),
    "adamW": lambda p: torch.optim.AdamW(p, lr=0.03, betas=(0.9, 0.99), eps=1e-7, weight_decay=0.3),
}


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().flatten().tolist()]


torch.manual_seed(11)
initial = {name: torch.randn(shape) for name, shape in SHAPES.items()}
gradients = [{name: torch.randn(shape) for name, shape in SHAPES.items()} for _ in range(UPDATES)]

results = {}
for case, make in CASES.items():
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in initial.items()}
    optimizer = make(list(parameters.values()))
    after = []
    for gradient in gradients:
        for name, parameter in parameters.items():
            parameter.grad = gradient[name].clone()
        optimizer.step()
        after.append({name: numbers(value) for name, value in parameters.items()})
    results[case] = after

print(json.dumps({
    "initial": {name: numbers(value) for name, value in initial.items()},
    "gradients": [{name: numbers(value) for name, value in g.items()} for g in gradients],
    "results": results,
}).replace('}, {', '},\n{').replace('], "', '],\n "'))
