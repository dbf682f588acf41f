#!/usr/bin/env python3
"""The tagger of `unroll train tag`, in PyTorch: the peer to measure against.

    python3 peer_torch.py --data train.conllu --validation dev.conllu --test test.conllu [--json] ...

Characters -> an LSTM of both directions, its two last states -> with a vector of the word -> LSTMs of both directions ->
linear -> cross-entropy; parts of speech (UPOS) of CoNLL-U. Tables, batches, dropout, optimiser, schedule, clipping and
initial values are ours: words in lower case that occur twice, the others unknown.
"""
import argparse
import json
import math
import os
import random
import resource
import time
from collections import Counter

# Else oneDNN keeps what it made for each of many shapes: seven times slower.
os.environ.setdefault("LRU_CACHE_CAPACITY", "1")

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--validation", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=200)
    parser.add_argument("--word-vector", type=int, default=100)
    parser.add_argument("--character-vector", type=int, default=32)
    parser.add_argument("--character-hidden", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.4)
    parser.add_argument("--word-dropout", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=0.002)
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--final-rate", type=float, default=0.01)
    parser.add_argument("--clip", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args()


def sentences(path):
    """Lists of (word, tag); ranges of words (1-2) and empty nodes (1.1) are no words."""
    found, current = [], []
    with open(path, encoding="utf-8") as file:
        for line in [*file, "\n"]:
            columns = line.rstrip("\n").split("\t")
            if line.strip() == "":
                if current:
                    found.append(current)
                current = []
            elif not line.startswith("#") and columns[0].isdigit():
                current.append((columns[1], columns[3]))
    return found


def table(tokens, least):
    counts = Counter(tokens)
    kept = sorted((t for t in counts if counts[t] >= least), key=lambda t: (-counts[t], t))
    return {"<unk>": 0, **{token: i + 1 for i, token in enumerate(kept)}}


class Tagger(nn.Module):
    def __init__(self, options, characters, words, tags):
        super().__init__()
        self.word_dropout = options.word_dropout
        self.characters = nn.Embedding(characters, options.character_vector)
        self.words = nn.Embedding(words, options.word_vector)
        self.spelling = nn.LSTM(options.character_vector, options.character_hidden, bidirectional=True)
        self.reader = nn.LSTM(2 * options.character_hidden + options.word_vector, options.hidden, options.layers,
                              bidirectional=True, dropout=options.dropout)
        self.dropout = nn.Dropout(options.dropout)
        self.readout = nn.Linear(2 * options.hidden, tags)
        nn.init.normal_(self.characters.weight, std=0.1)
        nn.init.normal_(self.words.weight, std=0.1)
        for name, value in [*self.spelling.named_parameters(), *self.reader.named_parameters()]:
            size = value.shape[0] // 4
            if name.startswith("weight"):
                for gate in value.split(size):
                    (nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_)(gate)
            else:
                nn.init.zeros_(value)
                if name.startswith("bias_ih"):
                    nn.init.ones_(value[size:2 * size])
        nn.init.xavier_uniform_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(self, batch):
        """Scores [words, tags], in the order of the words, sentence after sentence."""
        lengths = torch.tensor([len(words) for words, _, _ in batch])
        spellings = [characters for _, all_characters, _ in batch for characters in all_characters]
        vectors = self.characters(torch.tensor([c for characters in spellings for c in characters]))
        packed = pack_sequence(vectors.split([len(s) for s in spellings]), enforce_sorted=False)
        ends = self.spelling(packed)[1][0]
        words = torch.tensor([word for words, _, _ in batch for word in words])
        if self.training:
            words = words.masked_fill(torch.rand(len(words)) < self.word_dropout, 0)
        rows = self.dropout(torch.cat([ends[0], ends[1], self.words(words)], 1))
        padded = nn.utils.rnn.pad_sequence(rows.split(lengths.tolist()))
        packed = pack_padded_sequence(padded, lengths, enforce_sorted=False)
        output = pad_packed_sequence(self.reader(packed)[0], batch_first=True)[0]
        real = torch.arange(output.shape[1])[None] < lengths[:, None]
        return self.readout(self.dropout(output[real]))


def batches(lengths, size, pool=40):
    order = random.sample(range(len(lengths)), len(lengths))
    found = []
    for first in range(0, len(order), size * pool):
        own = sorted(order[first:first + size * pool], key=lambda i: lengths[i])
        found += [own[i:i + size] for i in range(0, len(own), size)]
    return random.sample(found, len(found))


@torch.inference_mode()
def accuracy(model, examples):
    model.eval()
    order = sorted(range(len(examples)), key=lambda i: len(examples[i][0]))
    right = total = 0
    for first in range(0, len(order), 64):
        own = [examples[i] for i in order[first:first + 64]]
        truth = torch.tensor([tag for _, _, tags in own for tag in tags])
        right += (model(own).argmax(-1) == truth).sum().item()
        total += len(truth)
    model.train()
    return right / total


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    parts = [sentences(path) for path in (options.data, options.validation, options.test)]
    words = table((word.lower() for s in parts[0] for word, _ in s), 2)
    characters = table((c for s in parts[0] for word, _ in s for c in word), 2)
    tags = {tag: i for i, tag in enumerate(sorted({tag for s in parts[0] for _, tag in s}))}
    training, validation, test = (
        [([words.get(w.lower(), 0) for w, _ in s], [[characters.get(c, 0) for c in w] for w, _ in s],
          [tags[t] for _, t in s]) for s in part] for part in parts)
    model = Tagger(options, len(characters), len(words), len(tags))
    optimizer = torch.optim.Adam(model.parameters(), options.learning_rate, fused=True)
    updates = options.epochs * math.ceil(len(training) / options.batch)

    def rate(update):
        if update < options.warm_up:
            return (update + 1) / options.warm_up
        done = (update - options.warm_up) / max(1, updates - options.warm_up)
        return options.final_rate + (1 - options.final_rate) * 0.5 * (1 + math.cos(math.pi * done))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    print(json.dumps({"event": "start", "parameters": sum(p.numel() for p in model.parameters()),
                      "torch": torch.__version__, **vars(options)}), flush=True)
    lengths = [len(example[0]) for example in training]
    best = (-1.0, None)
    for epoch in range(1, options.epochs + 1):
        start, total, units = time.perf_counter(), 0.0, 0
        for own in batches(lengths, options.batch):
            batch = [training[i] for i in own]
            truth = torch.tensor([tag for _, _, tags in batch for tag in tags])
            loss = nn.functional.cross_entropy(model(batch), truth)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), options.clip)
            optimizer.step()
            schedule.step()
            total, units = total + loss.item() * len(truth), units + len(truth)
        seconds = time.perf_counter() - start
        score = accuracy(model, validation)
        if score > best[0]:
            best = (score, {name: value.clone() for name, value in model.state_dict().items()})
        event = {"event": "epoch", "epoch": epoch, "trainingLoss": total / units, "accuracy": score, "seconds": seconds,
                 "unitsPerSecond": units / seconds,
                 "peakMemory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        print(json.dumps(event) if options.json else
              f"epoch {epoch}: loss {total / units:.4f}, accuracy {100 * score:.2f} %, {seconds:.1f} s", flush=True)
    model.load_state_dict(best[1])
    score = accuracy(model, test)
    print(json.dumps({"event": "test", "accuracy": score}) if options.json else f"test: accuracy {100 * score:.2f} %",
          flush=True)


if __name__ == "__main__":
    main()
