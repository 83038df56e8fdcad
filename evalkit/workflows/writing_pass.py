"""Ask a model for a question for each drawn document, again where an answer is rejected; keep every answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import orjson

from evalkit.errors import DataFormatError, InputError
from evalkit.experiment.sigint import delay_sigint, ignore_sigint
from evalkit.judges.question_writer import PROMPT_SHA256, QuestionWriter, question_prompt, writer_traffic
from evalkit.judging.written_questions import (
    document_frequencies,
    overlap,
    rarest_words,
    read_question,
    rejection,
)
from evalkit.progress import progress_bar
from evalkit.records import Corpus, RerankRequest, text_sha256, utc_text
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.reranking import Batch, Budget, CallContext, Caps, Outcome, RerankerSession, Sender
from evalkit.store import LineFile
from evalkit.store.line_file import is_json
from evalkit.text_analysis import Analyzer
from evalkit.workflows.stopped_calls import StoppedCalls

FORBIDDEN = 10
"""Most terms of a document that its question must not have."""
WRITTEN = "written"
"""Status of an answer that is used; others are the kinds of `Rejection` and of failed calls."""


@dataclass(frozen=True, slots=True)
class WritingSettings:
    """What to write.

    Attributes
    ----------
    questions
        Number of documents that are drawn.
    attempts
        Most answers for a document until it is given up.
    least_words
        Shorter documents are not drawn.
    seed
        Seed of the draw.
    """

    questions: int
    attempts: int = 3
    least_words: int = 30
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Writer:
    """The documents and the model that writes.

    Attributes
    ----------
    name, corpus, language
        The documents.
    access
        The chat API.
    concurrency
        Concurrent calls.
    budget_usd
        Most that all calls may cost, those of earlier commands for the same file included; None for no limit.
    """

    name: str
    corpus: Corpus
    language: str
    access: ChatAccess
    concurrency: int = 1
    budget_usd: float | None = None


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """One answer of the model, as a line of ``FILE.answers.jsonl``: what was paid for is never asked again.

    Attributes
    ----------
    status
        `WRITTEN`, or why the answer is not used.
    question
        What was read from the answer; empty after a failed call.
    reason
        Why it is not used, in words.
    overlap
        Share of its content words that are in the document.
    """

    doc_id: str
    doc_sha256: str
    prompt_sha256: str
    status: str
    question: str
    reason: str
    overlap: float
    model: str
    raw: str
    at: str
    tokens: int | None = None
    cost_usd: float | None = None


@dataclass
class WritingPass:
    """The answers for the drawn documents: those of the file, and those that are asked for now."""

    writer: Writer
    file: Path
    settings: WritingSettings
    answers: dict[str, list[WrittenAnswer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.analyzer = Analyzer(self.writer.language)
        self.drawn = _draw(self.writer.corpus, self.settings)
        self.client = QuestionWriter(self.writer.access)
        self.frequencies: Mapping[str, int] = {}
        self.recorded = tuple(_read_answers(self.file))
        for one in self.recorded:
            if one.doc_id in self.writer.corpus and one.doc_sha256 == text_sha256(self.text(one.doc_id)):
                self.answers.setdefault(one.doc_id, []).append(one)

    def text(self, doc_id: str) -> str:
        """Return the text of a document."""
        return self.writer.corpus.text(doc_id)

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    @property
    def pending(self) -> list[str]:
        """The drawn documents without a question that are asked for again."""
        return [doc_id for doc_id in self.drawn if not self._is_done(doc_id)]

    def _is_done(self, doc_id: str) -> bool:
        found = self.answers.get(doc_id, ())
        return len(found) >= self.settings.attempts or any(
            one.status in {WRITTEN, "refusal"} for one in found
        )

    def run(self) -> StoppedCalls | None:
        """Ask until every document has a question or is given up; return why no more calls are made, if so."""
        if not self.pending:
            return None
        self.frequencies = document_frequencies(self.writer.corpus.texts, self.analyzer)
        spent = sum(one.cost_usd or 0.0 for found in self.answers.values() for one in found)
        access = self.writer.access
        session = RerankerSession(
            "writer", self.client, writer_traffic(access), Caps(documents=1), self.writer.concurrency,
            budget=Budget(self.writer.budget_usd, spent),
        )  # fmt: skip
        while pending := self.pending:
            before = sum(map(len, self.answers.values()))
            self._ask(pending, session)
            if session.closed is not None:
                return StoppedCalls(session.closed.message, session.closed.hint)
            if sum(map(len, self.answers.values())) == before:
                return StoppedCalls("no call was answered")
        return None

    def _ask(self, doc_ids: Sequence[str], session: RerankerSession) -> None:
        context = CallContext(self.writer.name, session.tag, "quality", session.concurrency)
        with (
            Sender(session, session.concurrency) as sender,
            progress_bar(total=len(doc_ids), desc="writing", unit="question") as progress,
        ):
            try:
                for outcome in sender.send(map(self._batch, doc_ids), context):
                    with delay_sigint():
                        self._record(outcome)
                    progress.update()
                    if session.closed is not None:
                        break
            finally:
                with ignore_sigint():
                    for outcome in sender.late():
                        self._record(outcome)

    def forbidden(self, doc_id: str) -> dict[str, tuple[str, ...]]:
        """Return the terms that the question of a document must not have, with their words."""
        return rarest_words(
            self.text(doc_id), self.analyzer, self.frequencies, len(self.writer.corpus), FORBIDDEN
        )

    def _batch(self, doc_id: str) -> Batch:
        words = [word for found in self.forbidden(doc_id).values() for word in found]
        rejected = [(one.question, one.reason) for one in self.answers.get(doc_id, ()) if one.question]
        prompt = question_prompt(self.text(doc_id), words, rejected)
        return Batch(RerankRequest(doc_id, prompt, ("document",), (doc_id,)))

    def _record(self, outcome: Outcome) -> None:
        """Append an answer to the file; a failure that may pass is none."""
        failure, response = outcome.failure, outcome.response
        if not outcome.attempts or (failure is not None and failure.kind not in {"refusal", "answer"}):
            return
        (doc_id,) = outcome.batch.request.doc_ids
        text, answer = self.text(doc_id), "" if response is None else response.raw or ""
        question = read_question(answer)
        found = None if response is None else rejection(question, text, self.forbidden(doc_id), self.analyzer)
        status = failure.kind if failure is not None else WRITTEN if found is None else found.kind
        one = WrittenAnswer(
            doc_id,
            text_sha256(text),
            PROMPT_SHA256,
            status,
            question,
            failure.message if failure is not None else "" if found is None else found.reason,
            overlap(question, text),
            (response.model if response is not None else None) or self.writer.access.model,
            answer if failure is None else failure.body or "",
            utc_text(),
            outcome.call.usage.tokens,
            outcome.known_cost_usd,
        )
        LineFile(self.file).append(orjson.dumps(asdict(one), option=orjson.OPT_APPEND_NEWLINE))
        self.answers.setdefault(doc_id, []).append(one)


def _read_answers(file: Path) -> Iterator[WrittenAnswer]:
    """Yield the answers of a file; a last line that a killed process left incomplete is left out.

    Raises
    ------
    DataFormatError
        If a line is no answer.
    """
    if not file.exists():
        return
    lines = file.read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n") and not is_json(lines[-1]):
        del lines[-1]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield WrittenAnswer(**orjson.loads(line))
        except (TypeError, orjson.JSONDecodeError):
            raise DataFormatError(
                f"{file}:{number} is no answer of evalkit queries write",
                "move the file, or choose another FILE",
            ) from None


def _draw(corpus: Corpus, settings: WritingSettings) -> list[str]:
    """Return a seeded random draw of documents that are long enough; a larger draw contains a smaller one.

    Raises
    ------
    InputError
        If there are too few.
    """
    long = [
        doc_id
        for doc_id, text in zip(corpus.doc_ids, corpus.texts, strict=True)
        if len(text.split()) >= settings.least_words
    ]
    if len(long) < settings.questions:
        raise InputError(
            f"{len(long)} documents have at least {settings.least_words} words, but {settings.questions} are asked for",
            "ask for fewer questions, or lower --min-words",
        )
    order = np.random.default_rng(settings.seed).permutation(len(long))
    return [long[place] for place in order[: settings.questions].tolist()]
