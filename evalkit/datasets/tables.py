"""The source for a user's own tables, and for the judgments of other tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from evalkit.config import DatasetSettings, InputFile, InputPath
from evalkit.config import Settings as Block
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    DocumentColumns,
    JudgmentColumns,
    QueryColumns,
    documents,
    is_ungraded,
    parse_grade,
    queries_with_exclusions,
    read_judgment_rows,
)
from evalkit.datasets.corpora import RawDocument, Stamp
from evalkit.datasets.pairs import PairColumns, read_pairs
from evalkit.datasets.result_judgments import check_by_people
from evalkit.errors import DataFormatError
from evalkit.formats import (
    JudgmentNames,
    NamedJudgments,
    Rows,
    names_raters,
    read_named_judgments,
    read_rows,
)
from evalkit.formats.text_folders import read_text_folder, text_files
from evalkit.records import Qrels, Query, RatersOfPairs


class File(Block):
    """A table in a file.

    Attributes
    ----------
    path
        CSV or TSV with a header, JSON Lines, a JSON list, Parquet, or an Excel workbook (.xlsx, extra `xlsx`). Text
        may be packed.
    sheet
        Name of the sheet of an Excel workbook. Default: the first one that is not hidden.
    """

    path: InputFile
    sheet: str | None = None

    def rows(self) -> Rows:
        """Return an iterator over the rows."""
        return read_rows(self.path, self.sheet)


class CorpusTable(DocumentColumns, File):
    """A table of documents.

    Attributes
    ----------
    path
        A table (CSV or TSV with a header, JSON Lines, a JSON list, Parquet, an Excel workbook), or a folder with a text
        file (.txt, .md) for each document. The id of a document is then the path of its file in the folder; white space
        is written as in a URL (``%20``).
    """

    path: InputPath

    def rows(self) -> Rows:
        """Return an iterator over the rows.

        Raises
        ------
        DataFormatError
            If a folder has no text files.
        """
        return read_text_folder(self.path) if self.path.is_dir() else super().rows()

    def files(self) -> list[Path]:
        """Return the files with the documents."""
        return text_files(self.path) if self.path.is_dir() else [self.path]


class QueryTable(QueryColumns, File):
    """A table of queries."""

    def read(self) -> tuple[tuple[Query, ...], dict[str, frozenset[str]]]:
        """Return the queries, and query id -> documents that its row excludes."""
        return queries_with_exclusions(self.rows(), self)


class JudgmentTable(JudgmentColumns, File):
    """A table of judgments, or a file with judgments of another tool."""

    def read(self, queries: Mapping[str, str] | None) -> NamedJudgments:
        """Return the judgments; `queries` has the text of each query id, None if there is no table of queries."""

        def grade_of(value: Any, where: str) -> float:
            return parse_grade(value, self.grades, where)

        return read_named_judgments(
            self.path,
            sheet=self.sheet,
            names=JudgmentNames(self.query, self.document, self.grade),
            grade_of=grade_of,
            queries=queries,
        )


class PairTable(PairColumns, File):
    """A table with a query and a document in every row."""


class Tables:
    """Your own tables (CSV, TSV, JSON, Parquet, Excel): graded pairs, or corpus, queries and judgments."""

    class Settings(DatasetSettings):
        """Settings of `tables`: either ``pairs`` or the three other tables.

        Attributes
        ----------
        pairs
            One table with a query, a document and a grade per row. IDs are optional.
        corpus, queries, qrels
            Three tables that are joined by IDs; judgments that name their queries by text are joined by the text.
            `qrels` may also be a file of Quepid, Elasticsearch's `_rank_eval`, OpenSearch or LETOR, TREC qrels, or
            judgments by raters in JSON Lines; raters must agree on the pairs that several of them graded. A file that
            names no raters counts as judgments of people. Grades may be decimals, such as 1.75.
            Without `queries` the queries are those of the judgments, which must have the texts. Without `qrels` the
            judgments are those of `judgments`.
        """

        source: Literal["tables"] = "tables"
        pairs: PairTable | None = None
        corpus: CorpusTable | None = None
        queries: QueryTable | None = None
        qrels: JudgmentTable | None = None

        repeats_exactly: ClassVar[bool] = True

        @model_validator(mode="after")
        def _check_tables(self) -> Self:
            given = [table is not None for table in (self.corpus, self.qrels)]
            later = self.qrels is None and bool(self.judgments) and self.queries is not None
            if (
                any((*given, self.queries))
                if self.pairs is not None
                else not all((given[0], given[1] or later))
            ):
                raise ValueError(
                    "needs either 'pairs', or all of 'corpus', 'queries' and 'qrels'; instead of 'qrels' it may have"
                    " 'judgments', whose files may be missing"
                )
            return self

        def default_name(self) -> str:
            """Return the name of the file with the judgments, or else of the corpus, without its suffixes."""
            table = self.pairs or self.qrels or self.corpus
            return table.path.name.split(".")[0] if table else self.source

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read the tables."""
        if settings.pairs is not None:
            return read_pairs(settings.pairs.rows(), settings.pairs, str(settings.pairs.path))
        corpus, qrels = settings.corpus, settings.qrels
        if corpus is None:
            raise AssertionError("checked settings have one")
        asked, excluded = (None, {}) if settings.queries is None else settings.queries.read()
        judged = _Judged(asked or (), Qrels({})) if qrels is None else _read_judgments(qrels, asked)
        return Parts(
            location=str(corpus.path),
            split=None,
            documents=_with_all_zeros(documents(corpus.rows(), corpus), judged.qrels, qrels.path)
            if qrels
            else documents(corpus.rows(), corpus),
            queries=judged.queries,
            qrels=judged.qrels,
            stamp=Stamp.of_files(corpus.files(), corpus.model_dump(mode="json")),
            excluded=excluded,
            ungraded=judged.ungraded,
            failures=judged.failures,
            raters=judged.raters,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """The queries with their judgments, whether these have no grades, and who gave them or failed to."""

    queries: Sequence[Query]
    qrels: Qrels
    ungraded: bool = False
    failures: int = 0
    raters: RatersOfPairs = field(default_factory=dict)


def _read_judgments(table: JudgmentTable, queries: Sequence[Query] | None) -> _Judged:
    """Return the judgments by query id, and the queries: those given, else those whose texts the judgments have.

    Raises
    ------
    DataFormatError
        If no queries are given, and the judgments do not have all the texts.
    """
    check_by_people(table.path)
    if queries is not None and _has_no_grades(table):
        rows, ungraded = read_judgment_rows(table.rows(), table)
        return _Judged(queries, build_qrels(rows, str(table.path)), ungraded)
    if queries is not None:
        found = table.read({query.query_id: query.text for query in queries})
        return _Judged(queries, found.qrels, failures=found.failures, raters=found.raters)
    judged = table.read(None)
    unknown = [query_id for query_id in judged.qrels.grades if query_id not in judged.texts]
    if unknown:
        raise DataFormatError(
            f"{table.path} has no text for {len(unknown)} of its queries, or does not state that it has texts"
            f" (first: {unknown[0]!r})",
            "name a table with the texts with queries:, or call the column with texts query_text",
        )
    return _Judged([Query(query_id, text) for query_id, text in judged.texts.items()], judged.qrels)


def _has_no_grades(table: JudgmentTable) -> bool:
    """Return whether the file is a table of ids without grades; False where it is no table that can be read.

    Raises
    ------
    DataFormatError
        If raters graded, and the settings say otherwise: a failure would become a grade.
    """
    if names_raters(table.path):
        if table.fixed_grade is not None:
            raise DataFormatError(
                f"{table.path} has judgments by raters, with grades of their own", "remove fixed_grade"
            )
        return False
    if table.fixed_grade is not None:
        return True
    try:
        first = next(table.rows(), None)
        return first is not None and is_ungraded(first[1], table, first[0])
    except DataFormatError:  # the reader of judgments knows more formats, and reports what is wrong
        return False


def _with_all_zeros(found: Iterable[RawDocument], qrels: Qrels, path: Path) -> Iterator[RawDocument]:
    """Yield documents, and check that no judged id lost its leading zeros, as numbers in a spreadsheet do.

    Raises
    ------
    DataFormatError
        If a judged document is not in the collection, but one whose id has zeros before it is.
    """
    numbers = {doc_id for docs in qrels.grades.values() for doc_id in docs if doc_id.isdigit()}
    without_zeros: dict[str, str] = {}
    for document in found:
        numbers.discard(document.doc_id)
        if document.doc_id.startswith("0") and document.doc_id.lstrip("0") in numbers:
            without_zeros[document.doc_id.lstrip("0")] = document.doc_id
        yield document
    lost = min(numbers & without_zeros.keys(), default=None)
    if lost is not None:
        raise DataFormatError(
            f"{path}: the judged document {lost!r} is not in the collection, but {without_zeros[lost]!r} is:"
            " a spreadsheet may have removed the zeros",
            "format the column as text in the spreadsheet, and enter the identifiers again",
        )


def build_qrels(rows: Iterable[tuple[str, str, float]], location: str) -> Qrels:
    """Return judgments from ``(query_id, doc_id, grade)`` rows; errors name the location.

    Raises
    ------
    DataFormatError
        If there are no rows, or a pair has two different grades.
    """
    try:
        qrels = Qrels.from_rows(rows)
    except DataFormatError as error:
        prefix = "" if error.message.startswith(location) else f"{location}: "
        raise DataFormatError(f"{prefix}{error.message}", error.hint) from None
    if not qrels.grades:
        raise DataFormatError(f"{location} contains no judgments")
    return qrels
