"""Naive Bayes over character n-grams: the simple classifier that a recurrent one must beat to be worth its time."""
import math
from collections import Counter


def grams(text, longest):
    """All n-grams of up to `longest` characters, with marks for the beginning and the end."""
    marked = f"\x02{text}\x03"
    return [marked[i:i + n] for n in range(1, longest + 1) for i in range(len(marked) - n + 1)]


class NaiveBayes:
    def __init__(self, examples, longest, smoothing):
        """Counts the n-grams of (text, label) pairs; `smoothing` is added to each count."""
        self.longest, self.smoothing = longest, smoothing
        self.counts, labels = {}, Counter()
        for text, label in examples:
            labels[label] += 1
            self.counts.setdefault(label, Counter()).update(grams(text, longest))
        self.kinds = len(set().union(*self.counts.values()))
        self.totals = {label: sum(counts.values()) for label, counts in self.counts.items()}
        self.priors = {label: math.log(count / len(examples)) for label, count in labels.items()}

    def label(self, text):
        own = grams(text, self.longest)

        def score(label):
            counts, whole = self.counts[label], self.totals[label] + self.smoothing * self.kinds
            return self.priors[label] + sum(math.log((counts[g] + self.smoothing) / whole) for g in own)
        return max(self.priors, key=score)

    def accuracy(self, examples):
        return sum(self.label(text) == label for text, label in examples) / len(examples)


def best(training, validation):
    """The naive Bayes whose longest n-gram and smoothing do best on the validation examples."""
    models = [NaiveBayes(training, longest, smoothing) for longest in (2, 3, 4, 5) for smoothing in (0.1, 0.3, 1)]
    return max(models, key=lambda model: model.accuracy(validation))
