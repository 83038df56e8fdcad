"""``evalkit dataset export``: the judgments of a dataset, with their texts, in a file for other tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalkit.config import DatasetSettings
from evalkit.datasets import open_dataset
from evalkit.errors import InputError, StorageError
from evalkit.files import write_file
from evalkit.formats.written_judgments import (
    WrittenJudgment,
    judgments_csv,
    judgments_trec,
    judgments_workbook,
)
from evalkit.records import Dataset
from evalkit.summaries.judges_note import note_synthetic, warn_raters_lost

_WRITERS = {".csv": judgments_csv, ".xlsx": judgments_workbook, ".qrels": judgments_trec}


@dataclass(frozen=True, slots=True)
class ExportedJudgments:
    """What was written.

    Attributes
    ----------
    queries, judgments
        Their numbers.
    without_document
        Judgments of documents that the collection lacks; their texts are empty.
    instructions_left_out
        Queries whose instruction is not in the file: a CSV of Quepid has no place for it.
    grades_rounded
        Fractional grades that the file has as whole ones: TREC qrels have no decimals.
    """

    queries: int
    judgments: int
    without_document: int
    instructions_left_out: int = 0
    grades_rounded: int = 0


def export_judgments(settings: DatasetSettings, file: Path) -> ExportedJudgments:
    """Write the judgments of a dataset: ``.xlsx`` with ids and texts, ``.csv`` for Quepid, ``.qrels`` for TREC's tools.

    Raises
    ------
    InputError
        If the suffix is another one, the file exists, the judgments are by subtopic, or a text cannot be written.
    StorageError
        If the file cannot be written.
    """
    write = _WRITERS.get(file.suffix.lower())
    if write is None:
        raise InputError(f"{file} has an unknown format", "use a name that ends in .xlsx, .csv or .qrels")
    if file.exists():
        raise InputError(f"{file} exists", "choose a new file")
    dataset = open_dataset(settings)
    if dataset.qrels.subtopics:
        raise InputError(
            f"{dataset.name} has judgments by subtopic, which the file cannot contain", "use its own files"
        )
    content = write(_rows(dataset))
    try:
        write_file(file, content)
    except OSError as error:
        raise StorageError(f"cannot write {file.resolve()}: {error}", "choose a writable folder") from None
    warn_raters_lost(dataset.origin.judged_by, str(file))
    counts = dataset.origin.counts
    written = counts.get("synthetic_queries", 0)
    note_synthetic(written, counts["queries"], f"{file} does not say that its queries are synthetic")
    grades = dataset.qrels.columns.grades
    return ExportedJudgments(
        counts["queries"],
        counts["judgments"],
        counts["judgments_without_document"],
        sum(bool(one.instruction) for one in dataset.queries) if write is judgments_csv else 0,
        int((grades != np.trunc(grades)).sum()) if write is judgments_trec else 0,
    )


def _rows(dataset: Dataset) -> Iterator[WrittenJudgment]:
    for query in dataset.queries:
        for doc_id, grade in dataset.qrels.of(query.query_id).items():
            text = dataset.corpus.text(doc_id) if doc_id in dataset.corpus else ""
            yield WrittenJudgment(query.query_id, query.text, doc_id, text, grade, query.instruction)
