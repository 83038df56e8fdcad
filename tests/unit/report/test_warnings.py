"""Warnings on a result say what to set."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from support.documents import summary, timed
from support.result_folders import MANIFEST

from evalkit.report.warnings import warnings
from evalkit.results.call_totals_row import CallTotals
from evalkit.results.judgment_facts import JudgmentFacts
from evalkit.results.manifest import CandidateLists
from evalkit.results.summary_document import DatasetSummary

COUNTS = {"calls": 40, "failed": 0, "retried": 20, "documents": 200, "unsorted_lists": 0}


def totals(**changes: Any) -> CallTotals:
    """Return the calls of a reranker of which half were tried again."""
    values = {field.name: None for field in fields(CallTotals)} | COUNTS | {"throttled": 0}
    return CallTotals(**(values | {"dataset": "d", "reranker": "api", "pass_": "quality"} | changes))


@pytest.mark.parametrize(
    ("throttled", "error", "names_rate"),
    [(20, "http: it returned 429: slow down", True), (12, "http: it returned 429: slow down", True),
     (0, "http: it returned 200 with an error: Throttling: Requests rate limit exceeded", True),
     (3, "http: it returned 500: no", False), (0, "http: it returned 500: no", False)],
)  # fmt: skip
def test_many_refusals_for_the_rate_name_its_setting(throttled: int, error: str, names_rate: bool) -> None:
    """Where most failed attempts had status 429, or the most frequent error says so; other failures do not."""
    rows = (totals(throttled=throttled, frequent_error=error),)
    found = warnings(MANIFEST, replace(summary(), calls=rows))
    (caution,) = [one for one in found if "attempts failed" in one.text]
    assert caution.text.startswith("api: 20 of 40 attempts failed (50%).")
    assert ("set requests_per_minute to what the API allows" in caution.remedy) == names_rate
    assert "lower concurrency or contact the provider" in caution.remedy


@pytest.mark.parametrize(
    ("counts", "facts", "expected"),
    [
        ({"unjudged_queries": 8}, {}, ["d: none of the 8 queries is judged, so there is no mean."]),
        ({"unjudged_queries": 3}, {}, ["d: 3 of 8 queries are not judged. They are in no mean."]),
        ({}, {"other_queries": 2}, ["d: 2 judgments are of queries that the dataset does not have."]),
        ({"judged_queries_not_sampled": 2}, {"other_queries": 2}, []),
        (
            {},
            {"judged_by": "mixed"},
            ["d: models gave some judgments. Its figures are an indication: no verdict rests on them."],
        ),
    ],
)
def test_judgments_that_are_missing_or_do_not_count(
    counts: dict[str, int], facts: dict[str, Any], expected: list[str]
) -> None:
    """Each has one warning; judgments of queries that were not sampled have none."""
    judged = JudgmentFacts(**{"judged_by": "human", "raters": (), **facts})
    all_counts = {"queries": 8, "answerable_queries": 5, **counts}
    lists = CandidateLists.of_lengths([1])
    dataset = DatasetSummary(
        "d", "tables", "d.csv", None, "english", "hash", all_counts, lists, 0, {}, judged
    )
    found = warnings(MANIFEST, replace(summary(), datasets=(dataset,)))
    assert [one.text for one in found if one.text.startswith("d: ")] == expected


def test_where_people_have_judged_a_part_no_other_draw_is_asked_for() -> None:
    """The hint on models' judgments is to judge the rest, or to count people's judgments only."""
    lists = CandidateLists.of_lengths([1])
    for judged_by, hint in (
        ("judge only", "Judge a random sample of queries by people (human_sample)."),
        (
            "mixed",
            "Have people judge a random sample of queries (human_sample), or count their judgments only",
        ),
    ):
        counts = {"queries": 8, "answerable_queries": 5}
        judged = JudgmentFacts(judged_by, ())  # type: ignore[arg-type]
        dataset = DatasetSummary(
            "d", "tables", "d.csv", None, "english", "hash", counts, lists, 0, {}, judged
        )
        found = warnings(MANIFEST, replace(summary(), datasets=(dataset,)))
        (one,) = (one for one in found if "models gave" in one.text)
        assert one.remedy.startswith(hint)


def test_a_result_of_latency_alone_is_not_about_judgments() -> None:
    """No figure of it rests on them, so there is nothing to judge for it."""
    judged = JudgmentFacts("judge only", ())
    counts = {"queries": 8, "answerable_queries": 5}
    lists = CandidateLists.of_lengths([1])
    dataset = DatasetSummary("d", "tables", "d.csv", None, "english", "hash", counts, lists, 0, {}, judged)
    measured = replace(
        summary(), datasets=(dataset,), latency=(timed("api", 5, 0.1, None, n=60),), quality=()
    )
    assert not [one for one in warnings(MANIFEST, measured) if "models gave" in one.text]
