"""Checks of one backend on the data of a configuration: start its service, verify and measure its properties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from evalkit.backend_checks import CheckResult, ExchangedQueries, probe
from evalkit.backend_checks.all_checks import most_requests
from evalkit.backend_checks.check_calls import CheckCaller, not_testable
from evalkit.backend_checks.list_variations import ListSample, with_unrelated
from evalkit.backend_checks.score_effects import Scale, calls_of, list_effects, score_lists
from evalkit.backend_checks.wording_effect import WORDING, wording_effect
from evalkit.config import Config, RerankerSettings, reranker_settings
from evalkit.errors import InputError, shortened
from evalkit.experiment.eval_sets import EvalSet, prepare_eval_sets
from evalkit.experiment.exchanged_queries import exchange_queries
from evalkit.experiment.pointwise_sample import sample_batches
from evalkit.experiment.sessions import only, open_session, opened
from evalkit.records import RerankRequest
from evalkit.rerankers import highest_grade
from evalkit.reranking import Caps, RerankerSession, call_ends
from evalkit.reranking.token_estimates import PlannedPass, plan_pass
from evalkit.server.subprocess_service import served
from evalkit.workflows.probe_calibration import PROMISE as CALIBRATION
from evalkit.workflows.probe_calibration import calibration_check

QUERIES = 10
"""Queries whose lists are sent to measure what moves a score."""
PROMISES, LISTS, OTHER_WORDING = "promises", "lists", "wording"
"""Names of the passes of a plan."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedProbe:
    """The requests of a probe, before anything is sent.

    Attributes
    ----------
    config
        The configuration with the reranker alone.
    tag
        The reranker.
    eval_set
        The dataset.
    requests, exchanged
        Requests of the checks of promises.
    lists
        Lists of the queries that are measured; empty for a backend whose scores cannot move with a list or a wording.
    wording
        The other wording; None where there is none.
    why_no_wording
        Why there is none.
    """

    config: Config
    tag: str
    eval_set: EvalSet
    requests: list[RerankRequest]
    exchanged: ExchangedQueries
    lists: list[ListSample]
    wording: str | None
    why_no_wording: str

    @property
    def settings(self) -> RerankerSettings:
        """The settings of the reranker."""
        return self.config.rerankers[self.tag]

    def plan(self) -> list[PlannedPass]:
        """Return the calls of a probe: at most so many for promises, exactly so many for what is measured."""
        name, traffic = self.eval_set.dataset.name, self.settings.traffic()
        most = most_requests(self.settings, self.requests, self.exchanged)
        planned = [replace(plan_pass(name, self.tag, PROMISES, most, traffic), at_most=True)]
        sent = [variation.request for _, variation in calls_of(self.lists, self.config.seed)]
        reworded = [sample.request for sample in self.lists] if self.wording is not None else []
        for part, requests in ((LISTS, sent), (OTHER_WORDING, reworded)):
            if requests:
                planned.append(plan_pass(name, self.tag, part, requests, traffic))
        return planned

    def run(self) -> Iterator[CheckResult]:
        """Send the requests, and yield the result of every check.

        Raises
        ------
        CallError
            If a plain call fails.
        """
        with served(self.config) as reachable, opened(reachable) as (session,):
            yield from probe(session, self.eval_set.dataset.name, self.requests, self.exchanged)
            if self.lists:
                yield from self._measure(session, reachable.rerankers[self.tag])

    def _measure(self, session: RerankerSession, settings: RerankerSettings) -> Iterator[CheckResult]:
        """Yield what moves the scores, and by how much."""
        name, seed = self.eval_set.dataset.name, self.config.seed
        kind = session.reranker.score_kind
        ranks = kind == "rank"
        caller = CheckCaller(session, name)
        callers = [caller]
        with ExitStack() as stack:
            other = None
            if self.wording is not None:
                changed = reworded(settings, self.wording)
                second = stack.enter_context(open_session(self.tag, changed, session.budget))
                second.rate_limiter = session.rate_limiter
                callers.append(CheckCaller(second, name))
                other = callers[-1].scores
            found = score_lists(self.lists, seed, caller.scores, other, ranks=ranks)
        failures = [one.first_failure for one in callers if one.first_failure is not None]
        scale = Scale.of(found, ranks=ranks, failure=shortened(failures[0].message) if failures else None)
        if not settings.is_pointwise:
            yield from list_effects(found, scale)
        if other is None:
            yield not_testable(WORDING, self.why_no_wording)
        else:
            yield wording_effect(
                found, scale, None if self.eval_set.passages else self.eval_set.dataset.qrels
            )
        if kind == "probability":
            yield calibration_check(found, self.eval_set, seed)
        else:
            meant = "grades" if highest_grade(session.reranker) is not None else kind
            yield not_testable(CALIBRATION, f"scores are no probabilities, but {meant}")


