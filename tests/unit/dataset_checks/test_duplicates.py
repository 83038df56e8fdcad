"""Checks for documents with equal texts."""

from __future__ import annotations

import numpy as np
from support.inspected import DOCUMENTS, QRELS, QUERIES, WORDS, by_code, check_input, dataset

from evalkit.dataset_checks import duplicates


def test_documents_that_are_the_same() -> None:
    """A twin of a relevant document that no one judged is named with its query, and what judging it would move."""
    documents = {**DOCUMENTS, "d4": WORDS.upper(), "d5": WORDS + " ", "e1": "", "e2": ""}
    qrels = {"q1": {"d1": 2, "d5": 1}, "q2": {"d3": 1}}
    found = by_code(
        duplicates.duplicates(
            check_input(dataset(documents, QUERIES, qrels), {"q1": ["d4", "d1"], "q2": ["d3"]})
        )
    )
    assert found["duplicate_documents"].examples == ("d1 = d4 = d5",)
    assert found["duplicate_documents"].counts == {"documents": 3, "texts": 1}
    apart = found["unjudged_duplicates"]
    assert apart.examples == ("q1: d4",)
    assert apart.counts == {"unjudged": 1, "contradictions": 1, "among_candidates": 1}
    gain = 2 / np.log2(3) / (2 + 1 / np.log2(3))
    alike = (2 + 2 / np.log2(3)) / (2 + 2 / np.log2(3) + 1 / 2)
    assert f"nDCG@10 {(gain + 1) / 2:.4f} to {(alike + 1) / 2:.4f}" in apart.effect
    assert "MRR@10 0.7500 to 1.0000" in apart.effect


def test_twins_without_candidates_have_no_computed_effect() -> None:
    """What is not known is None, and no figure is made up."""
    documents = {**DOCUMENTS, "d4": WORDS}
    found = by_code(duplicates.duplicates(check_input(dataset(documents, QUERIES, QRELS))))
    assert found["unjudged_duplicates"].counts["among_candidates"] is None
    assert not any(character.isdigit() for character in found["unjudged_duplicates"].effect)
