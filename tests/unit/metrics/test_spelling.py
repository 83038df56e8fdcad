"""Names of metrics as people and other tools write them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from support.messages import said

from evalkit.config import GateRule, load_config
from evalkit.errors import InputNote, UnknownNameError
from evalkit.metrics import distinct_metrics, evaluate, find_spelling, parse_metric, proper_name
from evalkit.records import Qrels, Run

TYPED = {
    "ndcg@10": "nDCG@10",
    "NDCG@10": "nDCG@10",
    "ndcg": "nDCG",
    "ndcg_cut_10": "nDCG@10",
    "ndcg_cut.10": "nDCG@10",
    "nDCG_10": "nDCG@10",
    "ndcg(dcg='exp-log2')@10": "nDCG(dcg='exp-log2')@10",
    "map": "AP",
    "map@100": "AP@100",
    "map_cut_100": "AP@100",
    "mrr@10": "MRR@10",
    "recip_rank": "RR",
    "recall@100": "R@100",
    "recall_100": "R@100",
    "precision@5": "P@5",
    "p@5": "P@5",
    "P_5": "P@5",
    "P.5": "P@5",
    "hit@5": "Success@5",
    "hits@5": "Success@5",
    "hit_rate@5": "Success@5",
    "hit rate @ 5": "Success@5",
    "HitRate@5": "Success@5",
    "success@5": "Success@5",
    "success_5": "Success@5",
}
PROPER = (
    "nDCG@10", "RR", "MRR(rel=2)@10", "MAP@100", "Recall@100", "Precision@5", "AP(judged_only=True)", "NumRet",
    "Rprec",
)  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
def test_a_typed_name_is_read_as_the_proper_one(typed: str) -> None:
    """With a note; it is the same metric with the same label."""
    with pytest.warns(InputNote) as notes:
        assert proper_name(typed) == TYPED[typed]
    assert str(notes[0].message) == f"reading {typed!r} as {TYPED[typed]}"
    assert parse_metric(typed) == parse_metric(TYPED[typed])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("proper", PROPER)
def test_a_proper_name_is_left_alone(proper: str) -> None:
    """Aliases of ir_measures are proper: results with them keep their columns."""
    assert proper_name(proper) == parse_metric(proper).label == proper


@pytest.mark.filterwarnings("error")
def test_an_unknown_name_is_an_error_with_a_hint() -> None:
    """It is not taken for another."""
    for typed, hint in (("nDGC@10", "did you mean 'nDCG'?"), ("ncdg@10", "did you mean 'nDCG'?")):
        assert proper_name(typed) == typed
        with pytest.raises(UnknownNameError):
            parse_metric(typed)
        assert hint in said(lambda typed=typed: parse_metric(typed))  # type: ignore[misc]


def test_the_same_metric_is_found_under_another_name() -> None:
    """Its label is the one of the results; a name that cannot be read is not found."""
    with pytest.warns(InputNote, match="reading 'mrr@10' as RR@10"):
        assert find_spelling("mrr@10", ["nDCG@10", "RR@10"]) == "RR@10"
    assert find_spelling("NDCG@10", ["NDCG@10"]) == "NDCG@10"
    assert find_spelling("nothing@10", ["nDCG@10"]) is None


def test_repeated_metrics_are_left_out() -> None:
    """The first name of each is kept."""
    with pytest.warns(InputNote):
        assert distinct_metrics(["RR@10", "mrr@10", "ndcg@10"]) == ("RR@10", "nDCG@10")


def test_values_are_those_of_the_proper_name() -> None:
    """The function takes names, too."""
    run = Run.from_rows("a", ["q", "q"], ["d1", "d2"], [2.0, 1.0])
    qrels = Qrels({"q": {"d2": 1}})
    with pytest.warns(InputNote):
        values = evaluate(run, qrels, ["hits@1", parse_metric("P@2")])
    assert values.metrics == ("Success@1", "P@2")
    assert values.values.tolist() == [[0.0, 0.5]]


def test_a_configuration_holds_proper_names(tmp_path: Path) -> None:
    """Of its metrics; the primary one is spelt like the same metric among them. A gate's rules likewise."""
    file = tmp_path / "c.yaml"
    file.write_text(
        "name: t\ndatasets: [demo]\nrerankers: {a: {backend: identity}}\nmetrics: [ndcg@10, RR@10]\n"
        "compare: {primary: mrr@10}\n",
        encoding="utf-8",
    )
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        config = load_config(file)
        rule = GateRule(metric="recall_100", max_drop=0.01)
    assert (config.metrics, config.compare.primary, rule.metric) == (("nDCG@10", "RR@10"), "RR@10", "R@100")
    assert {str(one.message) for one in notes} == {
        "reading 'ndcg@10' as nDCG@10",
        "reading 'mrr@10' as RR@10",
        "reading 'recall_100' as R@100",
    }
