"""Report the lengths of texts, and how many pairs a reranker truncates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import DataFinding
from evalkit.plurals import number_of
from evalkit.stats import share_interval


def lengths(data: CheckInput) -> Iterator[DataFinding]:
    """Report the lengths of documents and queries."""
    if not len(data.documents.words) or not len(data.queries.words):
        return
    counts: dict[str, float | None] = {}
    parts = []
    for one, name, text_stats in (
        ("document", "documents", data.documents),
        ("query", "queries", data.queries),
    ):
        for unit, values in (("words", text_stats.words), ("characters", text_stats.characters)):
            middle, high, most = (int(v) for v in np.quantile(values, (0.5, 0.95, 1.0), method="higher"))
            counts |= {f"{name}_{unit}_p50": middle, f"{name}_{unit}_p95": high, f"{name}_{unit}_max": most}
            parts.append(f"{one} length in {unit}: median {middle}, p95 {high}, max {most}")
    yield DataFinding(
        data.name,
        "lengths",
        "note",
        "; ".join(parts),
        counts,
        (),
        "texts above the token limit of a model are truncated; words are separated by white space",
        "choose max_length_tokens for these lengths; evalkit dataset check CONFIG counts truncated texts",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Tokens that a local reranker reads per pair, and which pairs it truncates.

    Attributes
    ----------
    reranker
        Tag of the reranker.
    limit
        Its length limit in tokens; None for no limit.
    pairs
        Number of all pairs.
    tokens, truncated
        ``(n,)`` tokens read per pair of a sample, and whether the pair was truncated.
    relevant_truncated
        ``(m,)`` whether a pair of a sample of relevant pairs was truncated.
    missing
        Why there is no measurement; None if there is one.
    """

    reranker: str
    limit: int | None
    pairs: int
    tokens: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    relevant_truncated: NDArray[np.bool_]
    missing: str | None = None

    @classmethod
    def unknown(cls, reranker: str, why: str) -> Reading:
        """Return a reading without measurement, and the reason."""
        no_pairs = np.empty(0, dtype=np.bool_)
        return cls(reranker, None, 0, np.empty(0, dtype=np.int64), no_pairs, no_pairs, why)


def truncation(dataset: str, reading: Reading, *, passages: bool = False) -> Iterator[DataFinding]:
    """Report the lengths of pairs in the reranker's tokens, and how many pairs it truncates.

    Parameters
    ----------
    dataset, reading
        Name of the dataset, and what one reranker reads of it.
    passages
        Whether the reranker reads passages.
    """
    shorter = "lower passages.tokens" if passages else "split documents into passages (passages in its block)"
    if reading.missing is not None:
        yield _unknown(dataset, reading.reranker, reading.missing)
        return
    n, cut = len(reading.truncated), int(reading.truncated.sum())
    if not n:
        return
    share = share_interval(cut, n)
    middle, high = (int(v) for v in np.quantile(reading.tokens, (0.5, 0.95), method="higher"))
    relevant, relevant_cut = len(reading.relevant_truncated), int(reading.relevant_truncated.sum())
    sampled = "" if n == reading.pairs else f", 95 % CI {share.lower:.1%} to {share.upper:.1%}, from a sample"
    limit = "no limit" if reading.limit is None else f"limit {reading.limit} tokens"
    yield DataFinding(
        dataset,
        "truncation",
        "warning" if cut else "note",
        f"{reading.reranker} ({limit}) truncates {cut} of {number_of(n, 'pair')}"
        f" ({cut / n:.1%}{sampled}); tokens read per pair: median {middle}, p95 {high}",
        {
            "pairs": reading.pairs,
            "pairs_looked_at": n,
            "truncated": cut,
            "relevant_looked_at": relevant,
            "relevant_truncated": relevant_cut,
            "tokens_p50": middle,
            "tokens_p95": high,
            "limit_tokens": reading.limit,
        },
        (),
        f"text past the limit is ignored; {relevant_cut} of {number_of(relevant, 'relevant pair')}"
        " checked are truncated",
        f"raise max_length_tokens if the model supports it, or {shorter}" if cut else "no action needed",
    )


def _unknown(dataset: str, reranker: str, why: str) -> DataFinding:
    return DataFinding(
        dataset,
        "truncation",
        "note",
        f"truncation by {reranker} is unknown: {why}",
        {"truncated": None},
        (),
        "text past the limit is ignored",
        "compare the document lengths with the documented limit of the model",
    )
