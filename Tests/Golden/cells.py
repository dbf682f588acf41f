#!/usr/bin/env python3
"""Golden values of the cells that no framework has: outputs, final states, loss and gradients, in Float64.

    python3 Tests/Golden/cells.py        (needs numpy, torch and onnxruntime; overwrites cells.json beside this file)

Each function below is one time step of a paper's equations, in plain NumPy. It reads its parameters by the paths that
the library has for them; a weight [hidden, hidden + input] has the columns of h first. Gradients are central
differences of the loss. What another program computes too is compared with it before anything is written: peepholes
with ONNX's reference evaluator, peepholes and coupled gates with ONNX Runtime, the projection with torch.nn.LSTM, the
LSTM with layer normalisation with a cell of torch.nn.LayerNorm.

Rows are ragged and unsorted; input beyond a row's length is not zero, outputs there are, and final states are those
after a row's own last step.
    loss = sum(output * loss.output) + sum(final.<part> * loss.<part>)

The file holds for each cell "lengths", "loss", "sizes" and "tensors": name -> shape and values, row-major. Names: input
and output [time, batch, features]; initial.<part>, final.<part> and loss.<part> [1, batch, size]; parameters by path;
gradient.<name> for the input, the initial states and every parameter.
"""
import json
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch
from onnx.reference import ReferenceEvaluator

LENGTHS = [4, 1, 3, 0]
TIME, BATCH, INPUT, HIDDEN, PROJECTION = max(LENGTHS), len(LENGTHS), 3, 5, 2
MEANS = numpy.array([0.25, -0.5])
CLIP, DEPTH = 0.5, 3
tanh = numpy.tanh


def sigmoid(a):
    return 1 / (1 + numpy.exp(-a))


def layer(p, name, *inputs):
    """W·[inputs] + b; the bias may be missing."""
    return numpy.concatenate(inputs, axis=1) @ p[name + ".weight"].T + p.get(name + ".bias", 0)


# One time step each: parameters, input and state to output and new state.

def mgu(p, x, s):
    h = s["hidden"]
    f = sigmoid(layer(p, "forget", h, x))
    candidate = tanh(layer(p, "candidate", f * h, x))
    h = (1 - f) * h + f * candidate
    return h, {"hidden": h}


def indrnn(p, x, s):
    h = numpy.maximum(layer(p, "input", x) + p["recurrent"] * s["hidden"], 0)
    return h, {"hidden": h}


def variant_lstm(p, x, s):
    """Peepholes, coupling, projection wherever there are parameters for them; a clip by its own function below."""
    h, c = s["hidden"], s["cell"]
    i = sigmoid(layer(p, "input", h, x) + p.get("input.peephole", 0) * c)
    f = sigmoid(layer(p, "forget", h, x) + p.get("forget.peephole", 0) * c) if "forget.weight" in p else 1 - i
    c = p.get("clip", lambda c: c)(f * c + i * tanh(layer(p, "candidate", h, x)))
    o = sigmoid(layer(p, "output", h, x) + p.get("output.peephole", 0) * c)
    h = o * tanh(c)
    if "projection.weight" in p:
        h = h @ p["projection.weight"].T
    return h, {"hidden": h, "cell": c}


def clipped_lstm(p, x, s):
    return variant_lstm(p | {"clip": lambda c: numpy.clip(c, -CLIP, CLIP)}, x, s)


def multiplicative_lstm(p, x, s):
    m = layer(p, "recurrentFactor", s["hidden"]) * layer(p, "inputFactor", x)
    i, f, o = (sigmoid(layer(p, gate, m, x)) for gate in ["input", "forget", "output"])
    c = f * s["cell"] + i * tanh(layer(p, "candidate", m, x))
    h = o * tanh(c)
    return h, {"hidden": h, "cell": c}


def min_gru(p, x, s):
    z = sigmoid(layer(p, "update", x))
    h = (1 - z) * s["hidden"] + z * layer(p, "candidate", x)
    return h, {"hidden": h}


