"""The source for a collection in three files, corpus, queries and qrels, in TREC's and similar formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, model_validator

from evalkit.config import DatasetSettings, InputFile, InputPath
from evalkit.config.settings import with_hint
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import DocumentColumns, QueryColumns, documents, queries_with_exclusions
from evalkit.datasets.corpora import Stamp
from evalkit.datasets.result_judgments import check_by_people
from evalkit.errors import DataFormatError, InputError
from evalkit.files import is_leftover
from evalkit.formats import (
    JSON_SUFFIXES,
    QrelsFile,
    Rows,
    format_suffix,
    open_lines,
    read_judgments,
    read_rows,
    read_sgml_documents,
    read_topics,
)
from evalkit.records import Qrels

_ADDRESS = re.compile(r"(?:https?|ftp)://")


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        error = InputError(f"unknown encoding {name!r}", "use e.g. utf-8, latin-1 or cp1252")
        raise with_hint(error) from None
    return name.lower()


class TrecFiles:
    """Corpus, queries and qrels as files in TREC formats: SGML, TSV, JSON Lines or CSV, plain or compressed."""

    class Settings(DatasetSettings):
        """Settings of `trec_files`. Every file may be compressed (``.gz``, ``.zst``).

        Attributes
        ----------
        corpus
            JSON Lines, CSV, Excel (.xlsx), SGML (``<DOC>``), or TSV without a header: id, text; id, title, text; or MS
            MARCO's id, url, title, text. Or a folder of SGML files.
        queries
            JSON Lines, CSV, Excel (.xlsx), TSV (id, text), or TREC topics (``<top>``).
        qrels
            ``query_id iteration doc_id grade``, or three columns without the iteration; with a header or without. Or a
            table, a file of another tool, or judgments by raters in JSON Lines, as for source `tables`. Grades may be
            decimals, such as 1.75. A file that names no raters counts as judgments of people. May be missing if there
            are `judgments`.
        topic_field
            Part of a topic that is the query: its title, its description, or both.
        encoding
            Encoding of SGML files and topics. Collections older than UTF-8 use ``latin-1``.
        """

        source: Literal["trec_files"] = "trec_files"
        corpus: InputPath
        queries: InputFile
        qrels: InputFile | None = None
        topic_field: Literal["title", "desc", "title+desc"] = "title"
        encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"

        repeats_exactly: ClassVar[bool] = True

        @model_validator(mode="after")
        def _has_judgments(self) -> Self:
            if self.qrels is None and not self.judgments:
                raise ValueError("needs 'qrels', or 'judgments', whose files may be missing")
            return self

        def default_name(self) -> str:
            """Return the name of the qrels file, or else of the corpus, without its suffixes."""
            return (self.qrels or self.corpus).name.split(".")[0]

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read the files."""
        corpus = settings.corpus
        found = (file for file in corpus.rglob("*") if file.is_file() and not is_leftover(file))
        files = sorted(found) if corpus.is_dir() else [corpus]
        read_documents = partial(read_sgml_documents, encoding=settings.encoding)
        document_rows = (_rows(file, ("docno", "title", "text"), read_documents) for file in files)
        read_query_topics = partial(_topics, encoding=settings.encoding, field=settings.topic_field)
        query_rows = _rows(settings.queries, ("num", "text"), read_query_topics)
        asked, excluded = queries_with_exclusions(query_rows, QueryColumns())
        texts = {query.query_id: query.text for query in asked}
        if settings.qrels is not None:
            check_by_people(settings.qrels)
        judged = QrelsFile(Qrels({}), ()) if settings.qrels is None else read_judgments(settings.qrels, texts)
        return Parts(
            location=str(corpus),
            split=None,
            documents=documents(chain.from_iterable(document_rows), DocumentColumns()),
            queries=asked,
            qrels=judged.qrels,
            stamp=Stamp.of_files(files, settings.encoding),
            excluded=excluded,
            failures=judged.failures,
            raters=judged.raters,
        )


def _rows(path: Path, names: tuple[str, ...], read_sgml: Callable[[Path], Rows]) -> Rows:
    """Return an iterator over the rows of a file, in the format of its suffix, or SGML if it begins with ``<``.

    Parameters
    ----------
    path
        The file.
    names
        Columns of a TSV file.
    read_sgml
        Reader for SGML.
    """
    suffix = format_suffix(path)
    if suffix in {*JSON_SUFFIXES, ".csv", ".parquet", ".xlsx"}:
        return read_rows(path)
    if suffix != ".tsv":
        first_line = next((line for _, line in open_lines(path, "latin-1")), "")
        if first_line.lstrip().startswith("<"):
            return read_sgml(path)
    return _read_tsv(path, names)


def _read_tsv(path: Path, names: tuple[str, ...]) -> Rows:
    """Yield rows of a TSV file without a header; the first line shows which columns the file has.

    Where it has two, id and text, a tab in a later line belongs to the text. Of MS MARCO's documents, with four, the
    address is left out.
    """
    columns: tuple[str, ...] = ()
    for number, line in open_lines(path):
        where = f"{path}:{number}"
        cells = line.split("\t")
        if not columns:
            columns = _columns(cells, names, where)
        if len(columns) == 2:
            cells = line.split("\t", 1)
        if len(cells) == 2:
            yield where, {names[0]: cells[0], names[-1]: cells[1]}
        elif len(cells) == len(columns):
            yield where, {name: cell for name, cell in zip(columns, cells, strict=True) if name}
        else:
            raise _wrong_columns(where, len(cells), names)


def _columns(cells: list[str], names: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return the columns of a file from its first line; an empty name is a column that is left out.

    Raises
    ------
    DataFormatError
        If the number of columns is another one.
    """
    if len(cells) == 2:
        return names[0], names[-1]
    if len(cells) == len(names):
        return names
    if len(cells) == 4 and len(names) == 3 and _ADDRESS.match(cells[1]):
        return names[0], "", *names[1:]
    raise _wrong_columns(where, len(cells), names)


def _wrong_columns(where: str, count: int, names: tuple[str, ...]) -> DataFormatError:
    expected = "id, text" if len(names) == 2 else "id, text or id, title, text or id, url, title, text"
    return DataFormatError(f"{where} has {count} columns", f"use the columns {expected}")


def _topics(path: Path, encoding: str, field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield topics with the selected fields joined as ``text``, and all fields unchanged."""
    for where, topic in read_topics(path, encoding):
        text = " ".join(topic[name] for name in field.split("+") if topic[name])
        if not text:
            raise DataFormatError(
                f"{where}: topic {topic['num']} has no {field}", "choose another topic_field"
            )
        yield where, {"text": text, **topic}
