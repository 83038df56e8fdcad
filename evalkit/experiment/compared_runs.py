"""Runs of other engines on one dataset: read from their files before anything is called, and never called."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.config import Config, RunSettings
from evalkit.errors import DataFormatError
from evalkit.formats import number_of, read_rows, read_run
from evalkit.records import Dataset, Run
from evalkit.results.run_facts import LatencyFile, RunFacts
from evalkit.retrievers import without_same_ids


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRun:
    """A run of another engine on one dataset.

    Attributes
    ----------
    run
        Its ranked lists for the queries of the dataset, with the tag of the configuration.
    facts
        What the manifest says of its file.
    latencies
        Query id -> seconds, as the engine measured them; without the queries whose latency is unknown.
    """

    run: Run
    facts: RunFacts
    latencies: Mapping[str, float] = field(default_factory=dict)


def read_runs(config: Config, dataset: Dataset) -> tuple[ComparedRun, ...]:
    """Read the runs of one dataset, in the order of the configuration; none without a quality pass.

    Raises
    ------
    DataFormatError
        If a file is not what it should be, or belongs to another dataset.
    """
    return tuple(
        _read(tag, settings, dataset)
        for tag, files in config.runs.items()
        for settings in files
        if config.quality and settings.dataset == dataset.name
    )


def _read(tag: str, settings: RunSettings, dataset: Dataset) -> ComparedRun:
    file = read_run(settings.path, tag)
    query_ids = [query.query_id for query in dataset.queries]
    of_dataset = file.restricted_to(query_ids)
    of_other_ids = without_same_ids(of_dataset, dataset)
    run = of_other_ids.without(dataset.excluded)
    if not len(run):
        raise DataFormatError(
            f"{settings.path}: the run {tag!r} contains no query of {dataset.name!r}",
            "use a run of this dataset",
        )
    distinct = set(run.doc_ids)
    unknown = [doc_id for doc_id in distinct if doc_id not in dataset.corpus]
    if len(unknown) == len(distinct):
        raise DataFormatError(
            f"{settings.path}: none of the {len(distinct)} documents of the run {tag!r} is in the corpus of"
            f" {dataset.name!r}",
            "use a run with the document ids of this corpus",
        )
    seconds, latencies = _read_latencies(settings.latencies, dataset.name, query_ids)
    lengths = np.diff(run.offsets)
    facts = RunFacts(
        tag=tag,
        dataset=dataset.name,
        path=str(settings.path),
        sha256=_sha256(settings.path),
        queries=len(run.query_ids),
        missing_queries=tuple(query_id for query_id in query_ids if not run.docs(query_id)),
        other_queries=len(file.query_ids) - len(of_dataset.query_ids),
        documents=len(run),
        shortest_list=int(lengths.min()),
        longest_list=int(lengths.max()),
        distinct_documents=len(distinct),
        documents_not_in_corpus=len(unknown),
        same_id_left_out=len(of_dataset) - len(of_other_ids),
        latencies=latencies,
        excluded_left_out=len(of_other_ids) - len(run),
        missing_as_zero=settings.missing_queries == "zero",
    )
    return ComparedRun(run, facts, seconds)


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file as it is on disk, as ``sha256sum`` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_latencies(
    path: Path | None, dataset: str, query_ids: Iterable[str]
) -> tuple[dict[str, float], LatencyFile | None]:
    """Return query id -> seconds of a latency file, and its facts.

    Raises
    ------
    DataFormatError
        If a column is missing, a query occurs twice, a value is no duration, or no query of the dataset has a latency.
    """
    if path is None:
        return {}, None
    rows: dict[str, float | None] = {}
    for where, row in read_rows(path):
        lacking = [name for name in ("query_id", "seconds") if name not in row]
        if lacking:
            raise DataFormatError(
                f"{where} has no column {lacking[0]!r}", "use the columns query_id and seconds"
            )
        query_id = str(row["query_id"])
        if query_id in rows:
            raise DataFormatError(f"{where}: query {query_id!r} occurs twice", "keep one row for each query")
        rows[query_id] = _seconds(row["seconds"], where)
    wanted = list(query_ids)
    known = {query_id: seconds for query_id in wanted if (seconds := rows.get(query_id)) is not None}
    if not known:
        raise DataFormatError(
            f"{path} contains no latency of a query of {dataset!r}", "use the latencies of this dataset"
        )
    return known, LatencyFile(str(path), _sha256(path), len(known), len(wanted) - len(known))


def _seconds(value: Any, where: str) -> float | None:
    """Return a duration in seconds; None where it is empty.

    Raises
    ------
    DataFormatError
        If it is not a finite number of at least 0.
    """
    if value is None or value == "":
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else number_of(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise DataFormatError(
            f"{where} has the latency {value!r}", "use seconds, 0 or more, or leave it empty"
        )
    return seconds
