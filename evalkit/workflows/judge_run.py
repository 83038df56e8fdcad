"""``evalkit judge run``: grades of a judge for the documents that systems under comparison rank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace

from evalkit.config import JudgeSettings
from evalkit.errors import BudgetError, InterruptError, StorageError, shortened
from evalkit.experiment.sigint import ignore_sigint
from evalkit.judges import Judge, open_judge
from evalkit.progress import progress_bar
from evalkit.reranking import Budget, Caps, RerankerSession
from evalkit.store import JudgmentStore, judge_identity, lock_backends
from evalkit.workflows.judge_costs import budget_lock, record_unanswered, spent_usd
from evalkit.workflows.judge_ensemble import CombinedDataset, combined_datasets
from evalkit.workflows.judge_plan import judge_settings, store_path
from evalkit.workflows.judging_input import JudgingInput
from evalkit.workflows.judging_pass import (
    FirstAnswers,
    JudgingPass,
    JudgmentWriter,
    PassCounts,
    equal_pairs,
    stored_judgments,
)
from evalkit.workflows.pairs_to_judge import JudgeOptions, PairsToJudge, pairs_to_judge, record_choice
from evalkit.workflows.pooled_dataset import PooledDataset
from evalkit.workflows.stopped_calls import StoppedCalls

_LONGEST_ANSWER = 300
"""Characters of an answer that a message has."""


@dataclass(frozen=True, slots=True)
class JudgedDataset:
    """What a run of a judge brought on one dataset.

    Attributes
    ----------
    file
        The judge's file.
    pairs, counted
        See `JudgePlan`.
    already
        Pairs that the file had judgments of, and those that the judge is known from the store to have failed on.
    ungraded_before
        Of these, pairs that the judge could not grade and was not asked again.
    stored
        Pairs whose grade came from the store, for nothing.
    copied
        Pairs that got the answer for a pair with equal texts.
    graded
        Pairs that were graded now.
    failed, unanswered, example
        See `PassCounts`.
    left
        Pairs that are still to be judged.
    tokens, cost_usd
        Of the calls made now; None where no call says it.
    """

    dataset: str
    judge: str
    file: str
    pairs: int
    counted: int
    already: int
    ungraded_before: int
    stored: int
    copied: int
    graded: int
    failed: Mapping[str, int]
    unanswered: Mapping[str, int]
    left: int
    tokens: int | None
    cost_usd: float | None
    example: str | None = None

    @property
    def ungraded(self) -> int:
        """Number of pairs that the judge answered without a grade, now or before."""
        return self.ungraded_before + sum(self.failed.values())

    @property
    def has_grades(self) -> bool:
        """Whether the judge has graded a pair, now or before."""
        return bool(self.graded or self.stored or self.copied or self.already > self.ungraded_before)


@dataclass(frozen=True, slots=True)
class JudgeRun:
    """What a run of a judge brought.

    Attributes
    ----------
    datasets
        One for each dataset.
    stopped
        Why no more calls were made before the end; None if all were made.
    """

    datasets: tuple[JudgedDataset, ...]
    stopped: StoppedCalls | None


def run_judge(opened: JudgingInput, tag: str, options: JudgeOptions, command: str) -> JudgeRun:
    """Send the chosen pairs to a judge, and append its judgments to the file of each dataset.

    An ensemble makes no calls: its judgments are computed from those of its judges, and replace its earlier ones.

    Parameters
    ----------
    opened
        What is judged.
    tag
        The judge.
    options
        Which pairs are sent.
    command
        The command, with which an interrupted run is resumed.

    Raises
    ------
    UnknownNameError
        If the configuration has no such judge.
    InterruptError, BudgetError, StorageError
        If the user stops, the next call could exceed the budget, or a file cannot be written; what was answered is
        written, and the hint has the command to resume.
    InputError
        If the judge is an ensemble and there is nothing to combine, or the options choose pairs.
    """
    if judge_settings(opened.config, tag).derived:
        return JudgeRun(tuple(_combine(opened, tag, options)), None)

    def choose(pooled: PooledDataset, judge: Judge) -> PairsToJudge:
        todo = pairs_to_judge(pooled, tag, judge, options, opened.config.seed)
        record_choice(pooled, tag, options, opened.config.seed)
        return todo

    return judge_chosen(opened, tag, choose, command, keep_going=options.keep_going)


Choice = Callable[[PooledDataset, Judge], PairsToJudge]


def judge_chosen(
    opened: JudgingInput, tag: str, choose: Choice, command: str, *, keep_going: bool = False
) -> JudgeRun:
    """Send the pairs that a function chooses of each dataset; see `run_judge` and, for `keep_going`, `JudgeOptions`."""
    settings = judge_settings(opened.config, tag)
    judge = open_judge(settings)
    done: list[JudgedDataset] = []
    writers: list[JudgmentWriter] = []
    first = FirstAnswers(keep_going or not settings.kept)  # grades that are only looked up cost nothing
    try:
        with closing(judge), _opened_store(opened, tag, settings, judge) as (store, identity):
            session = _session(opened, tag, settings, judge)
            with _accounted(opened, session, writers):
                for pooled in opened.datasets:
                    todo = choose(pooled, judge)
                    highest = len(settings.scale) - 1 if judge.known_rater.scale is not None else None
                    pass_ = JudgingPass(judge, session, pooled, todo.remaining, highest, first=first)
                    writers.append(JudgmentWriter(todo.file, store, identity))
                    done.append(_judge(pass_, todo, writers[-1]))
    except KeyboardInterrupt:
        raise InterruptError(f"interrupted; {_state(writers)}", f"resume with: {command}") from None
    except (BudgetError, StorageError) as error:
        raise type(error)(
            f"{error.message}; {_state(writers)}", f"{error.hint}; then resume with: {command}"
        ) from None
    if first.is_hopeless and any(one.left for one in done):
        return JudgeRun(tuple(done), _hopeless(first))
    closed = session.closed
    return JudgeRun(tuple(done), None if closed is None else StoppedCalls(closed.message, closed.hint))


def _hopeless(first: FirstAnswers) -> StoppedCalls:
    """Return why a judge that grades nothing is not asked on, and what to do."""
    such = f"; the first one: {shortened(first.first, _LONGEST_ANSWER)!r}" if first.first else ""
    return StoppedCalls(
        f"the judge graded none of its first {first.failed} answers{such}",
        "change the judge, or add --retry-failed to ask again after a repair, or --keep-going to send all pairs",
    )


def _combine(opened: JudgingInput, tag: str, options: JudgeOptions) -> Iterator[JudgedDataset]:
    """Write the judgments of an ensemble, and yield what became of each dataset."""
    files = [f"judgments {one.file_of(tag).absolute()}" for one in opened.datasets]
    with lock_backends(store_path(opened), files):
        for combined in list(combined_datasets(opened, tag, options)):
            combined.write()
            yield _of_combined(combined, tag)


def _of_combined(combined: CombinedDataset, tag: str) -> JudgedDataset:
    failures = [one.failure for one in combined.changed if one.failure is not None]
    return JudgedDataset(
        dataset=combined.dataset,
        judge=tag,
        file=str(combined.file.path),
        pairs=len(combined.judgments),
        counted=0,
        already=len(combined.judgments) - len(combined.changed),
        ungraded_before=0,
        stored=0,
        copied=0,
        graded=len(combined.changed) - len(failures),
        failed=dict(Counter(text.partition(":")[0] for text in failures)),
        unanswered={},
        left=0,
        tokens=None,
        cost_usd=None,
    )


def _state(writers: Sequence[JudgmentWriter]) -> str:
    """Return what became of the answers so far; those of earlier datasets are written."""
    return writers[-1].state if writers else "nothing was sent"


@contextmanager
def _accounted(
    opened: JudgingInput, session: RerankerSession, writers: Sequence[JudgmentWriter]
) -> Iterator[None]:
    """Write down at the end of the block what its calls cost without a line of the judge; see `record_unanswered`."""
    before = session.budget.spent_usd
    try:
        yield
    finally:
        written = sum(writer.written_usd for writer in writers)
        with ignore_sigint():
            record_unanswered(opened, session.tag, session.budget, before + written)


def _judge(pass_: JudgingPass, todo: PairsToJudge, writer: JudgmentWriter) -> JudgedDataset:
    """Judge one dataset: first from the store, then with calls."""
    pooled, tag = todo.pooled, pass_.session.tag
    if todo.remaining:
        todo.file.check_appendable()
    known = stored_judgments(writer.store, writer.identity, todo) if writer.store is not None else []
    if known:
        writer.file.append(known)
    stored = {one.pair for one in known}
    left = [pair for pair in todo.remaining if pair not in stored]
    equal = equal_pairs(pooled, left) if writer.store is not None else dict.fromkeys(left, ())
    answered = PassCounts()
    pass_.first.graded |= todo.graded > 0 or any(one.failure is None for one in known)
    pass_.first.failed += todo.failed + sum(one.failure is not None for one in known)
    already = todo.chosen - todo.counted - len(todo.remaining) + len(known)
    ungraded = sum(one.failure is not None for one in known)
    label = f"{pooled.name}: {tag}"
    with progress_bar(total=already + len(left), initial=already, desc=label, unit="pair") as progress:
        replace(pass_, pairs=tuple(equal), equal=equal).send(writer, answered, progress)
    return JudgedDataset(
        dataset=pooled.name,
        judge=tag,
        file=str(todo.file.path),
        pairs=todo.chosen,
        counted=todo.counted,
        already=todo.graded + todo.failed + ungraded,
        ungraded_before=todo.failed + ungraded,
        stored=len(known) - ungraded,
        copied=answered.copied,
        graded=answered.graded,
        failed=dict(answered.failed),
        unanswered=dict(answered.unanswered),
        left=len(left) - answered.graded - answered.copied - answered.failed.total(),
        tokens=answered.tokens or None,
        cost_usd=answered.cost_usd if answered.priced else None,
        example=answered.example,
    )


@contextmanager
def _opened_store(
    opened: JudgingInput, tag: str, settings: JudgeSettings, judge: Judge
) -> Iterator[tuple[JudgmentStore | None, str]]:
    """Open the store and wait for other processes that use the same judge or the same files."""
    path, identity = store_path(opened), judge_identity(settings, judge.known_rater)
    files = [
        f"judgments {file.absolute()}"
        for one in opened.datasets
        for file in (one.file_of(tag), one.threshold_file_of(tag))
    ]
    with ExitStack() as resources:
        resources.enter_context(budget_lock(opened))
        resources.enter_context(lock_backends(path, [identity, *files] if settings.kept else files))
        store = resources.enter_context(closing(JudgmentStore(path))) if settings.kept else None
        yield store, identity


def _session(opened: JudgingInput, tag: str, settings: JudgeSettings, judge: Judge) -> RerankerSession:
    """Return the state of the judge's calls; the budget counts what all judgments so far have cost."""
    config = opened.config
    budget = Budget(config.budget.usd, spent_usd(opened)) if config.budget else Budget()
    return RerankerSession(
        tag, judge, settings.traffic(), Caps(documents=1), settings.concurrency, budget=budget
    )
