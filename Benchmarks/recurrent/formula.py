"""Inputs and weights of a row, by the formula that `unroll bench recurrent` uses, and checksums of what comes out."""
import numpy as np

INPUT, LENGTHS, PROJECTION, LAYER = 1, 2, 3, 100
STEPS = 16  # inputs of a row of kind `step`

# The matrices of unroll's cells in the order of their declaration, each with its bias behind it: name, and whether it
# takes the state and the input. A matrix is [hidden, state + input].
CELLS = {
    "elman": [("hidden", True, True)],
    "gru": [("update", True, True), ("reset", True, True), ("candidate", True, True)],
    "gru-reset-after": [("update", True, True), ("reset", True, True), ("candidate", False, True),
                        ("recurrent", True, False)],
    "lstm": [("forget", True, True), ("input", True, True), ("output", True, True), ("candidate", True, True)],
    "tide": [("rate", True, True), ("memory", True, True), ("hidden", True, True)],
    "mingru": [("update", False, True), ("candidate", False, True)],
    "minlstm": [("forget", False, True), ("input", False, True), ("candidate", False, True)],
    # The candidate has no bias: behind its matrix stands the vector of the forget gate, and then that of the reset gate.
    "sru": [("forget", False, True), ("reset", False, True), ("candidate", False, True)],
}


def bits(count, salt):
    x = np.arange(count, dtype=np.uint32) + np.uint32(salt * 0x9E3779B9 & 0xFFFFFFFF)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def noise(shape, salt, scale=1.0):
    values = (bits(int(np.prod(shape)), salt) >> np.uint32(8)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return (np.float32(scale) * values).reshape(shape)


def checksum(values):
    """Sum, sum of squares, and sum of products with noise, which sees a wrong order."""
    values = np.asarray(values, dtype=np.float64).ravel()
    return [values.sum(), (values * values).sum(), (values * noise(values.shape, PROJECTION)).sum()]


def row_input(row):
    """[time, batch, hidden]; of steps, all of them."""
    time = STEPS if row["kind"] == "step" else row["time"]
    return noise((time, row["batch"], input_size(row)), INPUT)


def input_size(row):
    return row.get("inputs", row["hidden"])


def row_lengths(row):
    if row["kind"] != "ragged":
        return np.full(row["batch"], row["time"], dtype=np.int64)
    return 1 + (bits(row["batch"], LENGTHS) % np.uint32(row["time"])).astype(np.int64)


class Weights:
    """The parameters of one layer: of each matrix the columns for the state, those for the input, and the bias."""

    def __init__(self, row, layer):
        hidden = row["hidden"]
        self.state, self.input, self.bias = {}, {}, {}
        scale = np.float32(1) / np.sqrt(np.float32(hidden))
        for place, (name, state, inputs) in enumerate(CELLS[row["cell"]]):
            salt = LAYER * (layer + 1) + 2 * place
            matrix = noise((hidden, hidden * state + (hidden if layer else input_size(row)) * inputs), salt, scale)
            self.state[name] = matrix[:, :hidden] if state else None
            self.input[name] = matrix[:, hidden * state:] if inputs else None
            self.bias[name] = noise((hidden,), salt + 1, scale)
        self.last = noise((hidden,), LAYER * (layer + 1) + 2 * len(CELLS[row["cell"]]), scale)


def weight_order(row, state, inputs):
    """All matrices of a layer, flat, in unroll's order, from dictionaries of their columns for state and input."""
    parts = []
    for name, has_state, has_input in CELLS[row["cell"]]:
        columns = [state[name]] if has_state else []
        columns += [inputs[name]] if has_input else []
        parts.append(np.concatenate(columns, axis=1).ravel())
    return np.concatenate(parts)
