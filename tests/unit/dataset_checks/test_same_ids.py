"""Checks of ids that queries share with documents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.inspected import candidates, check_input, dataset

from evalkit.dataset_checks import same_ids


@pytest.mark.parametrize(
    ("barred", "own_text", "relevant", "severity", "remedy"),
    [
        (True, False, True, "warning", "set exclude_same_id: false, because the ids agree only by chance"),
        (True, False, False, "note", "set exclude_same_id: false, because the ids agree only by chance"),
        (True, True, False, "note", "no action needed; a query should not retrieve itself"),
        (False, True, False, "warning", "set exclude_same_id: true"),
        (False, False, True, "note", "no action needed; the ids agree only by chance"),
    ],
)
def test_ids_that_queries_share_with_documents(
    *, barred: bool, own_text: bool, relevant: bool, severity: str, remedy: str
) -> None:
    """Barring is right where the text is the query's own, and costs what was judged relevant where it is not."""
    documents = {"1": "THE fox" if own_text else "something else", "2": "a fox in the wood"}
    grades = {"1": {"1": int(relevant), "2": 1}}
    data = dataset(documents, {"1": "the  fox"}, grades, exclude_same_id=barred)
    (found,) = same_ids.same_ids(check_input(data))
    assert (found.severity, found.remedy) == (severity, remedy)
    assert found.counts == {"queries": 1, "same_text": own_text, "relevant": relevant, "barred": barred}
    assert ("recall 1.0000 to 0.5000" in found.effect) == (barred and relevant)


def test_what_barring_changes_is_computed() -> None:
    """The first stage's means without and with the rule, whichever way the dataset has it."""
    documents = {"1": "x", "2": "y"}
    data = dataset(documents, {"1": "q"}, {"1": {"1": 1, "2": 1}})
    with_rule, without = {"1": ["2"]}, {"1": ["1", "2"]}
    seen = replace(check_input(data, with_rule), alternative_candidates=candidates(without))
    (found,) = same_ids.same_ids(seen)
    best = 1 + 1 / np.log2(3)
    assert found.effect.endswith(f"excluding them changes the first stage: nDCG@10 1.0000 to {1 / best:.4f}")
    turned = replace(data, origin=replace(data.origin, exclude_same_id=False))
    (other,) = same_ids.same_ids(
        replace(check_input(turned, without), alternative_candidates=candidates(with_rule))
    )
    assert other.effect.endswith(f"excluding them changes the first stage: nDCG@10 1.0000 to {1 / best:.4f}")
