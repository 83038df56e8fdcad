"""What a probe finds: a promise, whether it is kept, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["kept", "broken", "not testable"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise of a backend."""

    promise: str
    verdict: Verdict
    evidence: str


def kept(promise: str, evidence: str) -> CheckResult:
    """Return a promise that was seen to be kept."""
    return CheckResult(promise, "kept", evidence)


def broken(promise: str, evidence: str) -> CheckResult:
    """Return a promise that was seen to be broken."""
    return CheckResult(promise, "broken", evidence)


def not_testable(promise: str, why: str) -> CheckResult:
    """Return a promise that cannot be tested here."""
    return CheckResult(promise, "not testable", why)
