"""Check that the configured language of a dataset is the language of its texts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import DataFinding
from evalkit.text_analysis import Analyzer, languages

SAMPLE = 200
"""Number of documents that are inspected."""
CLEARLY = 2.0
"""Another language needs more than this many times the function words of the configured one."""
LEAST = 0.05
"""Another language needs more than this share of function words."""
SCRIPTS = {
    "arabic": ("ARABIC",),
    "armenian": ("ARMENIAN",),
    "burmese": ("MYANMAR",),
    "chinese": ("CJK",),
    "greek": ("GREEK",),
    "hindi": ("DEVANAGARI",),
    "japanese": ("HIRAGANA", "KATAKANA", "CJK"),
    "khmer": ("KHMER",),
    "korean": ("HANGUL",),
    "lao": ("LAO",),
    "nepali": ("DEVANAGARI",),
    "russian": ("CYRILLIC",),
    "serbian": ("CYRILLIC", "LATIN"),
    "tamil": ("TAMIL",),
    "thai": ("THAI",),
    "yiddish": ("HEBREW",),
}
"""Language -> its scripts in Unicode names; languages that are not listed use Latin."""


def language(data: CheckInput) -> Iterator[DataFinding]:
    """Find texts whose script or function words do not match the configured language."""
    declared = data.dataset.origin.language
    if declared not in languages():
        return
    texts = _sample(data.dataset.corpus.texts)
    script, share = _script(texts)
    if script and script not in SCRIPTS.get(declared, ("LATIN",)):
        what = f"{share:.0%} of the letters are {script}"
        written = [name for name, scripts in SCRIPTS.items() if script in scripts and script != "LATIN"]
        yield _finding(data, what, declared, f"written in {script}", written)
        return
    words = Counter(word for text in texts for word in text.lower().split())
    shares = {name: _function_words(name, words) for name in languages()}
    likely = max(shares, key=lambda name: shares[name])
    clear = shares[likely] > max(CLEARLY * shares[declared], LEAST)
    if clear and Analyzer(declared).stop_words:
        what = f"{shares[likely]:.0%} of the words are function words of {likely}, {shares[declared]:.0%} of {declared}"
        yield _finding(data, what, declared, f"in {likely}, according to its function words", [likely])


def _finding(data: CheckInput, what: str, declared: str, seems: str, likely: Sequence[str]) -> DataFinding:
    return DataFinding(
        data.name,
        "language",
        "warning",
        f"language is {declared}, but the texts seem to be {seems}",
        {},
        (),
        f"{what}: stemming and stop words for {declared} do not help, which makes BM25 a weaker baseline",
        f"set the language of the dataset to that of its texts{': ' if likely else ''}{' or '.join(likely)}",
    )


def _sample(texts: Sequence[str]) -> list[str]:
    rows = np.unique(np.linspace(0, len(texts) - 1, SAMPLE).astype(np.int64))
    return [texts[row] for row in rows.tolist()]


def _script(texts: Sequence[str]) -> tuple[str, float]:
    """Return the Unicode name of the most frequent script, with its share of letters; empty without letters."""
    letters = Counter(character for text in texts for character in text[:1000] if character.isalpha())
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[unicodedata.name(letter, "UNKNOWN").split()[0]] += count
    if not scripts:
        return "", 0.0
    ((script, count),) = scripts.most_common(1)
    return script, count / scripts.total()


def _function_words(name: str, words: Counter[str]) -> float:
    """Return the share of a language's function words, given how often each word occurs."""
    return sum(words[word] for word in Analyzer(name).stop_words) / max(words.total(), 1)
