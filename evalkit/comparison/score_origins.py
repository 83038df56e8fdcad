"""Where the scores of a system came from, how old they are, and whether a gate may decide on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

HOUR_S = 3600

BasisKind = Literal["this run", "identified", "recent", "checked", "cached", "unknown"]
"""What scores rest on: calls of this run; a backend that is identified by its content; cached scores that are young
enough; cached scores of which a sample was requested again; cached scores; nothing that is known."""


@dataclass(frozen=True, slots=True)
class DriftSample:
    """Cached scores that were requested again in the run.

    Attributes
    ----------
    queries, of_queries
        Queries in the random sample, and queries of the dataset.
    pairs
        Query-document pairs in the sample.
    verdict
        ``holds``, ``drifted``, ``unstable`` or ``not testable``; see `evalkit.backend_checks.DriftCheck`.
    evidence
        The measurements in a sentence.
    """

    queries: int
    of_queries: int
    pairs: int
    verdict: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ScoreOrigin:
    """Where the scores of one reranker on one dataset came from.

    Attributes
    ----------
    fresh
        Pairs scored by calls of the session that ended the run.
    older
        Pairs whose score is from an earlier session of the run, from another run, or from an import.
    resumed
        Pairs among these from an earlier session of the run.
    undated
        Pairs among these whose time is not proven, as that of imported scores.
    age_s
        Seconds from the oldest of the older scores to the end of the run; None where there is none, or if unknown.
    proven_by
        What proves the identity of the backend, such as the hash of a model's files; None where nothing does.
    drift
        The sample of cached scores that was requested again; None without one.
    ended
        End of the run, with its time zone; None where it has not ended.
    first_ended
        For averaged runs, the end of the first of them; None for one run.
    runs
        Number of runs that are averaged.
    """

    fresh: int
    older: int = 0
    resumed: int = 0
    undated: int = 0
    age_s: float | None = None
    proven_by: str | None = None
    drift: DriftSample | None = None
    ended: str | None = None
    first_ended: str | None = None
    runs: int = 1

    @property
    def pairs(self) -> int:
        """All pairs with a score."""
        return self.fresh + self.older


@dataclass(frozen=True, slots=True)
class AcceptedScores:
    """Which cached scores a gate accepts from a backend whose identity is not proven. By default none.

    Attributes
    ----------
    max_age_s
        Greatest age at the end of the run.
    drift_queries
        Smallest sample of queries that the run requested again without a change.
    """

    max_age_s: float | None = None
    drift_queries: int | None = None


@dataclass(frozen=True, slots=True)
class ScoreBasis:
    """What a verdict rests on.

    Attributes
    ----------
    kind
        See `BasisKind`. A gate accepts all kinds but ``cached`` and ``unknown``.
    sentence
        The origin of the scores in words.
    """

    kind: BasisKind
    sentence: str

    @property
    def is_accepted(self) -> bool:
        """Whether a gate may decide on such scores."""
        return self.kind not in {"cached", "unknown"}


def judge_origin(origin: ScoreOrigin | None, accepted: AcceptedScores, alpha: float) -> ScoreBasis:
    """Return what the scores of a system rest on, and so whether a gate may decide on them.

    Parameters
    ----------
    origin
        Where they came from; None if that is not known.
    accepted
        Cached scores that the rules accept.
    alpha
        1 minus the confidence level of the bound on changes that a drift check misses.
    """
    if origin is None:
        return ScoreBasis("unknown", "the origin of the scores is not known")
    if origin.proven_by is not None:
        return ScoreBasis("identified", f"identified by its content ({origin.proven_by})")
    if not origin.older:
        return ScoreBasis("this run", f"all {origin.pairs:,} scores are from calls of {_of_runs(origin)}")
    return (
        _by_age(origin, accepted.max_age_s)
        or _by_drift(origin, accepted.drift_queries, alpha)
        or _refused(origin, accepted)
    )


def _by_age(origin: ScoreOrigin, max_age_s: float | None) -> ScoreBasis | None:
    if max_age_s is None or origin.undated or origin.age_s is None or not 0 <= origin.age_s <= max_age_s:
        return None
    sentence = (
        f"{origin.older:,} of {origin.pairs:,} scores are cached, at most {duration(origin.age_s)} old at the end of"
        f" the run (accepted: {duration(max_age_s)}); a change of the model since then is not seen"
    )
    return ScoreBasis("recent", sentence)


def _by_drift(origin: ScoreOrigin, least: int | None, alpha: float) -> ScoreBasis | None:
    drift = origin.drift
    if least is None or drift is None or drift.queries < least or drift.verdict != "holds":
        return None
    # Exact: if this share of all queries had changed, a random sample without any has the probability alpha. Without
    # replacement, as here, it is less (Hahn and Meeker, Statistical Intervals, 1991, section 6.2).
    missed = 1 - alpha ** (1 / drift.queries)
    sentence = (
        f"{origin.older:,} of {origin.pairs:,} scores are cached; {drift.queries} of {drift.of_queries} queries"
        f" ({drift.pairs:,} pairs) were scored again without a change beyond noise. Up to {100 * missed:.3g}% of all"
        f" queries may have changed all the same ({100 * (1 - alpha):.3g}% confidence)"
    )
    return ScoreBasis("checked", sentence)


def _refused(origin: ScoreOrigin, accepted: AcceptedScores) -> ScoreBasis:
    details = []
    if origin.resumed:
        details.append(f"{origin.resumed:,} from before it was resumed")
    if origin.undated:
        details.append(f"{origin.undated:,} imported or of unknown time")
    if origin.age_s is not None and origin.age_s >= 0:
        details.append(f"up to {duration(origin.age_s)} old")
    if accepted.max_age_s is not None:
        details.append(f"accepted: {duration(accepted.max_age_s)}")
    drift = origin.drift
    if drift is not None and drift.verdict != "holds":
        details.append(f"scored again, a sample is {drift.verdict}: {drift.evidence}")
    elif accepted.drift_queries is not None:
        scored = drift.queries if drift else 0
        details.append(f"{scored} queries scored again, {accepted.drift_queries} needed")
    in_detail = f" ({'; '.join(details)})" if details else ""
    return ScoreBasis(
        "cached",
        f"cached scores: {origin.older:,} of {origin.pairs:,} are not from calls of this run{in_detail}, and nothing"
        " proves that the model is the same",
    )


def _of_runs(origin: ScoreOrigin) -> str:
    """Return which run, or how many, and when it ended, as the end of a sentence."""
    if origin.ended is None:
        return "this run" if origin.runs == 1 else f"these {origin.runs} runs"
    if origin.runs == 1 or origin.first_ended is None:
        return f"this run, which ended on {_time(origin.ended)}"
    return f"these {origin.runs} runs, which ended from {_time(origin.first_ended)} to {_time(origin.ended)}"


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d at %H:%M} UTC"


def duration(seconds: float) -> str:
    """Return a duration in seconds, minutes, hours or days, with three digits."""
    if seconds < 60:
        return f"{seconds:.0f} seconds"
    if seconds < HOUR_S:
        return f"{seconds / 60:.3g} minutes"
    if seconds < 48 * HOUR_S:
        return f"{seconds / HOUR_S:.3g} hours"
    return f"{seconds / (24 * HOUR_S):.3g} days"


def combined(origins: Sequence[ScoreOrigin]) -> ScoreOrigin:
    """Return the origin of averaged scores: the sums of the counts, the greatest age, and no proof that one lacks."""
    first = origins[0]
    ages = [one.age_s for one in origins if one.older]
    ends = [one.ended for one in origins if one.ended is not None]
    return replace(
        first,
        fresh=sum(one.fresh for one in origins),
        older=sum(one.older for one in origins),
        resumed=sum(one.resumed for one in origins),
        undated=sum(one.undated for one in origins),
        age_s=None if not ages or None in ages else max(age for age in ages if age is not None),
        ended=max(ends, default=None) if len(ends) == len(origins) else None,
        first_ended=min(ends, default=None) if len(ends) == len(origins) else None,
        runs=len(origins),
        proven_by=first.proven_by if all(one.proven_by == first.proven_by for one in origins) else None,
        drift=first.drift if all(one.drift == first.drift for one in origins) else None,
    )


def together(stages: Sequence[ScoreOrigin]) -> ScoreOrigin:
    """Return the origin of scores that are derived from those of several stages: as old as the oldest of them.

    They are identified by their content if all stages are. A drift check of one stage does not cover another, so they
    have none.
    """
    proofs = list(dict.fromkeys(one.proven_by for one in stages))
    proven = None if None in proofs else "; ".join(proof for proof in proofs if proof is not None)
    unproven = [one for one in stages if one.proven_by is None]
    if not unproven:
        return replace(combined(stages), proven_by=proven, drift=None, runs=1)
    only = unproven[0].drift if len(unproven) == 1 else None
    return replace(combined(unproven), proven_by=None, drift=only, runs=1)
