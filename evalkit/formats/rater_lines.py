"""Read and write judgments as JSON Lines, one judgment a line."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from evalkit.errors import DataFormatError
from evalkit.formats.text_files import File, format_suffix, open_lines, read_json_lines
from evalkit.records.judged_columns import plain_grade
from evalkit.records.judgments import Judgment, Rater
from evalkit.records.qrels import EXCLUDED_GRADE, check_grade

BINARY_TABLES = frozenset({".xlsx", ".parquet"})
"""Suffixes of tables without lines."""
_KEYS = {
    "query_id", "doc_id", "grade", "rater", "at", "query_sha256", "doc_sha256", "raw", "tokens", "cost_usd", "failure",
    "note",
}  # fmt: skip
_RATER_KEYS = {"kind", "name", "prompt_sha256", "scale", "settings"}
_TEXTS = ("query_sha256", "doc_sha256", "raw", "failure", "note")


def is_judgment_line(line: str) -> bool:
    """Return whether a line is a judgment by a rater: an object with the ids of a pair and an object ``rater``."""
    if '"rater"' not in line:
        return False
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(row, dict) and {"query_id", "doc_id"} <= row.keys() and isinstance(row["rater"], dict)


def names_raters(path: File) -> bool:
    """Return whether a file is one of judgments with raters, by its first line."""
    if format_suffix(path) in BINARY_TABLES:
        return False
    return is_judgment_line(next((line for _, line in open_lines(path) if line.strip()), ""))


def read_judgment_lines(path: File) -> Iterator[Judgment]:
    """Yield the judgments of a file, in its order; equal raters are one object.

    The beginning of a line at the end of the file is left out: it is being written, or its writer was killed.

    Raises
    ------
    DataFormatError
        If a line is no judgment; the message names the line.
    """
    raters: dict[bytes, Rater] = {}
    cut = _cut_line(path)
    for number, row in read_json_lines(path, cut):
        where = f"{path}:{number}"
        if unknown := sorted(row.keys() - _KEYS):
            raise DataFormatError(f"{where} has the unknown key {unknown[0]!r}", "use the keys of a judgment")
        rater = row.get("rater")
        known = orjson.dumps(rater, option=orjson.OPT_SORT_KEYS)
        if known not in raters:
            raters[known] = _rater(rater, where)
        yield _judgment(row, raters[known], where)


def _cut_line(path: File) -> int | None:
    """Return the number of the last line if it is the beginning of an object without its end and line break."""
    with path.open("rb") as file:
        ends = deque(enumerate(file, start=1), maxlen=1)
    number, last = ends[0] if ends else (0, b"")
    if last.endswith(b"\n") or not last.startswith(b"{"):
        return None
    try:
        orjson.loads(last)
    except orjson.JSONDecodeError:
        return number
    return None


def _judgment(row: Mapping[str, Any], rater: Rater, where: str) -> Judgment:
    for key in ("query_id", "doc_id", "at"):
        if not isinstance(row.get(key), str) or not row[key]:
            raise DataFormatError(f"{where}: {key!r} must be text", "add it, in quotation marks")
    for key in _TEXTS:
        if not isinstance(row.get(key), str | None):
            raise DataFormatError(f"{where}: {key!r} must be text", "use a text, or leave the key out")
    grade = _number(row.get("grade"), "grade", where)
    if (grade is None) == (row.get("failure") is None):
        both = "neither 'grade' nor 'failure'" if grade is None else "both 'grade' and 'failure'"
        raise DataFormatError(f"{where} has {both}", "keep one of them: a failure has no grade")
    if grade is not None:
        check_grade(grade, where)
    if grade == EXCLUDED_GRADE:
        raise DataFormatError(
            f"{where}: grade {EXCLUDED_GRADE} excludes a document, which no rater does",
            "remove the line; exclusions belong into the qrels of the dataset",
        )
    tokens = row.get("tokens")
    if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0):
        raise DataFormatError(
            f"{where}: 'tokens' must be a count", "use a whole number, or leave the key out"
        )
    cost_usd = _number(row.get("cost_usd"), "cost_usd", where)
    texts = {key: row.get(key) for key in _TEXTS}
    return Judgment(
        row["query_id"], row["doc_id"], grade, rater, row["at"], tokens=tokens, cost_usd=cost_usd, **texts
    )


def _number(value: Any, key: str, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataFormatError(f"{where}: {key!r} must be a number", "use a number, or leave the key out")
    return float(value)


def _rater(content: Any, where: str) -> Rater:
    if not isinstance(content, dict):
        raise DataFormatError(f"{where}: 'rater' must be an object", 'add {"kind": "human", "name": ...}')
    if unknown := sorted(content.keys() - _RATER_KEYS):
        raise DataFormatError(f"{where}: 'rater' has the unknown key {unknown[0]!r}", "remove it")
    if content.get("kind") not in {"human", "model"}:
        raise DataFormatError(f"{where}: the kind of 'rater' must be 'human' or 'model'", "name one of them")
    if not isinstance(content.get("name"), str) or not content["name"]:
        raise DataFormatError(f"{where}: 'rater' needs a name", "add the name of the person or of the model")
    texts = {key: content.get(key) for key in ("prompt_sha256", "scale")}
    if not all(isinstance(text, str | None) for text in texts.values()):
        raise DataFormatError(f"{where}: 'prompt_sha256' and 'scale' of 'rater' must be text", "use texts")
    settings = content.get("settings") or {}
    if not isinstance(settings, dict):
        raise DataFormatError(f"{where}: 'settings' of 'rater' must be an object", "use an object")
    return Rater(content["kind"], content["name"], settings=settings, **texts)


def judgment_of_line(line: bytes, where: str) -> Judgment:
    """Return the judgment of one line.

    Raises
    ------
    DataFormatError
        If it is no judgment; the message begins with `where`.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataFormatError(f"{where} is not JSON: {error}", "restore it from a copy") from None
    if not isinstance(row, dict):
        raise DataFormatError(f"{where} is no object", "restore it from a copy")
    return _judgment(row, _rater(row.get("rater"), where), where)


def judgment_lines(judgments: Iterable[Judgment]) -> bytes:
    """Return judgments as JSON Lines; keys without a value are left out, but `grade` of a failure is null."""
    return b"".join(orjson.dumps(_row(one), option=orjson.OPT_APPEND_NEWLINE) for one in judgments)


def _row(one: Judgment) -> dict[str, Any]:
    rater: dict[str, Any] = {"kind": one.rater.kind, "name": one.rater.name}
    optional = {
        "prompt_sha256": one.rater.prompt_sha256,
        "scale": one.rater.scale,
        "settings": dict(one.rater.settings) or None,
    }
    grade = one.grade
    row = {
        "query_id": one.query_id,
        "doc_id": one.doc_id,
        "grade": None if grade is None else plain_grade(grade),
        "rater": rater | {key: value for key, value in optional.items() if value is not None},
        "at": one.at,
    }
    rest = {key: getattr(one, key) for key in (*_TEXTS[:3], "tokens", "cost_usd", *_TEXTS[3:])}
    return row | {key: value for key, value in rest.items() if value is not None}
