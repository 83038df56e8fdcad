"""What a file of judgments holds, rater by rater."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evalkit.judging.judged_pairs import HashOf, last_judgments
from evalkit.records import Judgment, Rater, time_order


@dataclass(frozen=True, slots=True)
class RaterCounts:
    """The judgments of one rater in one file.

    Attributes
    ----------
    rater
        The rater.
    lines
        Number of judgments, repeated ones among them.
    grades
        Grade -> pairs, by the last judgment of the current texts, from the lowest grade.
    failed
        Pairs whose last judgment has no grade.
    stale
        Pairs that were judged with other texts only.
    tokens, cost_usd
        Of all judgments; None if none says it.
    first, last
        Time of the first and the last judgment.
    """

    rater: Rater
    lines: int
    grades: Mapping[float, int]
    failed: int
    stale: int
    tokens: int | None
    cost_usd: float | None
    first: str
    last: str

    @property
    def pairs(self) -> int:
        """Pairs with a grade."""
        return sum(self.grades.values())


def count_raters(judgments: Iterable[Judgment], query_hash: HashOf, doc_hash: HashOf) -> list[RaterCounts]:
    """Return the counts of each rater of a file, in the order of their first judgments.

    Parameters
    ----------
    judgments
        In the order of the file.
    query_hash, doc_hash
        See `HashOf`.
    """
    of_rater: dict[Rater, list[Judgment]] = {}
    for one in judgments:
        of_rater.setdefault(one.rater, []).append(one)
    return [_count(rater, found, query_hash, doc_hash) for rater, found in of_rater.items()]


def _count(rater: Rater, judgments: list[Judgment], query_hash: HashOf, doc_hash: HashOf) -> RaterCounts:
    last, stale = last_judgments(judgments, query_hash, doc_hash)
    grades = Counter(one.grade for one in last.values() if one.grade is not None)
    tokens = [one.tokens for one in judgments if one.tokens is not None]
    costs = [one.cost_usd for one in judgments if one.cost_usd is not None]
    times = [one.at for one in judgments]
    return RaterCounts(
        rater=rater,
        lines=len(judgments),
        grades=dict(sorted(grades.items())),
        failed=len(last) - grades.total(),
        stale=len(stale),
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(costs) if costs else None,
        first=min(times, key=time_order),
        last=max(times, key=time_order),
    )
