"""Send pairs to a judge, and write each answer down before more of them are read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from tqdm import tqdm

from evalkit.errors import CallError, DataFormatError
from evalkit.experiment.sigint import delay_sigint, ignore_sigint
from evalkit.judges import Judge
from evalkit.judging.judged_pairs import Pair
from evalkit.records import Judgment, RerankRequest, RerankResponse, utc_text
from evalkit.records.qrels import check_grade
from evalkit.reranking import Batch, CallContext, Outcome, RerankerSession, Sender
from evalkit.store import JudgmentFile, JudgmentStore
from evalkit.workflows.pairs_to_judge import PairsToJudge
from evalkit.workflows.pooled_dataset import PooledDataset

FIRST_ANSWERS = 20
"""Answers without a single grade after which a judge is taken to be unable to grade."""
_TOGETHER_S = 0.1
"""Longest time that an answer waits for others that are there already, to be written with them."""


@dataclass(slots=True)
class FirstAnswers:
    """Whether a judge has graded anything at all, on any dataset, so that one that cannot is not paid for every pair.

    Attributes
    ----------
    keep_going
        Whether it is asked on whatever it answers.
    graded
        Whether a pair has a grade, from before or now.
    failed
        Number of pairs without a grade, from before or now.
    first
        The first answer without a grade of this run, or why there is none; empty for none.
    """

    keep_going: bool = False
    graded: bool = False
    failed: int = 0
    first: str = ""

    def add(self, judgment: Judgment) -> None:
        """Count an answer."""
        if judgment.failure is None:
            self.graded = True
            return
        self.failed += 1
        self.first = self.first or judgment.raw or judgment.failure

    @property
    def is_hopeless(self) -> bool:
        """Whether no more pairs are sent."""
        return not self.keep_going and not self.graded and self.failed >= FIRST_ANSWERS


@dataclass(slots=True)
class PassCounts:
    """What a pass brought.

    Attributes
    ----------
    graded
        Pairs with a grade.
    copied
        Pairs that got the answer for a pair with equal texts.
    failed
        Kind of failure -> pairs that the judge did not grade, written down as such.
    unanswered
        Kind of failure -> pairs without an answer, of which nothing is written: the next run asks again.
    tokens
        Tokens of the answers that say them.
    cost_usd
        Cost of the calls whose cost is known.
    priced
        Number of calls whose cost is known.
    example
        Why the first of the failed pairs has no grade; None if there is none.
    """

    graded: int = 0
    copied: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    cost_usd: float = 0.0
    priced: int = 0
    example: str | None = None


@dataclass(slots=True)
class JudgmentWriter:
    """Writes judgments to the judge's file and to the store, those together that wait at the same time.

    Attributes
    ----------
    file
        The file.
    store, identity
        The store, and the judge's key in it; None for a judge whose grades are not kept.
    written_usd
        Cost of the judgments that are in the file.
    is_stored
        Whether the last judgments are in the store.
    """

    file: JudgmentFile
    store: JudgmentStore | None
    identity: str
    written_usd: float = 0.0
    is_stored: bool = False
    _waiting: list[Judgment] = field(default_factory=list)
    _written_s: float = 0.0
    _has_failed: bool = False

    def add(self, judgment: Judgment) -> None:
        """Have a judgment wait to be written."""
        self._waiting.append(judgment)

    def write_soon(self, *, more: bool) -> None:
        """Write what waits now; or a little later with others, if `more` of them can be read without waiting.

        After a failure to write, judgments wait for `write`.
        """
        if not self._has_failed and (not more or time.monotonic() - self._written_s >= _TOGETHER_S):
            self.write()

    def write(self) -> None:
        """Write what waits; what cannot be written waits on.

        Raises
        ------
        StorageError
            If the file or the store cannot be written.
        """
        waiting = tuple(self._waiting)
        if waiting:
            self._has_failed, self.is_stored = True, False
            try:
                self.file.append(waiting)
                del self._waiting[: len(waiting)]
                self.written_usd += sum(one.cost_usd or 0.0 for one in waiting)
            finally:  # neither a file nor a store that cannot be written must cost an answer
                if self.store is not None:
                    self.store.add(self.identity, waiting)
                    self.is_stored = True
            self._has_failed = False
        self._written_s = time.monotonic()

    @property
    def state(self) -> str:
        """What became of the answers so far, in words."""
        count = len(self._waiting)
        if not count:
            return "all answers so far are written"
        if self.is_stored:
            return f"{count} answers are in the store only, from which the next run writes them to the file"
        return f"{count} answers could not be written, and are asked for again"


@dataclass(frozen=True, slots=True)
class JudgingPass:
    """The pairs of one dataset that are sent to a judge.

    Attributes
    ----------
    judge, session
        The judge, and the state that all its calls share.
    pooled
        The dataset.
    pairs
        What to grade, in order.
    highest
        The highest grade of the scale; None if the judge has no scale.
    equal
        Pair that is sent -> pairs with equal texts, which get its answer.
    first
        The answers so far, of all datasets.
    """

    judge: Judge
    session: RerankerSession
    pooled: PooledDataset
    pairs: tuple[Pair, ...]
    highest: int | None
    equal: Mapping[Pair, Sequence[Pair]] = field(default_factory=dict)
    first: FirstAnswers = field(default_factory=FirstAnswers)

    def requests(self) -> Iterator[RerankRequest]:
        """Yield the request of each pair."""
        yield from requests_of(self.pooled, self.pairs)

    def send(self, writer: JudgmentWriter, answered: PassCounts, progress: tqdm[Any]) -> None:
        """Send all pairs until no more calls can succeed, or the judge cannot grade.

        Whatever ends the pass, all answers are written.

        Raises
        ------
        BudgetError
            If the next call could exceed the budget.
        StorageError
            If an answer cannot be written.
        """
        if self.first.is_hopeless:
            return
        session = self.session
        context = CallContext(self.pooled.name, session.tag, "quality", session.concurrency)
        with Sender(session, session.concurrency) as sender:
            try:
                for outcome in sender.send(map(Batch, self.requests()), context):
                    with delay_sigint():
                        self._record(outcome, writer, answered)
                        writer.write_soon(more=sender.has_waiting)
                    progress.update(1 + len(self._copies_of(outcome)))
                    if session.closed is not None or self.first.is_hopeless:
                        break
            finally:
                with ignore_sigint():
                    for outcome in sender.late():
                        self._record(outcome, writer, answered)
                    writer.write()

    def _record(self, outcome: Outcome, writer: JudgmentWriter, answered: PassCounts) -> None:
        if not outcome.attempts:
            return
        judgment = self._judgment(outcome)
        answered.tokens += judgment.tokens or 0
        answered.cost_usd += judgment.cost_usd or 0.0
        answered.priced += judgment.cost_usd is not None
        failure = outcome.failure
        if failure is not None and (failure.remedy.transient or failure.remedy.permanent):
            answered.unanswered[failure.kind] += 1
            return
        self.first.add(judgment)
        if judgment.failure is None:
            answered.graded += 1
        else:
            answered.failed[judgment.failure.partition(":")[0]] += 1
            answered.example = answered.example or judgment.failure.partition(": ")[2]
        copies = self._copies_of(outcome)
        answered.copied += len(copies)
        for query_id, doc_id in copies:
            writer.add(copied_to(judgment, query_id, doc_id))
        writer.add(judgment)

    def _copies_of(self, outcome: Outcome) -> Sequence[Pair]:
        request = outcome.batch.request
        return self.equal.get((request.query_id, request.doc_ids[0]), ())

    def _judgment(self, outcome: Outcome) -> Judgment:
        """Return the judgment of an outcome: its grade, or the failure to get one."""
        request, response = outcome.batch.request, outcome.response
        (doc_id,) = request.doc_ids
        failure = outcome.failure
        if response is not None:
            failure = self._without_grade(response)
        answer = response.raw if response is not None else failure.body if failure is not None else None
        return Judgment(
            request.query_id,
            doc_id,
            None if failure is not None or response is None else float(response.scores[0]),
            self.judge.known_rater if response is None else self.judge.rater(response),
            utc_text(),
            query_sha256=self.pooled.query_sha256(request.query_id),
            doc_sha256=self.pooled.doc_sha256(doc_id),
            raw=answer or None,
            tokens=outcome.call.usage.tokens,
            cost_usd=outcome.known_cost_usd,
            failure=None if failure is None else f"{failure.kind}: {failure.message}",
        )

    def _without_grade(self, response: RerankResponse) -> CallError | None:
        """Return the failure of an answer whose number is no grade of the scale; None if it is one."""
        grade, highest = float(response.scores[0]), self.highest
        try:
            check_grade(grade, "the answer")
        except DataFormatError as error:
            return CallError("answer", error.message)
        if highest is not None and not 0 <= grade <= highest:
            return CallError("answer", f"the grade {grade:g} is not on the scale from 0 to {highest}")
        return None


def requests_of(pooled: PooledDataset, pairs: Iterable[Pair]) -> Iterator[RerankRequest]:
    """Yield the request of each pair: one document for one query."""
    for query_id, doc_id in pairs:
        query, text = pooled.queries[query_id], pooled.dataset.corpus.text(doc_id)
        yield RerankRequest(query_id, query.text, (text,), (doc_id,), instruction=query.instruction)


def stored_judgments(store: JudgmentStore, identity: str, todo: PairsToJudge) -> list[Judgment]:
    """Return the stored judgments of pairs to judge, with the ids that their texts have here.

    Failures are among them, unless failed pairs are to be sent again. They have neither tokens nor cost: the line of
    the call has them.
    """
    pooled = todo.pooled
    found: list[Judgment] = []
    query: str | None = None
    known: dict[str, Judgment] = {}
    for query_id, doc_id in todo.remaining:
        query_sha256, doc_sha256 = pooled.query_sha256(query_id), pooled.doc_sha256(doc_id)
        if query_sha256 is None or doc_sha256 is None:
            continue
        if query != query_id:
            query, known = query_id, store.known(identity, query_sha256)
        judgment = known.get(doc_sha256)
        if judgment is not None and not (todo.retry_failed and judgment.failure is not None):
            found.append(copied_to(judgment, query_id, doc_id))
    return found


def copied_to(judgment: Judgment, query_id: str, doc_id: str) -> Judgment:
    """Return a judgment for another pair with the same texts, or for the same pair again: no call was made for it.

    Its tokens and cost are None, so that sums over lines count every call once.
    """
    return replace(judgment, query_id=query_id, doc_id=doc_id, tokens=None, cost_usd=None)


def equal_pairs(pooled: PooledDataset, pairs: Iterable[Pair]) -> dict[Pair, tuple[Pair, ...]]:
    """Return the first of all pairs with equal texts, in their order -> the others.

    Parameters
    ----------
    pooled
        The dataset.
    pairs
        Pairs to send.
    """
    query_hash, doc_hash = cache(pooled.query_sha256), cache(pooled.doc_sha256)
    alike: dict[tuple[str | None, str | None], list[Pair]] = {}
    for query_id, doc_id in pairs:
        alike.setdefault((query_hash(query_id), doc_hash(doc_id)), []).append((query_id, doc_id))
    return {same[0]: tuple(same[1:]) for same in alike.values()}
