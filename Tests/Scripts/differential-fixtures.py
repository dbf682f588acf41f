#!/usr/bin/env python3
"""Makes Tests/InterchangeTests/ReferenceFiles.swift: small files as the reference writer makes them.

    python3 Tests/Scripts/differential-fixtures.py > Tests/InterchangeTests/ReferenceFiles.swift

Needs the Python packages safetensors, numpy and torch.
"""
import base64

import numpy
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

count = numpy.arange(6, dtype=numpy.float32)
files = {
    "numpyFile": safetensors.numpy.save(
        {"weight": (count / 4 - 1).reshape(2, 3), "scalar": numpy.array(2.5, numpy.float32),
         "empty": numpy.zeros((0, 3), numpy.float32), "ünï \"quoted\"": count[:2],
         "four": count[:4].reshape(1, 2, 1, 2)}),
    "torchFile": safetensors.torch.save(
        {"lstm.weight_ih_l0": torch.arange(8, dtype=torch.float32).reshape(4, 2), "lstm.bias_ih_l0": torch.full((4,), -0.5)},
        metadata={"format": "pt", "note": "line\nbreak"}),
    "noTensors": safetensors.numpy.save({}),
    "halfFile": safetensors.torch.save({"weight": torch.ones(2, 2, dtype=torch.float16)}),
}
print("// Made by Tests/Scripts/differential-fixtures.py with safetensors " + safetensors.__version__ + ".")
print("\n/// Files of the reference writer, as base64.\nenum ReferenceFiles {")
for name, content in files.items():
    print(f"  static let {name} =")
    text = base64.b64encode(content).decode()
    parts = [text[i : i + 100] for i in range(0, len(text), 100)]
    print("    " + "\n    + ".join(f'"{part}"' for part in parts))
print("}")
