"""Check questions that a model wrote for documents: none may be a copy of its document, or use a forbidden word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from evalkit.text_analysis import Analyzer
from evalkit.text_analysis.content_words import content_words

MOST_WORDS = 40
"""Words of a question above which it is no search query."""
MOST_OVERLAP = 0.7
"""Share of a question's content words in its document above which it counts as a copy."""
DISTINCTIVE = 0.1
"""Share of the documents above which a term does not identify one."""
LONGEST_RUN = 6
"""Words in a row that a question may share with its document."""
_SENTENCE_ENDS = re.compile(r"[.!?\u3002\uff01\uff1f\u061f\u0964\n]+")
_LABEL = re.compile(r"^(question|query|search query)\s*:\s*", re.IGNORECASE)
_QUOTES = "\"'\u201c\u201d\u00ab\u00bb"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a question is not used.

    Attributes
    ----------
    kind
        ``answer`` (not one question), ``forbidden``, ``copied``, ``reordered``.
    reason
        What the model is asked to avoid, in words.
    """

    kind: str
    reason: str


def rarest_words(
    text: str, analyzer: Analyzer, frequency: Mapping[str, int], documents: int, most: int
) -> dict[str, tuple[str, ...]]:
    """Return term -> its words in a document, of the terms that occur in the fewest documents.

    At most a third of the different terms are taken, so that a question can still be asked, and no term that more than
    the share `DISTINCTIVE` of the documents contain, but for the rarest one.

    Parameters
    ----------
    text
        The document.
    analyzer
        Makes terms of words.
    frequency
        Term -> number of documents that contain it.
    documents
        Number of documents.
    most
        Most terms.
    """
    words: dict[str, dict[str, None]] = {}
    for word in re.findall(r"\w+", text):
        for term in analyzer.terms(word):
            words.setdefault(term, {})[word] = None
    ordered = sorted(words, key=lambda term: (frequency.get(term, 0), term))
    rare = [term for term in ordered if frequency.get(term, 0) <= DISTINCTIVE * documents] or ordered[:1]
    return {term: tuple(words[term]) for term in rare[: min(most, max(1, len(ordered) // 3))]}


def document_frequencies(texts: Iterable[str], analyzer: Analyzer) -> Counter[str]:
    """Return term -> number of texts that contain it."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(set(analyzer.terms(text)))
    return found


def read_question(answer: str) -> str:
    """Return the question of an answer, without quotation marks and a label around it."""
    return _LABEL.sub("", " ".join(answer.split())).strip().strip(_QUOTES).strip()


def overlap(question: str, text: str) -> float:
    """Return the share of the content words of a question that are in a text; 0 without content words."""
    words = content_words(question)
    return len(words & content_words(text)) / len(words) if words else 0.0


def rejection(question: str, text: str, forbidden: Collection[str], analyzer: Analyzer) -> Rejection | None:
    """Return why a question for a document is rejected; None if it is used.

    Parameters
    ----------
    question, text
        The question and its document.
    forbidden
        Terms that the question must not have.
    analyzer
        Makes terms of words.
    """
    words = question.split()
    terms = analyzer.terms(question)
    if not terms or len(words) > MOST_WORDS:
        return Rejection("answer", f"it is not one question of 1 to {MOST_WORDS} words")
    used = [word for word in words if set(analyzer.terms(word)) & set(forbidden)]
    if used:
        return Rejection("forbidden", f"it uses {', '.join(dict.fromkeys(used))}")
    ordered = Counter(terms)
    if len(terms) > 1 and any(Counter(analyzer.terms(one)) == ordered for one in _SENTENCE_ENDS.split(text)):
        return Rejection("reordered", "it has the same words as a sentence of the document")
    if longest_run(terms, analyzer.terms(text)) >= LONGEST_RUN:
        return Rejection("copied", f"it has {LONGEST_RUN} or more words in a row from the document")
    if overlap(question, text) > MOST_OVERLAP:
        return Rejection("copied", f"more than {MOST_OVERLAP:.0%} of its words are from the document")
    return None


def longest_run(first: list[str], second: list[str]) -> int:
    """Return the length of the longest sequence of terms that two lists share."""
    before = [0] * (len(second) + 1)
    longest = 0
    for term in first:
        now = [0] * (len(second) + 1)
        for place, other in enumerate(second, start=1):
            if term == other:
                now[place] = before[place - 1] + 1
        longest, before = max(longest, *now), now
    return longest
