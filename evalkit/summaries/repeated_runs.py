"""Average repeated runs of the same version: the noise between runs shrinks, the queries stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evalkit.comparison.corrected_sides import RepeatedSide
from evalkit.comparison.score_origins import combined
from evalkit.errors import InputError
from evalkit.records import MetricValues
from evalkit.summaries.gate_evidence import Evidence
from evalkit.summaries.opened_results import OpenedResult


def check_repeats(results: Sequence[OpenedResult]) -> None:
    """Check that several results are runs of their own, of one configuration.

    Raises
    ------
    InputError
        If the scores of one came from the store: then it repeats nothing; or if two are the same run or of different
        configurations.
    """
    seen: dict[str, OpenedResult] = {}
    for result in results if len(results) > 1 else ():
        for run in result.manifest.sessions[
            :1
        ]:  # the first session identifies a run, also of which a copy was resumed
            if run in seen:
                raise InputError(
                    f"{result.folder.path} is a copy of {seen[run].folder.path}, and not an independent run",
                    "give each run once",
                )
            seen[run] = result
        if result.config.everything != results[-1].config.everything:
            raise InputError(
                f"{result.folder.path} and {results[-1].folder.path} cannot be averaged: different configurations",
                "repeat the same configuration",
            )
    for result in results if len(results) > 1 else ():
        reused = sum(pairs.reused for pairs in result.manifest.pairs)
        if reused:
            raise InputError(
                f"{result.folder.path} reused {reused} cached scores, so it is not an independent run",
                "run it with --refresh, or with a separate score store",
            )


def averaged(runs: Sequence[Evidence]) -> Evidence:
    """Return evidence with the mean of every value over the runs; the last run gives its name and its latencies.

    Corrected values are averaged by query, too, and people have to judge the documents of all runs. A ranking counts
    as known only if it is the same in all runs. A query without a score in one run has none.

    Raises
    ------
    InputError
        If the runs do not have the same systems and data.
    """
    last = runs[-1]
    draws = last.draws if len(runs) > 1 else {}
    for one in runs[:-1]:
        for what, mine, theirs in (
            ("rerankers or datasets", set(one.values), set(last.values)),
            ("judgments, candidates, depth, below_depth, tokenizer or passages", one.prints, last.prints),
            ("human samples or grades of people and of the judge", one.draws, draws),
        ):
            if mine != theirs:
                raise InputError(
                    f"{one.name} and {last.name} cannot be averaged: different {what}",
                    "repeat the same configuration",
                )
    return replace(
        last,
        values={key: _mean([one.values[key] for one in runs]) for key in last.values},
        unscored={key: max(one.unscored[key] for one in runs) for key in last.values},
        calls={key: _total([one.calls.get(key, (0, 0)) for one in runs]) for key in last.calls},
        missing={
            key: frozenset().union(*(one.missing.get(key, frozenset()) for one in runs))
            for key in last.missing
        },
        corrected={
            key: side if len(runs) == 1 else RepeatedSide(tuple(one.corrected[key] for one in runs))
            for key, side in last.corrected.items()
        },
        origins={
            key: combined([one.origins[key] for one in runs])
            for key in last.origins
            if all(key in one.origins for one in runs)
        },
        rankings={
            key: {
                q: hashed
                for q, hashed in hashes.items()
                if all(one.rankings[key].get(q) == hashed for one in runs)
            }
            for key, hashes in last.rankings.items()
        },
    )


def _mean(values: Sequence[MetricValues]) -> MetricValues:
    """Return the mean values of every query that all runs have."""
    last = values[-1]
    shared = set(last.query_ids).intersection(*(one.query_ids for one in values))
    query_ids = tuple(query_id for query_id in last.query_ids if query_id in shared)
    rows = []
    for one in values:
        place = {query_id: row for row, query_id in enumerate(one.query_ids)}
        columns = [one.metrics.index(metric) for metric in last.metrics]
        rows.append(one.values[[place[query_id] for query_id in query_ids]][:, columns])
    return replace(last, query_ids=query_ids, values=np.mean(rows, axis=0))


def _total(calls: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the calls and the failed calls of all runs."""
    return sum(made for made, _ in calls), sum(failed for _, failed in calls)
