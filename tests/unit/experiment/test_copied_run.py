"""A run again: with unchanged inputs its raw files are copied, and are those of a run that measures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import write_collection
from support.finished import edit_json

from evalkit.experiment import copied_run, execute
from evalkit.experiment.run_options import ResumeOptions
from evalkit.results.folder import ResultFolder
from evalkit.workflows.run import run

pytestmark = pytest.mark.usefixtures("blank_plots", "settled_program")
QUERIES = 4
OF_THE_RUN = ("started", "started_s", "finished", "sessions", "copied_from", "inputs")
"""Keys of a manifest that differ between two runs that measure the same."""
CLOCK = ["scheduled_s", "start_s", "end_s"]
"""Columns of calls that are readings of a clock: no latency is derived from them."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection, and next to it candidates, the scores of two rerankers and a run."""
    folder = write_collection(tmp_path / "small", QUERIES)
    for number, name in enumerate(("bm25", "a", "b", "engine"), start=1):
        lines = (
            f"q{q} Q0 d{q}.{i} 1 {(i * number * 7 + q) % 11} x\n" for q in range(QUERIES) for i in range(6)
        )
        (tmp_path / f"{name}.trec").write_text("".join(lines), encoding="utf-8")
    return folder


def config(small: Path, **more: Any) -> dict[str, Any]:
    """Return a configuration in which nothing is called."""
    parent = small.parent
    return {
        "name": "t",
        "datasets": [{"source": "beir_folder", "path": str(small)}],
        "retriever": {"kind": "trec_run", "path": str(parent / "bm25.trec"), "tag": "bm25", "depth": 6},
        "rerankers": {
            "a": {"backend": "replay", "path": str(parent / "a.trec")},
            "last": {"backend": "replay", "path": str(parent / "b.trec"), "missing": "last"},
            "both": {"backend": "cascade", "stages": [{"reranker": "a", "keep": 3}, {"reranker": "a"}]},
        },
        "runs": {"engine": {"path": str(parent / "engine.trec")}},
        "depths": [3, 6],
        "metrics": ["nDCG@10", "MRR@10"],
        **more,
    }


def manifest_of(folder: ResultFolder) -> dict[str, Any]:
    """Return the manifest without what belongs to one run."""
    content: dict[str, Any] = orjson.loads(folder.manifest_file.read_bytes())
    content["machine"].pop("load_average")
    return {key: value for key, value in content.items() if key not in OF_THE_RUN}


def raw_of(folder: ResultFolder) -> dict[str, Any]:
    """Return everything that a run records."""
    names = ("failures.jsonl", "config.yaml", "config.resolved.yaml", "texts.parquet", "scores.parquet")
    raw: dict[str, Any] = {name: (folder.path / name).read_bytes() for name in names}
    for part in ("qrels", "queries"):
        raw |= {file.name: file.read_bytes() for file in (folder.path / part).iterdir()}
    calls = pd.read_parquet(folder.calls_file).drop(columns=CLOCK)
    return raw | {"calls": calls.to_json(orient="records"), "manifest": manifest_of(folder)}


def measured(*runs: ResultFolder) -> list[bool]:
    """Return which runs measured: the others were copied."""
    return [one.read_manifest().copied_from is None for one in runs]


