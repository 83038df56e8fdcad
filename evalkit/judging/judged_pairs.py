"""What a judge's file says of the texts as they are now, and the pairs that the judge still has to grade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from evalkit.records import Judgment, Rater, current_judgments, seconds_of, texts_digest, time_order

_PAUSE_S = 60.0
"""A longer time between two judgments is a pause between two runs."""
_LEAST_GAPS = 20
Pair = tuple[str, str]
HashOf = Callable[[str], str | None]
"""Identifier -> `text_sha256` of the current text; None if there is no text."""


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """The pairs of a judge's file by the last judgment of each.

    Attributes
    ----------
    graded
        Pairs with a grade of the current texts.
    failed
        Pair -> why it has no grade, as the judge answered the current texts.
    stale
        Pairs that were judged with another text of the query or of the document only.
    """

    graded: frozenset[Pair]
    failed: Mapping[Pair, str]
    stale: frozenset[Pair]

    @classmethod
    def of(
        cls, judgments: Sequence[Judgment], rater: Rater, query_hash: HashOf, doc_hash: HashOf
    ) -> JudgedPairs:
        """Return what judgments say of current texts.

        Parameters
        ----------
        judgments
            In the order of the file. Only those with the prompt, the scale and the settings of the last one count.
        rater
            The judge as it is configured: judgments of another prompt or other settings do not count.
        query_hash, doc_hash
            See `HashOf`; judgments without hashes are taken to be of the current texts.
        """
        alike = cache(lambda one: one.is_as_configured(rater))
        current = current_judgments(judgments)
        last, stale = last_judgments((one for one in current if alike(one.rater)), query_hash, doc_hash)
        failed = {pair: one.failure for pair, one in last.items() if one.failure is not None}
        return cls(frozenset(last.keys() - failed.keys()), failed, stale)

    def remaining(self, pairs: Iterable[Pair], *, retry_failed: bool) -> list[Pair]:
        """Return the pairs that the judge has to grade, in their order."""
        done = self.graded if retry_failed else self.graded | self.failed.keys()
        return [pair for pair in pairs if pair not in done]


def last_judgments(
    judgments: Iterable[Judgment], query_hash: HashOf, doc_hash: HashOf
) -> tuple[dict[Pair, Judgment], frozenset[Pair]]:
    """Return pair -> its last judgment of the current texts, and the pairs that have judgments of other texts only.

    Parameters
    ----------
    judgments
        Of one rater, in the order of the file.
    query_hash, doc_hash
        See `HashOf`; judgments without hashes are taken to be of the current texts.
    """
    query_hash, doc_hash = cache(query_hash), cache(doc_hash)
    last: dict[Pair, Judgment] = {}
    seen: set[Pair] = set()
    for one in judgments:
        seen.add(one.pair)
        if one.query_sha256 in {None, query_hash(one.query_id)} and one.doc_sha256 in {
            None,
            doc_hash(one.doc_id),
        }:
            last[one.pair] = one
    return last, frozenset(seen - last.keys())


def working_gaps_s(times: Iterable[str], longest_s: float) -> list[float]:
    """Return the seconds between neighbours, without steps back and pauses above `longest_s`.

    Parameters
    ----------
    times
        ISO 8601 times in order; other texts are left out.
    longest_s
        Longest time between two judgments that is no pause.
    """
    moments = [moment for at in times if (moment := seconds_of(at)) is not None]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    return [gap for gap in gaps if 0 <= gap <= longest_s]


def seconds_each(judgments: Iterable[Judgment]) -> float | None:
    """Return the mean seconds between judgments, without pauses; None if there are too few to say."""
    gaps = working_gaps_s(sorted((one.at for one in judgments), key=time_order), _PAUSE_S)
    return sum(gaps) / len(gaps) if len(gaps) >= _LEAST_GAPS else None


def in_random_order(pairs: Iterable[Pair], seed: int) -> list[Pair]:
    """Return pairs query by query: the queries and the documents of each are in an order that depends on seed and ids.

    So the rater sees neither systems nor ranks, and further pairs do not change the order of others.
    """
    of_query: dict[str, bytes] = {}

    def place(pair: Pair) -> tuple[bytes, bytes]:
        query_id, doc_id = pair
        if query_id not in of_query:
            of_query[query_id] = texts_digest([str(seed), query_id])
        return of_query[query_id], texts_digest([str(seed), query_id, doc_id])

    return sorted(pairs, key=place)


def draw_queries(query_ids: Iterable[str], count: int, seed: int) -> tuple[str, ...]:
    """Return a random draw of queries in drawn order; a larger draw with the same seed contains a smaller one."""
    return tuple(
        sorted(query_ids, key=lambda query_id: texts_digest([str(seed), "draw for a judge", query_id]))[
            :count
        ]
    )
