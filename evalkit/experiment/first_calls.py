"""The first calls of an experiment: one test call to each required reranker, and the checks of its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks import (
    DependenceCheck,
    PointwiseCheck,
    check_dependence,
    check_pointwise_briefly,
)
from evalkit.backend_checks.score_dependence import may_be_ranks
from evalkit.config import Config
from evalkit.errors import BudgetError, InputError, tell
from evalkit.experiment.context import Experiment, StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.exchanged_queries import exchange_queries
from evalkit.experiment.first_document import send_first_document
from evalkit.experiment.pointwise_sample import sample_batches, shared_queries
from evalkit.experiment.quality_pass import quality_lists
from evalkit.records import RerankRequest
from evalkit.records.calls import Pass
from evalkit.reranking import Batch, CallContext, Caps, Outcome, RerankerSession, RetryingCaller, batch
from evalkit.reranking.list_limits import may_be_content, with_evidence


@dataclass(frozen=True, slots=True)
class FirstCalls:
    """Calls and checks that were made before there was a result folder to record them in."""

    made: list[tuple[RerankerSession, Outcome]] = field(default_factory=list)
    checks: list[PointwiseCheck] = field(default_factory=list)
    dependence_checks: list[DependenceCheck] = field(default_factory=list)

    def record(self, run: StartedExperiment) -> None:
        """Record all of them."""
        for session, outcome in self.made:
            run.record(session, outcome)
            if outcome.attempts and outcome.call.pass_ == "quality":
                run.store.count_ahead(session, outcome)
        run.recorder.pointwise_checks += self.checks
        run.recorder.dependence_checks += self.dependence_checks
        finished = [check for check in self.dependence_checks if not check.failed]
        records: list[DependenceCheck | PointwiseCheck] = [*finished, *self.checks]
        for record in records:
            run.store.keep_record(record)


def make_first_calls(experiment: Experiment, sessions: Sequence[RerankerSession]) -> FirstCalls:
    """Send one test call to each required reranker and check its scores; nothing is written.

    Raises
    ------
    CallError
        If a test call fails.
    InputError
        If a list does not fit into one call of a listwise reranker, if scores do not depend on the query and the
        document, or if a reranker declared pointwise is not.
    """
    first = FirstCalls()
    for session in sessions:
        if experiment.config.quality:
            _check_lists(experiment, session)
        unscored = [
            eval_set
            for eval_set in experiment.eval_sets
            if experiment.config.quality and not _is_scored(experiment, session, eval_set)
        ]
        if not unscored and not (experiment.config.latency and session.timed):
            continue
        if not experiment.recorder.has_asked(session.tag):
            first.made.extend((session, one) for one in _test_call(experiment.eval_sets, session))
        if needs_dependence(experiment, session.tag):
            dependence, outcomes = _check_dependence(experiment, session)
            first.dependence_checks.append(dependence)
            first.made.extend((session, outcome) for outcome in outcomes)
        for eval_set in unscored:
            if _needs_pointwise(experiment.config, eval_set, session) and not experiment.recorder.has_checked(
                session.tag, eval_set.dataset.name
            ):
                check, outcomes = _check_pointwise_claim(experiment, eval_set, session)
                first.checks.append(check)
                first.made.extend((session, outcome) for outcome in outcomes)
    return first


def first_request(eval_set: EvalSet) -> Batch:
    """Return the batch of a test call: the first query with its first candidate."""
    return next(batch(eval_set.sent_run(1).cut(1), eval_set.sent_dataset, Caps(1), pointwise=True))


def is_split(config: Config, eval_set: EvalSet, caps: Caps) -> bool:
    """Return whether one pass serves several depths, or a list is split over several calls."""
    longest = max((len(docs) for _, docs, _ in eval_set.sent_run(max(config.depths))), default=0)
    split = caps.documents is not None and caps.documents < longest
    return longest > 1 and (len(config.depths) > 1 or split)


def _check_lists(experiment: Experiment, session: RerankerSession) -> None:
    """Raise InputError if a list would have to be split for a listwise reranker."""
    if session.reranker.pointwise:
        return
    limit = session.caps.documents
    lists = [docs for one in experiment.eval_sets for _, docs, _ in one.sent_run(experiment.depth)]
    longest = max(map(len, lists), default=0)
    if limit is not None and longest > limit:
        raise InputError(
            f"reranker {session.tag!r} needs the whole list in one call of at most {limit} documents,"
            f" but a list has {longest}",
            f"lower depths to at most {limit}, or raise its batch_size or max_documents",
        )
    for eval_set in experiment.eval_sets:
        sent = eval_set.sent_run(experiment.depth)
        for _ in batch(sent, eval_set.sent_dataset, session.caps, pointwise=False):
            pass


def _is_scored(experiment: Experiment, session: RerankerSession, eval_set: EvalSet) -> bool:
    """Return whether every score of the quality pass is known."""
    pointwise = session.reranker.pointwise
    return all(
        experiment.store.knows_all(session.tag, eval_set, candidates, pointwise=pointwise)
        for _, candidates in quality_lists(experiment.config, eval_set, pointwise=pointwise)
    )


def _test_call(eval_sets: Sequence[EvalSet], session: RerankerSession) -> list[Outcome]:
    """Send the first document of the first query, so that a wrong url or key is found within a second."""
    eval_set = next(one for one in eval_sets if len(one.candidates))
    return send_first_document(session, eval_set.dataset.name, first_request(eval_set))


def _needs_pointwise(config: Config, eval_set: EvalSet, session: RerankerSession) -> bool:
    """Return whether the scores are only correct if a pair's score does not depend on its list."""
    return session.reranker.pointwise and session.timed and is_split(config, eval_set, session.caps)


