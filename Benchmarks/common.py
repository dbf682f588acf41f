"""What all comparisons need: both programs built or installed, and the machine named."""
import datetime
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def checked(command):
    """Runs a command and returns what it printed; ends this script when it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {shlex.join(map(str, command))}\nended with {done.returncode}:\n"
                 f"{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout


def built_unroll():
    print("building unroll ...", file=sys.stderr)
    build = ["swift", "build", "-c", "release", "--package-path", str(ROOT)]
    checked(build + ["--product", "unroll"])
    return checked(build + ["--show-bin-path"]).strip() + "/unroll"


def python_with(*packages):
    """Benchmarks/.venv with these packages from the package registry, installed where they are missing."""
    python = HERE / ".venv/bin/python"
    if not python.exists():
        checked([sys.executable, "-m", "venv", python.parents[1]])
    if subprocess.run([python, "-c", f"import {', '.join(packages)}"], capture_output=True).returncode != 0:
        print(f"installing {', '.join(packages)} into {python.parents[1]} ...", file=sys.stderr)
        checked([python, "-m", "pip", "install", "--quiet", *packages])
    return str(python)


def processor():
    if Path("/proc/cpuinfo").exists():
        match = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def result_name():
    """The name of today's results on this processor: `2026-11-24-amd-epyc`."""
    return f"{datetime.date.today()}-{re.sub('[^a-z0-9]+', '-', processor().lower()).strip('-')}"
