"""What follows from the verdicts of a gate as a whole."""

from __future__ import annotations

import pytest

from evalkit.comparison.gate_verdicts import GateVerdict, Status
from evalkit.report.gate import as_summary, next_after_gate, unchanged_line
from evalkit.results.gate_document import GateResult


def gate_of(*chances: float | None) -> GateResult:
    """Return a gate whose rules pass an unchanged system with these probabilities."""
    verdicts = (GateVerdict("rule", "d", "r", "PASS", "found", unchanged_passes=chance) for chance in chances)
    return GateResult("a", "b", tuple(verdicts), open_passes=False)


@pytest.mark.parametrize(
    ("chances", "bounds", "line"),
    [
        ((), None, None),
        ((None,), None, None),
        ((0.8, None), (0.8, 0.8), "passes this gate in about 80% of runs."),
        ((0.8, 0.9), (0.7, 0.8), "passes these 2 rules in 70% to 80% of runs."),
        ((0.5, 0.4), (0.0, 0.4), "passes these 2 rules in 0% to 40% of runs."),
    ],
)  # fmt: skip
def test_the_whole_gate_passes_between_two_bounds(
    chances: tuple[float | None, ...], bounds: tuple[float, float] | None, line: str | None
) -> None:
    """At most as often as the strictest rule, at least as often as no rule fails by Boole's inequality."""
    found = gate_of(*chances)
    assert found.unchanged_passes == (None if bounds is None else pytest.approx(bounds))
    said = unchanged_line(found)
    assert (said is None) if line is None else (said or "").endswith(f"an unchanged version {line}")
    assert (said or "### evalkit") in as_summary(found)


@pytest.mark.parametrize(
    ("status", "saves"), [("PASS", True), ("IDENTICAL", True), ("CANNOT TELL", False), ("INVALID", False)]
)
def test_only_a_version_that_every_rule_accepts_becomes_the_baseline(status: Status, saves: bool) -> None:
    """A gate may pass without a decision; its next step is then not a new baseline."""
    verdicts = (
        GateVerdict("first", "d", "r", "PASS", "found"),
        GateVerdict("second", "d", "r", status, "found"),
    )
    found = GateResult("a", "b", verdicts, open_passes=True)
    step = next_after_gate(found)
    assert (step.command is not None and "baseline save a" in step.command) == saves
