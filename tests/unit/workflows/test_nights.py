"""Which earlier gates count as nights of the same series, and what an alarm does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evalkit.comparison.gate_verdicts import GateVerdict
from evalkit.errors import InputError
from evalkit.report.gate import as_junit, as_summary, conclusion, nights_lines, workflow_commands
from evalkit.results import ResultFolder
from evalkit.results.gate_document import GateResult
from evalkit.workflows.nights import judge_nights

RULE = "m max_drop 0.01"


def gate_of(mean: float | None, *, n: int = 50, baseline: str = "h", rule: str = RULE) -> GateResult:
    """Return a gate with one verdict."""
    verdict = GateVerdict(rule, "d", "r", "CANNOT TELL", "open", mean, n=n)
    return GateResult("a", "b", (verdict,), open_passes=True, baseline_hash=baseline)


def series(parent: Path, *gates: GateResult | None) -> GateResult:
    """Write one folder a night, and return the last gate with its nights judged."""
    folder = ResultFolder(parent)
    for night, gate in enumerate(gates):
        folder = ResultFolder(parent / f"2026-01-{night + 1:02d}")
        folder.path.mkdir(parents=True)
        if gate is not None:
            folder.write_gates(gate)
    assert gates[-1] is not None
    return replace(gates[-1], nights=judge_nights(gates[-1], folder, {RULE: 0.01}, 0.05))


def test_earlier_gates_of_the_same_series_are_nights(tmp_path: Path) -> None:
    """The same rule, queries and baseline; later folders, and folders without a gate, are left out."""
    others = (
        gate_of(-0.9, n=49),
        gate_of(-0.9, baseline="other"),
        gate_of(-0.9, rule="m min 0.5"),
        gate_of(None),
        None,
    )
    (tmp_path / "2026-02-01").mkdir()
    ResultFolder(tmp_path / "2026-02-01").write_gates(gate_of(-0.9))
    found = series(tmp_path, gate_of(0.001), *others, gate_of(0.003), gate_of(-0.001))
    (finding,) = found.nights
    assert (finding.nights, finding.is_alarm, found.exit_code) == (3, False, 0)
    assert list(nights_lines(found)) == [
        "no alarm  d: r: m max_drop 0.01: no lasting drop in 3 nights (evidence 0, alarm at 20)"
    ]


def test_an_alarm_fails_the_gate(tmp_path: Path) -> None:
    """Exit code 1, a failure in JUnit, an annotation, and since when."""
    found = series(
        tmp_path, *(gate_of(0.0) for _ in range(3)), *(gate_of(-0.03 - n / 1e4) for n in range(20))
    )
    (finding,) = found.nights
    assert (finding.since, finding.is_alarm, found.exit_code) == ("2026-01-04", True, 1)
    (line,) = nights_lines(found)
    assert line.startswith(
        "ALARM  d: r: m max_drop 0.01: a larger drop since 2026-01-04, mean difference -0.031"
    )
    assert conclusion(found).startswith("gate not passed: 1 CANNOT TELL; 1 ALARM over nights")
    suite = ET.fromstring(as_junit(found))  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures"), len(suite.findall(".//failure"))) == ("2", "1", 1)
    assert line in as_summary(found)
    assert any(command.startswith("::error title=ALARM::") for command in workflow_commands(found))


def test_only_drop_rules_are_judged_over_nights(tmp_path: Path) -> None:
    """A verdict without an estimate, or of a rule without a margin, has no series."""
    assert series(tmp_path / "a", gate_of(-0.5, rule="m min 0.5")).nights == ()
    assert series(tmp_path / "b", gate_of(None)).nights == ()


def test_gates_are_read_back_and_older_ones_too(tmp_path: Path) -> None:
    """Every field; a file without the newer fields has their defaults, and a damaged one is named."""
    folder = ResultFolder(tmp_path)
    assert folder.read_gates() is None
    folder.write_gates(gate_of(0.1))
    assert folder.read_gates() == gate_of(0.1)
    folder.gates_file.write_text('{"result": "a", "against": "b", "verdicts": [], "open_passes": false}')
    assert folder.read_gates() == GateResult("a", "b", (), open_passes=False)
    folder.gates_file.write_text("{}")
    with pytest.raises(InputError, match="is damaged"):
        folder.read_gates()