def min_lstm(p, x, s):
    f, i = sigmoid(layer(p, "forget", x)), sigmoid(layer(p, "input", x))
    h = f / (f + i) * s["hidden"] + i / (f + i) * layer(p, "candidate", x)
    return h, {"hidden": h}


def sru(p, x, s):
    c = s["cell"]
    f = sigmoid(layer(p, "forget", x) + p["forgetMemory"] * c)
    r = sigmoid(layer(p, "reset", x) + p["resetMemory"] * c)
    c = f * c + (1 - f) * layer(p, "candidate", x)
    h = r * c + (1 - r) * (layer(p, "skip", x) if "skip.weight" in p else x)
    return h, {"cell": c}


def rhn(p, x, s):
    h = s["hidden"]
    for i in range(DEPTH):
        seen = [h, x] if i == 0 else [h]
        t = sigmoid(layer(p, f"highways.{i}.transform", *seen))
        h = tanh(layer(p, f"highways.{i}.candidate", *seen)) * t + h * (1 - t)
    return h, {"hidden": h}


def norm(p, name, a):
    """Layer normalisation; the shift may be missing."""
    centred = a - a.mean(axis=1, keepdims=True)
    normal = centred / numpy.sqrt((centred ** 2).mean(axis=1, keepdims=True) + 1e-5)
    return normal * p[name + ".gain"] + p.get(name + ".shift", 0)


def layer_norm_lstm(p, x, s):
    v = norm(p, "inputNorm", layer(p, "input", x)) + norm(p, "recurrentNorm", layer(p, "recurrent", s["hidden"]))
    f, i, o, g = numpy.split(v + p["bias"], 4, axis=1)
    c = sigmoid(f) * s["cell"] + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(norm(p, "cellNorm", c))
    return h, {"hidden": h, "cell": c}


def layer_norm_gru(p, x, s):
    h = s["hidden"]
    v = norm(p, "inputNorm", layer(p, "input", x)) + norm(p, "recurrentNorm", layer(p, "recurrent", h))
    z, r = numpy.split(sigmoid(v + p["bias"]), 2, axis=1)
    candidate = tanh(norm(p, "candidateNorm", layer(p, "candidate", x))
                     + r * norm(p, "recurrentCandidateNorm", layer(p, "recurrentCandidate", h)))
    h = (1 - z) * h + z * candidate
    return h, {"hidden": h}


def jordan(p, x, s):
    y = sigmoid(layer(p, "output", sigmoid(layer(p, "hidden", s["context"], x))))
    return y, {"context": y}


def li_gru(p, x, s):
    h = s["hidden"]

    def gate(name, recurrent):
        fed = layer(p, name, x)
        return (norm(p, f"{name}Norm", fed) if f"{name}Norm.gain" in p else fed) + layer(p, recurrent, h)

    z = sigmoid(gate("update", "recurrentUpdate"))
    h = z * h + (1 - z) * numpy.maximum(gate("candidate", "recurrentCandidate"), 0)
    return h, {"hidden": h}


def slstm(p, x, s):
    def gate(name):
        heads = [key for key in p if key.startswith(f"{name}.recurrent.")]
        parts = numpy.split(s["hidden"], len(heads), axis=1)
        recurrent = numpy.concatenate([part @ p[key].T for part, key in zip(parts, heads)], axis=1)
        return layer(p, f"{name}.input", x) + recurrent

    kept = numpy.log(sigmoid(gate("forget"))) + s["stabilizer"]
    m = numpy.maximum(kept, gate("input"))
    f, i = numpy.exp(kept - m), numpy.exp(gate("input") - m)
    c = f * s["cell"] + i * tanh(gate("candidate"))
    n = f * s["normalizer"] + i
    h = sigmoid(gate("output")) * c / n
    return h, {"hidden": h, "cell": c, "normalizer": n, "stabilizer": m}


