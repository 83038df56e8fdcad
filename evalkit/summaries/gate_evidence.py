"""The part of a result that a gate compares: values, hashes of the data, latencies of rounds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import orjson

from evalkit.comparison import ComparisonSet, System
from evalkit.comparison.corrected_pairs import sides_of
from evalkit.comparison.corrected_sides import CorrectedSide
from evalkit.comparison.correction import Draw
from evalkit.comparison.missing_queries import missing
from evalkit.comparison.score_origins import ScoreOrigin
from evalkit.comparison.slices import level_functions
from evalkit.query_clusters import QueryClusters
from evalkit.records import JudgedBy, MetricValues, Qrels, Run, plain_grade
from evalkit.results.failure_reasons import FailureReason, failure_reasons
from evalkit.results.passage_rows import PassageFacts
from evalkit.results.rows import Rows
from evalkit.results.timed_calls import cells_of
from evalkit.summaries.candidate_runs import scored_documents
from evalkit.summaries.manifest_origins import origins_of
from evalkit.summaries.opened_results import OpenedResult, below_depth_of
from evalkit.summaries.passage_rules import passage_facts
from evalkit.summaries.query_costs import QueryCosts, query_costs
from evalkit.summaries.scored_texts import PASSAGES, scored_texts

LatencyKey = tuple[str, str, int, int]
"""Dataset, reranker, batch size, calls in flight."""

BELOW_DEPTH, NONE_BELOW = "below_depth", "none below"
"""Key of `Evidence.prints`, and its value where no candidate is below the depth."""

TOKENIZER = "tokenizer"
"""Key of `Evidence.prints` with the hash of the tokenizer; absent where no metric has a budget of tokens."""

RANKING_DIGITS = 8
"""Length of the hash of a ranking."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One side of a gate.

    Attributes
    ----------
    name
        Path of its folder, for sentences.
    first_stage
        Tag of the first stage.
    values
        (dataset, tag) -> values at the largest depth.
    unscored
        (dataset, tag) -> queries without scores.
    prints
        dataset -> ``judgments``, ``candidates``, ``depth``, ``below_depth``, ``tokenizer`` or ``passages`` -> hash, or
        value. Earlier versions wrote no ``below_depth``: they dropped candidates below the depth. Without ``passages``,
        rerankers scored documents.
    rounds
        Dataset, reranker and load -> round -> natural logarithm of the median seconds.
    withheld
        Dataset, reranker and load -> why its timed calls measure the load generator and not the server.
    calls
        (dataset, tag) -> calls, and failed calls without the retried attempts.
    rankings
        (dataset, tag) -> query -> hash of its ranked documents; baselines of earlier versions have none.
    clusters
        Dataset -> which of its queries are not independent; a saved baseline has none.
    origins
        (dataset, tag) -> where its scores came from; a saved baseline has none, as it is not judged.
    levels
        Dataset -> property of queries -> function from query id to its value; a saved baseline has none.
    scored
        (dataset, tag) -> the documents with a score of their own; absent where that is unknown, and in a baseline.
    costs
        (dataset, tag) -> cost of each query; absent where a cost is unknown, and in a saved baseline.
    priced
        Rerankers whose calls have a price.
    resumed
        Whether the run was interrupted and resumed, so that its timed calls are of several sessions.
    runs
        (dataset, tag) of the compared runs: neither candidates nor depth of the first stage apply to them.
    failures
        Why queries have no scores; a saved baseline has none.
    missing
        (dataset, tag) of a run -> averaged queries that its file lacks, unless it is stated that its engine found
        nothing for them.
    judged_by
        Dataset -> whose grades its judgments are; people's where it is unknown.
    synthetic
        Datasets whose queries a model wrote.
    uncorrected
        Dataset -> why people's grades of a draw correct nothing.
    corrected
        (dataset, tag) -> values under grades of people and of a judge, of datasets with a correction; baselines of
        earlier versions have none.
    """

    name: str
    first_stage: str
    values: Mapping[tuple[str, str], MetricValues]
    unscored: Mapping[tuple[str, str], int]
    prints: Mapping[str, Mapping[str, str]]
    rounds: Mapping[LatencyKey, Mapping[int, float]]
    calls: Mapping[tuple[str, str], tuple[int, int]]
    rankings: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    clusters: Mapping[str, QueryClusters] = field(default_factory=dict)
    origins: Mapping[tuple[str, str], ScoreOrigin] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, Callable[[str], str]]] = field(default_factory=dict)
    scored: Mapping[tuple[str, str], Run] = field(default_factory=dict)
    costs: Mapping[tuple[str, str], QueryCosts] = field(default_factory=dict)
    priced: frozenset[str] = frozenset()
    resumed: bool = False
    runs: frozenset[tuple[str, str]] = frozenset()
    failures: tuple[FailureReason, ...] = ()
    missing: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    withheld: Mapping[LatencyKey, str] = field(default_factory=dict)
    judged_by: Mapping[str, JudgedBy] = field(default_factory=dict)
    synthetic: frozenset[str] = frozenset()
    uncorrected: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[tuple[str, str], CorrectedSide] = field(default_factory=dict)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names."""
        return tuple(self.prints)

    @property
    def tags(self) -> tuple[str, ...]:
        """Rerankers and runs, without the first stage."""
        return tuple(dict.fromkeys(tag for _, tag in self.values if tag != self.first_stage))

    @property
    def draws(self) -> dict[str, Draw]:
        """Dataset -> the draw and the grades that its values are corrected with; the systems of one share them."""
        return {
            dataset: side.draw
            for dataset, side in {key[0]: one for key, one in self.corrected.items()}.items()
        }

    @property
    def values_hash(self) -> str:
        """Hash of all values with their queries."""
        return _hash(
            [*key, *one.metrics, *one.query_ids, *one.values.ravel().tolist()]
            for key, one in sorted(self.values.items())
        )


