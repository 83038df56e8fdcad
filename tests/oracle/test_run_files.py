"""The values of a result are those that ir_measures gives for the run files that the result holds."""

from __future__ import annotations

from pathlib import Path

import ir_measures
import pandas as pd
import pytest
from support.api_runs import write_collection
from support.checked import Backend
from support.finished import DEPTH, finished, lifted

from evalkit.formats import read_run
from evalkit.records import BelowDepth
from evalkit.results import ResultFolder

METRICS = ("nDCG@10", "nDCG@3", "RR@10", "AP", "R@4", "R@100", "P@5", "Judged@5")


@pytest.mark.usefixtures("blank_plots")
@pytest.mark.parametrize("below_depth", ["kept", "dropped"])
def test_values_at_every_depth_are_those_of_the_run_files(tmp_path: Path, below_depth: BelowDepth) -> None:
    """For the first stage, a pointwise and a listwise reranker, with candidates below the depth kept or dropped.

    Kept run files hold every candidate at every depth.
    """
    write_collection(tmp_path / "small", 12)
    backends = {"one": Backend(lifted(0.3)), "whole": Backend(lifted(0.5), pointwise=False)}
    path = finished(
        tmp_path / "small", tmp_path / "results", backends,
        metrics=list(METRICS), depths=[1, 2, 4, DEPTH], below_depth=below_depth,
    )  # fmt: skip
    folder = ResultFolder(path)
    (facts,) = folder.read_manifest().datasets
    qrels = dict(folder.read_qrels(facts.name).grades)
    values = pd.read_parquet(folder.values_file)
    measures = [ir_measures.parse_measure(name) for name in METRICS]
    compared = 0
    for (tag, depth), part in values.groupby(["reranker", "depth"]):
        run = read_run(folder.run_file(facts.name, str(tag), int(depth)))
        scores = {q: dict(zip(docs, own.tolist(), strict=True)) for q, docs, own in run}
        lengths = {len(docs) for docs in scores.values()}
        assert lengths == {DEPTH if below_depth == "kept" else depth}
        found = part.set_index(["metric", "query_id"])["value"]
        for one in ir_measures.iter_calc(measures, qrels, scores):
            assert found[str(one.measure), one.query_id] == pytest.approx(one.value, abs=1e-9), (
                tag,
                depth,
                one,
            )
            compared += 1
    assert compared == 3 * 4 * len(METRICS) * 12
