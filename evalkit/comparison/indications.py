"""What rests on judgments or queries of models is an indication: no verdict, no recommendation and no guarantee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evalkit.comparison.plan import (
    INCOMPLETE,
    JUDGE_INCOMPLETE,
    JUDGE_ONLY,
    MIXED,
    SYNTHETIC,
    Comparison,
    Verdict,
)
from evalkit.records import JudgedBy

_WITHHELD: Mapping[JudgedBy, Verdict] = {
    "judge only": JUDGE_ONLY,
    "mixed": MIXED,
    "corrected": MIXED,
}
_WHY: Mapping[JudgedBy, str] = {
    "judge only": "judge only (indication): models gave all judgments",
    "mixed": "mixed judgments (indication): models gave some of the judgments",
    "corrected": "judge grades included (indication): people's grades of a random sample do not correct this figure",
}
BY_MODELS = "no verdict because models gave"
"""In the sentence of a gate's verdict that is withheld because grades of models count."""
ENLARGED = "the draw was enlarged"
"""In the reason of what is withheld because a draw was enlarged after people had judged."""
_CLAIMS = {"better", "worse", "not told apart", "identical"}


def as_indication(one: Comparison, judged_by: JudgedBy, unrated: int = 0, unanswered: int = 0) -> Comparison:
    """Return a comparison without a claim if grades of models count: more of them make a biased value no better.

    Parameters
    ----------
    one
        The comparison. One that people's grades of a random sample correct keeps its claim.
    judged_by
        Whose grades count.
    unrated
        Number of documents of the draw that people have not judged.
    unanswered
        Number of documents that the judge was not asked for.

    References
    ----------
    arXiv 2411.13212 (too many false claims of *better* among top systems) and 2412.17156 (circularity).
    """
    if one.corrected is not None and judged_by == "corrected":
        return one
    withheld = _WITHHELD.get(judged_by)
    if judged_by == "corrected" and (unrated or unanswered):
        withheld = INCOMPLETE if unrated else JUDGE_INCOMPLETE
    return one if withheld is None or one.verdict not in _CLAIMS else replace(one, verdict=withheld)


def for_people(one: Comparison, *, synthetic: bool) -> Comparison:
    """Return a comparison without a claim if it rests on queries that a model wrote: people ask other ones."""
    return replace(one, verdict=SYNTHETIC) if synthetic and one.verdict in _CLAIMS else one


def why_indication(judged_by: JudgedBy) -> str | None:
    """Return why nothing is recommended or guaranteed; None where people judged."""
    return _WHY.get(judged_by)


def names_remedy(why: str | None) -> bool:
    """Return whether a reason has the command with which people, or a judge, complete their judgments."""
    return why is not None and "evalkit judge r" in why


def is_indication(why: str | None) -> bool:
    """Return whether a reason is that models judged."""
    return why is not None and why.startswith(tuple(_WHY.values()))


def names_cause(why: str | None) -> bool:
    """Return whether a reason that models judged continues with why people's grades of a draw correct nothing."""
    return why is not None and why.startswith(tuple(f"{one}. " for one in _WHY.values()))
