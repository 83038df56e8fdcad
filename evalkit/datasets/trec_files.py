"""A collection given as three files: corpus, queries, qrels, in the formats that TREC and its kin use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import DocumentColumns, QueryColumns, documents, queries
from evalkit.datasets.corpora import Stamp
from evalkit.errors import DataFormatError
from evalkit.formats import (
    JSON_SUFFIXES,
    Rows,
    format_suffix,
    open_lines,
    read_qrels,
    read_rows,
    read_sgml_documents,
    read_topics,
)


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"there is no encoding {name!r}; use utf-8, latin-1, cp1252") from None
    return name.lower()


class TrecFiles:
    """Corpus, queries and qrels as files in TREC's formats: SGML, TSV, JSON Lines, CSV; packed or not."""

    class Settings(DatasetSettings):
        """Settings of `trec_files`. Every file may be packed (``.gz``, ``.zst``).

        Attributes
        ----------
        corpus
            JSON Lines, CSV, TSV (id, text or id, title, text, without a header) or SGML (``<DOC>``); or a folder of
            SGML files.
        queries
            JSON Lines, CSV, TSV (id, text), or TREC topics (``<top>``).
        qrels
            ``query_id iteration doc_id grade``, or three columns without the iteration; with a header or without.
        topic_field
            What of a topic is the query: its title, its description, or both.
        encoding
            Of SGML and topics: collections older than UTF-8 are ``latin-1``.
        """

        source: Literal["trec_files"] = "trec_files"
        corpus: Path
        queries: Path
        qrels: Path
        topic_field: Literal["title", "desc", "title+desc"] = "title"
        encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"

        def default_name(self) -> str:
            """Return the name of the qrels file without its endings."""
            return self.qrels.name.split(".")[0]

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read the files."""
        folder = settings.corpus.is_dir()
        files = sorted(f for f in settings.corpus.rglob("*") if f.is_file()) if folder else [settings.corpus]
        topics = partial(_topics, encoding=settings.encoding, field=settings.topic_field)
        read_documents = partial(read_sgml_documents, encoding=settings.encoding)
        return Parts(
            location=str(settings.corpus),
            split=None,
            documents=documents(
                chain.from_iterable(
                    _rows(file, ("docno", "title", "text"), read_documents) for file in files
                ),
                DocumentColumns(),
            ),
            queries=queries(_rows(settings.queries, ("num", "text"), topics), QueryColumns()),
            qrels=read_qrels(settings.qrels),
            stamp=Stamp.of_files(files, settings.encoding),
        )


def _rows(path: Path, names: tuple[str, ...], read_markup: Callable[[Path], Rows]) -> Rows:
    """Yield the rows of a file; mark-up is known by its first character, all else by the file's ending."""
    kind = format_suffix(path)
    if kind in {*JSON_SUFFIXES, ".csv", ".parquet"}:
        return read_rows(path)
    if kind != ".tsv" and next((line for _, line in open_lines(path, "latin-1")), "").lstrip().startswith(
        "<"
    ):
        return read_markup(path)
    return _bare(path, names)


def _bare(path: Path, names: tuple[str, ...]) -> Rows:
    """Yield rows of a TSV without a header: the first and last of the names, or all of them."""
    for number, line in open_lines(path):
        columns = line.split("\t")
        if len(columns) == len(names):
            yield f"{path}:{number}", dict(zip(names, columns, strict=True))
        elif len(columns) == 2:
            yield f"{path}:{number}", {names[0]: columns[0], names[-1]: columns[1]}
        else:
            wanted = "id, text" if len(names) == 2 else "id, text or id, title, text"
            raise DataFormatError(f"{path}:{number} has {len(columns)} columns", f"a row holds {wanted}")


def _topics(path: Path, encoding: str, field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield topics with the query's text, and the rest of each as it is."""
    for where, topic in read_topics(path, encoding):
        text = " ".join(topic[name] for name in field.split("+") if topic[name])
        if not text:
            raise DataFormatError(
                f"{where}: topic {topic['num']} has no {field}", "choose another topic_field"
            )
        yield where, {"text": text, **topic}
