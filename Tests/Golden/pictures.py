"""PNG pictures with every filter and form, and NPY arrays, for PictureFilesTests.swift.

    python3 pictures.py > pictures.json

PNG files are made by the rules of the specification, with the standard library alone; arrays by NumPy.
"""
import base64
import io
import json
import random
import struct
import zlib

import numpy

random.seed(5)
WIDTH, HEIGHT = 7, 11


def text(data):
    return base64.b64encode(data).decode()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def paeth(a, b, c):
    p = a + b - c
    return min((a, b, c), key=lambda x: (abs(p - x), (a, b, c).index(x)))


def filtered(rows, pixel):
    out, above = b"", [0] * len(rows[0])
    for y, row in enumerate(rows):
        kind = y % 5
        out += bytes([kind])
        for x, value in enumerate(row):
            a = row[x - pixel] if x >= pixel else 0
            b, c = above[x], above[x - pixel] if x >= pixel else 0
            out += bytes([(value - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) % 256])
        above = row
    return out


def png(colour, channels, extra=b"", limit=256, parts=1):
    rows = [[random.randrange(limit) for _ in range(WIDTH * channels)] for _ in range(HEIGHT)]
    data = zlib.compress(filtered(rows, channels))
    cut = [data[i * len(data) // parts:(i + 1) * len(data) // parts] for i in range(parts)]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, colour, 0, 0, 0))
    body = b"".join(chunk(b"IDAT", part) for part in cut)
    file = b"\x89PNG\r\n\x1a\n" + header + chunk(b"tEXt", b"Title\0x") + extra + body + chunk(b"IEND", b"")
    return file, [value for row in rows for value in row]


def on_white(value, alpha):
    return (value * alpha + 255 * (255 - alpha) + 127) // 255


pictures = {}
file, grey = png(0, 1)
pictures["grey"] = file, [v for v in grey for _ in range(3)]
pictures["colours"] = png(2, 3, parts=3)
file, values = png(4, 2)
pictures["grey and alpha"] = file, [on_white(v, a) for v, a in zip(values[::2], values[1::2]) for _ in range(3)]
file, values = png(6, 4)
pictures["colours and alpha"] = file, [
    on_white(values[i + k], values[i + 3]) for i in range(0, len(values), 4) for k in range(3)]
palette = [random.randrange(256) for _ in range(3 * 9)]
alphas = [0, 100, 255]
file, values = png(3, 1, chunk(b"PLTE", bytes(palette)) + chunk(b"tRNS", bytes(alphas)), limit=9)
pictures["palette"] = file, [
    on_white(palette[3 * v + k], alphas[v] if v < len(alphas) else 255) for v in values for k in range(3)]

arrays = {}
for name in ["<f2", "<f4", "<f8", "|u1", "|i1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"]:
    low = 0 if "u" in name else -100
    array = numpy.array([random.randrange(low, 120) for _ in range(12)]).reshape(2, 3, 2).astype(name)
    if "f" in name:
        array = array / 8
    for version in [(1, 0), (2, 0), (3, 0)][:3 if name == "<f2" else 1]:
        buffer = io.BytesIO()
        numpy.lib.format.write_array(buffer, array.astype(name), version=version)
        arrays[f"{name} {version[0]}"] = text(buffer.getvalue()), array.flatten().tolist()

print(json.dumps({
    "width": WIDTH, "height": HEIGHT,
    "pictures": [{"name": k, "file": text(v[0]), "values": v[1]} for k, v in pictures.items()],
    "arrays": [{"name": k, "file": v[0], "values": v[1]} for k, v in arrays.items()],
}).replace("}, {", "},\n {"))
