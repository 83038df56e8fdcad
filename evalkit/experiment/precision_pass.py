"""The precision pass: a sample of queries scored again in fp32, where a reranker runs with fewer bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from evalkit.backend_checks import PrecisionCheck, compare_precisions
from evalkit.config import Config, RerankerSettings
from evalkit.distributed import RayCluster
from evalkit.errors import CallError, InputError
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import precise_tag
from evalkit.experiment.pass_sender import Sending
from evalkit.experiment.quality_pass import Records
from evalkit.experiment.scoring_pools import pool_for
from evalkit.experiment.sessions import open_session
from evalkit.metrics import parse_metric
from evalkit.records import Run
from evalkit.reranking import Batch, CallContext, Caps, Outcome, RerankerSession, Row, assemble, batch


def precision_pass(
    config: Config, session: RerankerSession, eval_set: EvalSet, records: Records, cluster: RayCluster | None
) -> None:
    """Score a sample of queries in fp32, and note what that changes; nothing where a reranker runs so anyway.

    Pairs whose scores in fp32 are known are not scored again.
    """
    fewer_bits = config.rerankers[session.tag].fewer_bits()
    sample = sampled_candidates(config, eval_set)
    if fewer_bits is None or not len(sample):
        return
    precision, precise = fewer_bits
    metric = parse_metric(config.compare.primary or config.metrics[0])
    check = PrecisionCheck(session.tag, eval_set.dataset.name, precision, metric.label)
    tag, store = precise_tag(session.tag), records.store
    known = store.rows(tag, eval_set, sample, pointwise=True)
    todo = batches_in_full(sample, eval_set, precise, known)
    outcomes: list[Outcome] = []
    try:
        if todo:
            with open_session(tag, precise, session.budget) as twin, pool_for(twin, precise, cluster) as pool:
                outcomes = _score(todo, Sending(twin, _context(tag, eval_set), pool), twin, records)
    except (InputError, CallError) as error:  # the figures are whole without it
        records.recorder.precision_checks.append(replace(check, missing=error.message))
        return
    full = _run(tag, sample, known, outcomes)
    reduced = _run(session.tag, sample, store.rows(session.tag, eval_set, sample, pointwise=True))
    records.recorder.precision_checks.append(
        compare_precisions(check, full, reduced, eval_set.dataset.qrels, metric)
    )


def sampled_candidates(config: Config, eval_set: EvalSet) -> Run:
    """Return the candidates of some queries that something answers, drawn with the experiment's seed."""
    with_candidates = set(eval_set.candidates.query_ids)
    queries = [query for query in eval_set.dataset.qrels.answerable if query in with_candidates]
    drawn = np.random.default_rng(config.seed).permutation(len(queries))[: config.precision_check.queries]
    chosen = {queries[place] for place in drawn.tolist()}
    lengths = np.diff(eval_set.candidates.offsets)
    keep = np.repeat([query in chosen for query in eval_set.candidates.query_ids], lengths)
    return eval_set.candidates.where(keep.astype(bool)).cut(max(config.depths))


def batches_in_full(
    sample: Run, eval_set: EvalSet, precise: RerankerSettings, known: Mapping[str, Row]
) -> list[Batch]:
    """Return what of a sample is still to be scored in fp32."""
    ranks = {query_id: row.known_ranks for query_id, row in known.items()}
    return list(batch(sample, eval_set.dataset, Caps.of(precise), pointwise=True, known=ranks))


def _context(tag: str, eval_set: EvalSet) -> CallContext:
    return CallContext(eval_set.dataset.name, tag, "precision")


def _score(batches: list[Batch], sending: Sending, twin: RerankerSession, records: Records) -> list[Outcome]:
    outcomes = []
    pairs = sum(len(item.request.documents) for item in batches)
    with tqdm(total=pairs, desc=twin.tag, unit="pair", disable=None) as progress:
        for outcome in sending.send(batches):
            outcomes.append(outcome)
            records.take(twin, outcome)
            progress.update(len(outcome.batch.request.documents))
    return outcomes


def _run(tag: str, sample: Run, known: Mapping[str, Row], outcomes: Iterable[Outcome] = ()) -> Run:
    scored = assemble(outcomes, sample, tag, known)
    return Run.from_rows(tag, scored.query_ids, scored.doc_ids, scored.scores)