def evidence_of(result: OpenedResult) -> Evidence:
    """Return the part of a result folder that a gate compares."""
    systems = {
        (comparison_set.dataset, name): entry
        for comparison_set in result.comparison_sets
        for name, entry in comparison_set.systems.items()
    }
    calls = result.folder.read_call_rows()
    withheld = _withheld(calls)
    facts = passage_facts(result.manifest)
    return Evidence(
        name=str(result.folder.path),
        first_stage=result.manifest.first_stage,
        values={key: entry.values for key, entry in systems.items()},
        unscored={key: len(entry.unscored) for key, entry in systems.items()},
        prints={one.dataset: _prints(one, facts.get(one.dataset)) for one in result.comparison_sets},
        rounds=_rounds(calls, withheld),
        withheld=withheld,
        calls=_calls(calls),
        rankings={key: _hash_rankings(entry) for key, entry in systems.items()},
        clusters={one.dataset: one.query_clusters for one in result.comparison_sets},
        judged_by={one.dataset: one.judged_by for one in result.comparison_sets},
        synthetic=frozenset(one.dataset for one in result.comparison_sets if one.rests_on_synthetic),
        origins=origins_of(result.manifest),
        levels={one.dataset: level_functions(one) for one in result.comparison_sets},
        scored=_scored(result, systems),
        priced=frozenset(tag for tag, about in result.manifest.rerankers.items() if about.price),
        resumed=result.manifest.resumed > 0,
        costs=query_costs(result.manifest, calls, several_depths=len(result.config.depths) > 1),
        runs=frozenset(key for key, entry in systems.items() if entry.own_candidates),
        failures=failure_reasons(result.manifest, result.folder.read_failures()),
        uncorrected={one.dataset: one.withheld for one in result.comparison_sets if one.withheld},
        corrected={
            (one.dataset, name): side
            for one in result.comparison_sets
            for name, side in sides_of(one).items()
        },
        # Versions of a reranker share their candidates: what the file of these lacks is empty on both sides.
        missing={
            key: missing(entry) if entry.own_candidates else frozenset() for key, entry in systems.items()
        },
    )


