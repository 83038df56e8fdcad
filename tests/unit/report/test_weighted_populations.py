"""What a report says of means over the traffic and over the distinct queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.documents import comparison, comparisons

from evalkit.report.first_screen import first_screen
from evalkit.report.verdict import verdicts
from evalkit.report.weighted_populations import weighted_lines, weighted_tables
from evalkit.results.comparison_document import Comparisons
from evalkit.results.weighted_rows import PopulationMeans, WeightedMeans, WeightedRow
from evalkit.stats import Interval

MEAN = Interval(0.5, 0.4, 0.6, 300)


def population(change: float, half: float | None = 0.01, withheld: Any = None) -> PopulationMeans:
    """Return a population in which x differs from bm25 by `change`."""
    low, high = (None, None) if half is None else (change - half, change + half)
    rows = (WeightedRow("bm25", MEAN, None), WeightedRow("x", MEAN, Interval(change, low, high, 300)))
    return PopulationMeans(120.4, 20.6, 0.08, withheld, rows)


def weighted(
    traffic: PopulationMeans | None, distinct: PopulationMeans, plain: Any = "neither", **changes: Any
) -> Comparisons:
    """Return comparisons in which x is better on the plain mean."""
    found = comparisons(comparison("x", **changes))
    means = WeightedMeans(plain, False, 300, 7, traffic, distinct)
    entry = replace(found.datasets[0], weighted=means)
    return Comparisons(found.plan, (entry,), ())


def test_the_section_has_both_means_and_what_the_plain_mean_is() -> None:
    """Each mean has its name, its interval, and what its weights leave."""
    found = weighted(population(0.03), population(0.05, None, "few queries"))
    assert weighted_lines(found) == [
        (
            "d: the plain mean describes the queries sampled from the log alone, and neither the traffic nor the"
            " distinct queries of the log. They are 300 queries with a value, of which 7 had to be sampled"
            " (probability 1)."
        ),
        (
            "d: the distinct-query mean has no confidence interval: its weights leave 21 effective queries that"
            " were sampled by chance, and an interval needs 30."
        ),
    ]
    (table,) = weighted_tables(found)
    assert table.rows[1] == (
        "x", "traffic mean", "0.500 [0.400, 0.600]", "+0.030 [0.020, 0.040]", "120", "8.0%",
    )  # fmt: skip
    assert table.rows[3][3] == "+0.050"
    assert weighted_lines(comparisons(comparison("x"))) == []
    assert weighted_tables(comparisons(comparison("x"))) == []


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ("traffic", "with this sample of the log the plain mean is the traffic mean."),
        ("distinct queries", "with this sample of the log the plain mean is the distinct-query mean."),
        (
            "both",
            "the plain mean is both the traffic mean and the distinct-query mean, because all weights are equal.",
        ),
    ],
)
def test_the_plain_mean_is_named(plain: str, words: str) -> None:
    """A reader knows which population the verdict is about."""
    assert weighted_lines(weighted(population(0.03), population(0.05), plain)) == [f"d: {words}"]


def test_a_draw_that_ignored_frequencies_says_what_to_do() -> None:
    """The command that gives an interval is named."""
    (_, line) = weighted_lines(weighted(population(0.03, None, "skewed frequencies"), population(0.05)))
    assert "were not sampled in proportion to their frequency" in line
    assert "evalkit queries sample --by frequency" in line


def test_queries_that_are_not_judged_are_named_as_the_reason() -> None:
    """Another draw would not help where people have judged a part of this one."""
    (_, line) = weighted_lines(weighted(population(0.03, None, "unjudged queries"), population(0.05)))
    assert "some of the queries sampled from the log are not judged" in line
    assert "evalkit queries sample" not in line


@pytest.mark.parametrize("corrected", [True, False])
def test_a_whole_log_has_no_sampling_error_unless_people_judged_a_sample(corrected: bool) -> None:
    """Where every query was certain to be sampled, bounds are equal, and the reason is said; corrected ones differ."""
    certain = replace(population(0.03, 0.0), effective_by_chance=None)
    rows = tuple(replace(row, corrected=corrected) for row in certain.rows)
    lines = " ".join(weighted_lines(weighted(None, replace(certain, rows=rows))))
    said = "the distinct-query mean has no sampling error: every query of the log was sampled." in lines
    assert said is not corrected


def test_a_verdict_names_its_population_and_both_differences() -> None:
    """Adopt: the headline claims the sampled queries alone where the plain mean describes no population of the log."""
    (verdict,) = verdicts(weighted(population(0.03), population(0.05)))
    assert verdict.kind == "adopt"
    assert verdict.headline == "x ranks better than bm25 on the queries sampled from the log"
    assert (
        "For this log alone, difference of the traffic mean: +0.030 (0.020 to 0.040); distinct-query mean: +0.050"
        " (0.040 to 0.060)." in verdict.detail
    )
    (verdict,) = verdicts(weighted(population(0.03), population(0.05), "traffic"))
    assert verdict.headline == "x ranks better than bm25"


def test_a_population_that_says_the_opposite_withholds_the_verdict() -> None:
    """Better on the plain mean and worse by traffic: undecided, and the headline says which mean says what."""
    (verdict,) = verdicts(weighted(population(-0.03), population(0.05)))
    assert (verdict.kind, verdict.choice) == ("undecided", None)
    assert (
        verdict.headline == "The plain mean of x is higher than that of bm25, but the traffic mean is lower"
    )
    (verdict,) = verdicts(weighted(population(-0.03), population(-0.05)))
    assert verdict.headline.endswith("but the traffic mean and the distinct-query mean are lower")
    opposite = first_screen("t", weighted(population(-0.03), population(0.05)), [], None)
    assert opposite.next_step.text.startswith("Decide by the mean that matters to you")
    worse = {"verdict": "worse", "difference": -0.03, "lower": -0.05, "upper": -0.01}
    (verdict,) = verdicts(weighted(population(0.03), population(-0.05), **worse))
    assert (
        verdict.headline == "The plain mean of x is lower than that of bm25, but the traffic mean is higher"
    )


def test_an_opposite_sign_without_evidence_withholds_nothing() -> None:
    """An interval that contains 0, or none, contradicts no verdict; nor does a lower mean that of a kept baseline."""
    for traffic in (population(-0.005), population(-0.03, None), None):
        (verdict,) = verdicts(weighted(traffic, population(0.05)))
        assert verdict.kind == "adopt"
    unclear = {"verdict": "not told apart", "difference": 0.003, "lower": -0.004, "upper": 0.01}
    (verdict,) = verdicts(weighted(population(-0.03), population(0.0), **unclear))
    assert verdict.kind == "keep"
    assert (
        verdict.headline
        == "x does not rank significantly better than bm25 on the queries sampled from the log"
    )


def test_an_indication_contradicts_no_verdict() -> None:
    """Weighted means on grades of models withhold nothing that people's grades show, and are not in its sentences."""
    found = weighted(population(-0.03), population(-0.05))
    entry = found.datasets[0]
    assert entry.weighted is not None
    unsure = replace(entry, weighted=replace(entry.weighted, is_indication=True))
    (verdict,) = verdicts(replace(found, datasets=(unsure,)))
    assert verdict.kind == "adopt"
    assert "difference of the" not in verdict.detail
    assert "indication" not in verdict.detail
    (table,) = weighted_tables(replace(found, datasets=(unsure,)))
    assert any("-0.030" in row[3] for row in table.rows)
    assert "An indication" in table.note


def test_a_corrected_mean_is_said_once() -> None:
    """Where the plain mean is that of a population, the verdict has its difference already."""
    distinct = population(0.041)
    distinct = replace(distinct, rows=tuple(replace(row, corrected=True) for row in distinct.rows))
    found = weighted(population(-0.03), distinct, "distinct queries")
    entry = found.datasets[0]
    assert entry.weighted is not None
    unsure = replace(entry, weighted=replace(entry.weighted, is_indication=True))
    compared = replace(found, datasets=(unsure,))
    (verdict,) = verdicts(compared)
    assert verdict.detail.endswith("With this sample of the log the plain mean is the distinct-query mean.")
    assert "distinct-query mean:" not in verdict.detail
    assert weighted_tables(compared)[0].note.endswith("except for means that are the plain ones.")
