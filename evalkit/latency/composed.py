"""Latency of a cascade, composed of timed calls of its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.percentiles import LatencySummary, summarise_calls
from evalkit.latency.round_effects import Blocks


@dataclass(frozen=True, slots=True, eq=False)
class StageCalls:
    """The successful timed calls of one stage, with as many documents as it scores in the cascade.

    Attributes
    ----------
    seconds
        ``(n,)`` latency of each call.
    rounds
        ``(n,)`` round of each call.
    query_ids
        ``(n,)`` query of each call.
    characters
        ``(n,)`` characters of the documents of each call.
    """

    seconds: NDArray[np.float64]
    rounds: NDArray[np.int64]
    query_ids: NDArray[np.object_]
    characters: NDArray[np.float64]

    def of_round(self, number: int) -> list[int]:
        """Return the calls of a round, those with the shortest documents first."""
        rows = np.flatnonzero(self.rounds == number)
        found: list[int] = rows[np.argsort(self.characters[rows], kind="stable")].tolist()
        return found


def compose(
    stages: Sequence[StageCalls], goes_on: Mapping[str, bool] | None, confidence: float
) -> LatencySummary:
    """Return the latency of calls that go through all stages, one after the other.

    Each call of the first stage is added to a call of every later stage of the same round, because calls of a round
    share the state of the machine. Calls of two stages are for different queries. Those with long documents are added
    to those with long documents, as in the cascade, whose stages get documents of one query. Where latency does not
    depend on the length, this is a random order; where it does, the sums vary a little more than calls of the cascade,
    because the documents that a stage passes on are not as long as all. A sum gets the same interval as a call; see
    `summarise_calls`. No call is used twice: a round has as many sums as the stage with the fewest calls.

    Parameters
    ----------
    stages
        The first stage first.
    goes_on
        Query id -> whether the later stages are called for it; a call for another query is left out. None if they
        are called for every query.
    confidence
        Confidence level of the intervals.
    """
    first, later = stages[0], stages[1:]
    seconds: list[float] = []
    rounds: list[int] = []
    queries: list[str] = []
    for number in np.unique(first.rounds):
        own = [stage.of_round(int(number)) for stage in stages]
        fewest = min(map(len, own))
        for places in zip(*(_spread(rows, fewest) for rows in own), strict=True):
            query = str(first.query_ids[places[0]])
            if goes_on is not None and query not in goes_on:
                continue
            total = float(first.seconds[places[0]])
            if goes_on is None or goes_on[query]:
                total += sum(float(one.seconds[row]) for one, row in zip(later, places[1:], strict=True))
            seconds.append(total)
            rounds.append(int(number))
            queries.append(query)
    return summarise_calls(
        np.array(seconds, dtype=np.float64),
        np.ones(len(seconds), dtype=np.bool_),
        np.array(queries, dtype=object),
        Blocks(np.array(rounds, dtype=np.int64)),
        confidence,
    )


def _spread(rows: Sequence[int], count: int) -> list[int]:
    """Return `count` of the rows, evenly spread over all of them."""
    return [rows[place] for place in np.linspace(0, len(rows) - 1, count).round().astype(int).tolist()]
