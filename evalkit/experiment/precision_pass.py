"""The precision pass: a sample of queries scored again in fp32, where a reranker runs at lower precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from evalkit.backend_checks import PrecisionCheck, compare_precisions
from evalkit.config import Config, RerankerSettings
from evalkit.errors import CallError, InputError
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.pass_sender import Sending
from evalkit.experiment.scoring_pools import pool_for
from evalkit.experiment.sessions import open_session
from evalkit.metrics import parse_metric
from evalkit.progress import progress_bar
from evalkit.records import Run
from evalkit.reranking import (
    Batch,
    CallContext,
    Caps,
    Outcome,
    RerankerSession,
    Row,
    ScoredCandidates,
    assemble,
    batch,
)
from evalkit.results.raw_tables import precise_tag


def precision_pass(run: StartedExperiment, session: RerankerSession, eval_set: EvalSet) -> None:
    """Score a sample of queries in fp32 and record the differences; do nothing if the reranker runs in fp32.

    Pairs whose scores in fp32 are known are not scored again.
    """
    fewer_bits = run.config.rerankers[session.tag].fewer_bits()
    sample = sampled_candidates(run.config, eval_set)
    if fewer_bits is None or not len(sample):
        return
    precision, precise = fewer_bits
    metric = parse_metric(run.config.primary)
    check = PrecisionCheck(session.tag, eval_set.dataset.name, precision, metric.label)
    tag = precise_tag(session.tag)
    known = run.store.rows(tag, eval_set, sample, pointwise=True)
    batches = batches_in_full(sample, eval_set, precise, known)
    outcomes: list[Outcome] = []
    try:
        if batches:
            context = CallContext(eval_set.dataset.name, tag, "precision")
            with (
                open_session(tag, precise, session.budget) as precise_session,
                pool_for(precise_session, precise, run.cluster) as pool,
            ):
                outcomes = _score(run, precise_session, Sending(precise_session, context, pool), batches)
    except (InputError, CallError) as error:  # the other results are complete without this check
        run.recorder.precision_checks.append(replace(check, missing=error.message))
        return
    reduced_rows = run.store.rows(session.tag, eval_set, sample, pointwise=True)
    full = _run(eval_set, assemble(outcomes, sample, tag, known))
    reduced = _run(eval_set, assemble((), sample, session.tag, reduced_rows))
    run.recorder.precision_checks.append(
        compare_precisions(check, full, reduced, eval_set.dataset.qrels, metric)
    )


def sampled_candidates(config: Config, eval_set: EvalSet) -> Run:
    """Return what is sent of a sample of answerable queries, drawn with the experiment's seed."""
    with_candidates = set(eval_set.candidates.query_ids)
    queries = [query for query in eval_set.dataset.qrels.answerable if query in with_candidates]
    drawn = np.random.default_rng(config.seed).permutation(len(queries))[: config.precision_check.queries]
    chosen = {queries[place] for place in drawn.tolist()}
    lengths = np.diff(eval_set.candidates.offsets)
    keep = np.repeat([query in chosen for query in eval_set.candidates.query_ids], lengths)
    sample = eval_set.candidates.where(keep.astype(bool)).cut(max(config.depths))
    return sample if eval_set.passages is None else eval_set.passages.run_of(sample)


def batches_in_full(
    sample: Run, eval_set: EvalSet, precise: RerankerSettings, known: Mapping[str, Row]
) -> list[Batch]:
    """Return the batches of a sample that are not scored in fp32 yet."""
    ranks = {query_id: row.known_ranks for query_id, row in known.items()}
    return list(batch(sample, eval_set.sent_dataset, Caps.of(precise), pointwise=True, known=ranks))


def _score(
    run: StartedExperiment, session: RerankerSession, sending: Sending, batches: list[Batch]
) -> list[Outcome]:
    outcomes = []
    pairs = sum(len(item.request.documents) for item in batches)
    with progress_bar(total=pairs, desc=session.tag, unit="pair") as progress:
        for outcome in sending.send(batches):
            outcomes.append(outcome)
            run.record(session, outcome)
            progress.update(len(outcome.batch.request.documents))
    return outcomes


def _run(eval_set: EvalSet, scored: ScoredCandidates) -> Run:
    scored = eval_set.combined(scored)
    return Run.from_rows(scored.tag, scored.query_ids, scored.doc_ids, scored.scores)
