"""The passes of an experiment: a knock at every door, the pointwise check, quality, latency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.checking import check_pointwise
from evalkit.checking.pointwise import SAMPLED_DOCUMENTS, SAMPLED_QUERIES
from evalkit.config import Config
from evalkit.errors import CallError, InputError
from evalkit.experiment.arenas import Arena
from evalkit.experiment.interrupts import undisturbed
from evalkit.experiment.recorder import Recorder
from evalkit.records import RerankRequest
from evalkit.rerankers import Preparable, Reranker
from evalkit.reranking import Arm, Batch, CallContext, Caps, Courier, Outcome, Sender, assemble, batch
from evalkit.timing import measure, plan_cells


def knock(config: Config, arenas: Sequence[Arena], arms: Sequence[Arm], recorder: Recorder) -> None:
    """Make one call with one document to every reranker, so that a wrong url or key costs a second."""
    arena = next(a for a in arenas if len(a.candidates))
    first = next(batch(arena.candidates.cut(1), arena.dataset, Caps(1), pointwise=True))
    for arm in arms:
        _check_lists(config, arenas, arm)
        courier = Courier(arm, patient=False)
        for outcome in courier.deliver(first, CallContext(arena.dataset.name, arm.tag, "check")):
            if outcome.failure is not None:
                failure = outcome.failure
                failure.message = f"reranker {arm.tag!r} does not answer: {failure.message}"
                raise failure
            recorder.add_outcome(outcome)


def _check_lists(config: Config, arenas: Sequence[Arena], arm: Arm) -> None:
    """Refuse lists that would have to be split for a reranker that looks at the whole of them."""
    if arm.reranker.pointwise:
        return
    limit = arm.caps.documents
    if limit is not None and max(config.depths) > limit:
        raise InputError(
            f"reranker {arm.tag!r} looks at the whole list, takes {limit} documents in one call,"
            f" and is asked for depth {max(config.depths)}",
            f"lower depths to at most {limit}, or raise its batch_size or max_documents",
        )
    for arena in arenas:
        for _ in batch(arena.candidates.cut(max(config.depths)), arena.dataset, arm.caps, pointwise=False):
            pass


def needs_pointwise(config: Config, arena: Arena, arm: Arm) -> bool:
    """Return whether an arm's scores are only right if a pair's score does not depend on its list."""
    return arm.reranker.pointwise and arm.timed and is_split(config, arena, arm.caps)


def is_split(config: Config, arena: Arena, caps: Caps) -> bool:
    """Return whether one scoring serves several depths, or a list goes out in several calls."""
    longest = max((len(docs) for _, docs, _ in arena.candidates), default=0)
    split = caps.documents is not None and caps.documents < min(max(config.depths), longest)
    return longest > 1 and (len(config.depths) > 1 or split)


def sample_batches(arena: Arena, caps: Caps, seed: int) -> list[RerankRequest]:
    """Return some queries with their first candidates, each request as large as one call may be."""
    size = min(SAMPLED_DOCUMENTS, caps.documents or SAMPLED_DOCUMENTS)
    shallow = arena.candidates.cut(size)
    caps = Caps(size, caps.bytes, caps.tokens)
    requests = [
        item.request
        for item in batch(shallow, arena.dataset, caps, pointwise=True)
        if item.first_rank == 1 and len(item.request.documents) > 1
    ]
    rng = np.random.default_rng(seed)
    return [requests[i] for i in sorted(rng.permutation(len(requests))[:SAMPLED_QUERIES].tolist())]


def check_promise(config: Config, arena: Arena, arm: Arm, recorder: Recorder) -> None:
    """Ask a sample again in other lists, before depths are derived from one pass and lists are split.

    Raises
    ------
    InputError
        If a reranker that is declared pointwise is not.
    """
    courier = Courier(arm, splits=False)
    context = CallContext(arena.dataset.name, arm.tag, "check")

    def ask(request: RerankRequest) -> NDArray[np.float64] | None:
        (outcome,) = courier.deliver(Batch(request, 1), context)
        recorder.add_outcome(outcome)
        return outcome.response.scores if outcome.response else None

    found = check_pointwise(arm.tag, arena.dataset.name, sample_batches(arena, arm.caps, config.seed), ask)
    recorder.pointwise_checks.append(found)
    if found.verdict == "broken":
        raise InputError(
            f"reranker {arm.tag!r} is taken to be pointwise, but a pair's score changes with the list it is"
            f" sent in: {found.evidence()}",
            f"set rerankers.{arm.tag}.pointwise: false; every depth is then a pass of its own, and no list is split",
        )


def quality_pass(config: Config, arm: Arm, arena: Arena, recorder: Recorder) -> None:
    """Score each pair once at the largest depth; a reranker that sees the list, once per depth."""
    with _prepared(arm.reranker, arena, max(config.depths)):
        for depth in quality_depths(config, pointwise=arm.reranker.pointwise):
            _one_pass(config, arm, arena, depth, recorder)


def quality_depths(config: Config, *, pointwise: bool) -> tuple[int | None, ...]:
    """Return the depths that are passes of their own; None stands for one pass that serves all."""
    return (None,) if pointwise else config.depths


def _one_pass(config: Config, arm: Arm, arena: Arena, depth: int | None, recorder: Recorder) -> None:
    candidates = arena.candidates.cut(depth or max(config.depths))
    batches = list(batch(candidates, arena.dataset, arm.caps, pointwise=arm.reranker.pointwise))
    context = CallContext(arena.dataset.name, arm.tag, "quality", arm.concurrency)
    outcomes: list[Outcome] = []

    def take(outcome: Outcome) -> None:
        outcomes.append(outcome)
        recorder.add_outcome(outcome)

    label = f"{arena.dataset.name}: {arm.tag}"
    with (
        Sender(arm, arm.concurrency) as sender,
        tqdm(total=len(candidates), desc=label, unit="pair", disable=None) as progress,
    ):
        try:
            for outcome in sender.send(batches, context):
                take(outcome)
                progress.update(len(outcome.batch.request.documents))
        finally:
            with undisturbed():  # a pass that was stopped keeps what it has
                for outcome in sender.late():
                    take(outcome)
                scored = assemble(outcomes, candidates, arm.tag)
                recorder.add_scored(arena.dataset.name, scored, depth)
                recorder.lowest_concurrency[arm.tag] = min(
                    sender.gate.lowest, recorder.lowest_concurrency.get(arm.tag, arm.concurrency)
                )


@contextmanager
def _prepared(reranker: Reranker, arena: Arena, depth: int) -> Iterator[None]:
    """Let a reranker work ahead for the quality pass, and forget it afterwards: timing is honest."""
    if not isinstance(reranker, Preparable):
        yield
        return
    docs = dict.fromkeys(arena.candidates.cut(depth).doc_ids)
    reranker.prepare([arena.dataset.corpus.text(doc_id) for doc_id in docs])
    try:
        yield
    finally:
        reranker.forget()


def latency_pass(config: Config, arms: Sequence[Arm], arena: Arena, recorder: Recorder) -> None:
    """Time every reranker that takes time at every batch size."""
    if config.latency is None:
        return
    timed = [arm for arm in arms if arm.timed]
    cells = plan_cells(
        config.latency, [arm.tag for arm in timed], arena.dataset, arena.candidates, config.seed
    )
    for outcome in measure(cells, timed, arena.dataset.name, config.seed):
        recorder.add_outcome(outcome)


def given_up(arms: Sequence[Arm]) -> list[CallError]:
    """Return why arms were given up."""
    return [arm.closed for arm in arms if arm.closed is not None]
