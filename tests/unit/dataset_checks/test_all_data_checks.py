"""All checks at once: clean data, and what every finding has."""

from __future__ import annotations

from support.inspected import CLEAN, LISTS, by_code, check_input, dataset

from evalkit.dataset_checks import run_all_checks, run_quick_checks
from evalkit.stats import MIN_QUERIES


def test_clean_data_gets_notes_alone() -> None:
    """A collection without a fault, but that it is small, has notes alone: its grades and lengths are reported."""
    found = by_code(run_all_checks(check_input(CLEAN, LISTS, depth=2)))
    few = found.pop("few_queries")
    assert (few.severity, few.counts) == ("warning", {"queries": 2, "least": MIN_QUERIES})
    assert {finding.severity for finding in found.values()} == {"note"}
    assert set(found) == {"judged_share", "grades", "lengths"}


def test_every_finding_tells_effect_and_remedy() -> None:
    """A finding has a dataset, a phrase, an effect and a remedy, and at most five examples."""
    broken = dataset(
        {"q1": "", **{f"e{i}": " " for i in range(9)}},
        {"q1": "x", "q2": "x"},
        {"q1": {"q1": 1}, "q2": {"gone": 1}},
    )
    found = run_quick_checks(check_input(broken, {}))
    assert {"error", "warning"} <= {finding.severity for finding in found}
    for finding in found:
        assert finding.dataset == "tiny"
        assert all((finding.what, finding.effect, finding.remedy))
        assert len(finding.examples) <= 5
