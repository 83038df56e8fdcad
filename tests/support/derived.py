"""A complete result with a report, changes of its raw data, and what a report writes that knows of no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pandas as pd

from evalkit.formats import write_gzip
from evalkit.results import derived_record
from evalkit.results.folder import ResultFolder
from evalkit.workflows.report import rebuild
from support.api_runs import write_collection
from support.checked import Backend
from support.finished import DEPTH, edit_json, finished, lifted


def timed_result(made: Path) -> Path:
    """Return a complete result with a quality pass and a latency pass, in a new folder."""
    write_collection(made / "small", 12)
    backends = {"a": Backend(lifted(1.0)), "whole": Backend(lifted(0.5), pointwise=False)}
    latency = {"batch_sizes": [1, 2], "calls": 6}
    return finished(made / "small", made / "complete", backends, depths=[3, DEPTH], latency=latency)


def contents(folder: ResultFolder) -> dict[str, bytes]:
    """Return the content of all files that are derived, but the record."""
    return {name: (folder.path / name).read_bytes() for name in derived_record.derived_hashes(folder)}


def copy_of_raw(folder: ResultFolder, path: Path) -> ResultFolder:
    """Return a copy of a result without derived files."""
    copy = ResultFolder(shutil.copytree(folder.path, path))
    copy.derived_file.unlink()
    for name in derived_record.derived_hashes(copy):
        (copy.path / name).unlink()
    return copy


def without_record(folder: ResultFolder, into: Path) -> dict[str, bytes]:
    """Return what a report writes that cannot know of any other: from a copy of the folder, without derived files."""
    alone = copy_of_raw(folder, into / "alone" / folder.path.name)
    rebuild(alone)
    return contents(alone)


def change_score(folder: ResultFolder) -> None:
    """Change one score in its last digit."""
    scores = pd.read_parquet(folder.scores_file)
    row = scores.index[scores["reranker"] == "a"][0]
    scores.loc[row, "score"] = scores.loc[row, "score"] * (1 + 2**-52)
    scores.to_parquet(folder.scores_file)


def change_call(folder: ResultFolder) -> None:
    """Make one timed call slower."""
    calls = pd.read_parquet(folder.calls_file)
    row = calls.index[calls["pass"] == "latency"][0]
    calls.loc[row, ["body_s", "end_s"]] += 0.001
    calls.to_parquet(folder.calls_file)


def change_grade(folder: ResultFolder) -> None:
    """Change one grade."""
    qrels = folder.read_qrels("small")
    grades = {query: dict(docs) for query, docs in qrels.grades.items()}
    grades["q1"]["d1.1"] = 2
    folder.write_qrels("small", type(qrels)(grades))


def change_query(folder: ResultFolder) -> None:
    """Change the text of one query."""
    rows = [query.row() for query in folder.read_queries("small").values()]
    rows[0]["text"] += " again"
    lines = "".join(orjson.dumps(row).decode() + "\n" for row in rows)
    write_gzip(folder.queries_file("small"), lines, inside=folder.path)


def change_option(folder: ResultFolder) -> None:
    """Change one option of the comparison."""
    file = folder.resolved_config_file
    file.write_text(file.read_text("utf-8").replace("margin: 0.01", "margin: 0.02"), encoding="utf-8")


def change_manifest(folder: ResultFolder) -> None:
    """Change a fact that only the pages show."""
    edit_json(folder.manifest_file, lambda data: data.update(command="evalkit run other.yaml"))
