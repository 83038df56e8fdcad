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
    """

    seconds: NDArray[np.float64]
    rounds: NDArray[np.int64]
    query_ids: NDArray[np.object_]


def compose(
    stages: Sequence[StageCalls], goes_on: Mapping[str, bool] | None, confidence: float
) -> LatencySummary:
    """Return the latency of calls that go through all stages, one after the other.

    Each call of the first stage is added to a call of every later stage of the same round: calls of a round share the
    state of the machine, and within a round the calls of two stages are independent. So a sum is distributed as a call
    of the cascade, and gets the same interval; see `summarise_calls`. No call is used twice: there are as many sums as
    the stage with the fewest calls has.

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
        own = [np.flatnonzero(stage.rounds == number) for stage in stages]
        for places in zip(*(rows.tolist() for rows in own), strict=False):
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
