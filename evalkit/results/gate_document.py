"""``gates.json``: the verdicts of a gate."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.comparison.gate_verdicts import GateVerdict


@dataclass(frozen=True, slots=True)
class GateResult:
    """All verdicts of a gate.

    Attributes
    ----------
    result, against
        Paths of the result and of the baseline.
    open_passes
        Whether ``CANNOT TELL`` passes.
    missing
        Rerankers of the baseline that the result lacks and no rule names: they are not judged.
    """

    result: str
    against: str
    verdicts: tuple[GateVerdict, ...]
    open_passes: bool
    missing: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 if a verdict is invalid, which is no regression; else 1 if one does not pass; else 0."""
        statuses = {verdict.status for verdict in self.verdicts}
        if "INVALID" in statuses:
            return 3
        failed = "FAIL" in statuses or ("CANNOT TELL" in statuses and not self.open_passes)
        return 1 if failed else 0
