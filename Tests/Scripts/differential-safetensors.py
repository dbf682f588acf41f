#!/usr/bin/env python3
"""Compares the safetensors reader with the reference reader on mutated files, and lets the reference read ours.

    python3 Tests/Scripts/differential-safetensors.py [files, 200 by default] [seed, 1 by default]

Passes when the reference accepts whatever we accept, with equal names, types, shapes and bytes; when we accept every whole
file of the reference writer; and when the reference reads a file of ours. All types are in them that models have: F32, BF16
and I8. Needs the Python packages safetensors and numpy.
"""
import base64
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import numpy
import safetensors
import safetensors.numpy

count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
os.chdir(pathlib.Path(__file__).resolve().parents[2])


def whole_file():
    """A file of the reference writer."""
    shapes = [(), (0,), (1,), (3,), (2, 3), (0, 4), (2, 1, 3), (1, 2, 2, 1)]
    names = ["a", "b.weight", "ü", 'q"\\', "x\n", ""]
    tensors = {}
    for i in range(random.randrange(5)):
        shape = random.choice(shapes)
        kind = numpy.dtype(random.choice([numpy.float32, numpy.float32, numpy.int16, numpy.int8]))
        data = random.randbytes(kind.itemsize * int(numpy.prod(shape)))
        tensors[random.choice(names[:5]) + str(i)] = numpy.frombuffer(data, kind).reshape(shape)
    header, body = parts(safetensors.numpy.save(tensors, random.choice([None, {"format": "pt"}, {"k": "v\n", "é": "\\"}])))
    return joined(header.replace(b'"I16"', b'"BF16"'), body)  # numpy has no such type


def parts(data):
    length = struct.unpack("<Q", data[:8])[0]
    return data[8 : 8 + length], data[8 + length :]


def joined(header, body):
    return struct.pack("<Q", len(header)) + header + body


def entries(header):
    return json.loads(header)


def change_entry(data):
    """Changes one number, dtype or key of one tensor, sometimes so that the file stays right."""
    header, body = parts(data)
    table = entries(header)
    names = [n for n in table if n != "__metadata__"]
    if not names:
        return joined(b"{ }", body)
    entry = table[random.choice(names)]
    kind = random.randrange(9)
    if kind == 0 and entry["shape"]:
        entry["shape"][random.randrange(len(entry["shape"]))] += random.choice([-1, 1, 2**31, 2**62])
    elif kind == 1:
        entry["data_offsets"][random.randrange(2)] += random.choice([-4, -1, 1, 4, 2**40])
    elif kind == 2:
        entry["dtype"] = random.choice(["F16", "F64", "I32", "U32", "f32", "BOOL", "F32", "BF16", "I8", "U8", "F8_E4M3"])
    elif kind == 3:
        entry["shape"] = entry["shape"][::-1]
    elif kind == 4:
        entry["shape"] = [1] * random.randrange(4) + entry["shape"]
    elif kind == 5:
        del entry[random.choice(list(entry))]
    elif kind == 6:
        entry["extra"] = random.choice([1, None, "x"])
    elif kind == 7:
        table["copy"] = entry
    else:
        body += b"\0" * random.randrange(1, 5)
    return joined(json.dumps(table, ensure_ascii=random.random() < 0.5).encode(), body)


def change_text(data):
    """Changes the header as text: order, space, spelling, numbers, keys."""
    header, body = parts(data)
    table = entries(header)
    kind = random.randrange(10)
    if kind < 3:
        items = list(table.items())
        random.shuffle(items)
        indent = random.choice([None, 0, 3])
        header = json.dumps(dict(items), indent=indent, ensure_ascii=random.random() < 0.5).encode()
    elif kind == 3:
        header += random.choice([b" " * random.randrange(20), b"\n\t\r", b"\0", b"x", b"{}"])
    elif kind == 4:
        header = header.replace(b"4", random.choice([b"4.0", b"4e0", b"04", b"-4", b"+4", b" 4 "]), 1)
    elif kind == 5:
        header = header.replace(b"{", random.choice([b" {", b"{ ", b"\xef\xbb\xbf{", b"[", b"{,"]), 1)
    elif kind == 6:
        header = header.replace(b'"a', random.choice([b'"\\u0061', b'"\\ud800', b'"\xff', b'"\\x', b'"\0', b'"\\ud83d\\ude42']), 1)
    elif kind == 7:
        header = header.replace(b'"shape":', b'"shape":[1],"shape":', 1)
    elif kind == 8:
        header = header.replace(b"}", b",}", 1)
    else:
        text = header.rstrip()[:-1]
        first = next((n for n in table if n != "__metadata__"), None)
        if first is not None:
            header = text + b"," + json.dumps(first).encode() + b":" + json.dumps(table[first]).encode() + b"}"
    return joined(header, body)