def test_a_copied_run_records_what_a_measured_one_records(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for ids, times and clocks: raw files, manifest, figures and plots."""
    settings = config(small)
    first, copied = run(settings, tmp_path / "results"), run(settings, tmp_path / "results")
    monkeypatch.setattr(copied_run, "inputs_key", lambda _config: None)
    again = run(settings, tmp_path / "results")
    assert measured(first, copied, again) == [True, False, True]
    assert raw_of(copied) == raw_of(again) == raw_of(first)
    for name in ("summary.json", "comparisons.json", "tuning.json", "latency.json", "values.parquet"):
        assert (copied.path / name).read_bytes() == (again.path / name).read_bytes()
    for part in ("runs", "plots", "tables"):
        one, other = ({f.name: f.read_bytes() for f in (r.path / part).iterdir()} for r in (copied, again))
        assert one == other


@pytest.mark.long
def test_a_copy_names_the_run_that_measured(small: Path, tmp_path: Path) -> None:
    """Also the copy of a copy; its own session, command and times are new."""
    runs = [run(config(small), tmp_path / "results").read_manifest() for _ in range(3)]
    assert [one.copied_from for one in runs] == [None, *runs[0].sessions, *runs[0].sessions]
    assert len({one.sessions for one in runs}) == 3
    assert runs[0].started_s < runs[1].started_s < runs[2].started_s


def change_file(name: str) -> Callable[[Path], None]:
    """Return what changes the last digit of a file."""

    def change(folder: Path) -> None:
        file = folder / name
        content = file.read_text(encoding="utf-8").rstrip("\n")
        digit = next(place for place in range(len(content) - 1, 0, -1) if content[place].isdigit())
        changed = f"{content[:digit]}{(int(content[digit]) + 1) % 10}{content[digit + 1 :]}\n"
        file.write_text(changed, encoding="utf-8")

    return change


FILES = ("a.trec", "b.trec", "bm25.trec", "engine.trec", "small/corpus.jsonl", "small/qrels/test.tsv")


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_a_changed_input_is_measured_again(small: Path, tmp_path: Path, name: str) -> None:
    """With the results of a run that knows of no other."""
    first = run(config(small), tmp_path / "results")
    if name.endswith("test.tsv"):
        (small / "qrels" / "test.tsv").write_text(
            "query-id\tcorpus-id\tscore\nq1\td1.2\t1\n", encoding="utf-8"
        )
    else:
        change_file(name)(tmp_path)
    again, alone = run(config(small), tmp_path / "results"), run(config(small), tmp_path / "alone")
    assert measured(first, again) == [True, True]
    one, other = raw_of(again), raw_of(alone)
    for raw in (one, other):
        raw["manifest"].pop("store")
    assert one == other
    assert again.summary_file.read_bytes() == alone.summary_file.read_bytes()


@pytest.mark.long
def test_a_changed_option_is_measured_again(small: Path, tmp_path: Path) -> None:
    """Another configuration is another experiment."""
    run(config(small), tmp_path / "results")
    assert measured(run(config(small, seed=2), tmp_path / "results")) == [True]


@pytest.mark.long
def test_a_refresh_measures(small: Path, tmp_path: Path) -> None:
    """The user asks for it; and what it gives is not copied, as its manifest says so."""
    again = ResumeOptions(refresh=True)
    refreshed = run(config(small), tmp_path / "results", again=again)
    assert measured(refreshed, run(config(small), tmp_path / "results")) == [True, True]
    assert measured(run(config(small), tmp_path / "results", again=again)) == [True]


RAW = ("scores.parquet", "calls.parquet", "texts.parquet", "qrels", "queries", "config.resolved.yaml")


@pytest.mark.long
@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("damage", ["changed", "deleted"])
def test_a_result_whose_raw_files_were_changed_is_not_copied(
    small: Path, tmp_path: Path, name: str, damage: str
) -> None:
    """Every copied byte is compared with the hash of what the run wrote; no folder is left of the attempt."""
    first = run(config(small), tmp_path / "results")
    expected = raw_of(first)
    path = first.path / name
    file = next(path.iterdir()) if path.is_dir() else path
    if damage == "deleted":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes() + b" ")
    again = run(config(small), tmp_path / "results")
    assert measured(again) == [True]
    assert raw_of(again) == expected
    assert len([one for one in (tmp_path / "results").iterdir() if one.is_dir()]) == 3  # two, and the locks


@pytest.mark.long
@pytest.mark.parametrize("key", ["started", "quality_passes", "inputs"])
def test_a_result_whose_manifest_was_changed_is_not_copied(small: Path, tmp_path: Path, key: str) -> None:
    """It may be the folder of someone else, with a manifest that claims to be of these inputs."""
    first = run(config(small), tmp_path / "results")
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "started": lambda data: data.update(started="2020-01-01T00:00:00+00:00"),
        "quality_passes": lambda data: data["quality_passes"][0].update(pairs=1),
        "inputs": lambda data: data["inputs"].update(seal="0" * 64),
    }
    edit_json(first.manifest_file, changes[key])
    assert measured(run(config(small), tmp_path / "results")) == [True]


def test_an_incomplete_result_is_not_copied(small: Path, tmp_path: Path) -> None:
    """A reranker whose file lacks a query failed: the run is resumed, as always."""
    file = tmp_path / "a.trec"
    file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:-6]), encoding="utf-8")
    runs = [run(config(small), tmp_path / "results") for _ in range(2)]
    assert [one.read_manifest().status for one in runs] == ["incomplete"] * 2
    assert all(one.read_manifest().inputs is None for one in runs)


@pytest.mark.long
def test_inputs_that_change_during_a_run_are_not_recorded(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the run read is not known then."""
    measure = execute._measure

    def disturbed(started: Any) -> None:
        measure(started)
        change_file("a.trec")(tmp_path)

    with monkeypatch.context() as patch:
        patch.setattr(execute, "_measure", disturbed)
        first = run(config(small), tmp_path / "results")
    assert first.read_manifest().inputs is None
    assert measured(run(config(small), tmp_path / "results")) == [True]


@pytest.mark.long
def test_a_folder_without_its_report_is_finished_first(small: Path, tmp_path: Path) -> None:
    """A process was killed before the page: the next run makes the report of the same folder."""
    first = run(config(small), tmp_path / "results")
    copied = run(config(small), tmp_path / "results")
    copied.report_html_file.unlink()
    again = run(config(small), tmp_path / "results")
    assert again.path == copied.path != first.path
    assert again.report_html_file.is_file()


def test_a_result_in_another_folder_is_not_copied(small: Path, tmp_path: Path) -> None:
    """Only results next to the new one are known."""
    first = run(config(small), tmp_path / "results")
    shutil.move(first.path, tmp_path / "elsewhere")
    assert measured(run(config(small), tmp_path / "results")) == [True]
