"""Warnings on a result say what to set."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from support.documents import summary
from support.result_folders import MANIFEST

from evalkit.report.warnings import warnings
from evalkit.results.call_totals_row import CallTotals

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
