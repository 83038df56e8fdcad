"""Gate verdicts: what they are, and how each is said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import (
    MIN_QUERIES,
    OneSidedBounds,
    minimum_detectable_effect,
    one_sided_bounds,
    queries_needed,
)

Status = Literal["PASS", "IDENTICAL", "FAIL", "CANNOT TELL", "INVALID"]


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What one rule says of one reranker on one dataset.

    Attributes
    ----------
    rule
        The rule in words.
    status
        ``INVALID`` where nothing could be computed: that is never a regression, and never a pass.
    sentence
        What was found, with n and bounds.
    estimate, lower, upper
        Of whatever the rule bounds, each side at ``1 - alpha``; None where there is none.
    n
        Queries, rounds or calls.
    """

    rule: str
    dataset: str
    reranker: str
    status: Status
    sentence: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """A status with its sentence and figures, before it is known what it is about."""

    status: Status
    sentence: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    n: int = 0


def invalid(why: str) -> RuleFinding:
    """Return that nothing could be computed."""
    return RuleFinding("INVALID", f"{why}; no statistics computed")


def judge_drop(differences: NDArray[np.float64], metric: str, margin: float, alpha: float) -> RuleFinding:
    """Judge whether a metric fell by more than a margin (non-inferiority).

    Parameters
    ----------
    differences
        ``(n,)`` new minus baseline, query by query.
    metric
        Named in the sentence.
    margin
        Largest loss that does not matter.
    alpha
        Chance of passing a loss of exactly the margin.
    """
    n = len(differences)
    if not n or (n < 2 and differences.any()):
        return invalid(f"{n} queries in common")
    status, found = decide_drop(differences, margin, alpha)
    if found is None:
        return RuleFinding(status, f"every value of {metric} is the same (n={n} queries)", 0.0, 0.0, 0.0, n)
    if n < MIN_QUERIES or found.lower == found.upper:
        why = f"fewer than {MIN_QUERIES} queries" if n < MIN_QUERIES else "every difference is the same"
        return _with(
            found, status, f"{metric}: Δ {found.mean:+.4f} (n={n} queries): {why}, which carries no verdict"
        )
    if status == "PASS":
        said = (
            f"{metric} not worse than baseline by more than {margin:.4f}: Δ {found.mean:+.4f},"
            f" {1 - alpha:.0%} lower bound {found.lower:+.4f} (n={n} queries)"
        )
        if found.upper < 0:
            said += "; measurably lower, but inside the agreed margin"
        return _with(found, status, said)
    bounds = (
        f"Δ {found.mean:+.4f} [{found.lower:+.4f}, {found.upper:+.4f}] ({1 - 2 * alpha:.0%}, n={n} queries)"
    )
    if status == "FAIL":
        return _with(found, status, f"{metric} worse by more than {margin:.4f}: {bounds}")
    return _with(found, status, f"{metric}: {bounds}; {_what_it_takes(differences, margin, alpha)}")


def decide_drop(
    differences: NDArray[np.float64], margin: float, alpha: float
) -> tuple[Status, OneSidedBounds | None]:
    """Return the status of `judge_drop` with the bounds it rests on; none where nothing differs."""
    if not differences.any():
        return ("IDENTICAL" if len(differences) else "INVALID"), None
    found = one_sided_bounds(differences, margin, alpha)
    if len(differences) < MIN_QUERIES or found.lower == found.upper:
        return "CANNOT TELL", found
    if found.lower > -margin:
        return "PASS", found
    return ("FAIL" if found.upper < -margin else "CANNOT TELL"), found


def judge_minimum(values: NDArray[np.float64], metric: str, least: float, alpha: float) -> RuleFinding:
    """Judge whether a mean is at least some value; see `judge_drop`."""
    n = len(values)
    if n < 2:
        return invalid(f"{n} queries")
    found = one_sided_bounds(values, 0.0, alpha)
    bounds = f"{found.mean:.4f} [{found.lower:.4f}, {found.upper:.4f}] ({1 - 2 * alpha:.0%}, n={n} queries)"
    if n < MIN_QUERIES:
        return _with(
            found, "CANNOT TELL", f"{metric} {bounds}: fewer than {MIN_QUERIES} queries carry no verdict"
        )
    if found.lower >= least:
        return _with(found, "PASS", f"{metric} at least {least:g}: {bounds}")
    if found.upper < least:
        return _with(found, "FAIL", f"{metric} below {least:g}: {bounds}")
    return _with(found, "CANNOT TELL", f"{metric} may be below {least:g}: {bounds}")


def judge_ratio(log_ratios: NDArray[np.float64], what: str, most: float, alpha: float) -> RuleFinding:
    """Judge whether a ratio of latencies is at most some value.

    Parameters
    ----------
    log_ratios
        ``(r,)`` natural logarithm of the ratio, one for each round.
    what
        Named in the sentence.
    most
        The bound.
    alpha
        Chance of passing a ratio of exactly `most`.
    """
    rounds = len(log_ratios)
    if rounds < 2:
        return invalid(f"{what}: {rounds} rounds with calls of both")
    found = one_sided_bounds(log_ratios, 0.0, alpha)
    estimate, lower, upper = (math.exp(x) for x in (found.mean, found.lower, found.upper))
    told = f"{what}: {estimate:.3f} [{lower:.3f}, {upper:.3f}] ({1 - 2 * alpha:.0%}, {rounds} rounds)"
    status: Status = "PASS" if upper < most else "FAIL" if lower > most else "CANNOT TELL"
    said = {
        "PASS": f"at most {most:g}",
        "FAIL": f"more than {most:g}",
        "CANNOT TELL": f"may be above {most:g}",
    }
    return RuleFinding(status, f"{told}, {said[status]}", estimate, lower, upper, rounds)


def judge_failures(failed: int, calls: int, most: float) -> RuleFinding:
    """Judge the share of calls that failed for good; a count, without an interval."""
    if not calls:
        return invalid("no calls")
    share = failed / calls
    status: Status = "PASS" if share <= most else "FAIL"
    return RuleFinding(
        status, f"{failed} of {calls} calls failed, {share:.2%}; allowed {most:.2%}", share, n=calls
    )


def _what_it_takes(differences: NDArray[np.float64], margin: float, alpha: float) -> str:
    """Return which margin these queries certify, and how many queries the wanted one takes."""
    n, deviation = len(differences), float(differences.std(ddof=1))
    certified = minimum_detectable_effect(deviation, n, alpha, sides=1)
    said = f"this set certifies margins ≥ {certified:.4f} at 80 % power"
    needed = queries_needed(deviation, margin, alpha, sides=1)
    if needed is not None and needed > n:
        return f"{said}. Add ≈{needed - n} queries, or set margin ≥ {certified:.4f}"
    return f"{said}: the loss is near the margin itself"


def _with(found: OneSidedBounds, status: Status, sentence: str) -> RuleFinding:
    return RuleFinding(status, sentence, found.mean, found.lower, found.upper, found.n)
