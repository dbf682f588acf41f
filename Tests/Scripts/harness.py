"""What the scripts around the program share: running it, texts, checks. No script by itself."""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile


def options(description, **numbers):
    """Parses the binary's path and the script's numbers, for example kills=50."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("--binary", default=os.path.normpath(os.path.join(root, ".build/release/unroll")))
    parser.add_argument("--seed", type=int, default=1)
    for name, value in numbers.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    chosen = parser.parse_args()
    chosen.binary = os.path.abspath(chosen.binary)
    if not os.access(chosen.binary, os.X_OK):
        sys.exit(f"FAIL: there is no program {chosen.binary}: swift build -c release, or --binary PATH")
    random.seed(chosen.seed)
    return chosen


def folder():
    """A temporary folder; used with `with`."""
    return tempfile.TemporaryDirectory(prefix="unroll-")


def write_text(path, characters, seed=1):
    """Writes sentences of few words, which a small model learns."""
    source = random.Random(seed)
    words = "the cat sat on a mat and saw old dogs run over hills while birds sang in green trees".split()
    text = ""
    while len(text) < characters:
        text += " ".join(source.choice(words) for _ in range(source.randint(3, 9))) + ".\n"
    with open(path, "w") as file:
        file.write(text[:characters])


def run(binary, *arguments, timeout=300, **environment):
    """Runs the program until it ends. A crash or a hang is a failure of whatever is tested."""
    done = subprocess.run(
        [binary, *arguments], capture_output=True, text=True, errors="replace", timeout=timeout,
        env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    if done.returncode < 0:
        fail(f"ended by {signal.Signals(-done.returncode).name}: {' '.join(arguments)}\n{done.stderr[-2000:]}")
    return done


def need(done, code=0):
    """Fails unless a run ended with the exit code."""
    if done.returncode != code:
        fail(f"exit code {done.returncode}, not {code}: {' '.join(done.args)}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}")
    return done


def fail(message):
    print("FAIL:", message)
    sys.exit(1)


def require(condition, message):
    if not condition:
        fail(message)


def sha(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def checkpoints(model):
    """Paths of a model's checkpoints, oldest first."""
    place = os.path.join(model, "checkpoints")
    names = sorted(os.listdir(place)) if os.path.isdir(place) else []
    return [os.path.join(place, name) for name in names if name.startswith("update-")]


def temporaries(model):
    """Temporary files that were left behind."""
    return [
        os.path.join(place, name) for place, _, names in os.walk(model) for name in names if name.endswith(".tmp")]


def safetensors(path):
    """A file's header without checksums, and the bytes of its data."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        return header, file.read()


def training(path):
    """All that a checkpoint goes on from: its tensors' bytes and its counters, without the seconds that it took."""
    header, data = safetensors(path)
    counters = json.loads(header["__metadata__"]["training"])
    counters.pop("seconds")
    tensors = {
        name: hashlib.sha256(data[slice(*entry["data_offsets"])]).hexdigest()
        for name, entry in header.items() if name != "__metadata__"}
    return counters, tensors


def history(model):
    """The epochs' lines without their times."""
    with open(os.path.join(model, "history.jsonl")) as file:
        lines = [json.loads(line) for line in file]
    for line in lines:
        for name in ("seconds", "unitsPerSecond", "peakMemory"):
            line.pop(name, None)
    return lines


def require_equal(model, whole):
    """Fails unless two trainings gave the same: weights, last checkpoint, history."""
    require(sha(model + "/weights.safetensors") == sha(whole + "/weights.safetensors"), f"{model}: other weights")
    newest = [checkpoints(path)[-1] for path in (model, whole)]
    require(os.path.basename(newest[0]) == os.path.basename(newest[1]), f"{newest}: other updates")
    require(training(newest[0]) == training(newest[1]), f"{newest}: other checkpoints")
    require(history(model) == history(whole), f"{model}: another history")
