"""The same model and recipe trained by both programs, one after the other: quality and time side by side."""
import ctypes.util
import datetime
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

from common import processor, result_name


def heap():
    """What gives PyTorch another heap, as its own guide to speed on processors advises. With glibc's, batches of many
    sizes made the tagger's peer three times slower, and fill 24 GB."""
    for name in "tcmalloc_minimal", "tcmalloc", "jemalloc":
        library = ctypes.util.find_library(name)
        if library:
            return {"LD_PRELOAD": library}
    print("warning: without tcmalloc or jemalloc PyTorch is slower than it could be: apt-get install "
          "libtcmalloc-minimal4", file=sys.stderr)
    return {}


def events(command, settings={}):
    """Runs a command that prints one JSON object a line, shows its epochs, and returns all with the seconds it took."""
    print(f"$ {shlex.join(map(str, command))}", file=sys.stderr)
    found, start = [], time.perf_counter()
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, env=os.environ | settings
    ) as process:
        for line in process.stdout:
            if not line.startswith("{"):
                continue
            event = json.loads(line)
            found.append(event)
            if event["event"] == "epoch":
                print(f"  epoch {event['epoch']}: {line.strip()}", file=sys.stderr)
    if process.returncode != 0:
        sys.exit(f"error: {shlex.join(map(str, command))}\nended with {process.returncode}")
    return found, time.perf_counter() - start


def until(epochs, quality, wanted):
    """Seconds of training until an epoch was at least as good as wanted; None: never."""
    total = 0
    for epoch in epochs:
        total += epoch["seconds"]
        if quality(epoch) >= wanted:
            return total
    return None


def side_by_side(what, unit, ours, peer, version, shown, out):
    """Writes <date>-<cpu>.md and .json with the table, and prints it.

    `ours` and `peer` are (command, quality of an epoch's event, quality of the test from all events); `unit` is what is
    measured, more is better. `shown` is the command to write into the table.
    """
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: the machine is busy (load {load:.1f}); do not keep these times", file=sys.stderr)
    sides = []
    for (command, quality, test), settings in ((ours, {}), (peer, heap())):
        all_events, seconds = events(command, settings)
        epochs = [event for event in all_events if event["event"] == "epoch"]
        sides.append({"epochs": epochs, "wall": seconds, "best": max(map(quality, epochs)), "test": test(all_events)})
    # What both reach; a hundredth of a point more or less is not waited for.
    wanted = min(side["best"] for side in sides) - 0.01
    for side, (_, quality, _) in zip(sides, (ours, peer)):
        side["until"] = until(side["epochs"], quality, wanted)
    a, b = sides

    def row(name, mine, theirs, form, faster=False):
        ratio = f"{theirs / mine:.2f}" if faster else ""
        return f"| {name} | {mine:{form}} | {theirs:{form}} | {ratio} |"

    lines = [
        f"{what}; {processor()}, {datetime.date.today()}, load before: {load:.1f}. `{shown}`", "",
        f"| | Unroll | PyTorch {version} | times faster |", "|---|---|---|---|",
        row(f"test, {unit}", a["test"], b["test"], ".2f"),
        row(f"best epoch's validation, {unit}", a["best"], b["best"], ".2f"),
        row(f"seconds of training until {wanted:.2f} on validation", a["until"], b["until"], ".0f", True),
        row("seconds of an epoch, median", *(statistics.median(e["seconds"] for e in s["epochs"]) for s in sides),
            ".1f", True),
        row("seconds of the whole run", a["wall"], b["wall"], ".0f", True),
        row("peak memory, MiB", *(max(e["peakMemory"] for e in s["epochs"]) / 2**20 for s in sides), ".0f"),
    ]
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{result_name()}.md").write_text("\n".join(lines) + "\n")
    record = {"command": shown, "processor": processor(), "torch": version, "load": load, "ours": a, "peer": b}
    (out / f"{result_name()}.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join(lines))
