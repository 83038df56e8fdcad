"""Every rule on a metric where people judged a random draw: what it rests on, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.gates import ALPHA, METRIC, evidence, only, rule, values, verdicts

from evalkit.comparison.corrected_sides import RepeatedSide, SavedSide, pair_of_sides
from evalkit.comparison.correction import CorrectedValues, Draw
from evalkit.comparison.fallen_queries import judge_fallen
from evalkit.errors import InputError
from evalkit.query_clusters import QueryClusters
from evalkit.stats import bounded_interval, corrected_means
from evalkit.summaries.gate_evidence import Evidence
from evalkit.summaries.repeated_runs import averaged

Values = NDArray[np.float64]
IDS = tuple(f"q{number}" for number in range(300))
HUMAN = 60
DRAW = Draw("luna", IDS[:HUMAN], IDS[HUMAN:], "grades")
TRUTH = np.random.default_rng(4).uniform(0.2, 0.8, len(IDS))
NOISE = np.random.default_rng(5).normal(0, 0.02, len(IDS))
NOISE[:HUMAN] -= NOISE[:HUMAN].mean()
NOISE[HUMAN:] -= NOISE[HUMAN:].mean()
BIAS = 0.1
MIXTURE = values(0.5, np.zeros(len(IDS)), len(IDS))


def side(truth: Values, draw: Draw = DRAW, bias: float = BIAS) -> SavedSide:
    """Return a system whose values the judge sees too high, by the same for all queries."""
    errors = np.random.default_rng(round(1e6 * float(truth.sum()))).normal(0, 0.02, len(truth))
    human, judged = truth[: len(draw.drawn)], truth + errors + bias
    return saved(draw, human, judged)


def saved(draw: Draw, human: Values, judged: Values) -> SavedSide:
    """Return a system with values for all queries."""
    values = CorrectedValues(human, np.ones(len(human)), judged, np.ones(len(judged)))
    return SavedSide(draw, {METRIC: values})


def one_side(name: str, truth: Values | SavedSide, first: Values = TRUTH - 0.3, **fields: Any) -> Evidence:
    """Return one side of a gate: its values under all grades are all equal, and so decide nothing."""
    own = truth if isinstance(truth, SavedSide) else side(truth)
    known = {("d", "bm25"): side(first, own.draw), ("d", "a"): own}
    fields = {"judged_by": {"d": "corrected"}, "corrected": known, "rankings": {}} | fields
    return evidence(name, {"a": MIXTURE, "bm25": MIXTURE}, **fields)


OLD = one_side("old", TRUTH)


@pytest.mark.parametrize(("loss", "status"), [(0.0, "PASS"), (0.1, "FAIL"), (0.02, "CANNOT TELL")])
def test_a_drop_is_judged_on_the_corrected_difference(loss: float, status: str) -> None:
    """Whatever the mixture of grades shows: here it shows no difference at all."""
    new = one_side("new", TRUTH - loss + 2 * NOISE)
    found = only(rule(max_drop=0.02), new, OLD)
    assert (found.status, found.n) == (status, HUMAN)
    assert "corrected (60 human + 240 judge: luna" in found.sentence


@pytest.mark.parametrize(("least", "status"), [(0.45, "PASS"), (0.58, "FAIL"), (0.51, "CANNOT TELL")])
def test_a_minimum_is_judged_on_the_corrected_mean(least: float, status: str) -> None:
    """The judge's values are .1 too high, and the bound is that of the corrected mean."""
    judge = np.random.default_rng(6).normal(0, 0.1, len(IDS))
    values = side(TRUTH).saved[METRIC]
    own = saved(DRAW, values.human, values.judged + judge)
    found = only(rule(min=least), one_side("new", own), OLD)
    means = corrected_means(values.human[:, None], (values.judged + judge)[:, None])
    bounds = means.for_gate(0).bounds(0.0, ALPHA)
    assert found.status == status
    assert (found.estimate, found.lower) == pytest.approx((bounds.mean, bounds.lower))
    assert "corrected (60 human + 240 judge: luna" in found.sentence


