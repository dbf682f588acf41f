#!/usr/bin/env python3
"""Stops trainings with Ctrl-C (SIGINT) after many different updates, and resumes them with another number of threads.

Every cell, both optimisers, dropout, windows that overlap (k1 < k2), shuffled offsets: weights, last checkpoint and history
equal those of an undisturbed training. Also through a second stop and a stop after an epoch's last update.
"""

import json
import os
import signal
import subprocess

from harness import fail, folder, need, options, require, require_equal, run, write_text

CELLS = {"elman": ["--optimizer", "sgd", "--learning-rate", "0.05"], "gru": ["--optimizer", "adam"],
         "lstm": ["--optimizer", "adamw", "--schedule", "cosine", "--layers", "2"]}


def stop_after(binary, arguments, update):
    """Runs until so many updates of all are made, interrupts, and returns how many were made then."""
    process = subprocess.Popen(
        [binary, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    made = 0
    sent = False
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "update":
            made += 1
            if made >= update and not sent:
                process.send_signal(signal.SIGINT)
                sent = True
        if event["event"] == "stopped":
            stopped = event
    if process.wait() != 0:
        fail(f"exit code {process.returncode} after Ctrl-C: {' '.join(arguments)}")
    return stopped


chosen = options(__doc__, stops=20)
with folder() as work:
    text = work + "/text.txt"
    write_text(text, 4_000)
    stops = interrupted = 0
    for cell, flags in CELLS.items():
        arguments = ["train", "text", "--data", text, "--cell", cell, "--hidden", "40", "--embedding", "16"]
        arguments += ["--length", "20", "--step", "13", "--batch", "6", "--epochs", "3", "--dropout", "0.2", *flags]
        whole = f"{work}/{cell}"
        need(run(chosen.binary, *arguments, "--out", whole, "--threads", "1"))
        with open(whole + "/history.jsonl") as file:
            updates = [json.loads(line)["updatesDone"] for line in file]
        total, epoch = updates[-1], updates[0]
        # Evenly over the training, and at the ends of epochs.
        moments = sorted({max(1, i * total // chosen.stops) for i in range(chosen.stops)} | {epoch - 1, epoch, epoch + 1})
        for moment in moments:
            model = f"{work}/{cell}-{moment}"
            threads = ["1", "2"] if moment % 2 else ["2", "1"]
            stopped = stop_after(chosen.binary, [*arguments, "--out", model, "--threads", threads[0]], moment)
            stops += 1
            interrupted += stopped["reason"] == "interrupted"
            resume = ["train", "text", "--out", model, "--resume", "--threads", threads[1]]
            if moment % 3 == 0:
                stop_after(chosen.binary, resume, 2)
                stops += 1
            need(run(chosen.binary, *resume))
            require_equal(model, whole)
            require(not os.path.exists(model + "/.weights.safetensors.tmp"), "a temporary file was left")
        print(f"{cell}: {len(moments)} trainings of {total} updates equal the undisturbed one")
    require(interrupted > stops // 2, f"only {interrupted} of {stops} stops came in time")
print(f"pass: {stops} stops, {interrupted} of them before the training's end")
