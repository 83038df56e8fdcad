"""A baseline: what a gate needs of a result, small enough to commit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.errors import InputError, StorageError
from evalkit.records import MetricValues
from evalkit.results import ResultFolder
from evalkit.results.folder import VALUES, read_json, slug, to_json
from evalkit.results.parquet import read_table, write_table
from evalkit.summaries.gate_evidence import Evidence, evidence_of
from evalkit.summaries.opened_results import Result, open_result

BASELINES = Path("results") / "baselines"
SCHEMA_VERSION = 1
_HINT = "save one with: evalkit baseline save RESULT NAME"


def save_baseline(result: Path, name: str, into: Path = BASELINES) -> Path:
    """Save what a gate needs of a complete result, and return where.

    Raises
    ------
    InputError
        If the name is taken by something else, or cannot be a folder's name.
    IncompleteError
        If the result is not complete.
    StorageError
        If it cannot be written.
    """
    if slug(name) != name:
        raise InputError(
            f"{name!r} cannot be a folder's name", f"use letters, digits, dots, dashes: {slug(name)}"
        )
    opened = open_result(result)
    folder = into / name
    if folder.exists() and not _is_baseline(folder):
        raise InputError(f"{folder.resolve()} exists and is no baseline", "choose another name")
    aside = folder.with_name(f".{name}.part")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write(aside, opened, name)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    except OSError as error:
        raise StorageError(f"cannot write {folder.resolve()}: {error}") from None
    return folder


def _write(folder: Path, opened: Result, name: str) -> None:
    evidence = evidence_of(opened)
    manifest = opened.manifest
    kept = ("command", "started", "versions", "git", "machine", "datasets", "rerankers", "endpoints")
    about = {
        "baseline": SCHEMA_VERSION,
        "name": name,
        "saved_from": opened.folder.path.name,
        "first_stage": evidence.first_stage,
        "prints": evidence.prints,
        "rounds": [[*key, sorted(held.items())] for key, held in evidence.rounds.items()],
        "calls": [[*key, *counts] for key, counts in evidence.calls.items()],
        "of": {key: manifest[key] for key in kept if key in manifest},
    }
    (folder / "manifest.json").write_bytes(to_json(about))
    shutil.copyfile(opened.folder.summary_file, folder / "summary.json")
    rows: dict[str, list[Any]] = {column: [] for column in VALUES}
    depth = {comparison_set.dataset: comparison_set.depth for comparison_set in opened.comparison_sets}
    for (dataset, tag), values in evidence.values.items():
        for column, metric in enumerate(values.metrics):
            count = len(values.query_ids)
            rows["dataset"] += [dataset] * count
            rows["reranker"] += [tag] * count
            rows["depth"] += [depth[dataset]] * count
            rows["metric"] += [metric] * count
            rows["query_id"] += values.query_ids
            rows["value"] += values.values[:, column].tolist()
    write_table(folder / "values.parquet", VALUES, rows)


def open_evidence(path: Path) -> Evidence:
    """Read a saved baseline, by its folder or its name, or a whole result folder.

    Raises
    ------
    InputError
        If it is neither, or damaged.
    IncompleteError
        If it is a result that is not complete.
    """
    for place in (path, BASELINES / path):
        if _is_baseline(place):
            return _read(place)
    if ResultFolder(path).manifest_file.is_file():
        return evidence_of(open_result(path))
    raise InputError(f"{path} is neither a baseline nor a result folder", _HINT)


def _is_baseline(folder: Path) -> bool:
    file = folder / "manifest.json"
    return file.is_file() and isinstance(about := read_json(file), dict) and "baseline" in about


def _read(folder: Path) -> Evidence:
    about = read_json(folder / "manifest.json")
    if about["baseline"] != SCHEMA_VERSION:
        raise InputError(
            f"{folder.resolve()} has the schema version {about['baseline']!r}; this evalkit reads {SCHEMA_VERSION}",
            "save it again from its result",
        )
    values: dict[tuple[str, str], MetricValues] = {}
    table = read_table(folder / "values.parquet")
    for (dataset, tag), part in table.groupby(["dataset", "reranker"], sort=False):
        wide = part.pivot_table(index="query_id", columns="metric", values="value", sort=False)
        labels = tuple(dict.fromkeys(part["metric"]))
        columns = wide[list(labels)].to_numpy(dtype=np.float64)
        values[str(dataset), str(tag)] = MetricValues(str(tag), labels, tuple(wide.index), columns)
    return Evidence(
        name=str(folder),
        first_stage=about["first_stage"],
        values=values,
        unscored=dict.fromkeys(values, 0),
        prints=about["prints"],
        rounds={tuple(key): {int(n): value for n, value in held} for *key, held in about["rounds"]},
        calls={(dataset, tag): (calls, failed) for dataset, tag, calls, failed in about["calls"]},
    )
