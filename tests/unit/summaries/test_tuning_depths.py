"""The depth at which scores are tuned, and the halves of the queries."""

from __future__ import annotations

import pytest
from support.documents import summary
from support.systems import noisy_set

from evalkit.comparison import ComparisonSet, Plan
from evalkit.errors import InputError
from evalkit.records import Query
from evalkit.results.tuning_document import DepthSweep, TunedDepth
from evalkit.summaries.candidate_runs import first_stage_run
from evalkit.summaries.depth_sweep import DepthQuestion, default_sweep, sweep
from evalkit.summaries.threshold_curves import Goal, find_threshold
from evalkit.summaries.tuning_depths import QueryHalves, cut_to, depth_to_tune
from evalkit.tuning import split_queries
from evalkit.tuning.depth_bands import band_of

PLAN = Plan("bm25", "nDCG@10", seed=3)
FOUND = noisy_set(200, 12, {"bm25": 2.5, "r": 4.0}, seed=6, unanswerable=20)
WORLD = noisy_set(300, 12, {"bm25": 2.5, "r": 5.5}, seed=6)


def swept(comparison_set: ComparisonSet, margin: float) -> DepthSweep:
    """Return every depth."""
    return sweep(comparison_set, "r", PLAN, summary(), DepthQuestion(margin=margin))


def test_only_the_first_candidates_are_left() -> None:
    """Those of the first stage's order, for the first stage and the reranker alike; scores stay."""
    shallow = cut_to(FOUND, "r", 5)
    whole = {
        (q, d): s for q, docs, scores in FOUND.systems["r"].run for d, s in zip(docs, scores, strict=True)
    }
    for query_id, docs, scores in shallow.systems["r"].run:
        assert set(docs) == set(FOUND.systems["bm25"].run.docs(query_id)[:5])
        assert [whole[query_id, d] for d in docs] == scores.tolist()
    assert (shallow.depth, len(first_stage_run(shallow))) == (5, 5 * 200)


def test_the_recommended_depth_is_the_default() -> None:
    """With a margin that these queries can confirm; the guarantee then holds over the band of that depth."""
    found = swept(WORLD, 0.03)
    depth = found.choice.recommended
    assert depth is not None
    assert depth < 12
    assert depth_to_tune(WORLD, found) == TunedDepth(depth, "recommended", None, band_of(depth, 12))
    # The same number has the same guarantee, given or not; another number was not chosen by these queries.
    assert depth_to_tune(WORLD, found, depth) == TunedDepth(depth, "given", None, band_of(depth, 12))
    assert depth_to_tune(WORLD, found, 12) == TunedDepth(12, "given")


def test_too_few_queries_cannot_choose_a_depth() -> None:
    """A margin that needs more queries than there are always gives the deepest, so the guarantee needs no band."""
    assert depth_to_tune(FOUND, swept(FOUND, 0.01)) == TunedDepth(12, "recommended")


def test_without_a_recommendation_it_is_the_deepest() -> None:
    """It says why: reranking gains nothing, or depths cannot be derived from one pass."""
    useless = noisy_set(200, 12, {"bm25": 2.0, "r": 2.0}, seed=6)
    found = swept(useless, 0.01)
    assert depth_to_tune(useless, found) == TunedDepth(12, "deepest", found.choice.why_not)
    assert found.choice.why_not
    listwise = default_sweep(FOUND, "r", PLAN, summary(), pointwise=False)
    assert listwise is None
    assert depth_to_tune(FOUND, listwise).source == "deepest"


@pytest.mark.parametrize("asked", [0, 13])
def test_a_depth_that_does_not_exist_is_an_error(asked: int) -> None:
    """It names the depths that there are."""
    with pytest.raises(InputError, match=f"depth {asked} is not one of the depths of d: 1 to 12"):
        depth_to_tune(FOUND, None, asked)


def test_the_halves_are_those_of_the_depth() -> None:
    """Answerable queries are split as for the depth; every judged query is in one half."""
    halves, ids = QueryHalves.of(FOUND, PLAN), FOUND.qrels.answerable
    assert [q for q in ids if q in halves.tuning] == [ids[i] for i in split_queries(len(ids), 3).tuning]
    assert halves.tuning | halves.held_out == set(FOUND.qrels.grades)
    assert not halves.tuning & halves.held_out


def test_a_cluster_is_in_one_half() -> None:
    """An unanswerable query follows the answerable ones with its text."""
    texts = {q: Query(q, f"t{int(q[1:]) % 100}") for q in FOUND.qrels.grades}
    same = ComparisonSet("d", FOUND.qrels, FOUND.systems, texts, FOUND.first_stage, 12)
    halves = QueryHalves.of(same, PLAN)
    for number in range(100):
        assert (f"q{number}" in halves.tuning) == (f"q{number + 100}" in halves.tuning)


def test_a_threshold_of_a_band_is_the_lowest_of_its_depths() -> None:
    """Each at the level of the band: the guarantee then holds at every depth of it."""
    band = band_of(5, 12)
    chosen = find_threshold(FOUND, "r", PLAN, Goal(), TunedDepth(5, "recommended", None, band))
    strict = Goal(confidence=band.confidence(0.95))
    each = [
        find_threshold(FOUND, "r", PLAN, strict, TunedDepth(depth, "given")).threshold
        for depth in band.depths
    ]
    assert chosen.threshold == min(one for one in each if one is not None)
    assert None not in each
    fixed = find_threshold(FOUND, "r", PLAN, Goal(), TunedDepth(5, "given")).threshold
    assert fixed is not None
    assert chosen.threshold < fixed
