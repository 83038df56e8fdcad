"""``gates.json``: the verdicts of a gate."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.comparison.gate_verdicts import GateVerdict


@dataclass(frozen=True, slots=True)
class NightsFinding:
    """Whether a mean has fallen lastingly, over repeated gates of the same queries against the same baseline.

    Attributes
    ----------
    rule
        The rule in words: a ``max_drop``.
    nights
        Number of gates, this one included.
    e_value
        Evidence that the mean has fallen by more than the margin; an alarm at `alarm_at` or more.
    since
        Name of the result folder from which on the evidence is strongest.
    mean
        Mean difference since then.
    """

    rule: str
    dataset: str
    reranker: str
    nights: int
    e_value: float
    alarm_at: float
    since: str
    mean: float

    @property
    def is_alarm(self) -> bool:
        """Whether the evidence is enough."""
        return self.e_value >= self.alarm_at


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
    repeats
        Paths of the other results that were averaged with `result`.
    baseline_hash
        Hash of the baseline's values, so that nights against another baseline of the same name are left out.
    nights
        What repeated gates show together, where that was asked for.
    """

    result: str
    against: str
    verdicts: tuple[GateVerdict, ...]
    open_passes: bool
    missing: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()
    baseline_hash: str = ""
    nights: tuple[NightsFinding, ...] = ()

    @property
    def unchanged_passes(self) -> tuple[float, float] | None:
        """Bounds of the probability that an unchanged system passes every rule whose own probability is known.

        Verdicts depend on each other in ways that are not known. The bounds hold for any dependence (Boole, Fréchet);
        None if no probability is known.
        """
        chances = [
            verdict.unchanged_passes for verdict in self.verdicts if verdict.unchanged_passes is not None
        ]
        if not chances:
            return None
        return max(0.0, 1 - sum(1 - chance for chance in chances)), min(chances)

    @property
    def exit_code(self) -> int:
        """3 if a verdict is invalid, which is no regression; else 1 if one does not pass; else 0."""
        statuses = {verdict.status for verdict in self.verdicts}
        if "INVALID" in statuses:
            return 3
        alarm = any(finding.is_alarm for finding in self.nights)
        failed = alarm or "FAIL" in statuses or ("CANNOT TELL" in statuses and not self.open_passes)
        return 1 if failed else 0
