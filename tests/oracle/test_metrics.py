"""Our metrics beside trec_eval's own output and ir_measures, on real rankings."""

from __future__ import annotations

import math
from pathlib import Path

import ir_measures
import pytest

from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels, Run

TREC_EVAL_NAMES = {
    "ndcg_cut_10": "nDCG@10",
    "recip_rank": "RR(rel=2)",
    "map": "AP(rel=2)",
    "recall_100": "R(rel=2)@100",
}
"""trec_eval's names in the stored outputs (made with ``-l 2``) -> ours."""


@pytest.mark.parametrize("name", ["bm25.run", "bm25+bert-zs.run"])
def test_dl_hard_equals_trec_eval(test_data: Path, name: str) -> None:
    """On every query of DL-HARD our values are trec_eval's own, to the four decimals that it printed."""
    folder = test_data / "runs" / "dl-hard"
    values = evaluate(
        read_run(folder / name),
        read_qrels(folder / "dl_hard-passage.qrels"),
        parse_metrics(TREC_EVAL_NAMES.values()),
    )
    compared = 0
    for line in (folder / f"{name}.eval").read_text(encoding="utf-8").splitlines():
        trec_name, query_id, text = line.split()
        if query_id != "all" and trec_name in TREC_EVAL_NAMES:
            ours = values.of(TREC_EVAL_NAMES[trec_name])[values.query_ids.index(query_id)]
            assert ours == pytest.approx(float(text), abs=1e-4), (query_id, trec_name)
            compared += 1
    assert compared == 4 * 50
    without_grade_2 = values.query_ids.index("588587")
    assert values.of("AP(rel=2)")[without_grade_2] == 0.0


@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "ms-marco-MiniLM-L-6-v2"])
def test_scifact_equals_ir_measures(test_data: Path, model: str) -> None:
    """On SciFact our values are those of ir_measures to 1e-9, on every query."""
    names = ["nDCG@10", "AP", "R@100", "RR"]
    run_file = test_data / "runs" / f"scifact.bm25-top100.rerank-{model}.trec"
    qrels_file = test_data / "collections" / "scifact" / "qrels" / "test.tsv"
    values = evaluate(read_run(run_file), read_qrels(qrels_file), parse_metrics(names))
    measures = {str(ir_measures.parse_measure(name)): name for name in names}
    found = ir_measures.iter_calc(
        [ir_measures.parse_measure(name) for name in names],
        {q: dict(docs) for q, docs in read_qrels(qrels_file).grades.items()},
        ir_measures.read_trec_run(str(run_file)),
    )
    compared = 0
    for one in found:
        ours = values.of(measures[str(one.measure)])[values.query_ids.index(one.query_id)]
        assert ours == pytest.approx(one.value, abs=1e-9), one
        compared += 1
    assert compared == len(names) * 300


@pytest.mark.parametrize("name", ["bm25.run", "bm25+bert-zs.run"])
def test_condensed_lists_and_own_gains_equal_ir_measures(test_data: Path, name: str) -> None:
    """On DL-HARD, graded and with holes, condensed lists and own gains have the values of ir_measures to 1e-9."""
    names = [
        "nDCG(judged_only=True)@10",
        "AP(rel=2,judged_only=True)",
        "P(rel=2,judged_only=True)@10",
        "R(judged_only=True)@100",
        "Success(judged_only=True)@1",
        "nDCG(gains={1:1,2:5,3:20})@10",
        "nDCG(gains={1:0},judged_only=True)",
    ]
    folder = test_data / "runs" / "dl-hard"
    qrels = read_qrels(folder / "dl_hard-passage.qrels")
    values = evaluate(read_run(folder / name), qrels, parse_metrics(names))
    grades = {q: dict(docs) for q, docs in qrels.grades.items()}
    run = list(ir_measures.read_trec_run(str(folder / name)))
    compared = 0
    for label in names:  # one at a time: an nDCG without gains may take over those of another
        for one in ir_measures.iter_calc([ir_measures.parse_measure(label)], grades, run):
            ours = values.of(label)[values.query_ids.index(one.query_id)]
            assert ours == pytest.approx(one.value, abs=1e-9), one
            compared += 1
    assert compared == len(names) * 50
    assert (
        values.of(names[0])
        > evaluate(read_run(folder / name), qrels, parse_metrics(["nDCG@10"])).values[:, 0]
    ).any()


def test_condensed_lists_lack_documents_with_negative_grades_as_in_trec_eval() -> None:
    """With ``judged_only``, a document with a grade below 0 is unjudged, as ir_measures has it."""
    names = ["nDCG@3", "AP", "P@3", "R@3", "Success@1", "Rprec"]
    grades = {"q": {"a": -1, "b": 1, "c": -2, "d": 0, "e": 2}, "r": {"a": -1, "b": -100, "c": 1}}
    docs = ["a", "x", "b", "c", "d", "e"]
    rows = [(query_id, doc_id, 9.0 - place) for query_id in grades for place, doc_id in enumerate(docs)]
    labels = [name.split("@")[0] + "(judged_only=True)" + name[len(name.split("@")[0]) :] for name in names]
    values = evaluate(Run.from_rows("t", *zip(*rows, strict=True)), Qrels(grades), parse_metrics(labels))
    for label in labels:
        found = ir_measures.iter_calc(
            [ir_measures.parse_measure(label)], grades, [ir_measures.ScoredDoc(*row) for row in rows]
        )
        theirs = {one.query_id: one.value for one in found}
        assert dict(zip(values.query_ids, values.of(label), strict=True)) == pytest.approx(theirs), label


def test_exponential_gain_is_burges() -> None:
    """nDCG(dcg='exp-log2') uses 2**grade - 1, computed here by hand."""
    run = Run.from_rows("t", ["q"] * 3, ["a", "b", "c"], [3.0, 2.0, 1.0])
    values = evaluate(run, Qrels({"q": {"a": 1, "b": 3, "d": 2}}), parse_metrics(["nDCG(dcg='exp-log2')@10"]))
    achieved = 1 / math.log2(2) + 7 / math.log2(3)
    ideal = 7 / math.log2(2) + 3 / math.log2(3) + 1 / math.log2(4)
    assert values.values[0, 0] == pytest.approx(achieved / ideal)


def test_other_metrics_come_from_ir_measures() -> None:
    """A metric without a kernel of ours is ir_measures', in our order of ties."""
    run = Run.from_rows("t", ["q"] * 3, ["a", "b", "c"], [1.0, 1.0, 1.0])
    values = evaluate(
        run, Qrels({"q": {"c": 1, "b": 0}}), parse_metrics(["Bpref", "nDCG(judged_only=True)@10"])
    )
    assert values.values.tolist() == [[1.0, 1.0]]


def test_scores_are_compared_as_float64() -> None:
    """Scores that differ beyond float32 are no tie, as in trec_eval 10; pytrec_eval (trec_eval 9) ties them."""
    pytrec_eval = pytest.importorskip("pytrec_eval")
    scores = {"a": 1.0, "b": 1.0 - 1e-9}
    qrels = {"q": {"a": 1, "b": 0}}
    run = Run.from_rows("r", ["q", "q"], list(scores), list(scores.values()))
    (ours,) = evaluate(run, Qrels(qrels), parse_metrics(["RR"])).of("RR")
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate({"q": scores})
    assert (ours, theirs["q"]["recip_rank"]) == (1.0, 0.5)