def mlstm(p, x, s):
    """The paper's equations in the form of NX-AI's recurrent_step_stabilized_simple, all heads at once."""
    q, k, v = layer(p, "query", x), layer(p, "key", x), layer(p, "value", x)
    kept, written = numpy.log(sigmoid(layer(p, "forget", x))) + s["stabilizer"], layer(p, "input", x)
    m = numpy.maximum(kept, written)
    f, i = numpy.exp(kept - m), numpy.exp(written - m)
    count, size = m.shape[1], q.shape[1] // m.shape[1]

    def split(a, *shape):
        return a.reshape(len(x), count, *shape)

    q, k, v, n = (split(a, size) for a in [q, k / numpy.sqrt(size), v, s["normalizer"]])
    c = f[..., None, None] * split(s["memory"], size, size) + i[..., None, None] * v[..., None] * k[..., None, :]
    n = f[..., None] * n + i[..., None] * k
    scale = numpy.maximum(abs((n * q).sum(axis=2)), numpy.exp(-m)) + 1e-6
    h = (c @ q[..., None])[..., 0] / scale[..., None]
    state = {"memory": c.reshape(len(x), -1), "normalizer": n.reshape(len(x), -1), "stabilizer": m}
    return sigmoid(layer(p, "output", x)) * h.reshape(len(x), -1), state


def qrnn(p, x, s):
    z, f, o = tanh(layer(p, "candidate", x)), sigmoid(layer(p, "forget", x)), sigmoid(layer(p, "output", x))
    c = f * s["cell"] + (1 - f) * z
    return o * c, {"cell": c}


def rg_lru(p, x, s):
    r, i = sigmoid(layer(p, "decayGate", x)), sigmoid(layer(p, "input", x))
    a = sigmoid(p["decay"]) ** (8 * r)
    h = a * s["hidden"] + numpy.sqrt(1 - a ** 2) * i * (layer(p, "value", x) if "value.weight" in p else x)
    return h, {"hidden": h}


def lru(p, x, s):
    """The paper's step in complex numbers."""
    eigenvalues = numpy.exp(-numpy.exp(p["nuLog"]) + 1j * numpy.exp(p["thetaLog"]))
    b = p["inputReal.weight"] + 1j * p["inputImaginary.weight"]
    c = p["outputReal.weight"] + 1j * p["outputImaginary.weight"]
    h = eigenvalues * (s["real"] + 1j * s["imaginary"]) + numpy.exp(p["gammaLog"]) * (x @ b.T)
    return (h @ c.T).real + layer(p, "skip", x), {"real": h.real, "imaginary": h.imag}


def grud(p, row, s):
    x, m, elapsed = row[:, :2], row[:, 2:4], row[:, 4:]
    delta = elapsed + s["unseen"]
    kept = numpy.exp(-numpy.maximum(0, p["inputDecay"] * delta + p["inputDecayBias"]))
    guess = m * x + (1 - m) * (kept * s["last"] + (1 - kept) * MEANS)
    h = numpy.exp(-numpy.maximum(0, layer(p, "hiddenDecay", delta))) * s["hidden"]
    z, r = sigmoid(layer(p, "update", h, guess, m)), sigmoid(layer(p, "reset", h, guess, m))
    h = (1 - z) * h + z * tanh(layer(p, "candidate", r * h, guess, m))
    return h, {"hidden": h, "last": m * x + (1 - m) * s["last"], "unseen": (1 - m) * delta}


def cfc(p, row, s):
    seen = numpy.concatenate([s["hidden"], row[:, :-1]], axis=1)
    for i in range(2):
        seen = 1.7159 * tanh(2 / 3 * layer(p, f"backbone.{i}", seen))
    t = sigmoid(layer(p, "rate", seen) * row[:, -1:] + layer(p, "offset", seen))
    h = (1 - t) * tanh(layer(p, "first", seen)) + t * tanh(layer(p, "second", seen))
    return h, {"hidden": h}


# Shapes of parameters.

