"""BLEU and chrF by sacrebleu, and byte pair encoding by subword-nmt, for MeasureTests.swift and
BytePairEncodingTests.swift.

    python3 translation.py > translation.json

Needs sacrebleu and subword-nmt.
"""
import io
import json

import sacrebleu
from subword_nmt.apply_bpe import BPE
from subword_nmt.learn_bpe import learn_bpe

translations = [
    "two men are standing in front of a building .", "a girl plays with a red ball", "ein hund läuft durch den schnee .",
    "the the the the", "", "a man in a blue shirt is sitting on a bench reading a newspaper in the park .",
]
references = [
    "two men stand in front of a building .", "a little girl is playing with a red ball .",
    "ein hund rennt durch den schnee .", "the cat sat", "nothing was said", "a man wearing a blue shirt is sitting on a "
    "bench in the park and reading a newspaper .",
]
bleu = sacrebleu.corpus_bleu(translations, [references], tokenize="none", smooth_method="none", force=True)
chrf = sacrebleu.corpus_chrf(translations, [references])

words = ("low low low low low lower lower newest newest newest newest newest newest widest widest widest "
         "straße straßen ähnlich ähnliche ähnlicher").split()
merges = io.StringIO()
learn_bpe(io.StringIO(" ".join(words) + "\n"), merges, 12, min_frequency=2)
merges.seek(0)
text = merges.getvalue()
encoder = BPE(io.StringIO(text))
pieces = {word: encoder.process_line(word).split() for word in sorted(set(words) | {"lowest", "neu", "x", "nähe"})}

print(json.dumps({
    "translations": translations, "references": references, "bleu": bleu.score, "precisions": bleu.precisions,
    "brevityPenalty": bleu.bp, "chrF": chrf.score, "words": words, "merges": text.strip().split("\n"),
    "pieces": pieces,
}, ensure_ascii=False, indent=1))
