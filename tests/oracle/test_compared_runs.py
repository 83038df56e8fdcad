"""Runs of real engines on TREC DL 2019: evalkit's values are those of ir_measures on the same files."""

from __future__ import annotations

from pathlib import Path

import ir_measures
import pandas as pd
import pytest
from support.command import evalkit, only_folder
from support.dl19_runs import RUN_FILES

METRICS = ("nDCG@10", "AP(rel=2)@100", "R(rel=2)@100", "RR(rel=2)@10", "P(rel=2)@10", "Judged@10")
TIES_OTHERWISE = {"RR(rel=2)@10", "Judged@10"}
"""ir_measures orders equal scores of these in another way than trec_eval."""
ENGINES = {tag: RUN_FILES[tag] for tag in ("splade", "repllama", "rm3")}
PUBLISHED = {"bm25": 0.5058, "splade": 0.7308, "repllama": 0.7384, "rm3": 0.5216}
"""nDCG@10 on the judgments of NIST."""


def without_ties(run: list[ir_measures.ScoredDoc]) -> list[ir_measures.ScoredDoc]:
    """Return a run in trec_eval's order, with its ranks as scores."""
    ordered = sorted(run, key=lambda row: (row.score, row.doc_id), reverse=True)
    return [ir_measures.ScoredDoc(row.query_id, row.doc_id, -place) for place, row in enumerate(ordered)]


@pytest.mark.usefixtures("blank_plots")
def test_values_of_runs_are_those_of_ir_measures(tmp_path: Path, test_data: Path) -> None:
    """For every query, metric and engine, exactly; and the means are the published ones."""
    collection, runs = test_data / "collections" / "trec-dl19-pool", test_data / "runs"
    files = "".join(f"  {tag}: {{path: '{runs / name}'}}\n" for tag, name in ENGINES.items())
    metrics = ", ".join(f'"{metric}"' for metric in METRICS)
    (tmp_path / "dl.yaml").write_text(
        f"name: dl\ndatasets: [{{source: beir_folder, path: '{collection}', split: test}}]\n"
        f"retriever: {{kind: trec_run, path: '{runs / 'dl19.bm25.top100.trec'}', tag: bm25}}\n"
        f"metrics: [{metrics}]\nruns:\n{files}",
        encoding="utf-8",
    )
    done = evalkit("run", "dl.yaml", "--into", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    values = pd.read_parquet(only_folder(tmp_path / "out") / "values.parquet")
    rows = [line.split("\t") for line in (collection / "qrels" / "test.tsv").read_text().splitlines()[1:]]
    qrels = [ir_measures.Qrel(query, doc, int(grade)) for query, doc, grade in rows]
    measures = {ir_measures.parse_measure(metric): metric for metric in METRICS}
    for tag, name in ENGINES.items():
        own = values[values["reranker"] == tag]
        found = dict(zip(zip(own["query_id"], own["metric"], strict=True), own["value"], strict=True))
        run = list(ir_measures.read_trec_run(str(runs / name)))
        expected = {
            (one.query_id, measures[one.measure]): one.value
            for given, ties_otherwise in ((run, False), (without_ties(run), True))
            for one in ir_measures.iter_calc(list(measures), qrels, given)
            if (measures[one.measure] in TIES_OTHERWISE) is ties_otherwise
        }
        assert len(found) == 43 * len(METRICS)
        assert found == {key: expected[key] for key in found}
    means = values[values["metric"] == "nDCG@10"].groupby("reranker")["value"].mean()
    assert {tag: round(mean, 4) for tag, mean in means.items()} == PUBLISHED