def dense(name, inputs, bias=True, outputs=HIDDEN):
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if bias else {})


def norms(*names, size=HIDDEN, shift=True):
    return {f"{name}.{part}": (size,) for name in names for part in (["gain", "shift"] if shift else ["gain"])}


def heads(name, count, size):
    return dense(f"{name}.input", INPUT, outputs=count * size) | {
        f"{name}.recurrent.{head}.weight": (size, size) for head in range(count)}


def gates(*names, inputs=HIDDEN + INPUT):
    return {key: shape for name in names for key, shape in dense(name, inputs).items()}


def peepholes(*names):
    return {f"{name}.peephole": (HIDDEN,) for name in names}


LSTM = ["forget", "input", "output", "candidate"]
PROJECTED = {"projection.weight": (PROJECTION, HIDDEN)}
CELLS = {
    "mgu": (mgu, gates("forget", "candidate")),
    "indrnn": (indrnn, dense("input", INPUT) | {"recurrent": (HIDDEN,)}),
    "lstm-peepholes": (variant_lstm, gates(*LSTM) | peepholes(*LSTM[:3])),
    "lstm-coupled": (variant_lstm, gates(*LSTM[1:]) | peepholes(*LSTM[1:3])),
    "lstm-projection": (variant_lstm, gates(*LSTM, inputs=PROJECTION + INPUT) | PROJECTED),
    "lstm-clip": (clipped_lstm, gates(*LSTM)),
    "lstm-all": (clipped_lstm, gates(*LSTM[1:], inputs=PROJECTION + INPUT) | peepholes(*LSTM[1:3]) | PROJECTED),
    "multiplicative-lstm": (multiplicative_lstm, dense("recurrentFactor", HIDDEN, bias=False)
                            | dense("inputFactor", INPUT, bias=False) | gates(*LSTM)),
    "mingru": (min_gru, gates("update", "candidate", inputs=INPUT)),
    "minlstm": (min_lstm, gates("forget", "input", "candidate", inputs=INPUT)),
    "sru": (sru, gates("forget", "reset", inputs=INPUT) | dense("candidate", INPUT, bias=False)
            | {"forgetMemory": (HIDDEN,), "resetMemory": (HIDDEN,)} | dense("skip", INPUT, bias=False)),
    "sru-equal": (sru, gates("forget", "reset", inputs=HIDDEN) | dense("candidate", HIDDEN, bias=False)
                  | {"forgetMemory": (HIDDEN,), "resetMemory": (HIDDEN,)}),
    "rhn": (rhn, {key: shape for i in range(DEPTH) for name in ["transform", "candidate"] for key, shape in
                  dense(f"highways.{i}.{name}", HIDDEN + (INPUT if i == 0 else 0)).items()}),
    "layer-norm-lstm": (layer_norm_lstm, dense("input", INPUT, bias=False, outputs=4 * HIDDEN)
                        | dense("recurrent", HIDDEN, bias=False, outputs=4 * HIDDEN) | {"bias": (4 * HIDDEN,)}
                        | norms("inputNorm", "recurrentNorm", size=4 * HIDDEN, shift=False) | norms("cellNorm")),
    "layer-norm-gru": (layer_norm_gru, dense("input", INPUT, bias=False, outputs=2 * HIDDEN)
                       | dense("recurrent", HIDDEN, bias=False, outputs=2 * HIDDEN) | {"bias": (2 * HIDDEN,)}
                       | dense("candidate", INPUT, bias=False) | dense("recurrentCandidate", HIDDEN, bias=False)
                       | norms("inputNorm", "recurrentNorm", size=2 * HIDDEN, shift=False)
                       | norms("candidateNorm", "recurrentCandidateNorm")),
    "jordan": (jordan, dense("hidden", PROJECTION + INPUT) | dense("output", HIDDEN, outputs=PROJECTION)),
    "li-gru": (li_gru, dense("update", INPUT, bias=False) | dense("candidate", INPUT, bias=False)
               | dense("recurrentUpdate", HIDDEN, bias=False) | dense("recurrentCandidate", HIDDEN, bias=False)
               | norms("updateNorm", "candidateNorm")),
    "li-gru-plain": (li_gru, gates("update", "candidate", inputs=INPUT)
                     | dense("recurrentUpdate", HIDDEN, bias=False) | dense("recurrentCandidate", HIDDEN, bias=False)),
    "slstm": (slstm, {key: shape for gate in LSTM for key, shape in heads(gate, 1, HIDDEN).items()}),
    "slstm-heads": (slstm, {key: shape for gate in LSTM for key, shape in heads(gate, 2, 2).items()}),
    "qrnn": (qrnn, gates("forget", "output", "candidate", inputs=INPUT)),
    "rg-lru": (rg_lru, gates("decayGate", "input", inputs=INPUT) | {"decay": (HIDDEN,)}
               | dense("value", INPUT, bias=False)),
    "rg-lru-equal": (rg_lru, gates("decayGate", "input", inputs=HIDDEN) | {"decay": (HIDDEN,)}),
    "lru": (lru, {key: (HIDDEN,) for key in ["nuLog", "thetaLog", "gammaLog"]}
            | dense("inputReal", INPUT, bias=False) | dense("inputImaginary", INPUT, bias=False)
            | dense("outputReal", HIDDEN, bias=False, outputs=PROJECTION)
            | dense("outputImaginary", HIDDEN, bias=False, outputs=PROJECTION)
            | dense("skip", INPUT, bias=False, outputs=PROJECTION)),
    "grud": (grud, {"inputDecay": (2,), "inputDecayBias": (2,)} | dense("hiddenDecay", 2)
             | gates("update", "reset", "candidate", inputs=HIDDEN + 4)),
    "cfc": (cfc, dense("backbone.0", HIDDEN + INPUT, outputs=4) | dense("backbone.1", 4, outputs=3)
            | gates("first", "second", "rate", "offset", inputs=3)),
    "mlstm": (mlstm, gates("query", "key", "value", "output", inputs=INPUT) | dense("forget", INPUT, outputs=1)
              | dense("input", INPUT, outputs=1)),
    "mlstm-heads": (mlstm, {key: shape for gate in ["query", "key", "value", "output"]
                            for key, shape in dense(gate, INPUT, outputs=6).items()}
                    | dense("forget", INPUT, outputs=2) | dense("input", INPUT, outputs=2)),
}
# What is not HIDDEN wide: rows of the input, parts of the state, outputs.
INPUTS = {"sru-equal": HIDDEN, "rg-lru-equal": HIDDEN, "grud": 2 * len(MEANS) + 1, "cfc": INPUT + 1}
HIDDENS = {"slstm-heads": 4, "mlstm-heads": 6}
STATES = {sru: ["cell"], qrnn: ["cell"], jordan: ["context"], lru: ["real", "imaginary"],
          slstm: ["hidden", "cell", "normalizer", "stabilizer"], grud: ["hidden", "last", "unseen"],
          mlstm: ["memory", "normalizer", "stabilizer"],
          **{step: ["hidden", "cell"] for step in [variant_lstm, clipped_lstm, multiplicative_lstm, layer_norm_lstm]}}


