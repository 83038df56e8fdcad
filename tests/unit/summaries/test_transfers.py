"""Scores of two versions: which pairs are compared, and the figures of each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.result_folders import score_rows, write_result
from support.systems import Scores

from evalkit.comparison.threshold_transfer import KEPT_SHARES
from evalkit.summaries.opened_results import OpenedResult, open_result
from evalkit.summaries.transfers import scored_pairs, transfers

DOCS = [f"d{i}" for i in range(6)]
RNG = np.random.default_rng(5)
OLD: Scores = {f"q{i}": {d: float(RNG.normal()) for d in DOCS} for i in range(20)}
GRADES = {q: {"d0": 1, "d1": 0} for q in OLD}


def opened(path: Path, scores: Mapping[str, Scores], **options: Any) -> OpenedResult:
    """Write and open a result with one reranker ``r``; dataset -> query -> document -> score."""
    rows = [
        row
        for name, lists in scores.items()
        for row in score_rows(name, "bm25", OLD | dict(lists)) + score_rows(name, "r", lists, **options)
    ]
    config = {"metrics": ["nDCG@10"], "depths": [3, 6]}
    return open_result(write_result(path, dict.fromkeys(scores, GRADES), rows, config=config).path)


def versions(tmp_path: Path, old: Scores, new: Scores) -> tuple[OpenedResult, OpenedResult]:
    """Return the results of two versions on one dataset."""
    return opened(tmp_path / "old", {"d": old}), opened(tmp_path / "new", {"d": new})


def changed(scores: Scores, factor: float, shift: float) -> Scores:
    """Return linearly transformed scores."""
    return {q: {d: factor * s + shift for d, s in docs.items()} for q, docs in scores.items()}


def test_pairs_are_matched_by_query_and_document(tmp_path: Path) -> None:
    """The order of rows in either file does not matter; each pair has its own two scores and its own grade."""
    shuffled = {q: dict(reversed(docs.items())) for q, docs in reversed(changed(OLD, 2.0, 1.0).items())}
    before, after = versions(tmp_path, OLD, shuffled)
    ((comparison_set, pairs),) = scored_pairs(before, after, ("r", "r"), before.comparison_sets)
    assert comparison_set.dataset == "d"
    assert len(pairs.before) == 120
    assert pairs.after == pytest.approx(2 * pairs.before + 1)
    assert sorted(pairs.before) == sorted(s for docs in OLD.values() for s in docs.values())
    assert pairs.relevant.sum() == 20
    relevant = sorted(pairs.before[pairs.relevant])
    assert relevant == sorted(docs["d0"] for docs in OLD.values())
    assert np.bincount(pairs.query).tolist() == [6] * 20


def test_only_pairs_of_both_versions_count(tmp_path: Path) -> None:
    """A document that one version did not score is left out on both sides."""
    fewer = {q: {d: s for d, s in docs.items() if d != "d5"} for q, docs in OLD.items() if q != "q0"}
    before, after = versions(tmp_path, OLD, fewer)
    ((_, pairs),) = scored_pairs(before, after, ("r", "r"), before.comparison_sets)
    assert len(pairs.before) == len(pairs.after) == 19 * 5
    assert pairs.before.tolist() == pairs.after.tolist()


def test_a_dataset_without_common_pairs_is_skipped(tmp_path: Path) -> None:
    """Two datasets, one of which shares no pair: the other one is compared."""
    other = {q: {f"x{d}": s for d, s in docs.items()} for q, docs in OLD.items()}
    before = opened(tmp_path / "old", {"d1": OLD, "d2": OLD})
    after = opened(tmp_path / "new", {"d1": other, "d2": changed(OLD, 1.0, 5.0)})
    found = transfers(before, after, ("r", "r"), before.comparison_sets, ())
    assert [one.dataset for one in found] == ["d2"]
    assert found[0].drift.pairs == 120
    assert transfers(before, after, ("r", "r"), before.comparison_sets[:1], ()) == ()


def test_scores_of_another_depth_do_not_count(tmp_path: Path) -> None:
    """A pass for depth 3 says nothing about the comparison at depth 6."""
    before = opened(tmp_path / "old", {"d": OLD}, depth=6)
    after = opened(tmp_path / "new", {"d": OLD}, depth=3)
    assert list(scored_pairs(before, after, ("r", "r"), before.comparison_sets)) == []
    assert len(next(scored_pairs(before, before, ("r", "r"), before.comparison_sets))[1].before) == 120


def test_the_same_scores_have_no_drift(tmp_path: Path) -> None:
    """Distance 0, correlation 1, and every threshold keeps what it kept."""
    before, after = versions(tmp_path, OLD, OLD)
    (found,) = transfers(before, after, ("r", "r"), before.comparison_sets, (0.5, -0.5))
    assert (found.drift.distance, found.drift.rank_correlation) == (0.0, pytest.approx(1.0))
    assert found.drift.before == found.drift.after
    for row in found.thresholds:
        assert row.kept_before == row.kept_if_unchanged
        kept = [s for docs in OLD.values() for s in docs.values() if s >= row.same_kept[0]]
        assert len(kept) / 120 == pytest.approx(row.kept_before)


def test_drift_agrees_with_scipy(tmp_path: Path) -> None:
    """Kolmogorov-Smirnov distance and Spearman's correlation over all pairs."""
    rng = np.random.default_rng(8)
    new = {q: {d: s + float(rng.normal(1)) for d, s in docs.items()} for q, docs in OLD.items()}
    before, after = versions(tmp_path, OLD, new)
    (found,) = transfers(before, after, ("r", "r"), before.comparison_sets, ())
    x, y = ([one[q][d] for q in OLD for d in DOCS] for one in (OLD, new))
    assert found.drift.distance == pytest.approx(stats.ks_2samp(x, y).statistic)
    assert found.drift.rank_correlation == pytest.approx(stats.spearmanr(x, y).statistic)


@pytest.mark.parametrize(("factor", "shift"), [(2.0, 0.0), (1.0, -4.0), (0.25, 3.0)])
def test_a_linear_change_carries_thresholds_along(tmp_path: Path, factor: float, shift: float) -> None:
    """The new threshold keeps as many documents, and as many relevant ones, as the old one."""
    new = changed(OLD, factor, shift)
    before, after = versions(tmp_path, OLD, new)
    (found,) = transfers(before, after, ("r", "r"), before.comparison_sets, (0.3,))
    (row,) = found.thresholds
    kept = [(d, s >= row.same_kept[0]) for docs in new.values() for d, s in docs.items()]
    assert np.mean([keeps for _, keeps in kept]) == pytest.approx(row.kept_before)
    assert row.same_recall is not None
    recall = np.mean([docs["d0"] >= row.same_recall[0] for docs in new.values()])
    assert recall == pytest.approx(row.recall_before)
    assert row.same_kept[1] <= row.same_kept[0] <= row.same_kept[2]


def test_without_thresholds_the_usual_ones_are_carried(tmp_path: Path) -> None:
    """They keep fixed shares of the old scores."""
    before, after = versions(tmp_path, OLD, changed(OLD, 3.0, 0.0))
    (found,) = transfers(before, after, ("r", "r"), before.comparison_sets, ())
    assert [row.kept_before for row in found.thresholds] == pytest.approx(KEPT_SHARES, abs=1 / 120)
    assert (found.reranker, found.kinds) == ("r", ("unknown", "unknown"))
