"""A peer as a server: a row of `unroll bench recurrent --list` in, its time and checksums out, one JSON object a line."""
import json
import statistics
import sys
import time


class Unsupported(Exception):
    """The library has no such thing."""


def milliseconds(work):
    """The median of a run, measured as unroll does it: warmed up, at least five runs, and a quarter of a second."""
    warm = time.perf_counter() + 0.03
    work()
    while time.perf_counter() < warm:
        work()
    times, total = [], 0.0
    while len(times) < 5 or (total < 0.25 and len(times) < 20_000):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        total += times[-1]
    return 1000 * statistics.median(times)


def serve(version, prepare):
    """`prepare` makes checksums and the work to measure from a row; what it made is kept until another row comes."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no answer
    row, prepared = None, None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked != row:
                row, prepared = None, None
                prepared = prepare(asked)
                row = asked
            checks, work = prepared
            answer = {"milliseconds": milliseconds(work), "checks": checks, "version": version}
        except Unsupported as reason:
            answer = {"unsupported": str(reason)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