def change_bytes(data):
    data = bytearray(data)
    kind = random.randrange(4)
    if kind == 0:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif kind == 1:
        del data[random.randrange(len(data)) :]
    elif kind == 2:
        data.insert(random.randrange(len(data)), random.randrange(256))
    else:
        place = random.randrange(8)
        data[place] = random.randrange(256)
    return bytes(data)


def reference(data):
    """What the reference reader finds: names to type, shape and bytes, or the error."""
    try:
        return {name: (item["dtype"], item["shape"], bytes(item["data"])) for name, item in safetensors.deserialize(data)}, None
    except Exception as error:
        return None, str(error)


def ours(reader, paths):
    result = []
    for start in range(0, len(paths), 200):
        output = subprocess.run([reader, "read", *paths[start : start + 200]], check=True, stdout=subprocess.PIPE).stdout
        for line in output.splitlines():  # of bytes: only newlines separate
            found = json.loads(line)
            tensors = found.get("tensors")
            if tensors is not None:
                tensors = {t["name"]: (t["type"], t["shape"], base64.b64decode(t["bytes"])) for t in tensors}
            result.append((tensors, found.get("error"), found.get("metadata")))
    assert len(result) == len(paths), "the reader ended early"
    return result


failures = []
with tempfile.TemporaryDirectory() as folder:
    reader = f"{folder}/reader"
    subprocess.run(["Tests/Scripts/differential-build.sh", reader], check=True)

    files = [(whole_file(), True) for _ in range(count // 5)]
    changes = [change_entry, change_text, change_bytes]
    files += [(random.choice(changes)(random.choice(files)[0]), False) for _ in range(count)]
    paths = []
    for index, (data, _) in enumerate(files):
        paths.append(f"{folder}/{index}")
        pathlib.Path(paths[-1]).write_bytes(data)
    both = neither = only_theirs = 0
    for index, ((data, whole), (tensors, error, _)) in enumerate(zip(files, ours(reader, paths))):
        expected, refusal = reference(data)
        if tensors is None and expected is None:
            neither += 1
        elif tensors is None:
            only_theirs += 1
            if whole:
                failures.append(f"file {index}: a whole file is refused: {error}")
        elif expected is None:
            failures.append(f"file {index}: accepted, but the reference says {refusal}: {data!r}")
        elif tensors != expected:
            failures.append(f"file {index}: other content: {data!r}")
        else:
            both += 1
    print(f"{count} mutated and {count // 5} whole files: {both} accepted by both, {neither} by neither, "
          f"{only_theirs} by the reference alone")
    if both < count // 4 or neither < count // 4:
        failures.append("the mutations are too weak or too strong")

    bombs = [joined(b"{}", b"")[:8 + n] for n in range(2)]
    for length in (16 * 2**20 + 1, 100 * 2**20, 2**31, 2**40, 2**63, 2**64 - 1):
        bombs.append(struct.pack("<Q", length) + b"{}")
    for shape in ([2**28], [2**31], [2**40], [2**61], [2**31, 2**31], [2**40, 2**40, 0]):
        size = 4 * int(numpy.prod(shape, dtype=object))
        entry = {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}
        bombs.append(joined(json.dumps({"a": entry}).encode(), b""))
    paths = []
    for index, data in enumerate(bombs):
        paths.append(f"{folder}/bomb{index}")
        pathlib.Path(paths[-1]).write_bytes(data)
    grown = subprocess.run([reader, "bomb", paths[0], *paths], check=True, stdout=subprocess.PIPE).stdout.split()[1:]
    print(f"{len(bombs)} bombs: the largest took {max(map(int, grown))} bytes")
    if max(map(int, grown)) >= 2**20:
        failures.append("a bomb took memory")
    if any(tensors is not None for tensors, _, _ in ours(reader, paths)):
        failures.append("a bomb was accepted")

    path = f"{folder}/ours.safetensors"
    subprocess.run([reader, "write", path], check=True)
    expected, refusal = reference(pathlib.Path(path).read_bytes())
    ((tensors, error, metadata),) = ours(reader, [path])
    if expected is None or tensors is None or tensors != expected or len(tensors) != 8:
        failures.append(f"our file: {refusal or error or 'other content'}")
    with safetensors.safe_open(path, "np") as file:
        theirs = file.metadata()
        if any(theirs.get(k) != v for k, v in metadata.items()) or theirs["format"] != "unroll":
            failures.append("our file: other metadata")
    print("our own file: 8 tensors, read alike")

for failure in failures[:10]:
    print("FAILURE", failure)
print("FAIL differential-safetensors" if failures else "PASS differential-safetensors")
sys.exit(1 if failures else 0)
