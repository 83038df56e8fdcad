"""Margins of a cascade, tried on one half of the queries and checked on the other half."""

from __future__ import annotations

import numpy as np
import pytest
from support.documents import billed, cost, summary
from support.systems import failing, noisy_set

from evalkit.comparison import Plan
from evalkit.latency.billing import Billing
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run
from evalkit.report.search import search_lines
from evalkit.rerankers.cascade_order import margin_of
from evalkit.results.reranker_facts import CascadeFacts, CascadeStage
from evalkit.results.search_document import MarginRow
from evalkit.summaries.cascade_searches import search_margins
from evalkit.tuning import split_queries

PLAN = Plan(baseline="bm25", primary="RR", seed=1)
DATA = noisy_set(120, 12, {"bm25": 0.5, "small": 1.0, "large": 3.0}, seed=4, metrics=("RR",))


def facts(margin: float | None = None) -> CascadeFacts:
    """Return a cascade of both rerankers that passes on four documents."""
    return CascadeFacts((CascadeStage("small", 4), CascadeStage("large", None)), "kept", margin)


def rows(margin: float | None = None) -> tuple[MarginRow, ...]:
    """Return the margins of that cascade."""
    found = search_margins(DATA, "both", facts(margin), PLAN, summary()).margins
    assert found is not None
    return found


def by_hand(margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the value of every query, and whether it skips, computed from lists."""
    lists: dict[str, list[str]] = {}
    skips = []
    for query_id, docs, scores in DATA.systems["small"].run:
        large = DATA.systems["large"].run.docs(query_id)
        skips.append(margin_of(scores) >= margin)
        kept = list(docs[:4])
        top = kept if skips[-1] else [doc for doc in large if doc in kept]
        lists[query_id] = [*top, *docs[4:]]
    pairs = [(query, doc, -place) for query, docs in lists.items() for place, doc in enumerate(docs)]
    run = Run.from_rows("both", *(list(column) for column in zip(*pairs, strict=True)))
    return evaluate(run, DATA.qrels, parse_metrics(["RR"])).of("RR"), np.array(skips)


def test_every_margin_is_an_evaluation_of_its_own() -> None:
    """Means and skips of both halves, against a plain computation; never skipping comes first."""
    split = split_queries(120, 1)
    found = rows()
    assert found[0].margin is None
    assert [row.margin for row in found[1:]] == sorted((row.margin or 0 for row in found[1:]), reverse=True)
    never = by_hand(np.inf)[0][split.held_out].mean()
    for row in found:
        values, skips = by_hand(np.inf if row.margin is None else row.margin)
        assert row.tuned == pytest.approx(values[split.tuning].mean())
        assert row.held_out.estimate == pytest.approx(values[split.held_out].mean())
        assert row.skipped.estimate == pytest.approx(skips[split.held_out].mean())
        assert row.to_never.estimate == pytest.approx(values[split.held_out].mean() - never)


def test_margins_skip_shares_of_the_tuning_queries() -> None:
    """From none to all of them, about a tenth more from margin to margin."""
    split = split_queries(120, 1)
    shares = [by_hand(row.margin)[1][split.tuning].mean() for row in rows()[1:] if row.margin is not None]
    assert shares == pytest.approx(np.arange(1, 11) / 10, abs=0.03)


def test_the_chosen_margin_skips_most_within_the_loss() -> None:
    """On the tuning queries alone; with a large accepted loss every query skips, with a tiny one few do."""
    found = rows()
    (chosen,) = [row for row in found if row.chosen]
    never = found[0].tuned or 0.0
    after = found[found.index(chosen) + 1]  # the margins descend, so that the shares of skips ascend
    assert all((row.tuned or 0.0) >= never - PLAN.margin for row in found[: found.index(chosen) + 1])
    assert (after.tuned or 0.0) < never - PLAN.margin
    assert chosen is not found[-1]
    generous = Plan(baseline="bm25", primary="RR", seed=1, margin=0.9)
    margins = search_margins(DATA, "both", facts(), generous, summary()).margins or ()
    assert margins[-1].chosen


def test_the_configured_margin_is_among_them() -> None:
    """And it is marked; without ``skip``, never skipping is what is configured."""
    assert [row.margin for row in rows(0.4321) if row.configured] == [0.4321]
    assert [row.margin for row in rows() if row.configured] == [None]


def test_the_cost_falls_with_the_share_that_skips() -> None:
    """The first stage for all twelve candidates, and the later one for four of the queries that go on."""
    known = summary(
        costs=[cost("small", 120, 1440, 1.2), cost("large", 120, 1440, 12.0)],
        billing=[billed("small", Billing(0.0001)), billed("large", Billing(0.001))],
    )
    found = search_margins(DATA, "both", facts(), PLAN, known).margins or ()
    for row in found:
        share = by_hand(np.inf if row.margin is None else row.margin)[1].mean()
        assert row.usd_per_thousand_queries == pytest.approx(1.2 + 4.0 * (1 - share))
    assert {row.usd_per_thousand_queries for row in rows()} == {None}


def test_failed_queries_take_no_part() -> None:
    """A query that a stage failed on has no value, whether it skips that stage or not."""
    found = search_margins(failing(DATA, "large", [0, 5]), "both", facts(), PLAN, summary())
    assert found.queries == 118


def test_without_answerable_queries_there_are_no_margins() -> None:
    """Neither rows nor margins."""
    empty = noisy_set(5, 3, {"bm25": 0.0, "small": 0.0, "large": 0.0}, unanswerable=5, metrics=("RR",))
    found = search_margins(empty, "both", facts(), PLAN, summary())
    assert (found.queries, found.rows, found.margins) == (0, (), ())


def test_only_a_confirmed_margin_is_advised() -> None:
    """The held-out queries must rule out a larger loss; that the tuning queries lose little is not enough."""
    noise = noisy_set(120, 12, {"bm25": 0.5, "small": 1.0, "large": 1.0}, seed=9, metrics=("RR",))
    found = search_margins(noise, "both", facts(), PLAN, summary())
    (chosen,) = [row for row in found.margins or () if row.chosen]
    assert chosen.margin is not None
    assert chosen.status == "CANNOT TELL"
    assert any("no margin is confirmed to lose at most 0.01 RR" in line for line in search_lines(found))
    generous = Plan(baseline="bm25", primary="RR", seed=1, margin=0.9)
    confirmed = search_margins(DATA, "both", facts(), generous, summary())
    assert (confirmed.margins or ())[-1].status == "PASS"
    assert any("skip the later stages from a margin of" in line for line in search_lines(confirmed))
