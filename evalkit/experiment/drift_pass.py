"""The drift pass: a sample of cached scores requested again, where only a call shows what a backend returns now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks import check_drift
from evalkit.backend_checks.pointwise import SAMPLED_DOCUMENTS
from evalkit.backend_checks.score_drift import StoredRequest
from evalkit.config import Config
from evalkit.errors import CallError
from evalkit.experiment.context import Experiment, StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.known_scores import KnownScores
from evalkit.experiment.quality_pass import quality_lists
from evalkit.records import RerankRequest
from evalkit.reranking import Batch, CallContext, Caps, RerankerSession, RetryingCaller, batch
from evalkit.store import StoredScore


def drift_pass(run: StartedExperiment, session: RerankerSession, eval_set: EvalSet) -> None:
    """Request a sample of cached scores again and record how far they differ; nothing is stored.

    A failed call leaves no check: a gate then refuses the cached scores.
    """
    sample = sampled_requests(run, session.tag, session.caps, eval_set)
    if not sample:
        return
    caller = RetryingCaller(session, splits=False)
    context = CallContext(eval_set.dataset.name, session.tag, "check")

    def ask(request: RerankRequest) -> NDArray[np.float64]:
        (outcome,) = caller.deliver(Batch(request), context)
        run.record(session, outcome)
        if outcome.response is None:
            raise outcome.failure or CallError("backend", "no answer")
        return outcome.response.scores

    try:
        run.recorder.drift_checks.append(check_drift(session.tag, eval_set.dataset.name, sample, ask))
    except CallError:
        return


def sampled_requests(
    experiment: Experiment, tag: str, caps: Caps, eval_set: EvalSet
) -> Sequence[StoredRequest]:
    """Return the requests of the drift pass: all candidates of each query of a random sample.

    Empty where no check is configured, nothing is cached, or the backend's identity proves the cached scores.
    """
    config = experiment.config
    settings = config.rerankers[tag]
    if not config.drift_check.queries or settings.proven_by() is not None:
        return ()
    pointwise = settings.is_pointwise
    # A listwise reranker has a pass at every depth: the deepest is the last.
    *_, (_, candidates) = quality_lists(config, eval_set, pointwise=pointwise)
    known = dict(experiment.store.lists(tag, eval_set, candidates, pointwise=pointwise))
    whole = [query_id for query_id, scores in known.items() if scores and all(scores)]
    drawn = np.random.default_rng(config.seed).permutation(len(whole))[: config.drift_check.queries]
    sample = candidates.restricted_to({whole[place] for place in drawn.tolist()})
    items = batch(sample, eval_set.sent_dataset, caps, pointwise=pointwise)
    return [_stored(item, known[item.request.query_id]) for item in items]


def _stored(item: Batch, known: Sequence[StoredScore | None]) -> StoredRequest:
    """Return a request with its stored scores."""
    found = [one for rank in item.ranks if (one := known[rank - 1]) is not None]
    scores = np.array([one.score for one in found])
    return StoredRequest(item.request, scores, min(one.stored_s for one in found))


def stored_requests(
    config: Config, eval_set: EvalSet, tag: str, caps: Caps, known: KnownScores, *, pointwise: bool
) -> Iterator[StoredRequest]:
    """Yield requests whose scores are all stored: whole lists for listwise rerankers, else their first documents."""
    size = min(SAMPLED_DOCUMENTS, caps.documents or SAMPLED_DOCUMENTS)
    limits = replace(caps, documents=size) if pointwise else caps
    for _, candidates in quality_lists(config, eval_set, pointwise=pointwise):
        lists = candidates.cut(size) if pointwise else candidates
        by_query = dict(known.lists(tag, eval_set, lists, pointwise=pointwise))
        for item in batch(lists, eval_set.sent_dataset, limits, pointwise=pointwise):
            found = by_query[item.request.query_id]
            if item.ranks[0] == 1 and all(found[rank - 1] for rank in item.ranks):
                yield _stored(item, found)