def unrolled(step, p, x, state, lengths):
    """Outputs [time, batch, features], 0 after a row's end, and the state after each row's own last step."""
    outputs = []
    for t in range(len(x)):
        y, new = step(p, x[t], state)
        alive = (t < numpy.array(lengths))[:, None]
        state = {key: numpy.where(alive, new[key], state[key]) for key in state}
        outputs.append(numpy.where(alive, y, 0))
    return numpy.stack(outputs), state


def onnx_lstm(p, x, state, input_forget, evaluator):
    """The same by ONNX's LSTM, all rows of full length; the order of its gates is i o f c, of peepholes i o f."""
    def stacked(columns):
        return numpy.concatenate([p.get(f"{gate}.weight", p["input.weight"] * 0)[:, columns]
                                  for gate in ["input", "output", "forget", "candidate"]])[None]
    bias = [p.get(f"{gate}.bias", p["input.bias"] * 0) for gate in ["input", "output", "forget", "candidate"]]
    inputs = {
        "X": x, "W": stacked(slice(HIDDEN, None)), "R": stacked(slice(HIDDEN)),
        "B": numpy.concatenate(bias + [numpy.zeros(4 * HIDDEN)])[None],
        "H": state["hidden"][None], "C": state["cell"][None],
        "P": numpy.concatenate([p.get(f"{gate}.peephole", numpy.zeros(HIDDEN))
                                for gate in ["input", "output", "forget"]])[None],
    }
    inputs = {key: value.astype(numpy.float32) for key, value in inputs.items()}
    node = onnx.helper.make_node("LSTM", ["X", "W", "R", "B", "", "H", "C", "P"], ["Y", "Yh", "Yc"],
                                 hidden_size=HIDDEN, input_forget=int(input_forget))
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node], "lstm", [info(key, onnx.TensorProto.FLOAT, value.shape) for key, value in inputs.items()],
        [info(key, onnx.TensorProto.FLOAT, None) for key in ["Y", "Yh", "Yc"]])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    if evaluator == "reference":
        y, h, c = ReferenceEvaluator(model).run(None, inputs)
    else:
        y, h, c = onnxruntime.InferenceSession(model.SerializeToString()).run(None, inputs)
    return y[:, 0], h[0], c[0]


