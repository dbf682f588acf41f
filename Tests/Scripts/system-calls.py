#!/usr/bin/env python3
"""Lets the Nth openat, write, fsync, rename, close of a training fail, by strace (Debian: apt-get install strace).

Whatever fails, once or from then on: the checkpoint before loads, the exit code is 1 when a save failed, and the message has
path and cause; resuming ends like an undisturbed training.
"""

import os
import shutil
import subprocess
import sys

from harness import checkpoints, fail, folder, need, options, require, require_equal, run, temporaries, write_text

chosen = options(__doc__, calls=24)
if shutil.which("strace") is None:
    print("skipped: strace is not here")
    sys.exit(0)
probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
if probe.returncode != 0:
    print("skipped: strace may not trace here")
    sys.exit(0)
CAUSES = {"ENOSPC": ("the disk is full", "No space left on device"), "EIO": ("Input/output error",)}

with folder() as work:
    text, whole, start, model = work + "/text.txt", work + "/whole", work + "/start", work + "/model"
    write_text(text, 1_200)
    arguments = ["train", "text", "--data", text, "--hidden", "8", "--embedding", "4", "--length", "16", "--batch", "4"]
    arguments += ["--checkpoint-every", "4", "--threads", "1"]
    need(run(chosen.binary, *arguments, "--epochs", "2", "--out", whole))
    need(run(chosen.binary, *arguments, "--epochs", "1", "--out", start))

    def traced(injection):
        """Resumes `model` with a fault; files of the model only, so that the program itself starts."""
        log = work + "/log"
        paths = [model + name for name in ("", "/checkpoints", "/history.jsonl", "/.weights.safetensors.tmp",
                                           "/.config.json.tmp")]
        paths += [f"{model}/checkpoints/.update-{update:08}.safetensors.tmp" for update in range(200)]
        command = ["strace", "-f", "-qq", "-o", log]
        for path in paths:
            command += ["-P", path]
        command += ["-e", injection, chosen.binary, "train", "text", "--out", model, "--resume", "--epochs", "2"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        with open(log) as file:
            return done, "(INJECTED)" in file.read()

    counts = {}
    for call in ("openat", "write", "fsync", "rename", "close", "ftruncate", "fstat"):
        for error, causes in CAUSES.items():
            for suffix in ("", "+"):
                for number in range(1, chosen.calls + 1):
                    shutil.rmtree(model, ignore_errors=True)
                    shutil.copytree(start, model)
                    before = checkpoints(model)
                    done, injected = traced(f"inject={call}:error={error}:when={number}{suffix}")
                    if not injected:
                        break
                    what = f"{call} {number}{suffix} {error}: exit code {done.returncode}\n{done.stderr[-1500:]}"
                    require(done.returncode in (0, 1), what)
                    key = (call, "failed" if done.returncode else "went on")
                    counts[key] = counts.get(key, 0) + 1
                    if done.returncode == 1:
                        require(any(cause in done.stderr for cause in causes), what)
                        require(model in done.stderr, what)
                    require(len(temporaries(model)) == 0, f"{temporaries(model)} after {what}")
                    need(run(chosen.binary, "generate", model, "--length", "3"))
                    require(checkpoints(model) and checkpoints(model)[-1] >= before[-1], f"checkpoints lost: {what}")
                    need(run(chosen.binary, "train", "text", "--out", model, "--resume", "--epochs", "2"))
                    require_equal(model, whole)
    failed = sum(number for (_, end), number in counts.items() if end == "failed")
    for call in ("openat", "write", "fsync", "rename"):
        require(counts.get((call, "failed"), 0) > 0, f"no {call} failed: {counts}")
print("pass:", ", ".join(f"{call} {end} {number}" for (call, end), number in sorted(counts.items())))
