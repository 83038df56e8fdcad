"""The passes of an experiment but the latency pass: a knock at every door, the pointwise check, quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.backend_checks import PointwiseCheck, check_pointwise
from evalkit.backend_checks.pointwise import SAMPLED_DOCUMENTS, SAMPLED_QUERIES
from evalkit.config import Config
from evalkit.distributed import WorkerPool
from evalkit.errors import CallError, InputError, StorageError
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import ExperimentStore
from evalkit.experiment.pass_sender import Sending
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.sigint import ignore_sigint
from evalkit.records import RerankRequest, Run
from evalkit.rerankers import Reranker
from evalkit.reranking import (
    Batch,
    CallContext,
    Caps,
    Outcome,
    RerankerSession,
    RetryingCaller,
    assemble,
    batch,
)


@dataclass(frozen=True, slots=True)
class Records:
    """Where a pass puts what it measures: into tables at the end, into memory at once."""

    recorder: Recorder
    store: ExperimentStore

    def take(self, session: RerankerSession, outcome: Outcome) -> None:
        """Note the calls of a batch, and keep its scores."""
        self.recorder.add_outcome(outcome)
        self.store.keep(session, outcome)

    def take_late(self, session: RerankerSession, outcome: Outcome) -> None:
        """Do the same while something else has failed already, perhaps the memory itself."""
        self.recorder.add_outcome(outcome)
        with suppress(StorageError):
            self.store.keep(session, outcome)


def test_call(eval_sets: Sequence[EvalSet], session: RerankerSession) -> Outcome:
    """Make one call with one document, so that a wrong url or key costs a second."""
    eval_set = next(a for a in eval_sets if len(a.candidates))
    first = next(batch(eval_set.candidates.cut(1), eval_set.dataset, Caps(1), pointwise=True))
    caller = RetryingCaller(session, retries_without_reply=False)
    (outcome,) = caller.deliver(first, CallContext(eval_set.dataset.name, session.tag, "check"))
    if outcome.failure is not None:
        failure = outcome.failure
        failure.message = f"reranker {session.tag!r} does not answer: {failure.message}"
        raise failure
    return outcome


def check_lists(config: Config, eval_sets: Sequence[EvalSet], session: RerankerSession) -> None:
    """Refuse lists that would have to be split for a reranker that looks at the whole of them."""
    if session.reranker.pointwise:
        return
    limit = session.caps.documents
    if limit is not None and max(config.depths) > limit:
        raise InputError(
            f"reranker {session.tag!r} looks at the whole list, takes {limit} documents in one call,"
            f" and is asked for depth {max(config.depths)}",
            f"lower depths to at most {limit}, or raise its batch_size or max_documents",
        )
    for eval_set in eval_sets:
        for _ in batch(
            eval_set.candidates.cut(max(config.depths)), eval_set.dataset, session.caps, pointwise=False
        ):
            pass


def needs_pointwise(config: Config, eval_set: EvalSet, session: RerankerSession) -> bool:
    """Return whether an arm's scores are only right if a pair's score does not depend on its list."""
    return session.reranker.pointwise and session.timed and is_split(config, eval_set, session.caps)


def is_split(config: Config, eval_set: EvalSet, caps: Caps) -> bool:
    """Return whether one scoring serves several depths, or a list goes out in several calls."""
    longest = max((len(docs) for _, docs, _ in eval_set.candidates), default=0)
    split = caps.documents is not None and caps.documents < min(max(config.depths), longest)
    return longest > 1 and (len(config.depths) > 1 or split)


def sample_batches(eval_set: EvalSet, caps: Caps, seed: int) -> list[RerankRequest]:
    """Return some queries with their first candidates, each request as large as one call may be."""
    size = min(SAMPLED_DOCUMENTS, caps.documents or SAMPLED_DOCUMENTS)
    shallow = eval_set.candidates.cut(size)
    caps = Caps(size, caps.bytes, caps.tokens)
    requests = [
        item.request
        for item in batch(shallow, eval_set.dataset, caps, pointwise=True)
        if item.ranks[0] == 1 and len(item.request.documents) > 1
    ]
    rng = np.random.default_rng(seed)
    return [requests[i] for i in sorted(rng.permutation(len(requests))[:SAMPLED_QUERIES].tolist())]


def check_pointwise_claim(
    config: Config, eval_set: EvalSet, session: RerankerSession
) -> tuple[PointwiseCheck, list[Outcome]]:
    """Ask a sample again in other lists, before depths are derived from one pass and lists are split.

    Returns
    -------
    What was found, and the calls made for it.

    Raises
    ------
    InputError
        If a reranker that is declared pointwise is not.
    """
    caller = RetryingCaller(session, splits=False)
    context = CallContext(eval_set.dataset.name, session.tag, "check")
    outcomes: list[Outcome] = []

    def ask(request: RerankRequest) -> NDArray[np.float64] | None:
        (outcome,) = caller.deliver(Batch(request), context)
        outcomes.append(outcome)
        return outcome.response.scores if outcome.response else None

    sample = sample_batches(eval_set, session.caps, config.seed)
    found = check_pointwise(session.tag, eval_set.dataset.name, sample, ask)
    if found.verdict == "broken":
        raise InputError(
            f"reranker {session.tag!r} is taken to be pointwise, but a pair's score changes with the list it is"
            f" sent in: {found.evidence()}",
            f"set rerankers.{session.tag}.pointwise: false; every depth is then its own pass, and no list is split",
        )
    return found, outcomes


def knows_all(config: Config, eval_set: EvalSet, session: RerankerSession, store: ExperimentStore) -> bool:
    """Return whether every score of an arm is known."""
    pointwise = session.reranker.pointwise
    return all(
        store.knows_all(session.tag, eval_set, candidates, pointwise=pointwise)
        for _, candidates in quality_lists(config, eval_set, pointwise=pointwise)
    )


def quality_pass(
    config: Config,
    session: RerankerSession,
    eval_set: EvalSet,
    records: Records,
    pool: WorkerPool[Reranker] | None,
) -> None:
    """Score each pair once at the largest depth; a reranker that sees the list, once per depth.

    Pairs whose scores are known are not asked for. Calls go out in threads, unless there is a crew to score.
    """
    for depth, candidates in quality_lists(config, eval_set, pointwise=session.reranker.pointwise):
        _one_pass(session, eval_set, depth, candidates, records, pool)


def quality_lists(config: Config, eval_set: EvalSet, *, pointwise: bool) -> Iterator[tuple[int | None, Run]]:
    """Yield the depths that are passes of their own with their candidates; None is one pass that serves all."""
    for depth in (None,) if pointwise else config.depths:
        yield depth, eval_set.candidates.cut(depth or max(config.depths))


def _one_pass(
    session: RerankerSession,
    eval_set: EvalSet,
    depth: int | None,
    candidates: Run,
    records: Records,
    pool: WorkerPool[Reranker] | None,
) -> None:
    rows = records.store.recall(session, eval_set, candidates)
    known = {query_id: row.known_ranks for query_id, row in rows.items()}
    batches = list(
        batch(candidates, eval_set.dataset, session.caps, pointwise=session.reranker.pointwise, known=known)
    )
    outcomes: list[Outcome] = []
    sending = Sending(
        session, CallContext(eval_set.dataset.name, session.tag, "quality", session.concurrency), pool
    )
    with _progress_bar(f"{eval_set.dataset.name}: {session.tag}", len(candidates), batches) as progress:
        try:
            for outcome in sending.send(batches):
                outcomes.append(outcome)
                records.take(session, outcome)
                progress.update(len(outcome.batch.request.documents))
        finally:
            with ignore_sigint():  # a pass that was stopped keeps what it has
                for outcome in sending.late():
                    outcomes.append(outcome)
                    records.take_late(session, outcome)
                scored = assemble(outcomes, candidates, session.tag, rows)
                records.recorder.add_scored(eval_set.dataset.name, scored, depth, len(candidates))
                if sending.lowest_concurrency is not None:
                    lowest = records.recorder.lowest_concurrency
                    lowest[session.tag] = min(
                        sending.lowest_concurrency, lowest.get(session.tag, session.concurrency)
                    )


def _progress_bar(label: str, pairs: int, batches: Sequence[Batch]) -> tqdm[Any]:
    """Return a bar over all pairs that begins where the known ones end."""
    unknown = sum(len(item.request.documents) for item in batches)
    return tqdm(total=pairs, initial=pairs - unknown, desc=label, unit="pair", disable=None)


def given_up(sessions: Sequence[RerankerSession]) -> list[CallError]:
    """Return why arms were given up."""
    return [session.closed for session in sessions if session.closed is not None]