def torch_lstm(p, x, state):
    """The same by torch.nn.LSTM with a projection; the order of its gates is i f g o."""
    network = torch.nn.LSTM(INPUT, HIDDEN, proj_size=PROJECTION).double()
    order = ["input", "forget", "candidate", "output"]
    weight = torch.tensor(numpy.concatenate([p[f"{gate}.weight"] for gate in order]))
    with torch.no_grad():
        network.weight_hh_l0.copy_(weight[:, :PROJECTION])
        network.weight_ih_l0.copy_(weight[:, PROJECTION:])
        network.bias_ih_l0.copy_(torch.tensor(numpy.concatenate([p[f"{gate}.bias"] for gate in order])))
        network.bias_hh_l0.zero_()
        network.weight_hr_l0.copy_(torch.tensor(p["projection.weight"]))
        y, (h, c) = network(torch.tensor(x), tuple(torch.tensor(state[key])[None] for key in ["hidden", "cell"]))
    return y.numpy(), h[0].numpy(), c[0].numpy()


def torch_layer_norm_lstm(p, x, state):
    """The same by torch.nn.LayerNorm, with the bias as a shift."""
    def tensor(key):
        return torch.tensor(p[key])

    def normalised(name, a, shift):
        norm = torch.nn.LayerNorm(a.shape[1]).double()
        norm.weight.data, norm.bias.data = tensor(name + ".gain"), shift
        return norm(a)

    h, c = torch.tensor(state["hidden"]), torch.tensor(state["cell"])
    outputs = []
    with torch.no_grad():
        for rows in torch.tensor(x):
            recurrent = normalised("recurrentNorm", h @ tensor("recurrent.weight").T, torch.zeros(4 * HIDDEN).double())
            v = normalised("inputNorm", rows @ tensor("input.weight").T, tensor("bias")) + recurrent
            f, i, o, g = v.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * normalised("cellNorm", c, tensor("cellNorm.shift")).tanh()
            outputs.append(h)
    return torch.stack(outputs).numpy(), h.numpy(), c.numpy()


