"""Read TREC's SGML: documents in ``<DOC>`` and topics in ``<top>``. It is not XML: inner tags may be unclosed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from evalkit.errors import DataFormatError
from evalkit.formats.row_files import Rows
from evalkit.formats.text_files import LONGEST_LINE, File, open_lines

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_TITLE = re.compile(r"<(title|headline|head|hl|ti)\b[^<>]*>", re.IGNORECASE)
_BODY = re.compile(r"<(text|body|abstract)\b[^<>]*>", re.IGNORECASE)
_DOCNO = re.compile(r"<(docno)>", re.IGNORECASE)
_NUMBER = re.compile(
    r"<num>\s*(?:number\s*:\s*)?([^\s<]+)|<topic\b[^<>]*?\b(?:number|id)=[\"']?([^\s\"'>]+)", re.IGNORECASE
)
_FIELD = re.compile(
    r"<(title|query|desc|description|question|narr|narrative)\b[^<>]*>\s*"
    r"(?:(?:topic|description|narrative)\s*:)?(.*?)(?=<|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_LONG_REFERENCE = re.compile(r"&#[0-9]{9,};?")
"""A character's number that no character has."""
_FIELD_NAMES = {"query": "title", "description": "desc", "question": "desc", "narrative": "narr"}


def read_sgml_documents(path: File, encoding: str = "utf-8") -> Rows:
    """Yield ``docno``, ``title`` and ``text`` of every ``<DOC>`` of a file.

    The text is the content of ``<TEXT>``, ``<BODY>`` and ``<ABSTRACT>`` without tags and with entities resolved. If a
    document has none of these elements, the text is everything after its number.

    Raises
    ------
    DataFormatError
        If a document has no number or no end tag, or the file has no document; the message names file and line.
    """
    for where, source in _blocks(path, encoding, "doc"):
        number = next(_elements(_DOCNO, source), None)
        if number is None:
            raise DataFormatError(f"{where}: document without <DOCNO>", "add <DOCNO> to every document")
        bodies = [body.content for body in _elements(_BODY, source)]
        title = next(_elements(_TITLE, source), None)
        rest = source[number.end :] if not bodies else ""
        yield (
            where,
            {
                "docno": number.content.strip(),
                "title": _plain(title.content) if title and bodies else "",
                "text": "\n".join(_plain(body) for body in bodies) or _plain(rest),
            },
        )


class _Element(NamedTuple):
    """The content of an element, and the place after its end tag."""

    content: str
    end: int


def _elements(start_tag: re.Pattern[str], source: str) -> Iterator[_Element]:
    """Yield the elements with the given start tag, of which group 1 is the name, and with an end tag.

    Takes time in proportion to the length, also where many tags are not closed.
    """
    place = 0
    unclosed: set[str] = set()
    while start := start_tag.search(source, place):
        place, name = start.end(), start[1].lower()
        end = None if name in unclosed else _end_tag(name).search(source, place)
        if end is None:
            unclosed.add(name)
            continue
        yield _Element(source[place : end.start()], end.end())
        place = end.end()


@cache
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(f"</{name}>", re.IGNORECASE)


def read_topics(path: File, encoding: str = "utf-8") -> Rows:
    """Yield ``num``, ``title``, ``desc`` and ``narr`` of every ``<top>`` or ``<topic>`` of a file.

    Raises
    ------
    DataFormatError
        If a topic has no number or no end tag, or the file has no topic; the message names file and line.
    """
    for where, source in _blocks(path, encoding, "top(?:ic)?"):
        number = _NUMBER.search(source)
        if number is None:
            raise DataFormatError(f"{where}: topic without a number", "write <num> Number: 301")
        fields = {"title": "", "desc": "", "narr": ""}
        for name, text in _FIELD.findall(source):
            fields[_FIELD_NAMES.get(name.lower(), name.lower())] = " ".join(_plain(text).split())
        yield where, {"num": number[1] or number[2], **fields}


def _blocks(path: File, encoding: str, tag: str) -> Iterator[tuple[str, str]]:
    """Yield ``(position of the start tag, source)`` of every element whose name matches the pattern `tag`.

    A start tag must begin a line, and each line belongs to at most one element.
    """
    begin = re.compile(rf"\s*<{tag}(?=[\s>])", re.IGNORECASE)
    end = re.compile(rf"</{tag}>", re.IGNORECASE)
    lines: list[str] = []
    where, size = "", 0
    for number, line in open_lines(path, encoding):
        if begin.match(line):
            if lines:
                raise DataFormatError(f"{where}: tag not closed before line {number}", "close the tag")
            where = f"{path}:{number}"
        elif not lines:
            continue
        lines.append(line)
        size += len(line)
        if size > LONGEST_LINE:
            raise DataFormatError(
                f"{where}: more than {LONGEST_LINE // 2**20} MiB before the end tag", "close the tag"
            )
        if end.search(line):
            yield where, "\n".join(lines)
            lines, size = [], 0
    if lines:
        raise DataFormatError(f"{where}: tag not closed", "check that the file is complete")
    if not where:
        raise DataFormatError(f"{path} contains no <{tag.partition('(')[0]}>", "check the format of the file")


def _plain(source: str) -> str:
    """Return SGML source without tags and with entities resolved."""
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", _TAG.sub(" ", source))).strip()
