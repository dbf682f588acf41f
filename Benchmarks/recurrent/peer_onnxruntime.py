#!/usr/bin/env python3
"""ONNX Runtime as the peer of `unroll bench recurrent`: rows on standard input, times and checksums on standard output.

The operators RNN, GRU and LSTM; tide's step as plain operators. Single steps run with inputs, states and outputs bound
beforehand, so that a step is one call and copies nothing; the call itself comes from Python.
"""
import numpy as np
import onnxruntime
from formula import STEPS, Weights, checksum, row_input
from onnx import TensorProto, helper, numpy_helper
from server import Unsupported, serve

# The operator, and its order of unroll's matrices: of the one for the input, of the one for the state.
OPERATORS = {
    "elman": ("RNN", ["hidden"], ["hidden"], {}),
    # ONNX's z is the share of the old, the textbook's that of the new: 1 - σ(a) is σ(-a), so its weights change sign.
    "gru": ("GRU", ["update", "reset", "candidate"], ["update", "reset", "candidate"], {"linear_before_reset": 0}),
    "gru-reset-after": ("GRU", ["update", "reset", "candidate"], ["update", "reset", "recurrent"],
                        {"linear_before_reset": 1}),
    "lstm": ("LSTM", ["input", "output", "forget", "candidate"], ["input", "output", "forget", "candidate"], {}),
}
STATES = {"lstm": ["h", "c"], "tide": ["h", "m"]}


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, operator, inputs, outputs, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]

    def session(self, row, inputs, outputs):
        def value(item):
            return helper.make_tensor_value_info(item[0], TensorProto.FLOAT, item[1])

        graph = helper.make_graph(self.nodes, "row", [value(i) for i in inputs.items()],
                                  [value(o) for o in outputs.items()], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = row["threads"]
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def operator(graph, row, layer, x, before, after):
    """One layer as ONNX's operator; returns its outputs, [time, 1, batch, hidden]."""
    name, inputs, states, attributes = OPERATORS[row["cell"]]
    weights = Weights(row, layer)
    sign = {"update": np.float32(-1)} if row["cell"] == "gru" else {}
    one = np.float32(1)
    bias = [sign.get(n, one) * weights.bias[n] for n in inputs]
    bias += [np.zeros_like(weights.bias[a]) if a == b else weights.bias[b] for a, b in zip(inputs, states)]
    constants = [
        graph.constant(f"W{layer}", np.concatenate([sign.get(n, one) * weights.input[n] for n in inputs])[None]),
        graph.constant(f"R{layer}", np.concatenate([sign.get(n, one) * weights.state[n] for n in states])[None]),
        graph.constant(f"B{layer}", np.concatenate(bias)[None]),
    ]
    return graph.add(name, [x, *constants, "", *before], [f"Y{layer}", *after], hidden_size=row["hidden"],
                     **attributes)


def tide_step(graph, row):
    """The equations of tide, one operator each; the gates on [h, x] are one product."""
    weights, hidden = Weights(row, 0), row["hidden"]

    def product(name, operands, matrices):
        graph.add("Concat", operands, [f"{name}_in"], axis=1)
        matrix = np.concatenate([np.concatenate([weights.state[n], weights.input[n]], axis=1) for n in matrices])
        graph.constant(f"{name}_w", matrix)
        graph.constant(f"{name}_b", np.concatenate([weights.bias[n] for n in matrices]))
        return graph.add("Gemm", [f"{name}_in", f"{name}_w", f"{name}_b"], [name], transB=1)

    for name, shape in [("row", [row["batch"], hidden]), ("state", [1, row["batch"], hidden])]:
        graph.constant(name, np.array(shape, dtype=np.int64))
    x, h, m = (graph.add("Reshape", [name, "row"], [f"{name}_row"]) for name in ("X", "h", "m"))
    graph.add("Split", [product("gates", [h, x], ["rate", "memory"])], ["rate_in", "memory_in"], axis=1)
    graph.add("Sigmoid", ["rate_in"], ["rate"])
    graph.add("Tanh", ["memory_in"], ["candidate"])
    graph.add("Sub", ["candidate", m], ["memory_change"])
    graph.add("Mul", ["rate", "memory_change"], ["memory_move"])
    new = graph.add("Add", [m, "memory_move"], ["m_new"])
    graph.add("Tanh", [product("hidden", [new, x], ["hidden"])], ["hidden_candidate"])
    graph.add("Sub", ["hidden_candidate", h], ["hidden_change"])
    graph.add("Mul", ["rate", "hidden_change"], ["hidden_move"])
    graph.add("Add", [h, "hidden_move"], ["h_new"])
    graph.add("Reshape", ["h_new", "state"], ["h_out"])
    graph.add("Reshape", ["m_new", "state"], ["m_out"])


def forward(row):
    if row["cell"] not in OPERATORS:
        raise Unsupported("a cell that ONNX does not have")
    graph, x = Graph(), "X"
    graph.constant("direction", np.array([1], dtype=np.int64))
    for layer in range(row["layers"]):
        x = graph.add("Squeeze", [operator(graph, row, layer, x, [], []), "direction"], [f"out{layer}"])
    session = graph.session(row, {"X": [row["time"], row["batch"], row["hidden"]]}, {x: None})
    feed = {"X": row_input(row)}

    def work():
        return session.run(None, feed)[0]

    return {"output": checksum(work())}, work


def steps(row):
    if row["layers"] != 1:
        raise Unsupported("steps of several layers")
    names = STATES.get(row["cell"], ["h"])
    shape = [1, row["batch"], row["hidden"]]
    graph = Graph()
    if row["cell"] == "tide":
        tide_step(graph, row)
    else:
        operator(graph, row, 0, "X", names, [f"{n}_out" for n in names])
    session = graph.session(row, {n: shape for n in ["X", *names]}, {f"{n}_out": shape for n in names})
    value = onnxruntime.OrtValue.ortvalue_from_numpy
    # States go to and fro between two sets of buffers.
    buffers = [{n: value(np.zeros(shape, np.float32)) for n in names} for _ in range(2)]
    inputs = [value(x[None]) for x in row_input(row)]
    bindings = []
    for place, x in enumerate(inputs):
        binding = session.io_binding()
        binding.bind_ortvalue_input("X", x)
        for n in names:
            binding.bind_ortvalue_input(n, buffers[place % 2][n])
            binding.bind_ortvalue_output(f"{n}_out", buffers[1 - place % 2][n])
        bindings.append(binding)
    place = 0

    def work():
        nonlocal place
        session.run_with_iobinding(bindings[place])
        place = (place + 1) % STEPS

    outputs = []
    for number in range(STEPS):
        work()
        outputs.append(buffers[1 - number % 2]["h"].numpy().copy())
    return {"output": checksum(np.concatenate(outputs))}, work


def prepare(row):
    if row["kind"] not in ("forward", "step"):
        raise Unsupported("ONNX Runtime does not train here")
    return (forward if row["kind"] == "forward" else steps)(row)


if __name__ == "__main__":
    serve(onnxruntime.__version__, prepare)
