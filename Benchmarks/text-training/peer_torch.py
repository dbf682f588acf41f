#!/usr/bin/env python3
"""The language model of `unroll train text`, in PyTorch: the peer to measure against.

    python3 peer_torch.py --data FILE [--tokens words] [--cell lstm] [--hidden 256] [--epochs 8] [--json] ...

Embedding -> recurrent layers (dropout before, between and after them) -> linear -> cross-entropy. Tokens are Unicode
scalars, or words between white space with `<eos>` for a line's end and `<unk>` for what the training part lacks. The
first 90 % of the text train, the next 5 % validate, the last 5 % are left alone; with --validation all of --data train.
An epoch reads the training part, a ring, as `batch` contiguous streams side by side, in windows of `length` steps; the
state is carried from window to window, gradients are not. Only `gru-reset-after` is the same cell as unroll's of that
name; PyTorch has no textbook GRU, and `gru` runs the same.
"""
import argparse
import json
import math
import resource
import time
from collections import Counter

import torch
from torch import nn

CELLS = {"elman": nn.RNN, "gru": nn.GRU, "gru-reset-after": nn.GRU, "lstm": nn.LSTM}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--validation", help="a text to judge by; then all of --data is trained on")
    parser.add_argument("--test", help="not looked at; here because unroll has it")
    parser.add_argument("--tokens", choices=["characters", "words"], default="characters")
    parser.add_argument("--cell", choices=CELLS, default="lstm")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--embedding", type=int, default=64)
    parser.add_argument("--tie-embeddings", action="store_true", help="one table for vectors and scores, as it is read")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--length", type=int, default=64, help="time steps in a window")
    parser.add_argument("--batch", type=int, default=32, help="streams read side by side")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam", help="sgd: without momentum")
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--schedule", choices=["constant", "cosine"], default="cosine")
    parser.add_argument("--warm-up", type=int, default=100, help="updates in which the learning rate rises")
    parser.add_argument("--final-rate", type=float, default=0.01, help="where cosine ends, a part of the learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.0, help="above 0: AdamW")
    parser.add_argument("--clip", type=float, default=1.0, help="largest global norm of the gradient; 0: no clipping")
    parser.add_argument("--initialization", choices=["unroll", "torch"], default="unroll")
    parser.add_argument("--forget-bias", type=float, default=1.0)
    parser.add_argument("--evaluation-streams", type=int, default=16, help="streams that the validation part is read as")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args()


class Model(nn.Module):
    def __init__(self, options, vocabulary):
        super().__init__()
        between = options.dropout if options.layers > 1 else 0.0
        self.embedding = nn.Embedding(vocabulary, options.embedding)
        self.recurrent = CELLS[options.cell](options.embedding, options.hidden, options.layers, dropout=between)
        self.dropout = nn.Dropout(options.dropout)
        self.readout = nn.Linear(options.hidden, vocabulary)
        if options.initialization == "unroll":
            self.initialize(options)
        if options.tie_embeddings:
            nn.init.normal_(self.embedding.weight, std=options.embedding ** -0.5)
            self.readout.weight = self.embedding.weight

    @torch.no_grad()
    def initialize(self, options):
        """Glorot for what reads inputs, orthogonal for what reads states, gate by gate; biases 0, the forget gate's 1."""
        nn.init.normal_(self.embedding.weight)
        for name, parameter in self.recurrent.named_parameters():
            if name.startswith("bias"):
                parameter.zero_()
                if options.cell == "lstm" and name.startswith("bias_ih"):
                    parameter[options.hidden:2 * options.hidden] = options.forget_bias
                continue
            fill = nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_
            for gate in parameter.split(options.hidden):
                fill(gate)
        nn.init.xavier_uniform_(self.readout.weight)
        self.readout.bias.zero_()

    def forward(self, characters, state):
        hidden, state = self.recurrent(self.dropout(self.embedding(characters)), state)
        return self.readout(self.dropout(hidden)), state


def windows(text, streams, length):
    """Inputs and targets [time, streams], in reading order; the last window may be shorter."""
    steps = (len(text) - 1) // streams
    inputs = text[:steps * streams].view(streams, steps).t().contiguous()
    targets = text[1:steps * streams + 1].view(streams, steps).t().contiguous()
    return list(zip(inputs.split(length), targets.split(length)))


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


@torch.inference_mode()
def evaluate(model, text, streams):
    """Mean loss in nats per token, the state carried along each stream."""
    model.eval()
    total, count, state = 0.0, 0, None
    for inputs, targets in windows(text, streams, 256):
        scores, state = model(inputs, state)
        total += nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten(), reduction="sum").item()
        count += targets.numel()
    model.train()
    return total / count


