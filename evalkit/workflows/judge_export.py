"""``evalkit judge export``: judgments as a file of another tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evalkit.config import is_config_file
from evalkit.datasets import one_dataset, open_dataset, query_texts
from evalkit.errors import InputError, StorageError
from evalkit.files import write_file
from evalkit.formats import judgment_lines, names_raters, read_judgment_lines
from evalkit.formats.exported_judgments import (
    Grades,
    count_fractional,
    plain_csv,
    rank_eval_request,
    rows_of,
)
from evalkit.formats.written_judgments import WrittenJudgment, judgments_csv, trec_qrels, whole_trec_grade
from evalkit.judging.dataset_raters import dataset_raters, read_sources
from evalkit.judging.rater_grades import RaterGrades, choose_judges, grades_by_rater, raters_of
from evalkit.records import JudgedBy, Judgment, judged_by
from evalkit.summaries.judges_note import warn_raters_lost

Format = Literal["trec", "csv", "quepid", "rank_eval", "jsonl"]
_BY_SUFFIX: Mapping[str, Format] = {".jsonl": "jsonl", ".csv": "csv", ".json": "rank_eval"}
"""Format of a file without ``--format``; others are TREC qrels."""
_WHOLE = {"trec", "quepid", "rank_eval"}
"""Formats with whole grades."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export, and how.

    Attributes
    ----------
    format
        Format of the file; None for that of its suffix.
    rater
        Name of the only rater; None for all of a file, or for the judgments that count in a configuration.
    dataset
        Dataset with the texts of the queries, for files of judgments; or the dataset of the configuration.
    index
        Name of the index, for ``rank_eval``.
    overrides
        ``path=value`` settings that replace those of the configuration.
    """

    format: Format | None = None
    rater: str | None = None
    dataset: str | None = None
    index: str = "documents"
    overrides: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes
    ----------
    format
        Its format.
    queries, judgments
        Their numbers.
    rounded
        Fractional grades that were rounded to whole ones.
    """

    format: Format
    queries: int
    judgments: int
    rounded: int


def export_file(source: Path, file: Path, options: ExportOptions) -> Exported:
    """Write judgments to a new file.

    Parameters
    ----------
    source
        A file of judgments with their raters, or a configuration.
    file
        The file to write.
    options
        What to export.

    Raises
    ------
    InputError
        If the file exists, the rater is unknown, raters disagree, or a text that the format needs is not known.
    StorageError
        If the file cannot be written.
    """
    kind = options.format or _BY_SUFFIX.get(file.suffix.lower(), "trec")
    if file.exists():
        raise InputError(f"{file} exists", "choose a new file")
    configured = is_config_file(source)
    found = _of_configuration(source, options) if configured else _of_lines(source, options)
    if kind == "jsonl":
        kept = _by_rater(found, options.rater, source)
        content, grades = judgment_lines(kept), _counted(kept)
    else:
        grades = _chosen_grades(found, options.rater, source)
        content = _content(kind, grades, found.texts, options.index)
    try:
        write_file(file, content)
    except OSError as error:
        raise StorageError(f"cannot write {file.resolve()}: {error}", "choose a writable folder") from None
    if kind != "jsonl":
        warn_raters_lost(_judged_by(found, options.rater, source), str(file))
    rounded = count_fractional(grades) if kind in _WHOLE else 0
    return Exported(kind, len(grades), sum(map(len, grades.values())), rounded)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """The judgments of a source: by rater, as lines, and those that count; None where nothing says which count."""

    raters: Sequence[RaterGrades]
    judgments: Sequence[Judgment]
    counted: Grades | None
    texts: Mapping[str, str]
    judged_by: JudgedBy


def _of_lines(source: Path, options: ExportOptions) -> _Found:
    if not names_raters(source):
        raise InputError(
            f"{source} is neither a configuration nor a file of judgments with raters",
            "import it first: evalkit judge import FILE --into JUDGMENTS.jsonl --rater NAME --kind human",
        )
    judgments = list(read_judgment_lines(source))
    raters = raters_of(grades_by_rater(judgments))
    counted = raters[0].qrels.grades if len(raters) == 1 else None
    texts = query_texts(options.dataset, options.overrides) or {}
    return _Found(raters, judgments, counted, texts, judged_by(one.rater for one in judgments))


def _of_configuration(source: Path, options: ExportOptions) -> _Found:
    settings = one_dataset(str(source), options.dataset, options.overrides)
    dataset = open_dataset(settings)
    sources = read_sources(settings)
    texts = {query.query_id: query.text for query in dataset.queries}
    return _Found(
        dataset_raters(dataset, sources) if options.rater is not None else (),
        [one for _, judgments in sources for one in judgments],
        dataset.qrels.grades,
        texts,
        dataset.origin.judged_by,
    )


def _chosen_grades(found: _Found, rater: str | None, source: Path) -> Grades:
    """Return the grades of the named rater, else those that count."""
    if rater is not None:
        return choose_judges(found.raters, rater, str(source))[0].qrels.grades
    if found.counted is None:
        names = ", ".join(repr(one.name) for one in found.raters)
        raise InputError(f"{source} has judgments by several raters: {names}", "choose one with --rater NAME")
    return found.counted


def _judged_by(found: _Found, rater: str | None, source: Path) -> JudgedBy:
    """Return whose grades `_chosen_grades` returns."""
    if rater is None:
        return found.judged_by
    return "judge only" if choose_judges(found.raters, rater, str(source))[0].kind == "model" else "human"


def _by_rater(found: _Found, rater: str | None, source: Path) -> list[Judgment]:
    """Return the lines of the named rater, else all lines."""
    kept = [one for one in found.judgments if rater is None or rater in {one.rater.name, one.rater.label}]
    if not kept:
        who = "files of judgments" if rater is None else f"judgments by {rater!r} in a file"
        raise InputError(f"{source} has no {who}", "choose another format, or another rater")
    return kept


def _counted(judgments: Sequence[Judgment]) -> Grades:
    """Return the pairs of judgments with a grade, for their number."""
    found: dict[str, dict[str, float]] = {}
    for one in judgments:
        if one.grade is not None:
            found.setdefault(one.query_id, {})[one.doc_id] = one.grade
    return found


def _content(kind: Format, grades: Grades, texts: Mapping[str, str], index: str) -> bytes:
    if kind == "trec":
        return trec_qrels(rows_of(grades))
    if kind == "csv":
        return plain_csv(grades)
    if kind == "rank_eval":
        return rank_eval_request(grades, texts, index)
    missing = next((query_id for query_id in grades if not texts.get(query_id)), None)
    if missing is not None:
        raise InputError(
            f"the text of query {missing!r} is not known, and Quepid names queries by their texts",
            "add the dataset that has it: --dataset SPEC",
        )
    rows = (
        WrittenJudgment(query_id, texts[query_id], doc_id, "", whole_trec_grade(grade))
        for query_id, docs in grades.items()
        for doc_id, grade in docs.items()
    )
    return judgments_csv(rows)
