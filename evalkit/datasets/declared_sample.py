"""Draws of queries that were made elsewhere: a file of ids, and the record of what it had when it was first read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from evalkit.config import DatasetSettings
from evalkit.config.judgment_paths import human_sample_file
from evalkit.datasets.human_sample_file import (
    DECLARED,
    Extension,
    HumanSample,
    read_human_sample,
    write_first,
    write_human_sample,
)
from evalkit.datasets.own_judgments import JudgedSoFar
from evalkit.errors import InputError, tell
from evalkit.query_clusters import QueryClusters
from evalkit.records import Dataset, texts_digest, utc_text
from evalkit.records.withheld_correction import WithheldCorrection, draw_changed


def record_of(path: Path) -> Path:
    """Return the record of a file of ids, next to it."""
    return path.with_name(f"{path.name}.record.json")


def recorded_sample(
    path: Path, now: HumanSample, judged: JudgedSoFar, *, writes: bool = True
) -> tuple[HumanSample, WithheldCorrection | None]:
    """Return a draw of `declared_sample` with what its record says, and why it corrects nothing.

    Further ids enlarge the draw; other ids are another draw, which corrects nothing once people have judged.

    Raises
    ------
    DataFormatError
        If the record is none.
    StorageError
        If it cannot be written.
    """
    record = record_of(path)
    earlier = read_human_sample(record, DECLARED)
    if earlier is None:
        return (write_first(record, now) if writes else now), None
    if earlier.sha256 == now.sha256 or set(earlier.query_ids) == set(now.query_ids):
        return replace(earlier, query_ids=now.query_ids, sha256=now.sha256), None
    read_before = judged.of(earlier.query_ids)
    kept = replace(now, judge=earlier.judge, drawn_at=earlier.drawn_at, extensions=earlier.extensions)
    if set(earlier.query_ids) < set(now.query_ids):
        found = replace(
            kept, extensions=(*kept.extensions, Extension(now.queries, now.drawn_at, read_before))
        )
        tell(f"{path} has changed: {len(now.query_ids) - len(earlier.query_ids)} more queries are drawn")
    else:
        tell(f"{path} has changed: it lists other queries than on {earlier.drawn_at}")
        if read_before:
            return kept, draw_changed(path, read_before)
        found = replace(kept, drawn_at=now.drawn_at)
    if writes:
        write_human_sample(record, found)
    return found, None


def check_only_draw(path: Path, settings: DatasetSettings) -> None:
    """Raise InputError if a draw of the dataset that evalkit made is next to a file of ids, or to judgments."""
    folders: Iterable[Path] = (
        path.parent,
        *(one.path.parent for one in settings.judgments if one.path is not None),
    )
    for folder in dict.fromkeys(folders):
        own = human_sample_file(folder, settings.label)
        for found in (own, folder / own.name):
            if found.is_file():
                raise InputError(
                    f"two draws of {settings.label}: {found} was drawn by evalkit, and {path} is declared random",
                    f"use the first (human_sample: {{queries: ...}} without path), or move {found} away",
                )


def declared_sample(path: Path, dataset: Dataset) -> HumanSample:
    """Return a draw that was made elsewhere, from a file with the id of a drawn query in each line.

    Raises
    ------
    InputError
        If there is no such file, an id is none of the dataset's queries or occurs twice, or the draw has some queries
        of a cluster only.
    """
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "no UTF-8"
        raise InputError(f"cannot read {path}: {why}", "name a file with a query id in each line") from None
    ids = [line.strip() for line in lines if line.strip()]
    queries = {query.query_id: query for query in dataset.queries}
    for number, query_id in enumerate(ids):
        if query_id not in queries or query_id in ids[:number]:
            wrong = "occurs twice" if query_id in queries else f"is no query of {dataset.name}"
            raise InputError(f"{path}: {query_id!r} {wrong}", "list each drawn query once, by its id")
    if not ids:
        raise InputError(f"{path}: no query", "list the id of a drawn query in each line")
    clusters = QueryClusters.of_queries(queries, dataset.origin.cluster_field)
    for members in clusters.groups(list(queries)):
        inside = [query_id for query_id in members if query_id in ids]
        if inside and len(inside) < len(members):
            outside = next(query_id for query_id in members if query_id not in inside)
            raise InputError(
                f"{path}: {inside[0]!r} is drawn, and {outside!r} of the same cluster is not",
                "draw whole clusters: queries with equal texts, or one value of cluster_field, are not independent",
            )
    tell(f"{dataset.name}: {len(ids)} queries of {path}, declared random by the user")
    return HumanSample(
        dataset.name,
        seed=0,
        queries=len(ids),
        population=len(queries),
        population_sha256=population_sha256(list(queries)),
        drawn_at=utc_text(),
        query_ids=tuple(ids),
        drawn=DECLARED,
        sha256=sha256(content).hexdigest(),
    )


def population_sha256(query_ids: Iterable[str]) -> str:
    """Return the hash of the ids of the queries that are drawn from."""
    return texts_digest(sorted(query_ids)).hex()