def read(path, kind):
    """The tokens of a text, as strings."""
    with open(path, encoding="utf-8", newline="") as file:
        content = file.read()
    if kind == "characters":
        return list(content)
    lines = content.split("\n")
    tokens = [word for line in lines[:-1] for word in line.split() + ["<eos>"]]
    return tokens + lines[-1].split()


def corpus(options):
    """The tokens to train on and to validate with, and the vocabulary."""
    text = read(options.data, options.tokens)
    if options.validation:
        parts = text, read(options.validation, options.tokens)
    else:
        parts = text[:len(text) * 90 // 100], text[len(text) * 90 // 100:len(text) * 95 // 100]
    if options.tokens == "characters":
        vocabulary = sorted(set(text).union(*parts))
    else:
        counts = Counter(parts[0])
        words = [word for word in counts if word not in ("<unk>", "<eos>")]
        vocabulary = ["<unk>", "<eos>", *sorted(words, key=lambda word: (-counts[word], word))]
    code = {token: index for index, token in enumerate(vocabulary)}
    return (*(torch.tensor([code.get(token, 0) for token in part]) for part in parts), vocabulary)


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    training, validation, vocabulary = corpus(options)

    def report(event, line):
        print(json.dumps(event) if options.json else line, flush=True)

    model = Model(options, len(vocabulary))
    parameters = list(model.parameters())
    kinds = {"adam": torch.optim.AdamW if options.weight_decay > 0 else torch.optim.Adam, "sgd": torch.optim.SGD}
    optimizer = kinds[options.optimizer](
        parameters, options.learning_rate, weight_decay=options.weight_decay, fused=True)
    batches = windows(training, options.batch, options.length)
    updates = len(batches) * options.epochs

    def rate(update):
        if update < options.warm_up:
            return (update + 1) / options.warm_up
        if options.schedule == "constant":
            return 1.0
        done = (update - options.warm_up) / max(1, updates - options.warm_up)
        return options.final_rate + (1 - options.final_rate) * 0.5 * (1 + math.cos(math.pi * done))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    report({"event": "start", "parameters": sum(p.numel() for p in parameters), "vocabulary": len(vocabulary),
            "updates": updates, "torch": torch.__version__, **vars(options)},
           f"{sum(p.numel() for p in parameters)} parameters, {len(vocabulary)} {options.tokens}, {updates} updates")
    update = 0
    for epoch in range(1, options.epochs + 1):
        if epoch > 1:
            offset = int(torch.randint(len(training), ()))
            batches = windows(training.roll(-offset), options.batch, options.length)
        start, state, sum_of_losses, steps = time.perf_counter(), None, torch.zeros(()), 0
        for inputs, targets in batches:
            scores, state = model(inputs, state)
            state = detached(state)
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if options.clip > 0:
                nn.utils.clip_grad_norm_(parameters, options.clip)
            optimizer.step()
            schedule.step()
            update += 1
            steps += len(targets)
            sum_of_losses += loss.detach() * len(targets)
            if update % 50 == 0:
                now = time.perf_counter() - start
                report({"event": "update", "epoch": epoch, "update": update, "loss": loss.item(),
                        "unitsPerSecond": steps * options.batch / now},
                       f"  update {update}: loss {loss.item():.4f}, {steps * options.batch / now:.0f} {options.tokens}/s")
        seconds = time.perf_counter() - start
        event = {"event": "epoch", "epoch": epoch, "updatesDone": update, "trainingLoss": sum_of_losses.item() / steps,
                 "validationLoss": evaluate(model, validation, options.evaluation_streams),
                 "unitsPerSecond": steps * options.batch / seconds, "seconds": seconds,
                 "peakMemory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        report(event, "epoch {epoch}: training loss {trainingLoss:.4f}, validation loss {validationLoss:.4f}, "
               "{unitsPerSecond:.0f} {tokens}/s, {seconds:.1f} s, peak {peakMemory} bytes".format(
                   **event, tokens=options.tokens))


if __name__ == "__main__":
    main()
