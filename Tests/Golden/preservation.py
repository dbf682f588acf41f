"""The penalty on what steps do to gradients (Pascanu, Mikolov & Bengio 2013), and gradients of a loss with it, by
PyTorch, which differentiates twice; for FlowPenaltyTests.swift.

    python3 preservation.py > preservation.json

The loss is the mean over all time steps of (h . readout)^2; the penalty is the mean over the time steps of all
sequences, but the first of each, of (|d . J| / |d| - 1)^2, with d the derivative of the loss by the whole state after the step and J that of the state after
it by the state before; its gradient is taken with states and d as constants. Needs PyTorch.
"""
import json

import torch

INPUT, HIDDEN, LENGTHS, FACTOR = 3, 4, [5, 2, 0, 7, 1], 3.0
torch.set_default_dtype(torch.float64)


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().flatten().tolist()]


def gate(weights, name, hx):
    return hx @ weights[name + ".weight"].T + weights[name + ".bias"]


def elman(w, x, s):
    return [torch.tanh(gate(w, "hidden", torch.cat([s[0], x])))]


def gru(w, x, s):
    hx = torch.cat([s[0], x])
    z, r = torch.sigmoid(gate(w, "update", hx)), torch.sigmoid(gate(w, "reset", hx))
    return [(1 - z) * s[0] + z * torch.tanh(gate(w, "candidate", torch.cat([r * s[0], x])))]


def lstm(w, x, s):
    hx = torch.cat([s[0], x])
    f, i, o = (torch.sigmoid(gate(w, name, hx)) for name in ("forget", "input", "output"))
    c = f * s[1] + i * torch.tanh(gate(w, "candidate", hx))
    return [o * torch.tanh(c), c]


def case(step, parts, names, xs, readout):
    weights = {}
    for name in names:
        weights[name + ".weight"] = (0.7 * torch.randn(HIDDEN, HIDDEN + INPUT)).requires_grad_()
        weights[name + ".bias"] = (0.5 * torch.randn(HIDDEN)).requires_grad_()
    loss, runs = 0.0, []
    for x in xs:
        state = [torch.zeros(HIDDEN) for _ in range(parts)]
        run = []
        for row in x:
            before = state
            # A sum with zeros: what flows back to them is the total derivative by the state.
            probes = [torch.zeros(HIDDEN, requires_grad=True) for _ in range(parts)]
            state = [a + b for a, b in zip(step(weights, row, state), probes)]
            loss = loss + (state[0] @ readout) ** 2
            run.append((row, before, probes))
        runs += run
    loss = loss / sum(LENGTHS)
    flat = [p for _, _, probes in runs for p in probes]
    d = torch.autograd.grad(loss, flat, retain_graph=True, allow_unused=True)
    d = [torch.zeros(HIDDEN) if g is None else g for g in d]
    penalty, count = 0.0, 0
    for k, (row, before, _) in enumerate(runs):
        if not before[0].requires_grad:
            continue
        count += 1
        own = torch.cat(d[k * parts:(k + 1) * parts]).detach()
        constants = [b.detach().requires_grad_() for b in before]
        after = torch.cat(step(weights, row, constants))
        back = torch.autograd.grad(after @ own, constants, create_graph=True)
        penalty = penalty + (torch.cat(back).norm() / own.norm() - 1) ** 2
    penalty = penalty / count
    total = loss + FACTOR * penalty
    gradients = torch.autograd.grad(total, list(weights.values()))
    return {
        "loss": loss.item(), "penalty": penalty.item(),
        "parameters": {name: numbers(value) for name, value in weights.items()},
        "gradients": {name: numbers(g) for name, g in zip(weights, gradients)},
    }


torch.manual_seed(31)
xs = [torch.randn(length, INPUT) for length in LENGTHS]
readout = torch.randn(HIDDEN)
print(json.dumps({
    "input": INPUT, "hidden": HIDDEN, "lengths": LENGTHS, "factor": FACTOR, "readout": numbers(readout),
    "sequences": [numbers(x) for x in xs],
    "elman": case(elman, 1, ["hidden"], xs, readout),
    "gru": case(gru, 1, ["update", "reset", "candidate"], xs, readout),
    "lstm": case(lstm, 2, ["forget", "input", "output", "candidate"], xs, readout),
}).replace('], "', '],\n "').replace('}, "', '},\n "'))
