"""Judge gate rules: non-inferiority, minimum quality, latency ratio and failure share, with their sentences.

The rule on the share of queries that fall is in `fallen_queries`; what more queries would show is in `gate_outlook`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.score_origins import ScoreBasis
from evalkit.records import SHARES, ValueRange
from evalkit.stats import (
    MIN_QUERIES,
    Clusters,
    CorrectedMeans,
    OneSidedBounds,
    allow_for_skewness,
    bounded_interval,
    chance_of_detecting,
    count_clusters,
    mean_error,
    minimum_detectable_effect,
    one_sided_bounds,
)

Status = Literal["PASS", "IDENTICAL", "FAIL", "CANNOT TELL", "INVALID"]


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The verdict of one rule on one reranker and one dataset.

    Attributes
    ----------
    rule
        The rule in words.
    status
        ``INVALID`` if nothing could be computed, which is neither a regression nor a pass.
    sentence
        The result in words, with n and bounds.
    estimate, lower, upper
        The quantity that the rule bounds, with one-sided bounds at confidence ``1 - alpha`` each; None if there
        is none.
    n
        Number of queries, rounds or calls.
    unseen_share, largest_fall, unchanged_passes
        See `GateFinding`.
    scores
        What the scores of the new version rest on; None for rules on latency.
    part
        The slice of the queries, such as ``language = de``; None for all queries.
    rests_on
        See `RuleFinding`.
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
    unseen_share: float | None = None
    largest_fall: float | None = None
    unchanged_passes: float | None = None
    scores: ScoreBasis | None = None
    part: str | None = None
    rests_on: str | None = None

    @property
    def system(self) -> str:
        """Dataset, reranker and slice, for people."""
        return f"{self.dataset}: {self.reranker}" + (f", {self.part}" if self.part else "")


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """The result of judging one rule, without the names of rule, dataset and reranker; see `GateVerdict`.

    Attributes
    ----------
    rests_on
        What a corrected difference rests on; None where all judgments count alike.
    """

    status: Status
    sentence: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    n: int = 0
    rests_on: str | None = None


@dataclass(frozen=True, slots=True)
class GateFinding(RuleFinding):
    """The result of judging one rule of a gate.

    Attributes
    ----------
    unseen_share
        Upper bound of the share of all queries that fall by more than `largest_fall`, at confidence ``1 - alpha``.
        None for rules that do not compare queries with the baseline.
    largest_fall
        Largest loss of one query; 0 if no query fell.
    unchanged_passes
        Estimated probability that a version without a true change passes the rule, at the spread that was seen; None
        if unknown, as where the version got worse.
    """

    unseen_share: float | None = None
    largest_fall: float | None = None
    unchanged_passes: float | None = None


def percent(share: float) -> str:
    """Return a share in per cent, with as many digits as a confidence level such as 97.5 % needs."""
    return f"{100 * share:.3g}%"


def invalid(why: str) -> RuleFinding:
    """Return an ``INVALID`` finding with its reason."""
    return RuleFinding("INVALID", f"{why}; no statistics computed")


def judge_drop(
    differences: NDArray[np.float64],
    metric: str,
    margin: float,
    alpha: float,
    clusters: Clusters | None = None,
    *,
    is_slice: bool = False,
    corrected: CorrectedMeans | None = None,
) -> RuleFinding:
    """Judge whether a metric fell by more than a margin (non-inferiority).

    Parameters
    ----------
    differences
        ``(n,)`` new minus baseline, one per query.
    metric
        Name of the metric, for the sentence.
    margin
        Largest acceptable loss.
    alpha
        Probability of passing a true loss of exactly the margin.
    clusters
        Cluster of each query; None if all are independent.
    is_slice
        Whether these are few of the queries, judged at a small `alpha`: the bounds then allow for skewness.
    corrected
        The corrected mean of the differences, which are people's; its bounds allow for skewness.
    """
    n, count = len(differences), count_clusters(clusters, len(differences))
    if not n or (count < 2 and differences.any()):
        return invalid(f"{n} queries in common")
    status, found = decide_drop(differences, margin, alpha, clusters, is_slice=is_slice, corrected=corrected)
    what = "queries" if clusters is None else "clusters of queries"
    too_few = f"fewer than {MIN_QUERIES} {what}" if count < MIN_QUERIES else None
    if found is None:
        same = f"all values of {metric} are equal (n={n} queries)"
        sentence = f"{same}: no verdict with {too_few}" if too_few else same
        return RuleFinding(status, sentence, 0.0, 0.0, 0.0, n)
    if too_few or found.lower == found.upper:
        why = f"no verdict with {too_few}" if too_few else "no verdict because all differences are equal"
        return _rule_finding(found, status, f"{metric}: Δ {found.mean:+.4f} (n={n} queries): {why}")
    if status == "PASS":
        sentence = (
            f"{metric} not worse than baseline by more than {margin:.4f}: Δ {found.mean:+.4f},"
            f" {percent(1 - alpha)} lower bound {found.lower:+.4f} (n={n} queries)"
        )
        if found.upper < 0:
            sentence += "; significantly lower, but within the margin"
        return _rule_finding(found, status, sentence)
    bounds = f"Δ {found.mean:+.4f} {_bounds(found, '+', alpha)}"
    if status == "FAIL":
        return _rule_finding(found, status, f"{metric} worse by more than {margin:.4f}: {bounds}")
    deviation = (corrected.of(0) if corrected else mean_error(differences, clusters)).error * math.sqrt(count)
    certified = minimum_detectable_effect(deviation, count, alpha, sides=1)
    return _rule_finding(
        found,
        status,
        f"{metric} may be worse by more than {margin:.4f}: {bounds}. With these queries, an unchanged"
        f" system passes a margin of {certified:.4f} in 8 of 10 gates",
    )


def decide_drop(
    differences: NDArray[np.float64],
    margin: float,
    alpha: float,
    clusters: Clusters | None = None,
    *,
    is_slice: bool = False,
    corrected: CorrectedMeans | None = None,
) -> tuple[Status, OneSidedBounds | None]:
    """Return the status of `judge_drop` with its bounds; the bounds are None if all differences are 0."""
    if not len(differences):
        return "INVALID", None
    count = count_clusters(clusters, len(differences))
    same = corrected is None or (not corrected.means[0] and not corrected.errors[0])
    if not differences.any() and same:
        return ("IDENTICAL" if count >= MIN_QUERIES else "CANNOT TELL"), None
    found = (
        one_sided_bounds(differences, margin, alpha, clusters)
        if corrected is None
        else corrected.for_gate(0).bounds(margin, alpha)
    )
    if is_slice and corrected is None:
        found = allow_for_skewness(found, differences, alpha, clusters)
    if count < MIN_QUERIES or found.lower == found.upper:
        return "CANNOT TELL", found
    if found.lower > -margin:
        return "PASS", found
    return ("FAIL" if found.upper < -margin else "CANNOT TELL"), found


def judge_minimum(
    values: NDArray[np.float64],
    metric: str,
    least: float,
    alpha: float,
    clusters: Clusters | None = None,
    limits: ValueRange = SHARES,
    *,
    corrected: CorrectedMeans | None = None,
) -> RuleFinding:
    """Judge whether the mean of a metric is at least `least`; see `judge_drop` and `bounded_interval`.

    Values of people are corrected by column 1 of `corrected`, whose bounds allow for skewness.
    """
    n, count = len(values), count_clusters(clusters, len(values))
    mean, lower, upper = _bounds_of_mean(values, alpha, clusters, limits, corrected)
    if mean is None or lower is None or upper is None:
        return invalid(f"{n} queries")
    bounds = f"{mean:.4f} [{lower:.4f}, {upper:.4f}] ({percent(1 - 2 * alpha)}, n={n} queries)"
    status: Status = "CANNOT TELL"
    if count < MIN_QUERIES:
        what = "queries" if clusters is None else "clusters of queries"
        sentence = f"{metric} {bounds}: no verdict with fewer than {MIN_QUERIES} {what}"
    elif lower == upper:
        sentence = f"{metric} {bounds}: no verdict because all values are equal"
    elif lower >= least:
        status, sentence = "PASS", f"{metric} at least {least:g}: {bounds}"
    elif upper < least:
        status, sentence = "FAIL", f"{metric} below {least:g}: {bounds}"
    else:
        sentence = f"{metric} may be below {least:g}: {bounds}"
    return RuleFinding(status, sentence, mean, lower, upper, n)


def _bounds_of_mean(
    values: NDArray[np.float64],
    alpha: float,
    clusters: Clusters | None,
    limits: ValueRange,
    corrected: CorrectedMeans | None,
) -> tuple[float | None, float | None, float | None]:
    """Return the mean and its bounds, inside the range of the metric."""
    if corrected is None:
        found = bounded_interval(values, 1 - 2 * alpha, clusters, limits)
        return found.estimate, found.lower, found.upper
    of_column = corrected.for_gate(1).bounds(0.0, alpha)
    low, high = limits.lowest, limits.highest
    mean, lower, upper = (
        min(max(end, low), high) for end in (of_column.mean, of_column.lower, of_column.upper)
    )
    return mean, lower, upper


def judge_retained(
    corrected: CorrectedMeans, metric: str, share: float, alpha: float, first_stage: str
) -> RuleFinding:
    """Judge whether a version keeps a share of the baseline's gain over its first stage.

    Parameters
    ----------
    corrected
        Its column 0 is the difference from the values that keep this share: ``share * baseline + (1 - share) * first
        stage``, so that its bounds allow for the gain being an estimate.
    metric, first_stage
        Names, for the sentence.
    share
        The share.
    alpha
        Probability of passing a version that keeps exactly the share.
    """
    found = corrected.for_gate(0).bounds(0.0, alpha)
    kept = f"{percent(share)} of the baseline's gain over {first_stage}"
    bounds = f"Δ to that share {found.mean:+.4f} {_bounds(found, '+', alpha)}"
    if corrected.has_few or found.lower == found.upper:
        why = f"fewer than {MIN_QUERIES} queries" if corrected.has_few else "equal differences"
        return _rule_finding(found, "CANNOT TELL", f"{metric} and {kept}: {bounds}: no verdict with {why}")
    if found.lower > 0:
        return _rule_finding(found, "PASS", f"{metric} keeps at least {kept}: {bounds}")
    if found.upper < 0:
        return _rule_finding(found, "FAIL", f"{metric} keeps less than {kept}: {bounds}")
    return _rule_finding(found, "CANNOT TELL", f"{metric} may keep less than {kept}: {bounds}")


def judge_ratio(
    log_ratios: NDArray[np.float64], what: str, most: float, alpha: float, *, unchanged_is_1: bool = False
) -> RuleFinding:
    """Judge whether a ratio of latencies is at most `most`.

    Parameters
    ----------
    log_ratios
        ``(r,)`` natural logarithm of the ratio, one per round.
    what
        Name of the ratio, for the sentence.
    most
        Largest acceptable ratio.
    alpha
        Probability of passing a true ratio of exactly `most`.
    unchanged_is_1
        Whether the ratio of an unchanged system is 1, so that its chance of passing can be computed.
    """
    rounds = len(log_ratios)
    if rounds < 2:
        return invalid(f"{what}: {rounds} rounds with calls of both")
    found = one_sided_bounds(log_ratios, 0.0, alpha)
    estimate, lower, upper = (math.exp(x) for x in (found.mean, found.lower, found.upper))
    bounds = f"{what}: {estimate:.3f} [{lower:.3f}, {upper:.3f}] ({percent(1 - 2 * alpha)}, {rounds} rounds)"
    status: Status = "PASS" if upper < most else "FAIL" if lower > most else "CANNOT TELL"
    conclusion = {
        "PASS": f"at most {most:g}",
        "FAIL": f"more than {most:g}",
        "CANNOT TELL": f"may be above {most:g}",
    }
    chance = chance_of_detecting(math.log(most), float(log_ratios.std(ddof=1)), rounds, alpha, sides=1)
    return GateFinding(
        status,
        f"{bounds}, {conclusion[status]}",
        estimate,
        lower,
        upper,
        rounds,
        unchanged_passes=chance if unchanged_is_1 and status != "FAIL" else None,
    )


def judge_failures(failed: int, calls: int, most: float) -> RuleFinding:
    """Judge the share of calls that failed after all retries, without an interval."""
    if not calls:
        return invalid("no calls")
    share = failed / calls
    status: Status = "PASS" if share <= most else "FAIL"
    return RuleFinding(
        status, f"{failed} of {calls} calls failed, {share:.2%}; allowed {most:.2%}", share, n=calls
    )


def _bounds(found: OneSidedBounds, sign: str, alpha: float) -> str:
    """Return both bounds with their two-sided confidence and the number of queries."""
    level = percent(1 - 2 * alpha)
    return f"[{found.lower:{sign}.4f}, {found.upper:{sign}.4f}] ({level}, n={found.n} queries)"


def _rule_finding(found: OneSidedBounds, status: Status, sentence: str) -> RuleFinding:
    return RuleFinding(status, sentence, found.mean, found.lower, found.upper, found.n)
