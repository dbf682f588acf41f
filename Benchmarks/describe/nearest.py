"""Answers to pictures beside the caption of the picture in train that is nearest in pixels, for Benchmarks/describe/emoji.

    python3 nearest.py FOLDER answers.jsonl

Prints BLEU-1…4 and exact match of both on the test, and a table of some pictures. The nearest is the one with the smallest sum of
squared differences of all bytes. Needs NumPy, which it installs into Benchmarks/.venv where it is missing.
"""
import collections
import gzip
import json
import math
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import python_with

try:
    import numpy
except ImportError:
    python = python_with("numpy")
    os.execv(python, [python, *sys.argv])

ROWS = 24


def pictures(folder, part):
    data = gzip.open(Path(folder) / f"{part}-images-32x32-idx4-ubyte.gz").read()
    count = int.from_bytes(data[4:8], "big")
    return numpy.frombuffer(data, numpy.uint8, offset=20).reshape(count, -1).astype(numpy.float32)


def names(folder, part):
    return [line.split("\t")[1] for line in (Path(folder) / f"{part}.tsv").read_text().splitlines()]


def words(text):
    return re.findall(r"\w+(?:['’-]\w+)*", text.lower())


def grams(tokens, n):
    return collections.Counter(tuple(tokens[i:i + n]) for i in range(len(tokens) - n + 1))


def bleu(answers, references):
    scores, logs = [], 0.0
    length, wanted = sum(map(len, answers)), sum(map(len, references))
    penalty = min(0.0, 1 - wanted / max(1, length))
    for n in range(1, 5):
        right = sum((grams(a, n) & grams(r, n)).total() for a, r in zip(answers, references))
        given = sum(max(0, len(a) - n + 1) for a in answers)
        logs += math.log(right / given) if right else -math.inf
        scores.append(100 * math.exp(penalty + logs / n))
    return scores


def report(name, answers, references):
    exact = sum(a == r for a, r in zip(answers, references)) / len(references)
    numbers = " ".join(f"{score:.2f}" for score in bleu(answers, references))
    print(f"{name:18} BLEU-1…4 {numbers}, exact match {100 * exact:.2f} %")


folder, answers = sys.argv[1:3]
test, train = pictures(folder, "test"), pictures(folder, "train")
references, known = names(folder, "test"), names(folder, "train")
distances = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)[None]
nearest = [known[i] for i in distances.argmin(1)]
ours = [json.loads(line)["text"] for line in open(answers)]
report("ours", [words(a) for a in ours], [words(r) for r in references])
report("nearest in pixels", [words(a) for a in nearest], [words(r) for r in references])
print(f"\n{'name':38} {'ours':38} nearest in pixels")
for i in range(0, len(references), max(1, len(references) // ROWS)):
    print(f"{references[i][:37]:38} {ours[i][:37]:38} {nearest[i][:37]}")
