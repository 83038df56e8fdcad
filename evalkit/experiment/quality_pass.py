"""The quality pass: every candidate scored by every reranker, except the pairs whose scores are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from evalkit.config import Config
from evalkit.distributed import WorkerPool
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.pass_sender import Sending
from evalkit.experiment.scoring_pools import pool_for
from evalkit.experiment.sigint import ignore_sigint
from evalkit.progress import progress_bar
from evalkit.records import Run
from evalkit.rerankers import Reranker
from evalkit.reranking import Batch, CallContext, Outcome, RerankerSession, assemble, batch


def quality_pass(run: StartedExperiment, session: RerankerSession, eval_set: EvalSet) -> None:
    """Score each pair once at the deepest depth; with a listwise reranker, once per depth.

    Pairs whose scores are known are not requested. Calls are made in threads, unless a worker pool scores.

    Raises
    ------
    BudgetError
        If the next call could exceed the budget.
    StorageError
        If a score cannot be stored.
    """
    pointwise = session.reranker.pointwise
    with pool_for(session, run.config.rerankers[session.tag], run.cluster) as pool:
        scoring = _Scoring(run, session, eval_set, pool)
        for depth, candidates in quality_lists(run.config, eval_set, pointwise=pointwise):
            scoring.score(depth, candidates)


def quality_lists(config: Config, eval_set: EvalSet, *, pointwise: bool) -> Iterator[tuple[int | None, Run]]:
    """Yield the depth and what is sent in each pass; the depth is None where one pass serves every depth."""
    for depth in (None,) if pointwise else config.depths:
        yield depth, eval_set.sent_run(depth or max(config.depths))


@dataclass(frozen=True, slots=True)
class _Scoring:
    """Scores the candidates of one dataset with one reranker."""

    run: StartedExperiment
    session: RerankerSession
    eval_set: EvalSet
    pool: WorkerPool[Reranker] | None

    def score(self, depth: int | None, candidates: Run) -> None:
        """Request the unknown scores of one pass and record all of them, also where the pass is interrupted."""
        run, session, dataset = self.run, self.session, self.eval_set.sent_dataset
        rows = run.store.recall(session, self.eval_set, candidates)
        known = {query_id: row.known_ranks for query_id, row in rows.items()}
        batches = list(
            batch(candidates, dataset, session.caps, pointwise=session.reranker.pointwise, known=known)
        )
        outcomes: list[Outcome] = []
        context = CallContext(dataset.name, session.tag, "quality", session.concurrency)
        sending = Sending(session, context, self.pool)
        with _progress_bar(f"{dataset.name}: {session.tag}", len(candidates), batches) as progress:
            try:
                for outcome in sending.send(batches):
                    outcomes.append(outcome)
                    run.record(session, outcome)
                    progress.update(len(outcome.batch.request.documents))
            finally:
                with ignore_sigint():
                    for outcome in sending.late():
                        outcomes.append(outcome)
                        run.record_late(session, outcome)
                    scored = assemble(outcomes, candidates, session.tag, rows)
                    run.recorder.add_scored(
                        dataset.name, self.eval_set.combined(scored), depth, len(candidates)
                    )
                    if self.eval_set.passages is not None:
                        run.recorder.add_passages(dataset.name, scored, depth)
                    self._note_concurrency(sending.lowest_concurrency)
        session.check_range(scored.scores)

    def _note_concurrency(self, lowest: int | None) -> None:
        """Record the fewest calls in flight of all passes of the reranker."""
        if lowest is not None:
            recorded, tag = self.run.recorder.lowest_concurrency, self.session.tag
            recorded[tag] = min(lowest, recorded.get(tag, self.session.concurrency))


def _progress_bar(label: str, pairs: int, batches: Sequence[Batch]) -> tqdm[Any]:
    """Return a progress bar over all pairs that starts at the number of known ones."""
    unknown = sum(len(item.request.documents) for item in batches)
    return progress_bar(total=pairs, initial=pairs - unknown, desc=label, unit="pair")
