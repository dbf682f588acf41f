"""Reads a folder of event files as TensorBoard does, and checks what is in it.

    python3 Tests/Scripts/event-files.py FOLDER [--scalars TAG…] [--last STEP]

Needs the package `tensorboard`. Fails unless every tag of a training is there, the steps of each go up, and each picture
is a PNG file; prints a line for each tag.
"""

import argparse
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TRAINING = ["update/loss", "update/gradient_norm", "update/learning_rate", "update/units_per_second",
            "epoch/training_loss"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--scalars", nargs="*", default=TRAINING, help="tags that must be there")
    parser.add_argument("--last", type=int, help="the last step of every scalar of the epochs")
    options = parser.parse_args()
    events = EventAccumulator(options.folder, size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    faults = [f"no {tag}" for tag in options.scalars if tag not in tags["scalars"]]
    for tag in tags["scalars"]:
        points = events.Scalars(tag)
        steps = [point.step for point in points]
        print(f"scalar     {tag}: {len(points)} points, steps {steps[0]} to {steps[-1]}, last {points[-1].value:.6g}")
        if steps != sorted(set(steps)):
            faults.append(f"{tag}: steps {steps}")
        if options.last is not None and tag.startswith("epoch/") and steps[-1] != options.last:
            faults.append(f"{tag}: ends at {steps[-1]}, not {options.last}")
    for tag in tags["histograms"]:
        last = events.Histograms(tag)[-1]
        value = last.histogram_value
        print(f"histogram  {tag}: step {last.step}, {value.num:g} values from {value.min:.4g} to {value.max:.4g}")
        if sum(value.bucket) != value.num or len(value.bucket) != len(value.bucket_limit):
            faults.append(f"{tag}: buckets do not hold the values")
    for tag in tags["images"]:
        last = events.Images(tag)[-1]
        print(f"image      {tag}: step {last.step}, {last.width} x {last.height}")
        if not last.encoded_image_string.startswith(b"\x89PNG"):
            faults.append(f"{tag}: no PNG file")
    for tag in tags["tensors"]:
        last = events.Tensors(tag)[-1]
        print(f"text       {tag}: step {last.step}, {len(last.tensor_proto.string_val[0])} bytes")
    if "configuration" not in tags["tensors"]:
        faults.append("no configuration")
    for fault in faults:
        print(f"fault: {fault}")
    sys.exit(1 if faults else 0)


main()