def test_a_minimum_of_few_values_rests_on_people_alone() -> None:
    """Values of 0 and 1 have exact bounds, which no judge narrows."""
    binary = (TRUTH > 0.3).astype(np.float64)
    found = only(rule(min=0.5), one_side("new", binary), OLD)
    wanted = bounded_interval(binary[:HUMAN], 1 - 2 * ALPHA)
    assert (found.lower, found.upper) == (wanted.lower, wanted.upper)
    assert "people alone (60 human; the judge's grades are not used)" in found.sentence


def test_a_share_of_falls_rests_on_people_alone() -> None:
    """Its bounds are exact for the queries that people judged."""
    lost = np.where(np.arange(len(IDS)) % 10 == 0, 0.3, 0.0)
    found = only(rule(max_fallen=0.3, fallen_by=0.2), one_side("new", TRUTH - lost), OLD)
    wanted = judge_fallen(-lost[:HUMAN], METRIC, 0.3, 0.2, ALPHA)
    assert (found.status, found.upper, found.n) == ("PASS", wanted.upper, HUMAN)
    assert "people alone (60 human" in found.sentence


@pytest.mark.parametrize(("loss", "status"), [(0.05, "PASS"), (0.25, "FAIL"), (0.15, "CANNOT TELL")])
def test_a_retained_gain_is_as_uncertain_as_the_loss(loss: float, status: str) -> None:
    """The bounds are those of the difference from the values that keep half of the gain."""
    truth, first = TRUTH - loss + 2 * NOISE, TRUTH - 0.3 + 3 * np.roll(NOISE, 7)
    old = one_side("old", TRUTH, first)
    found = only(rule(retain=0.5), one_side("new", truth, first), old)
    own, before, lowest = (side(one).saved[METRIC] for one in (truth, TRUTH, first))
    human, judged = (
        (new - 0.5 * kept - 0.5 * least)[:, None]
        for new, kept, least in (
            (own.human, before.human, lowest.human),
            (own.judged, before.judged, lowest.judged),
        )
    )
    wanted = corrected_means(human, judged).of(0)
    assert (found.status, found.estimate) == (status, pytest.approx(wanted.mean))
    assert "50% of the baseline's gain over bm25" in found.sentence
    assert only(rule(retain=0.5), old, one_side("old", TRUTH, TRUTH + 0.1)).status == "INVALID"


@pytest.mark.parametrize("fields", [{"max_drop": 0.02}, {"min": 0.1}, {"max_fallen": 0.9}])
def test_a_slice_with_few_queries_of_people_has_no_verdict(fields: dict[str, Any]) -> None:
    """However many the judge graded; of a slice without any query of people nothing is known, which is no fault."""
    language = {f"q{n}": "de" if n < 35 else "fr" if n < 60 else "it" if n % 2 else "en" for n in range(300)}
    language |= {"q59": "it"}
    new = one_side("new", TRUTH, levels={"d": {"language": language.__getitem__}})
    found = {one.part: one for one in verdicts(rule(by="language", **fields), new, OLD)}
    rows = {part: (one.status, one.n) for part, one in found.items()}
    assert rows["language = de"][0] in {"PASS", "IDENTICAL"}
    assert rows["language = de"][1] == 35
    assert rows["language = fr"] == ("CANNOT TELL", 24)
    assert rows["language = it"] == ("CANNOT TELL", 1)
    assert rows["language = en"] == ("CANNOT TELL", 0)
    assert "people judged 0 of these queries" in found["language = en"].sentence


def test_repeated_runs_are_averaged_by_query() -> None:
    """Also under grades of people, and of the judge: the last run alone would pass."""
    bad, good = (one_side(name, TRUTH - loss + NOISE) for name, loss in (("bad", 0.2), ("good", 0.0)))
    assert only(rule(max_drop=0.02), good, OLD).status == "PASS"
    found = only(rule(max_drop=0.02), averaged([bad, good]), OLD)
    assert (found.status, found.estimate) == ("FAIL", pytest.approx(-0.1, abs=0.01))


