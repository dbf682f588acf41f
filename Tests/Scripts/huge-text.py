#!/usr/bin/env python3
"""Trains on a text of 200 MB until Ctrl-C; refuses one of 1.1 GB.

The training starts, its memory stays sensible, Ctrl-C stops and saves, and --resume goes on.
"""

import json
import os
import signal
import subprocess
import threading
import time

from harness import checkpoints, folder, need, options, require, run, write_text

chosen = options(__doc__, megabytes=200, limit_mib=600)
with folder() as work:
    text, model = work + "/text.txt", work + "/model"
    write_text(work + "/small.txt", 1_000_000)
    with open(work + "/small.txt", "rb") as file:
        block = file.read()
    with open(text, "wb") as file:
        for _ in range(chosen.megabytes):
            file.write(block)

    def train(arguments, updates):
        """Interrupts after so many updates; returns seconds until the first one, from Ctrl-C to the end, and the peak."""
        start = time.time()
        process = subprocess.Popen([chosen.binary, *arguments, "--json"], stdout=subprocess.PIPE, text=True)
        first = peak = sent = 0
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "update":
                first = first or time.time() - start
                updates -= 1
                with open(f"/proc/{process.pid}/status") as file:
                    peak = next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))
                if updates == 0:
                    process.send_signal(signal.SIGINT)
                    sent = time.time()
            if event["event"] == "stopped":
                require(event["reason"] == "interrupted", f"{event}")
        require(process.wait() == 0, f"exit code {process.returncode}")
        return first, time.time() - sent, peak

    arguments = ["train", "text", "--hidden", "64", "--length", "32", "--batch", "16"]
    first, end, peak = train([*arguments, "--data", text, "--out", model], 20)
    print(f"{chosen.megabytes} MB: first update after {first:.1f} s, Ctrl-C to end {end:.2f} s, peak {peak} MiB")
    saved = checkpoints(model)
    require(len(saved) == 2, f"checkpoints {saved}")
    again, end_again, peak_again = train(["train", "text", "--out", model, "--resume"], 5)
    print(f"resumed: first update after {again:.1f} s, Ctrl-C to end {end_again:.2f} s, peak {peak_again} MiB")
    require(checkpoints(model)[-1] > saved[-1], "no update was added")
    require(max(peak, peak_again) <= chosen.limit_mib, f"{max(peak, peak_again)} MiB, over {chosen.limit_mib}")
    require(max(end, end_again) < 2, "Ctrl-C takes more than 2 s")
    need(run(chosen.binary, "generate", model, "--length", "5"))

    with open(text, "r+b") as file:
        file.truncate(1_100_000_000)
    refused = need(run(chosen.binary, "train", "text", "--data", text, "--out", work + "/refused"), 1)
    require("the file has 1100000000 bytes; at most" in refused.stderr and text in refused.stderr, refused.stderr)
    require(not os.path.exists(work + "/refused"), "a folder was made")
    print(refused.stderr.strip())
print("pass")
