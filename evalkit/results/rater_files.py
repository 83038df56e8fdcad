"""Grades of single raters: those from which a result's judges are audited, and those that correct its differences."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from evalkit.errors import InputError
from evalkit.formats import read_json_lines, write_gzip
from evalkit.judging.rater_grades import RaterGrades
from evalkit.records import Qrels, RaterKind
from evalkit.results.dataset_files import CORRECTION, RATERS, dataset_file
from evalkit.results.json_shapes import from_plain

if TYPE_CHECKING:
    from evalkit.results.folder import ResultFolder

Rows = tuple[tuple[str, RaterKind | None, str, dict[str, float], tuple[str, ...]], ...]
_COMPLETE = "check that the result folder is complete"


def write_rater_grades(folder: ResultFolder, dataset: str, raters: Sequence[RaterGrades]) -> None:
    """Write the grades of the raters of a dataset, one row for each rater and query; no file without raters.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    _write(folder, dataset_file(folder.path, RATERS, dataset), raters)


def read_rater_grades(folder: ResultFolder, dataset: str) -> list[RaterGrades]:
    """Return the raters of a dataset in their order; none if the file is missing.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    file = dataset_file(folder.path, RATERS, dataset)
    return _read(file) if file.is_file() else []


def write_correction_grades(folder: ResultFolder, dataset: str, raters: Sequence[RaterGrades]) -> None:
    """Write the grades of people and of the judge that they correct, with its failures; no file without raters.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    _write(folder, dataset_file(folder.path, CORRECTION, dataset), raters)


def correction_sha256(raters: Sequence[RaterGrades]) -> str:
    """Return the SHA-256 of the rows that `write_correction_grades` writes, before they are compressed."""
    return hashlib.sha256(_text(raters).encode()).hexdigest()


def read_correction_grades(
    folder: ResultFolder, dataset: str, sha256: str | None
) -> tuple[RaterGrades, RaterGrades] | None:
    """Return the grades of people, and those of the judge that they correct; None where there are none.

    Parameters
    ----------
    folder, dataset
        The result, and the dataset.
    sha256
        The hash of its rows in the manifest; None where it has none.

    Raises
    ------
    InputError
        If the file is missing, damaged, or not that of the run, or does not hold people first and a model second.
    """
    file = dataset_file(folder.path, CORRECTION, dataset)
    if not file.is_file():
        if sha256 is None:
            return None
        raise InputError(f"{file} is missing, which has the grades that verdicts rest on", _COMPLETE)
    raters = _read(file)
    if [one.kind for one in raters] != ["human", "model"]:
        kinds = ", ".join(f"{one.name} ({one.kind})" for one in raters) or "no rater"
        raise InputError(
            f"{file} has other raters than people and then one model: {kinds}", "restore it from a copy"
        )
    if hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest() != sha256:
        raise InputError(
            f"{file} was changed since the run: the manifest has another hash of its grades",
            "restore it from a copy, or run the configuration again",
        )
    people, judge = raters
    return people, judge


def _text(raters: Sequence[RaterGrades]) -> str:
    return "".join(f"{orjson.dumps(row).decode()}\n" for row in _rows(raters))


def _rows(raters: Sequence[RaterGrades]) -> Iterator[Mapping[str, object]]:
    for one in raters:
        for query_id in dict.fromkeys((*one.qrels.grades, *sorted(one.failed))):
            failed = sorted(one.failed.get(query_id, ()))
            row = {
                "rater": one.name,
                "kind": one.kind,
                "query_id": query_id,
                "grades": dict(one.qrels.of(query_id)),
            }
            yield {**row, "failed": failed} if failed else row


def _write(folder: ResultFolder, file: Path, raters: Sequence[RaterGrades]) -> None:
    text = _text(raters)
    with folder.writing():
        if text:
            write_gzip(file, text, inside=folder.path)
        else:
            file.unlink(missing_ok=True)


def _read(file: Path) -> list[RaterGrades]:
    plain = [
        [row.get("rater"), row.get("kind"), row.get("query_id"), row.get("grades"), row.get("failed", [])]
        for _, row in read_json_lines(file)
    ]
    rows = from_plain(Rows, plain, file, _COMPLETE)
    grades: dict[tuple[str, RaterKind | None], dict[str, dict[str, float]]] = {}
    failed: dict[tuple[str, RaterKind | None], dict[str, frozenset[str]]] = {}
    for name, kind, query_id, docs, without in rows:
        of_rater = grades.setdefault((name, kind), {})
        if docs:
            of_rater[query_id] = docs
        if without:
            failed.setdefault((name, kind), {})[query_id] = frozenset(without)
    return [
        RaterGrades(name, kind, Qrels(found), failed=failed.get((name, kind), {}))
        for (name, kind), found in grades.items()
    ]
