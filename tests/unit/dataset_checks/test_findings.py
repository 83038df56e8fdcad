"""The order of findings."""

from __future__ import annotations

from dataclasses import replace

from support.inspected import CLEAN, check_input

from evalkit.dataset_checks import by_severity, lengths


def test_the_worst_comes_first() -> None:
    """Findings stand by severity, and within one in the order they were found."""
    found = [
        replace(finding, severity=severity, code=str(place))
        for place, severity in enumerate(("note", "error", "warning", "error"))
        for finding in list(lengths.lengths(check_input(CLEAN)))
    ]
    assert [finding.code for finding in by_severity(found)] == ["1", "3", "2", "0"]