def test_repeated_runs_have_one_draw() -> None:
    """Runs whose grades of people differ are no repeats."""
    other = one_side("other", side(TRUTH, replace(DRAW, digest="more grades")))
    with pytest.raises(InputError, match="different human samples or grades of people and of the judge"):
        averaged([other, OLD])
    unknown = SavedSide(DRAW, {})
    assert RepeatedSide((unknown, side(TRUTH))).values(METRIC) is None


@pytest.mark.parametrize(
    ("new", "old", "why"),
    [
        (OLD, replace(OLD, corrected={}), "old holds no grades of people alone: save the baseline again"),
        (one_side("new", side(TRUTH, replace(DRAW, digest="x"))), OLD, "have one human sample, but different grades"),
        (
            one_side("new", side(TRUTH, Draw("luna", IDS[:50], IDS[50:], "grades"))),
            OLD,
            "different human samples (of 60 and of 50 queries): rerun the earlier version",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fields", [{"max_drop": 0.5}, {"retain": 0.1}, {"max_fallen": 0.9}])
def test_sides_that_are_not_corrected_alike_decide_nothing(
    new: Evidence, old: Evidence, why: str, fields: dict[str, Any]
) -> None:
    """The sentence has the reason."""
    first = one_side("x", TRUTH).values["d", "a"]
    lower = replace(first, values=first.values - 0.3)
    old = replace(old, values={**old.values, ("d", "bm25"): lower})
    found = only(rule(**fields), new, old)
    assert (found.status, why in found.sentence) == ("CANNOT TELL", True)


def test_equal_values_at_the_human_sample_alone_have_a_reason() -> None:
    """People found no difference, and the judge one at a query that people have not judged: the sentence says so."""
    judged = TRUTH.copy()
    judged[HUMAN] += 1e-3
    old, new = (one_side("a", saved(DRAW, TRUTH[:HUMAN], one)) for one in (TRUTH, judged))
    found = only(rule(max_drop=0.02), new, old)
    assert found.status == "CANNOT TELL"
    assert (
        "are equal (n=60 queries, those that people judged), but by the judge's grades they differ"
        in found.sentence
    )
    assert "at 1 of 300 queries: no verdict because" in found.sentence


def test_what_more_judgments_of_people_would_show() -> None:
    """It counts queries that people judge of those that the judge graded: there are no others."""
    found = only(rule(max_drop=0.02), one_side("new", TRUTH - 0.017 + 2 * NOISE), OLD)
    assert found.status == "CANNOT TELL"
    assert "queries judged by people" in found.sentence or "with all 240 more" in found.sentence
    worse = only(rule(max_drop=0.02), one_side("new", TRUTH - 0.022 + 2 * NOISE), OLD)
    assert "More human judgments are unlikely to help: with all 240 more" in worse.sentence


def test_both_sides_of_a_pair_have_the_values_of_the_draw() -> None:
    """People's first, and the judge's of all queries."""
    known = side(TRUTH).values(METRIC), side(TRUTH - 0.1).values(METRIC)
    assert known[0] is not None
    assert known[1] is not None
    paired = pair_of_sides(DRAW, (known[0], known[1]), METRIC, QueryClusters())
    assert paired.judged is not None
    assert (len(paired.query_ids), len(paired.all_query_ids)) == (HUMAN, len(IDS))
    assert paired.differences == pytest.approx(-0.1)


def test_a_verdict_of_people_alone_says_its_level() -> None:
    """Of an enlarged draw it is tested at a smaller one, as a corrected difference is."""
    draw = replace(DRAW, enlarged=1)
    found = only(rule(max_fallen=0.9), one_side("new", side(TRUTH, draw)), one_side("old", side(TRUTH, draw)))
    assert "people alone (60 human" in found.sentence
    assert "enlarged once after people had judged: tested at 1/2 of the level" in found.sentence
