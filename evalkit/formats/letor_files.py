"""Read the judgments of files with features for learning to rank: LETOR, RankLib, and what Quepid exports for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalkit.errors import DataFormatError
from evalkit.formats.rated_rows import RatedRow, RatedRows
from evalkit.formats.text_files import File, open_lines

_LINE = re.compile(r"\s*(\S+)\s+qid:(\S+)((?:\s+[0-9]+:\S+)*)\s*(?:#(.*))?")
_DOC_ID = re.compile(r"\s*docid\s*=\s*(\S+)(.*)", re.IGNORECASE)
_TEXT_OF_QUERY = re.compile(r"\s*#\s*qid:(\S+?):\s*(\S.*?)\s*")
"""A comment with the text of a query; in such files the title of the document follows its id."""
_NOT_JUDGED = "-1"


def is_letor(line: str) -> bool:
    """Return whether a line begins as those of LETOR do: a label, then ``qid:``."""
    return re.match(r"\s*[^\s#]\S*\s+qid:\S", line) is not None


def read_letor(path: File) -> RatedRows:
    """Return the judgments of lines ``2 qid:10 1:0.5 ... # docid = GX000-00 inc = 1`` or ``3 qid:1 # 1370 star trek``.

    The document is named after ``#``: with ``docid =`` as in LETOR, or as the first word, before the text of the query,
    as RankLib and Quepid write it. Where comments state the texts of queries (``# qid:1: rambo``, as in the example of
    Elasticsearch's plugin for learning to rank), what follows the document is its title.

    The label -1 marks documents that were not judged (LETOR 4.0, semi-supervised sets).
    Sources: https://www.microsoft.com/en-us/research/project/letor-learning-rank-information-retrieval/letor-4-0/ and
    RankLib's file format.

    Raises
    ------
    DataFormatError
        While the rows are read: if a line has another form, or names no document; the message names file and line.
    """
    texts: dict[str, str] = {}
    return RatedRows(_rows(path, texts), "id", texts)


def _rows(path: File, texts: dict[str, str]) -> Iterator[RatedRow]:
    has_titles = False
    for number, line in open_lines(path):
        where = f"{path}:{number}"
        if line.lstrip().startswith("#"):
            stated = _TEXT_OF_QUERY.fullmatch(line)
            if stated:
                texts[stated[1]] = stated[2]
                has_titles = True
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise DataFormatError(
                f"{where} is not a line of LETOR", "use: label qid:QUERY feature:value ... # docid = DOCUMENT"
            )
        label, query, _, comment = found.groups()
        doc_id, text = _document(comment or "")
        if not doc_id:
            raise DataFormatError(
                f"{where} names no document: nothing follows a '#'",
                "use a file with document ids; sets such as MSLR-WEB have features without documents",
            )
        if text and not has_titles and texts.setdefault(query, text) != text:
            raise DataFormatError(
                f"{where}: query {query!r} has two texts, {texts[query]!r} and {text!r}", "fix the texts"
            )
        yield RatedRow(where, query, doc_id, None if label == _NOT_JUDGED else label)


def _document(comment: str) -> tuple[str, str]:
    """Return the document id of a comment, and the text of the query if the comment has it."""
    named = _DOC_ID.fullmatch(comment)
    if named:
        return named[1], ""
    if not comment.strip():
        return "", ""
    doc_id, *rest = comment.split(None, 1)
    return doc_id, rest[0].strip() if rest else ""
