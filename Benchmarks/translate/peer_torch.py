#!/usr/bin/env python3
"""The translator of `unroll train translate`, in PyTorch: the peer to measure against.

    python3 peer_torch.py --tables MODEL --data train.en,train.de --validation val.en,val.de --test test.en,test.de [--json] ...

Embedding -> GRU in both directions -> a GRU that looks at the source before each step (additive attention, Bahdanau
2015), begun from the mean of what was read -> tanh layer -> readout tied to the target's vectors -> cross-entropy with
smoothing. Merges and tables of tokens are those of a model folder of ours, so that both read the same tokens; batches,
optimiser, schedule, clipping and initial values are ours too. Judged by BLEU (sacrebleu) of greedy translations.
"""
import argparse
import gzip
import json
import math
import os
import random
import resource
import time
import unicodedata
from pathlib import Path

import sacrebleu
from subword_nmt.apply_bpe import BPE

# Else oneDNN keeps what it made for each of many shapes: seven times slower.
os.environ.setdefault("LRU_CACHE_CAPACITY", "1")

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

UNKNOWN, BEGIN, END = 0, 1, 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", required=True, help="a folder of `unroll train translate`")
    parser.add_argument("--data", required=True, help="SOURCE,TARGET: line-aligned files, .gz too")
    parser.add_argument("--validation", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--embedding", type=int, default=128)
    parser.add_argument("--attention", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--output-dropout", type=float, default=0.4)
    parser.add_argument("--label-smoothing", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--learning-rate", type=float, default=0.002)
    parser.add_argument("--warm-up", type=int, default=200)
    parser.add_argument("--final-rate", type=float, default=0.02)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--compile", action="store_true", help="torch.compile the decoder's step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args()


def words(line):
    """Words and marks, in lower case: as `PlainTokens.split`."""
    def is_word(c):
        return unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "Mn"

    tokens, current, line = [], "", line.lower()
    for i, c in enumerate(line):
        joins = c in "'’-" and current and i + 1 < len(line) and is_word(line[i + 1])
        if is_word(c) or joins:
            current += c
            continue
        if current:
            tokens.append(current)
        current = ""
        if not c.isspace():
            tokens.append(c)
    return tokens + [current] if current else tokens


def lines(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as file:
        return [words(line) for line in file.read().removesuffix("\n").split("\n")]


class Text:
    """Pairs of sentences as tokens."""

    def __init__(self, tables):
        folder = Path(tables)
        with open(folder / "merges.txt", encoding="utf-8") as file:
            self.encoding = BPE(file)
        self.entries = [json.loads((folder / f"{side}.json").read_text())["entries"] for side in ("source", "target")]
        self.codes = [{token: i for i, token in enumerate(entries)} for entries in self.entries]

    def pairs(self, paths):
        sides = [lines(path) for path in paths.split(",")]
        coded = [[[self.codes[side].get(piece, UNKNOWN) for piece in self.encoding.segment_tokens(sentence)]
                  for sentence in sides[side]] for side in (0, 1)]
        return list(zip(*coded, sides[1]))

    def words(self, tokens):
        return " ".join(self.entries[1][token] for token in tokens).replace("@@ ", "").removesuffix("@@").split()


class Translator(nn.Module):
    def __init__(self, options, sources, targets):
        super().__init__()
        size, hidden, memory = options.embedding, options.hidden, 2 * options.hidden
        self.source, self.target = nn.Embedding(sources, size), nn.Embedding(targets, size)
        self.encoder = nn.GRU(size, hidden, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(memory, hidden)
        self.key, self.query = nn.Linear(memory, options.attention, bias=False), nn.Linear(hidden, options.attention)
        self.score = nn.Linear(options.attention, 1, bias=False)
        self.cell = nn.GRUCell(size + memory, hidden)
        self.combine = nn.Linear(size + hidden + memory, size)
        self.readout = nn.Linear(size, targets)
        self.readout.weight = self.target.weight
        self.dropout, self.output_dropout = nn.Dropout(options.dropout), nn.Dropout(options.output_dropout)
        for part in (self.bridge, self.query, self.combine, self.key, self.score):
            nn.init.xavier_uniform_(part.weight)
        for name, value in [*self.encoder.named_parameters(), *self.cell.named_parameters()]:
            if name.startswith("weight"):
                for gate in value.split(hidden):
                    (nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_)(gate)
            else:
                nn.init.zeros_(value)
        for part in (self.bridge, self.query, self.combine, self.readout):
            nn.init.zeros_(part.bias)
        for table in (self.source.weight, self.target.weight):
            nn.init.normal_(table, std=0.1)

    def read(self, sources):
        """What the decoder looks at [batch, time, memory], its keys, where there is something, and the first state."""
        lengths = torch.tensor([len(s) for s in sources])
        tokens = nn.utils.rnn.pad_sequence([torch.tensor(s) for s in sources], batch_first=True)
        vectors = self.dropout(self.source(tokens))
        packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        memory = self.output_dropout(pad_packed_sequence(self.encoder(packed)[0], batch_first=True)[0])
        mask = torch.arange(memory.shape[1])[None] < lengths[:, None]
        mean = (memory * mask[..., None]).sum(1) / lengths[:, None]
        return memory, self.key(memory), mask, torch.tanh(self.bridge(mean))

    def step(self, vector, state, memory, keys, mask):
        scores = self.score(torch.tanh(keys + self.query(state)[:, None])).squeeze(-1)
        weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
        read = torch.bmm(weights[:, None], memory).squeeze(1)
        state = self.cell(torch.cat([vector, read], 1), state)
        return state, read

    def features(self, vectors, states, reads):
        return self.output_dropout(torch.tanh(self.combine(torch.cat([vectors, states, reads], -1))))

    def forward(self, sources, targets):
        """The rows that the readout reads, one for each target token and the end, and these tokens."""
        memory, keys, mask, state = self.read(sources)
        inputs = nn.utils.rnn.pad_sequence([torch.tensor([BEGIN] + t) for t in targets], batch_first=True)
        wanted = nn.utils.rnn.pad_sequence(
            [torch.tensor(t + [END]) for t in targets], batch_first=True, padding_value=-1)
        vectors = self.dropout(self.target(inputs))
        states, reads = [], []
        for t in range(vectors.shape[1]):
            state, read = self.step(vectors[:, t], state, memory, keys, mask)
            states.append(state)
            reads.append(read)
        real = wanted >= 0
        rows = self.features(vectors[real], torch.stack(states, 1)[real], torch.stack(reads, 1)[real])
        return rows, wanted[real]

    @torch.inference_mode()
    def translate(self, sources):
        """Greedy translations, as tokens."""
        memory, keys, mask, state = self.read(sources)
        last, found = torch.full((len(sources),), BEGIN), [[] for _ in sources]
        done = [False] * len(sources)
        for _ in range(2 * max(map(len, sources)) + 5):
            vector = self.target(last)
            state, read = self.step(vector, state, memory, keys, mask)
            scores = self.readout(self.features(vector, state, read))
            scores[:, [UNKNOWN, BEGIN]] = -torch.inf
            last = scores.argmax(-1)
            for i, token in enumerate(last.tolist()):
                done[i] = done[i] or token == END
                if not done[i]:
                    found[i].append(token)
            if all(done):
                break
        return found


def batches(pairs, size, pool=40):
    """Batches of similar length, mixed: as `LengthBatches.shuffled`."""
    order = random.sample(range(len(pairs)), len(pairs))
    found = []
    for first in range(0, len(order), size * pool):
        own = sorted(order[first:first + size * pool], key=lambda i: max(len(pairs[i][0]), len(pairs[i][1])))
        found += [own[i:i + size] for i in range(0, len(own), size)]
    return random.sample(found, len(found))


def bleu(model, text, pairs):
    model.eval()
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
    found = [""] * len(pairs)
    for first in range(0, len(order), 64):
        own = order[first:first + 64]
        for i, tokens in zip(own, model.translate([pairs[i][0] for i in own])):
            found[i] = " ".join(text.words(tokens))
    model.train()
    return sacrebleu.corpus_bleu(found, [[" ".join(pair[2]) for pair in pairs]], tokenize="none", force=True).score


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    text = Text(options.tables)
    training, validation, test = (text.pairs(paths) for paths in (options.data, options.validation, options.test))
    model = Translator(options, *map(len, text.entries))
    if options.compile:
        model.step = torch.compile(model.step, dynamic=True)
    optimizer = torch.optim.Adam(model.parameters(), options.learning_rate, fused=True)
    updates = options.epochs * math.ceil(len(training) / options.batch)

    def rate(update):
        if update < options.warm_up:
            return (update + 1) / options.warm_up
        done = (update - options.warm_up) / max(1, updates - options.warm_up)
        return options.final_rate + (1 - options.final_rate) * 0.5 * (1 + math.cos(math.pi * done))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    parameters = sum(p.numel() for p in model.parameters())
    print(json.dumps({"event": "start", "parameters": parameters, "torch": torch.__version__, **vars(options)}), flush=True)
    best = (-1.0, None)
    for epoch in range(1, options.epochs + 1):
        start, total, count, units = time.perf_counter(), 0.0, 0, 0
        for own in batches(training, options.batch):
            rows, wanted = model([training[i][0] for i in own], [training[i][1] for i in own])
            loss = nn.functional.cross_entropy(
                model.readout(rows), wanted, label_smoothing=options.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), options.clip)
            optimizer.step()
            schedule.step()
            total, count, units = total + loss.item(), count + 1, units + len(wanted)
        seconds = time.perf_counter() - start
        score = bleu(model, text, validation)
        if score > best[0]:
            best = (score, {name: value.clone() for name, value in model.state_dict().items()})
        event = {"event": "epoch", "epoch": epoch, "trainingLoss": total / count, "bleu": score, "seconds": seconds,
                 "unitsPerSecond": units / seconds,
                 "peakMemory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        print(json.dumps(event) if options.json else
              f"epoch {epoch}: loss {event['trainingLoss']:.4f}, BLEU {score:.2f}, {seconds:.1f} s", flush=True)
    model.load_state_dict(best[1])
    score = bleu(model, text, test)
    print(json.dumps({"event": "test", "bleu": score}) if options.json else f"test: BLEU {score:.2f}", flush=True)


if __name__ == "__main__":
    main()
