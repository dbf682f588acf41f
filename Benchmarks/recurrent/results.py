"""Rows as measured by all programs: medians, ratios, and whether the programs agree; the targets they are held to."""
import math
from statistics import geometric_mean, median

OURS, ONE_THREAD = "Unroll", "Unroll, one thread"
TORCH, COMPILED, ONNX = "PyTorch", "PyTorch, compiled", "ONNX Runtime"
FLOAT32 = "Unroll, float32"  # of rows in fewer bits
PEERS = [TORCH, COMPILED, ONNX, FLOAT32]
WORDS = {"bfloat16": " bf16", "int8": " int8"}
GATES = {"elman": 1, "gru": 3, "gru-reset-after": 3, "lstm": 4, "tide": 3}
TOLERANCE = 1e-3


class Measured:
    def __init__(self, row):
        self.row = row
        self.answers = {}  # by program, one of each round

    def add(self, program, answer):
        self.answers.setdefault(program, []).append(answer)

    def milliseconds(self, program=OURS):
        return median(answer["milliseconds"] for answer in self.answers[program])

    def version(self, program):
        return self.answers[program][0]["version"]

    @property
    def label(self):
        row = self.row
        layers = f" L{row['layers']}" if row["layers"] > 1 else ""
        work = row["kind"] + WORDS.get(row.get("precision"), "")
        return f"{row['cell']} {work} T{row['time']} B{row['batch']} H{row['hidden']}{layers}"

    @property
    def speed(self):
        """Billions of useful operations a second."""
        return median(answer["speed"] for answer in self.answers[OURS])

    @property
    def fraction(self):
        """Of the FMA peak of the threads used; each round has its own."""
        return median(answer["fractionOfPeak"] for answer in self.answers[OURS])

    def ratio(self, peer):
        """The peer's time over ours, medians: above 1, ours is faster. None where the peer has no such row."""
        return self.milliseconds(peer) / self.milliseconds() if peer in self.answers else None

    def range(self, peer):
        """The smallest and the largest ratio of one round."""
        pairs = zip(self.answers[peer], self.answers[OURS])
        ratios = [theirs["milliseconds"] / ours["milliseconds"] for theirs, ours in pairs]
        return min(ratios), max(ratios)

    def best(self, peers):
        """The ratio to the fastest of several peers."""
        ratios = [self.ratio(peer) for peer in peers if peer in self.answers]
        return min(ratios) if ratios else None

    def disagreements(self):
        """What programs compute differently, as text. A sum is held against the norm of what is summed, as it can
        vanish by itself."""
        found = []
        ours = self.answers[OURS][0]["checks"]
        for program in self.answers:
            for what, values in self.answers[program][0]["checks"].items():
                (total, squares, projection), own = values, ours[what]
                norm = math.sqrt(max(own[1], 1e-30))
                errors = [abs(total - own[0]) / max(abs(own[0]), norm), abs(squares / max(own[1], 1e-30) - 1),
                          abs(projection - own[2]) / max(abs(own[2]), norm)]
                if not max(errors) <= TOLERANCE:
                    found.append(f"{what} of {program} and {OURS} by {max(errors):.1e}")
        return found

    def line(self):
        ratios = [f"{peer} {self.ratio(peer):.2f}" for peer in PEERS if peer in self.answers]
        found = self.disagreements()
        return (f"{self.label}: {self.milliseconds():.4g} ms, {self.fraction:.0%} of peak; ratios: {', '.join(ratios)}"
                + (f"; DISAGREE: {'; '.join(found)}" if found else ""))

    def record(self):
        kept = ["milliseconds", "speed", "peak", "fractionOfPeak", "version", "instructionSet"]
        sides = {program: {key: [a[key] for a in answers] for key in kept if key in answers[0]}
                 for program, answers in self.answers.items()}
        return {"label": self.label, "row": self.row, "programs": sides,
                "ratios": {peer: self.ratio(peer) for peer in PEERS if peer in self.answers},
                "checks": {program: answers[0]["checks"] for program, answers in self.answers.items()},
                "disagreements": self.disagreements()}


