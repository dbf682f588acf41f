#!/usr/bin/env python3
"""Kills a training (kill -9) at random moments while it saves at every update, and resumes it until it is done.

After every kill that left a model the model can be loaded, and at most one temporary file is there. At the end weights, last
checkpoint and history equal those of an undisturbed training.
"""

import os
import random
import subprocess
import time

from harness import checkpoints, folder, need, options, require, require_equal, run, temporaries, write_text

chosen = options(__doc__, kills=50)
with folder() as work:
    text, whole = work + "/text.txt", work + "/whole"
    write_text(text, 9_000)
    arguments = ["train", "text", "--data", text, "--hidden", "24", "--embedding", "8", "--length", "16", "--step", "12"]
    arguments += ["--batch", "4", "--epochs", "2", "--dropout", "0.1", "--checkpoint-every", "1"]
    start = time.time()
    need(run(chosen.binary, *arguments, "--out", whole))
    duration = time.time() - start

    kills = trainings = most = early = 0
    while kills < chosen.kills:
        trainings += 1
        model = f"{work}/model{trainings}"
        command = arguments + ["--out", model]
        while True:
            process = subprocess.Popen([chosen.binary, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                errors = process.communicate(timeout=random.uniform(0.001, random.choice((0.03, duration / 4))))[1]
                require(process.returncode == 0, f"exit code {process.returncode}: {' '.join(command)}\n{errors.decode()}")
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            kills += 1
            most = max(most, len(temporaries(model)))
            if os.path.exists(model + "/config.json"):
                command = ["train", "text", "--out", model, "--resume"]
            if checkpoints(model):
                written = need(run(chosen.binary, "generate", model, "--length", "5"))
                require(len(written.stdout) == 6, f"a model that writes {written.stdout!r}")
            else:
                early += 1
        require_equal(model, whole)
    require(most <= 1, f"{most} temporary files after a kill")
print(
    f"pass: {kills} kills in {trainings} trainings of {duration:.2f} s, {early} before the first checkpoint;"
    f" at most {most} temporary file")
