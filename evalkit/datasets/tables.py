"""The source for a user's own tables: CSV, TSV, JSON Lines, Parquet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import model_validator

from evalkit.config import DatasetSettings, InputFile
from evalkit.config import Settings as Block
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    DocumentColumns,
    JudgmentColumns,
    QueryColumns,
    documents,
    queries_with_exclusions,
    read_judgments,
)
from evalkit.datasets.corpora import Stamp
from evalkit.datasets.pairs import PairColumns, read_pairs
from evalkit.errors import DataFormatError
from evalkit.formats import read_rows
from evalkit.records import Qrels


class File(Block):
    """A table in a file.

    Attributes
    ----------
    path
        CSV or TSV with a header, JSON Lines or Parquet, packed or not.
    """

    path: InputFile


class CorpusTable(DocumentColumns, File):
    """A table of documents."""


class QueryTable(QueryColumns, File):
    """A table of queries."""


class JudgmentTable(JudgmentColumns, File):
    """A table of judgments."""


class PairTable(PairColumns, File):
    """A table with a query and a document in every row."""


class Tables:
    """Your own tables (CSV, TSV, JSON Lines, Parquet): graded pairs, or corpus, queries and judgments."""

    class Settings(DatasetSettings):
        """Settings of `tables`: either ``pairs`` or the three other tables.

        Attributes
        ----------
        pairs
            One table with a query, a document and a grade per row. IDs are optional.
        corpus, queries, qrels
            Three tables that are joined by IDs.
        """

        source: Literal["tables"] = "tables"
        pairs: PairTable | None = None
        corpus: CorpusTable | None = None
        queries: QueryTable | None = None
        qrels: JudgmentTable | None = None

        @model_validator(mode="after")
        def _check_tables(self) -> Self:
            given = [table is not None for table in (self.corpus, self.queries, self.qrels)]
            if any(given) if self.pairs is not None else not all(given):
                raise ValueError("needs either 'pairs', or all of 'corpus', 'queries' and 'qrels'")
            return self

        def default_name(self) -> str:
            """Return the name of the file with the judgments, without its suffixes."""
            table = self.pairs or self.qrels
            return table.path.name.split(".")[0] if table else self.source

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read the tables."""
        if settings.pairs is not None:
            return read_pairs(read_rows(settings.pairs.path), settings.pairs, str(settings.pairs.path))
        corpus, query_table, qrels = settings.corpus, settings.queries, settings.qrels
        if corpus is None or query_table is None or qrels is None:
            raise AssertionError("checked settings have all three")
        queries, excluded = queries_with_exclusions(read_rows(query_table.path), query_table)
        judgments, ungraded = read_judgments(read_rows(qrels.path), qrels)
        return Parts(
            location=str(corpus.path),
            split=None,
            documents=documents(read_rows(corpus.path), corpus),
            queries=queries,
            qrels=build_qrels(judgments, str(qrels.path)),
            stamp=Stamp.of_files([corpus.path], corpus.model_dump(mode="json")),
            excluded=excluded,
            ungraded=ungraded,
        )


def build_qrels(rows: Iterable[tuple[str, str, int]], location: str) -> Qrels:
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
