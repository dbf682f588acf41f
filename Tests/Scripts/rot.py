#!/usr/bin/env python3
"""Cuts and flips bits of weights and checkpoints at random places.

`generate` refuses damaged weights, `train --resume` falls back to the older checkpoint, says so, and ends like an undisturbed
training; with both checkpoints damaged it refuses. No damage goes unseen, none ends the program by a signal.
"""

import random
import shutil

from harness import checkpoints, folder, need, options, require, require_equal, run, write_text

chosen = options(__doc__, truncations=500, flips=500)
with folder() as work:
    text, whole, model = work + "/text.txt", work + "/whole", work + "/model"
    write_text(text, 2_000)
    arguments = ["train", "text", "--data", text, "--hidden", "10", "--embedding", "6", "--length", "16", "--batch", "4"]
    need(run(chosen.binary, *arguments, "--epochs", "2", "--checkpoint-every", "3", "--out", whole))

    def damage(content, kind):
        if kind == "truncation":
            return content[: random.randrange(len(content))]
        bit = random.randrange(8 * len(content))
        # Every fourth in the header, which is small.
        if random.random() < 0.25:
            bit = random.randrange(8 * (8 + int.from_bytes(content[:8], "little")))
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    counts = {}
    for kind, number in (("truncation", chosen.truncations), ("flip", chosen.flips)):
        for turn in range(number):
            what = ("weights", "newest", "both")[turn % 3]
            shutil.rmtree(model, ignore_errors=True)
            shutil.copytree(whole, model)
            targets = {
                "weights": [model + "/weights.safetensors"], "newest": checkpoints(model)[-1:],
                "both": checkpoints(model)}[what]
            for path in targets:
                with open(path, "rb") as file:
                    content = file.read()
                with open(path, "wb") as file:
                    file.write(damage(content, kind))
            counts[kind, what] = counts.get((kind, what), 0) + 1
            if what == "weights":
                done = need(run(chosen.binary, "generate", model, "--length", "3"), 1)
                require(not done.stdout and "weights.safetensors" in done.stderr, done.stderr)
                continue
            done = run(chosen.binary, "train", "text", "--out", model, "--resume")
            if what == "newest":
                need(done)
                require(f"skipped {targets[0]}: " in done.stderr, f"{targets[0]} was not named: {done.stderr}")
                require_equal(model, whole)
            else:
                need(done, 1)
                require("checkpoints/update-" in done.stderr, done.stderr)
print("pass:", ", ".join(f"{number} × {kind} of {what}" for (kind, what), number in counts.items()), "all found")
