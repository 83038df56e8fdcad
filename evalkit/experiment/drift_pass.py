"""The drift pass: a sample of cached scores requested again, where only a call shows what a backend returns now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    """Return the requests of the drift pass: one for each query of a random sample.

    Empty where no check is configured, nothing is cached, or the backend's identity proves the cached scores.
    """
    config = experiment.config
    settings = config.rerankers[tag]
    if not config.drift_check.queries or settings.proven_by() is not None:
        return ()
    pointwise = settings.is_pointwise
    requests = stored_requests(config, eval_set, tag, caps, experiment.store, pointwise=pointwise)
    # A listwise reranker has a request at every depth: the deepest is the last.
    stored = list({one.request.query_id: one for one in requests}.values())
    drawn = np.random.default_rng(config.seed).permutation(len(stored))[: config.drift_check.queries]
    return [stored[place] for place in sorted(drawn.tolist())]


def stored_requests(
    config: Config, eval_set: EvalSet, tag: str, caps: Caps, known: KnownScores, *, pointwise: bool
) -> Iterator[StoredRequest]:
    """Yield requests whose scores are all stored: whole lists for listwise rerankers, else their first documents."""
    size = min(SAMPLED_DOCUMENTS, caps.documents or SAMPLED_DOCUMENTS)
    limits = Caps(size, caps.bytes, caps.tokens) if pointwise else caps
    for _, candidates in quality_lists(config, eval_set, pointwise=pointwise):
        lists = candidates.cut(size) if pointwise else candidates
        by_query = dict(known.lists(tag, eval_set, lists, pointwise=pointwise))
        for item in batch(lists, eval_set.dataset, limits, pointwise=pointwise):
            stored = [by_query[item.request.query_id][rank - 1] for rank in item.ranks]
            whole = [one for one in stored if one is not None]
            if item.ranks[0] == 1 and len(whole) == len(stored):
                scores = np.array([one.score for one in whole])
                yield StoredRequest(item.request, scores, min(one.stored_s for one in whole))