def compare(name, step, p, x, state):
    """Stops when another program computes something else than the step."""
    others = []
    if name == "lstm-peepholes":
        others = [onnx_lstm(p, x, state, False, "reference"), onnx_lstm(p, x, state, False, "runtime")]
    if name == "lstm-coupled":
        others = [onnx_lstm(p, x, state, True, "runtime")]
    if name == "lstm-projection":
        others = [torch_lstm(p, x, state)]
    if name == "layer-norm-lstm":
        others = [torch_layer_norm_lstm(p, x, state)]
    y, final = unrolled(step, p, x, state, [TIME] * BATCH)
    for other in others:
        for ours, theirs in zip([y, final["hidden"], final["cell"]], other, strict=True):
            assert ours.shape == theirs.shape and abs(ours - theirs).max() < 1e-6, (name, abs(ours - theirs).max())
    return len(others)


def golden(name, step, shapes, seed):
    generator = numpy.random.Generator(numpy.random.PCG64(seed))

    def draw(*shape, bound=1.0):  # Float32 values, so that a Float32 program starts from the same numbers
        return generator.uniform(-bound, bound, shape).astype(numpy.float32).astype(numpy.float64)

    p = {key: draw(*shape, bound=0.7) for key, shape in shapes.items()}
    features, hidden = INPUTS.get(name, INPUT), HIDDENS.get(name, HIDDEN)
    output = PROJECTION if "projection.weight" in shapes or step in [jordan, lru] else hidden
    widths = {part: hidden for part in STATES.get(step, ["hidden"])}
    widths |= {part: output for part in ["hidden", "context"] if part in widths}
    widths |= {part: len(MEANS) for part in ["last", "unseen"] if part in widths}
    if step is mlstm:
        count = shapes["forget.weight"][0]
        widths |= {"memory": hidden * hidden // count, "stabilizer": count}
    x = draw(TIME, BATCH, features, bound=1.5)
    if step is grud:
        x[:, :, 2:4] = x[:, :, 2:4] > 0
    if step in [grud, cfc]:
        x[:, :, -1] = abs(x[:, :, -1])
    state = {key: draw(BATCH, width) for key, width in widths.items()}
    if step is slstm:
        state["normalizer"] += 2  # At least 1, as after any step.
    weights = {"output": draw(TIME, BATCH, output)} | {key: draw(BATCH, width) for key, width in widths.items()}
    checks = compare(name, step, p, x, state)

    def loss():
        y, final = unrolled(step, p, x, state, LENGTHS)
        return (y * weights["output"]).sum() + sum((final[key] * weights[key]).sum() for key in final)

    def gradient(values):
        flat, result = values.reshape(-1), []
        for k in range(flat.size):
            middle, around = flat[k], []
            for offset in [1e-5, -1e-5]:
                flat[k] = middle + offset
                around.append(loss())
            flat[k] = middle
            result.append((around[0] - around[1]) / 2e-5)
        return numpy.array(result).reshape(values.shape)

    y, final = unrolled(step, p, x, state, LENGTHS)
    learned = p | {"input": x} | {f"initial.{key}": value[None] for key, value in state.items()}
    tensors = learned | {f"gradient.{key}": gradient(value) for key, value in learned.items()}
    tensors |= {"loss.output": weights["output"], "output": y}
    tensors |= {f"loss.{key}": weights[key][None] for key in widths} | {f"final.{key}": final[key][None] for key in final}
    print(f"{name}: {sum(value.size for value in p.values())} parameters, compared with {checks} other programs")
    lines = [
        f'      "{key}": {{"shape": {json.dumps(list(value.shape))}, "values": '
        f'[{",".join(f"{number:.9g}" for number in value.reshape(-1))}]}}' for key, value in tensors.items()]
    sizes = json.dumps({"input": features, "hidden": hidden})
    return (f'  "{name}": {{\n    "sizes": {sizes}, "lengths": {json.dumps(LENGTHS)}, "loss": {loss():.9g},\n'
            '    "tensors": {\n' + ",\n".join(lines) + "\n    }\n  }")


if __name__ == "__main__":
    parts = [golden(name, step, shapes, seed) for seed, (name, (step, shapes)) in enumerate(CELLS.items(), start=1)]
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    json.loads(text)
    Path(__file__).with_name("cells.json").write_text(text)
