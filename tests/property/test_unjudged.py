"""What unjudged documents could make of a value, beside every choice of them tried out."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics, unjudged_bounds
from evalkit.records import Qrels, Run

METRICS = [
    "nDCG@4",
    "nDCG(dcg='exp-log2')@3",
    "nDCG(gains={1:3,2:1})@4",
    "AP@4",
    "AP(rel=2)@3",
    "RR@3",
    "P@3",
    "R(rel=2)@4",
    "Success@2",
    "ERR@4",
    "ERR@1",
]
DOCS = [f"d{i}" for i in range(8)]
ranked = st.lists(st.sampled_from(DOCS), unique=True, max_size=6)
grades = st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 3), min_size=1)


def as_run(lists: dict[str, list[str]]) -> Run:
    """Return a run from lists."""
    rows = [(q, d, -float(place)) for q, docs in lists.items() for place, d in enumerate(docs)]
    return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


@pytest.mark.parametrize("text", METRICS)
@given(docs=ranked, judged=grades)
def test_bounds_are_those_of_every_choice(text: str, docs: list[str], judged: dict[str, int]) -> None:
    """Least and most are minimum and maximum over all sets of unjudged documents within the cutoff."""
    (metric,) = parse_metrics([text])
    bounds = unjudged_bounds(as_run({"q": docs}), Qrels({"q": judged}), [metric])
    if not any(grade > 0 for grade in judged.values()):
        assert not len(bounds.most.values)
        return
    open_ones = [doc for doc in docs[: metric.cutoff] if doc not in judged]
    choices = [chosen for n in range(len(open_ones) + 1) for chosen in combinations(open_ones, n)]
    given_them = max(bounds.grade, metric.rel)
    values = [
        evaluate(
            as_run({"q": docs}), Qrels({"q": judged | dict.fromkeys(chosen, given_them)}), [metric]
        ).values[0, 0]
        for chosen in choices
    ]
    assert bounds.least.values[0, 0] == pytest.approx(min(values), abs=1e-12)
    assert bounds.most.values[0, 0] == pytest.approx(max(values), abs=1e-12)


@given(
    lists=st.dictionaries(st.sampled_from(["q1", "q2", "q9"]), ranked),
    judged=st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), grades, min_size=1),
)
def test_the_value_lies_between(lists: dict[str, list[str]], judged: dict[str, dict[str, int]]) -> None:
    """Many queries at once: the value is within the bounds, and equals them where every document is judged."""
    metrics, qrels = parse_metrics(METRICS), Qrels(judged)
    values = evaluate(as_run(lists), qrels, metrics)
    bounds = unjudged_bounds(as_run(lists), qrels, metrics)
    assert bounds.least.query_ids == bounds.most.query_ids == values.query_ids
    assert (bounds.least.values <= values.values).all()
    assert (values.values <= bounds.most.values).all()
    for row, query_id in enumerate(values.query_ids):
        if set(lists.get(query_id, [])) <= set(judged[query_id]):
            assert (bounds.least.values[row] == bounds.most.values[row]).all()


@pytest.mark.parametrize("text", ["nDCG", "Judged@10", "nDCG(judged_only=True)@10", "Bpref"])
def test_what_has_no_bounds_is_reported(text: str) -> None:
    """Without a cutoff, or without a look at unjudged documents, one clear line."""
    with pytest.raises(InputError, match="has no bounds over unjudged documents"):
        unjudged_bounds(as_run({"q": ["d1"]}), Qrels({"q": {"d1": 1}}), parse_metrics([text]))