class Target:
    """A number of some rows that has to reach `mean` in its geometric mean and `each` in every row; or, where `at_most`
    is set, must not go above them."""

    def __init__(self, work, against, number, choose, mean=None, each=None, at_most=False):
        self.work, self.against, self.number, self.choose = work, against, number, choose
        self.mean, self.each, self.at_most = mean, each, at_most

    def wanted(self):
        sign = "≤" if self.at_most else "≥"
        wishes = {"mean": self.mean, "each": self.each}
        return ", ".join(f"{name} {sign} {value:g}" for name, value in wishes.items() if value is not None)

    def judged(self, results):
        """Numbers by label, and what misses the target: labels, or the mean; None where no row was measured."""
        numbers = {r.label: self.number(r, results) for r in results if self.choose(r.row)}
        numbers = {label: number for label, number in numbers.items() if number is not None}
        if not numbers:
            return None
        sign = -1 if self.at_most else 1
        missed = [label for label, n in numbers.items() if self.each is not None and sign * n < sign * self.each]
        if self.mean is not None and sign * geometric_mean(numbers.values()) < sign * self.mean:
            missed.insert(0, "mean")
        return numbers, missed


def against(*peers):
    return lambda result, _: result.best(peers)


def scaling(result, _):
    return result.milliseconds(ONE_THREAD) / result.milliseconds() if ONE_THREAD in result.answers else None


def own_gru(result, results):
    """Our time for an operation, over that of our GRU with the reset after the product, in the same shape."""
    for other in results:
        if other.row == {**result.row, "cell": "gru-reset-after"}:
            return (result.milliseconds() / GATES[result.row["cell"]]) / (other.milliseconds() / GATES["gru"])
    return None


def rows(kind, cells, batches, precision=None):
    """Chooses rows; `batches` is True for batches, False for single sequences, None for both."""
    return lambda row: (row["kind"] == kind and row["cell"] in cells and row.get("precision") == precision
                        and (batches is None or batches == (row["batch"] > 1)))


WRITTEN, LIBRARY = ["gru", "tide"], ["elman", "gru-reset-after", "lstm"]
TARGETS = [
    Target("LSTM training step", TORCH, against(TORCH), rows("train", ["lstm"], True), 1.2, 1.05),
    Target("GRU (reset after) training step", TORCH, against(TORCH), rows("train", ["gru-reset-after"], True), 1.8, 1.3),
    Target("Elman training step", TORCH, against(TORCH), rows("train", ["elman"], True), 2.0, 1.5),
    Target("textbook GRU and tide, training step", "PyTorch, eager or compiled", against(TORCH, COMPILED),
           rows("train", WRITTEN, True), 2.0),
    Target("textbook GRU and tide, time of an operation", "our GRU (reset after)", own_gru,
           rows("train", WRITTEN, True), each=1.15, at_most=True),
    Target("LSTM training step, batch 1", TORCH, against(TORCH), rows("train", ["lstm"], False), each=1.5),
    Target("other cells' training step, batch 1", "PyTorch, eager or compiled", against(TORCH, COMPILED),
           rows("train", ["elman", "gru", "gru-reset-after", "tide"], False), each=4),
    Target("LSTM, GRU forward", ONNX, against(ONNX), rows("forward", ["lstm", "gru", "gru-reset-after"], True), 1.1, 1.0),
    Target("LSTM, GRU, Elman forward, batch 1", ONNX, against(ONNX),
           rows("forward", ["lstm", "gru", "gru-reset-after", "elman"], False), each=1.3),
    Target("one step, batch 1", ONNX, against(ONNX), rows("step", list(GATES), None), each=2.5),
    Target("LSTM, GRU forward, bf16, batch 1", FLOAT32, against(FLOAT32),
           rows("forward", ["lstm", "gru"], False, "bfloat16"), each=1.7),
    Target("LSTM, GRU forward, int8, batch 1", FLOAT32, against(FLOAT32),
           rows("forward", ["lstm", "gru"], False, "int8"), each=2.5),
    Target("LSTM training, ragged", "PyTorch, PackedSequence", against(TORCH), rows("ragged", ["lstm"], None), each=2.0),
    Target("LSTM training, fraction of the FMA peak", "the machine", lambda result, _: result.fraction,
           lambda row: rows("train", ["lstm"], True)(row) and row["hidden"] == 512, each=0.8),
    Target("training step, all threads", "one thread", scaling, rows("train", list(GATES), True), mean=1.85),
]
