"""The result of checking one promise of a backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["kept", "broken", "not testable"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A promise of a backend, whether it is kept, and the evidence in words."""

    promise: str
    verdict: Verdict
    evidence: str


def kept(promise: str, evidence: str) -> CheckResult:
    """Return the result that a promise is kept."""
    return CheckResult(promise, "kept", evidence)


def broken(promise: str, evidence: str) -> CheckResult:
    """Return the result that a promise is broken."""
    return CheckResult(promise, "broken", evidence)


def not_testable(promise: str, why: str) -> CheckResult:
    """Return the result that a promise cannot be tested."""
    return CheckResult(promise, "not testable", why)