def _check_pointwise_claim(
    experiment: Experiment, eval_set: EvalSet, session: RerankerSession
) -> tuple[PointwiseCheck, list[Outcome]]:
    """Request a sample again in other lists; return the check and its calls.

    Raises
    ------
    InputError
        If a reranker that is declared pointwise is not.
    """
    tag, name = session.tag, eval_set.dataset.name
    sample = sample_batches(eval_set, session.caps, experiment.config.seed, experiment.depth)
    shared = shared_queries(experiment, tag, eval_set, session.caps, sample)
    calls = _CheckCalls(session, name, shared)
    found = check_pointwise_briefly(tag, name, sample, calls.scores)
    if found.verdict == "broken":
        raise InputError(
            f"reranker {session.tag!r} is not pointwise: the score of a pair depends on the other"
            f" documents of the call: {found.evidence()}",
            f"set rerankers.{session.tag}.pointwise: false, to score every depth separately without"
            " splitting lists",
        )
    return found, calls.outcomes


def needs_dependence(experiment: Experiment, tag: str) -> bool:
    """Return whether it must be checked that the reranker's scores depend on the query and the document."""
    return experiment.config.rerankers[tag].is_guarded and not experiment.recorder.has_checked_dependence(tag)


def _check_dependence(
    experiment: Experiment, session: RerankerSession
) -> tuple[DependenceCheck, list[Outcome]]:
    """Request a few queries with the same documents; return the check and its calls.

    Raises
    ------
    InputError
        If the scores depend on the query alone, on the document alone, or on neither.
    """
    tag = session.tag
    sample = exchange_queries(experiment.eval_sets, session.caps, experiment.config.seed, experiment.depth)
    calls = _CheckCalls(session, sample.dataset)
    found = check_dependence(tag, sample, calls.scores, ranks=may_be_ranks(session.reranker), briefly=True)
    if "broken" in {found.on_query, found.on_document}:
        settings = experiment.config.rerankers[tag]
        raise InputError(
            f"reranker {tag!r} {found.fault()} ({found.evidence()})",
            f"{(settings.served_settings() or settings).score_advice};"
            f" if this is intended, set rerankers.{tag}.score_check: false",
        )
    failed = next((one for one in calls.outcomes if one.failure is not None), None)
    if found.failed and failed is not None and failed.failure is not None:
        failure = failed.failure
        if may_be_content(failure):
            failure = with_evidence(failure, failed.batch.request)
        found = replace(found, untested=f"{found.untested}: {failure.message}")
    if found.untested is not None:
        tell(
            f"not checked whether the scores of {tag!r} depend on the query and the document: {found.untested}"
        )
    return found, calls.outcomes


@dataclass(slots=True)
class _CheckCalls:
    """Makes the calls of a check on a dataset, and collects their outcomes.

    The first call with a query of `shared` is one of the quality pass, which then does not make it again.
    """

    session: RerankerSession
    dataset: str
    shared: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)

    def scores(self, request: RerankRequest) -> NDArray[np.float64] | None:
        """Return the scores of one call; None if it failed, or could exceed the budget.

        A budget ends the run at the next pass, when there is a result folder that records what was spent.
        """
        caller = RetryingCaller(self.session, splits=False)
        for_quality = request.query_id in self.shared
        self.shared.discard(request.query_id)
        context = CallContext(self.dataset, self.session.tag, "quality" if for_quality else "check")
        ranks = tuple(range(1, len(request.documents) + 1)) if for_quality else ()
        try:
            (outcome,) = caller.deliver(Batch(request, ranks), context)
        except BudgetError:
            return None
        if outcome.response is None:
            outcome = _as_check(outcome)  # the quality pass makes this call again
        self.outcomes.append(outcome)
        return outcome.response.scores if outcome.response else None


def _as_check(outcome: Outcome) -> Outcome:
    """Return an outcome whose calls belong to the checks."""
    check: Pass = "check"
    attempts = (replace(one, call=replace(one.call, pass_=check)) for one in outcome.attempts)
    return replace(outcome, attempts=tuple(attempts))
