"""The files of written queries: queries, judgments and the record, with how much a query resembles its document."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson

from evalkit.errors import InputError, StorageError
from evalkit.files import write_file
from evalkit.formats import read_json_lines
from evalkit.judges.question_writer import PROMPT_SHA256
from evalkit.judging.written_questions import LONGEST_RUN, MOST_OVERLAP
from evalkit.records import Dataset, DatasetOrigin, Judgment, Qrels, Query, Rater, text_sha256
from evalkit.results.json_shapes import to_json
from evalkit.retrievers.bm25 import Bm25
from evalkit.store import JudgmentFile
from evalkit.workflows.stopped_calls import StoppedCalls
from evalkit.workflows.writing_pass import FORBIDDEN, WRITTEN, Writer, WritingPass, WrittenAnswer

SOURCE_GRADE = 1.0
"""Grade of the document that a question was written for; nothing is known of the others."""


@dataclass(frozen=True, slots=True)
class WrittenQueries:
    """What was written.

    Attributes
    ----------
    queries
        Number of questions in the file.
    given_up
        Why documents have no question -> their number.
    left
        Documents whose calls failed for a cause that may pass; the same command asks for them again.
    rejected
        Kind of a rejection -> answers.
    overlap
        Mean share of the content words of a question that are in its document; None without questions.
    found_first
        Share of the questions for which BM25 ranks the document first; None without questions.
    cost_usd
        Of all calls; None where no call says it.
    stopped
        Why no more calls were made; None if all were.
    remedy
        What to do about it; None if that is not known.
    """

    queries: int
    given_up: Mapping[str, int]
    left: int
    rejected: Mapping[str, int]
    overlap: float | None
    found_first: float | None
    cost_usd: float | None
    stopped: str | None = None
    remedy: str | None = None


def check_own_queries(pass_: WritingPass, into: Path) -> None:
    """Raise InputError if a file that would be replaced has queries that no answer of the pass is the source of."""
    own = {_query_id(one) for one in pass_.recorded if one.status == WRITTEN}
    if into.is_file() and any(row.get("_id") not in own for _, row in read_json_lines(into)):
        raise InputError(
            f"{into} exists and has other queries", "choose a new file: judgments may belong to its queries"
        )


def write_results(pass_: WritingPass, into: Path, stopped: StoppedCalls | None) -> WrittenQueries:
    """Write queries and record, append the judgments that their file lacks, and return the figures."""
    written = list(_written(pass_))
    first = _found_first(pass_.writer, written)
    rows = b"".join(
        orjson.dumps(
            {
                "_id": _query_id(one),
                "text": one.question,
                "metadata": {"synthetic": True, "source_document": one.doc_id},
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for one in written
    )
    last = [found[-1] for doc_id in pass_.drawn if (found := pass_.answers.get(doc_id))]
    answers = [one for doc_id in pass_.drawn for one in pass_.answers.get(doc_id, ())]
    costs = [one.cost_usd for one in answers if one.cost_usd is not None]
    pending = set(pass_.pending)
    done = WrittenQueries(
        queries=len(written),
        given_up=dict(
            Counter(one.status for one in last if one.status != WRITTEN and one.doc_id not in pending)
        ),
        left=len(pending),
        rejected=dict(Counter(one.status for one in answers if one.status != WRITTEN)),
        overlap=float(np.mean([one.overlap for one in written])) if written else None,
        found_first=float(np.mean(first)) if written else None,
        cost_usd=sum(costs) if costs else None,
        stopped=None if stopped is None else stopped.message,
        remedy=None if stopped is None else stopped.hint,
    )
    record = {
        "schema_version": 1,
        "synthetic": True,
        "source": {"name": pass_.writer.name, "content_hash": pass_.writer.corpus.content_hash()},
        "settings": asdict(pass_.settings),
        "models": sorted({one.model for one in written}),
        "prompt_sha256": PROMPT_SHA256,
        "grade_of_source": SOURCE_GRADE,
        "limits": {"forbidden_terms": FORBIDDEN, "overlap": MOST_OVERLAP, "words_in_a_row": LONGEST_RUN},
        "figures": asdict(done),
        "queries_sha256": hashlib.sha256(rows).hexdigest(),
    }
    _append_judgments(
        JudgmentFile(into.with_name(f"{into.name}.judgments.jsonl")), [_judgment(one) for one in written]
    )
    for file, content in ((into, rows), (into.with_name(f"{into.name}.record.json"), to_json(record))):
        try:
            write_file(file, content)
        except OSError as error:
            raise StorageError(
                f"cannot write {file.resolve()}: {error}", "choose a writable folder"
            ) from None
    return done


def _written(pass_: WritingPass) -> Iterator[WrittenAnswer]:
    """Yield the questions of the drawn documents, in the order of the draw."""
    for doc_id in pass_.drawn:
        yield from (one for one in pass_.answers.get(doc_id, ()) if one.status == WRITTEN)


def _query_id(one: WrittenAnswer) -> str:
    return f"s{text_sha256(f'{one.doc_id} {one.question}')[:16]}"


def _judgment(one: WrittenAnswer) -> Judgment:
    """Return that the document of a question is relevant, as the model's judgment."""
    return Judgment(
        _query_id(one),
        one.doc_id,
        SOURCE_GRADE,
        Rater("model", one.model, PROMPT_SHA256, "1: The query was written for this document."),
        one.at,
        query_sha256=text_sha256(one.question),
        doc_sha256=one.doc_sha256,
        tokens=one.tokens,
        cost_usd=one.cost_usd,
    )


def _append_judgments(file: JudgmentFile, judgments: Sequence[Judgment]) -> None:
    """Append the judgments that a file lacks; others in it, such as those of people, stay."""
    known = {(one.rater.key, one.pair, one.query_sha256, one.doc_sha256) for one in file.read()}
    missing = [
        one for one in judgments if (one.rater.key, one.pair, one.query_sha256, one.doc_sha256) not in known
    ]
    if missing or not file.path.is_file():
        file.append(missing)


def _found_first(writer: Writer, written: Sequence[WrittenAnswer]) -> list[bool]:
    """Return whether BM25 ranks the document of each question first."""
    if not written:
        return []
    origin = DatasetOrigin("", "", writer.language, None, "", "", {}, None, exclude_same_id=False)
    dataset = Dataset(writer.name, writer.corpus, (), Qrels({}), origin)
    run = Bm25(Bm25.Settings(), dataset).retrieve([Query(_query_id(one), one.question) for one in written], 1)
    best = {query_id: doc_ids[0] for query_id, doc_ids, _ in run}
    return [best.get(_query_id(one)) == one.doc_id for one in written]
