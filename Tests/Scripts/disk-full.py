#!/usr/bin/env python3
"""Trains on a small tmpfs until it is full (needs root: it mounts one in a namespace of its own).

The training ends with exit code 1 and a message with path and cause; the checkpoint before loads, no temporary file is left,
and with room again the training goes on and ends like an undisturbed one.
"""

import os
import subprocess
import sys

from harness import checkpoints, folder, need, options, require, require_equal, run, temporaries, write_text

chosen = options(__doc__, saves=200)
if "UNROLL_IN_NAMESPACE" not in os.environ:
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    if probe.returncode != 0:
        print("skipped: mounting is not permitted here (root is needed)")
        sys.exit(0)
    os.environ["UNROLL_IN_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])

with folder() as work:
    text, disk, whole = work + "/text.txt", work + "/disk", work + "/whole"
    write_text(text, 9_000)
    arguments = ["train", "text", "--data", text, "--hidden", "24", "--embedding", "8", "--length", "16", "--batch", "4"]
    arguments += ["--epochs", "2", "--checkpoint-every", "1"]
    need(run(chosen.binary, *arguments, "--out", whole))
    size = os.path.getsize(checkpoints(whole)[-1])
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size * 8}", "tmpfs", disk], check=True)
    try:
        full = begun = saves = 0
        # The room that is left shrinks page by page, so that each file of a save meets the end of the disk once.
        page = 4096
        model = disk + "/model"
        pages = range(0, size * 4 // page, max(1, size * 4 // page // 40))
        for room in pages:
            subprocess.run(["rm", "-rf", model], check=True)
            free = os.statvfs(disk).f_bavail * page
            with open(disk + "/ballast", "wb") as file:
                file.write(bytes(max(0, free - room * page)))
            done = run(chosen.binary, *arguments, "--out", model)
            if done.returncode == 0:
                saves += 1
                require_equal(model, whole)
                os.remove(disk + "/ballast")
                continue
            full += 1
            need(done, 1)
            require("the disk is full" in done.stderr or "No space left on device" in done.stderr, done.stderr)
            require("at " + disk in done.stderr and "hint: " in done.stderr, done.stderr)
            require(not temporaries(model), f"left: {temporaries(model)}")
            os.remove(disk + "/ballast")
            if os.path.exists(model + "/config.json"):
                if checkpoints(model):
                    begun += 1
                    need(run(chosen.binary, "generate", model, "--length", "5"))
                need(run(chosen.binary, "train", "text", "--out", model, "--resume"))
            else:
                need(run(chosen.binary, *arguments, "--out", model))
            require_equal(model, whole)
        require(full >= 5 and begun >= 1 and saves >= 1, f"{full} full disks, {begun} after a save, {saves} with room")

        # The disk becomes full in the middle, again and again, and the training goes on each time there is room.
        subprocess.run(["rm", "-rf", model], check=True)
        lost = 0
        need(run(chosen.binary, *arguments[:-4], "--epochs", "0", "--checkpoint-every", "1", "--out", model))
        for attempt in range(chosen.saves):
            free = os.statvfs(disk).f_bavail * page
            with open(disk + "/ballast", "wb") as file:
                file.write(bytes(max(0, free - page * (attempt % (size // page)))))
            before = checkpoints(model)
            need(run(chosen.binary, "train", "text", "--out", model, "--resume", "--epochs", "1"), 1)
            lost += not set(before) <= set(checkpoints(model))
            require(not temporaries(model), f"left: {temporaries(model)}")
            os.remove(disk + "/ballast")
        require(lost == 0, f"{lost} checkpoints were lost")
        need(run(chosen.binary, "train", "text", "--out", model, "--resume", "--epochs", "2"))
        require_equal(model, whole)
    finally:
        subprocess.run(["umount", disk], check=True)
print(
    f"pass: {full} trainings met a full disk ({begun} after a save), {saves} had room; {chosen.saves} resumptions on a full"
    f" disk lost nothing")
