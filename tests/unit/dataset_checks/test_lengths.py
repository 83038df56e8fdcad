"""Lengths of texts, and what a reranker cuts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.inspected import check_input, dataset

from evalkit.dataset_checks import Reading, lengths, truncation


def test_lengths_are_those_of_the_texts() -> None:
    """Median, 95th percentile and longest are lengths that some text has."""
    documents = {f"d{n}": "w " * n for n in range(1, 101)}
    (found,) = lengths.lengths(check_input(dataset(documents, {"q1": "one two"}, {"q1": {"d1": 1}})))
    words = [found.counts[f"documents_words_{name}"] for name in ("p50", "p95", "max")]
    assert words == [51, 96, 100]
    assert found.counts["queries_words_max"] == 2


def test_what_a_reranker_cuts() -> None:
    """The share of cut pairs has an interval where it is of a sample, and none where all were looked at."""
    cut = np.array([True, False, False, False])
    reading = Reading("mine", 8, 4, np.array([8, 5, 6, 7]), cut, cut[:1])
    (found,) = truncation("tiny", reading)
    assert found.severity == "warning"
    assert found.what.startswith("mine (limit 8 tokens) truncates 1 of 4 pairs (25.0%); ")
    assert found.counts["relevant_truncated"] == 1
    (sampled,) = truncation("tiny", replace(reading, pairs=1000))
    assert "95 % CI 0.6% to 80.6%, from a sample" in sampled.what
    (unknown,) = truncation("tiny", Reading.unknown("mine", "it is far away"))
    assert unknown.counts == {"truncated": None}
    assert not list(truncation("tiny", replace(reading, truncated=cut[:0], tokens=reading.tokens[:0])))


def test_a_truncated_passage_is_made_shorter() -> None:
    """Where passages are read, no remedy is to make passages."""
    cut = np.array([True])
    reading = Reading("mine", 8, 1, np.array([8]), cut, cut)
    (of_documents,) = truncation("tiny", reading)
    (of_passages,) = truncation("tiny", reading, passages=True)
    assert of_documents.remedy.endswith("or split documents into passages (passages in its block)")
    assert of_passages.remedy.endswith("or lower passages.tokens")