def probe_reranker(
    config: Config, tag: str, queries: int = QUERIES, wording: str | None = None
) -> Iterator[CheckResult]:
    """Yield the results of all checks of one reranker; see `prepare_probe`."""
    yield from prepare_probe(config, tag, queries, wording).run()


def prepare_probe(
    config: Config, tag: str, queries: int = QUERIES, wording: str | None = None
) -> PreparedProbe:
    """Return the requests of a probe, without contacting a backend.

    Parameters
    ----------
    config
        The configuration of the reranker, and of a dataset whose queries and candidates are sent.
    tag
        The reranker.
    queries
        Most queries whose lists are sent to measure what moves a score.
    wording
        Another wording of what the model is asked; None for an equivalent one of evalkit's, where there is one.

    Raises
    ------
    UnknownNameError
        If the configuration has no such reranker.
    InputError
        If it is a cascade, no query has two candidates, or a wording is given and the reranker asks nothing in words.
    """
    alone = only(config, [tag])
    settings = alone.rerankers[tag]
    if wording is not None:
        reworded(settings, wording)  # refuse a wrong one before anything is sent
    eval_set = next(one for one in prepare_eval_sets(alone) if len(one.candidates))
    # Promises are about several documents: where a call has one by choice, it may have more here.
    caps = Caps.of(settings)
    caps = replace(caps, documents=None) if settings.splits_calls() else caps
    requests = sample_batches(eval_set, caps, config.seed)
    if not requests:
        raise InputError(
            "no query has two candidates that fit in one call",
            "use a dataset with more candidates, or raise batch_size",
        )
    exchanged = exchange_queries([eval_set], caps, config.seed, max(config.depths))
    if not settings.is_guarded:
        why = "this backend only looks scores up" if settings.score_check else "score_check is false"
        exchanged = ExchangedQueries(eval_set.dataset.name, (), missing=why)
    own = (
        settings.wording_key
        and f"{settings.wording_key} is not evalkit's own: give another one with --wording"
    )
    return PreparedProbe(
        alone,
        tag,
        eval_set,
        requests,
        exchanged,
        _lists(settings, eval_set, caps, config.seed, queries),
        wording or settings.equivalent_wording(),
        own or "this backend is asked nothing in words",
    )


def reworded(settings: RerankerSettings, wording: str) -> RerankerSettings:
    """Return the same settings with another wording.

    Raises
    ------
    InputError
        If the backend asks nothing in words, or cannot ask this.
    """
    if not settings.wording_key:
        raise InputError(f"backend {settings.backend!r} asks a model nothing in words", "remove --wording")
    block = settings.model_dump(mode="json", exclude_none=True)
    return reranker_settings({**block, settings.wording_key: wording})


def _lists(
    settings: RerankerSettings, eval_set: EvalSet, caps: Caps, seed: int, queries: int
) -> list[ListSample]:
    """Return the lists of some queries, with room for one more document in a call where one is added."""
    if settings.is_pointwise and not settings.wording_key:
        return []
    sampled = sample_batches(eval_set, caps, seed, queries=queries)
    if settings.is_pointwise:
        return [ListSample(request, None) for request in sampled]
    fitting = [_with_room(sample, caps) for sample in with_unrelated(sampled)]
    return [one for one in fitting if one is not None]


def _with_room(sample: ListSample, caps: Caps) -> ListSample | None:
    """Return a list without its last documents where a call has no room for one more; None if two do not fit."""
    request = sample.request
    while len(request.documents) > 1:
        texts = [(*request.documents, more) for more in (sample.unrelated or "", request.documents[0])]
        if all(len(list(call_ends(request.instructed_query, one, caps))) == 1 for one in texts):
            return ListSample(request, sample.unrelated)
        request = replace(request, documents=request.documents[:-1], doc_ids=request.doc_ids[:-1])
    return None