def _scored(result: OpenedResult, systems: Mapping[tuple[str, str], System]) -> dict[tuple[str, str], Run]:
    """Return the documents with a score that a threshold can be applied to.

    Neither the scores of a run of another engine nor the ranks that a cascade or a chat model gives are such scores.
    """
    about = result.manifest.rerankers
    found = {
        key: scored_documents(one)
        for key, one in systems.items()
        if key[1] in about and about[key[1]].has_scores
    }
    return {key: run for key, (run, left_out) in found.items() if left_out is not None}


def _prints(comparison_set: ComparisonSet, passages: PassageFacts | None) -> dict[str, str]:
    tokens = comparison_set.qrels.tokens
    return {
        "judgments": _hash_qrels(comparison_set.qrels),
        "candidates": _hash_candidates(comparison_set.first_stage) if comparison_set.first_stage else "",
        "depth": str(comparison_set.depth),
        BELOW_DEPTH: below_depth_of(comparison_set) or NONE_BELOW,
        **({} if tokens is None else {TOKENIZER: tokens.sha256}),
        **({} if passages is None else {PASSAGES: scored_texts(passages)}),
    }


def _hash_qrels(qrels: Qrels) -> str:
    rows = sorted((q, d, plain_grade(grade)) for q, docs in qrels.grades.items() for d, grade in docs.items())
    return _hash(rows)


def _hash_candidates(run: Run) -> str:
    """Return a hash of the set of documents of each query; their order and scores do not count."""
    return _hash(sorted((query_id, *sorted(docs)) for query_id, docs, _ in run))


def _hash_rankings(system: System) -> dict[str, str]:
    """Return query -> hash of its ranked documents, without scores; eight digits tell two lists apart."""
    return {
        query_id: _hash([system.run.docs(query_id)])[:RANKING_DIGITS] for query_id in system.values.query_ids
    }


def _hash(rows: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(orjson.dumps(row))
    return digest.hexdigest()[:32]


def _rounds(calls: Rows, withheld: Container[LatencyKey]) -> dict[LatencyKey, dict[int, float]]:
    """Return the log median of every round: rounds are the units, as calls of one round are not independent."""
    closed = (calls["pass"] == "latency") & ~calls.known("rate_per_s") & ~calls.known("length_bucket")
    good = calls.take(closed & (calls["status"] == "ok"))
    good = good.take(good["latency_s"] > 0)  # a coarse clock may measure 0 s, which has no logarithm
    keys = ("dataset", "reranker", "batch_size", "concurrency", "round")
    groups = [(key, part) for key, part in good.groups(keys) if None not in key]
    rounds: dict[LatencyKey, dict[int, float]] = {}
    for (dataset, tag, size, flight, number), part in sorted(groups, key=itemgetter(0)):
        load = dataset, tag, int(size), int(flight)
        if load not in withheld:
            rounds.setdefault(load, {})[int(number)] = float(np.log(np.median(part["latency_s"])))
    return rounds


def _withheld(calls: Rows) -> dict[LatencyKey, str]:
    """Return why the timed calls of closed loops measure the load generator and not the server."""
    return {
        (cell.dataset, cell.reranker, cell.load.batch_size, cell.load.concurrency): fault
        for cell in cells_of(calls)
        if cell.load.concurrency is not None
        and cell.load.length_bucket is None
        and (fault := cell.harness_fault)
    }


def _calls(calls: Rows) -> dict[tuple[str, str], tuple[int, int]]:
    # In an open loop calls may fail because the rate is too high: that is no fault of the reranker.
    ended = calls.take((calls["status"] != "retried") & ~calls.known("rate_per_s"))
    return {
        (dataset, tag): (len(part), len(part.where("status", "failed")))
        for (dataset, tag), part in ended.groups(("dataset", "reranker"))
    }
