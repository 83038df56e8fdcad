"""Names of datasets and systems that are alike to files, to file systems or to people."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.api_runs import write_collection
from support.command import evalkit, only_folder

from evalkit.file_names import file_part, slug
from evalkit.results import ResultFolder

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

QUERIES, DOCUMENTS = 36, 6
ALIKE = (
    ("день", "ночь"),
    ("a b", "a-b"),
    ("X", "x"),
    ("x.y", "y"),
    ("+", "%"),
    ("д" * 110, "д" * 109 + "ж"),
    ("con", "CON"),
)
"""Pairs of names that one file name, or one file on some system, stood for; ``x.y`` also with the systems' names."""


def collection(folder: Path, place: int) -> Path:
    """Write a collection whose relevant documents are at another place than those of its neighbours."""
    write_collection(folder, QUERIES)
    judged = "".join(f"q{q}\td{q}.{(q * place) % DOCUMENTS}\t1\n" for q in range(QUERIES))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
    return folder


def config(place: Path, folders: Sequence[str], rerankers: Sequence[str] = ("z", "y.z", "Z")) -> Path:
    """Write a configuration with datasets that have the names of their folders."""
    file = place / f"{len(list(place.glob('*.json')))}.json"  # JSON is YAML
    content = {
        "name": "t",
        "datasets": [{"source": "beir_folder", "path": str(place / folder)} for folder in folders],
        "retriever": {"depth": DOCUMENTS},
        "rerankers": {tag: {"backend": "lexical" if n else "identity"} for n, tag in enumerate(rerankers)},
        "metrics": ["nDCG@10"],
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def ran(file: Path, into: Path) -> ResultFolder:
    """Run a configuration; return its result."""
    done = evalkit("run", file, "--into", into)
    assert done.returncode == 0, done.stderr
    return ResultFolder.open(only_folder(into))


def figures(result: ResultFolder, dataset: str) -> dict[str, float | None]:
    """Return system -> mean on a dataset, of ``summary.json``."""
    rows = result.read_summary().quality
    return {row.reranker: row.mean.estimate for row in rows if row.dataset == dataset}


@pytest.mark.attack(
    "names", "two datasets whose names had one file: scripts, blanks, case, dots, long names, devices"
)
def test_each_dataset_has_the_figures_that_it_has_alone(tmp_path: Path) -> None:
    """Judgments, queries, run files, charts and tables of all are kept, whatever file system they are on."""
    for pair in ALIKE:
        for place, name in enumerate(pair):
            collection(tmp_path / name, place + 1)
    alone = [ran(config(tmp_path, [name]), tmp_path / f"alone{n}") for n, name in enumerate(ALIKE[0])]
    together = ran(config(tmp_path, [name for pair in ALIKE for name in pair]), tmp_path / "together")
    assert figures(alone[0], ALIKE[0][0]) != figures(alone[1], ALIKE[0][1])
    for pair in ALIKE:
        for result, name, same in zip(alone, pair, ALIKE[0], strict=True):
            assert figures(together, name) == figures(result, same)
            assert together.read_qrels(name) == result.read_qrels(same)
            assert together.read_queries(name) == result.read_queries(same)
    for result, name in zip(alone, ALIKE[0], strict=True):
        files = {file.relative_to(result.path) for file in result.path.rglob("*") if _is_of(file, name)}
        assert len(files) > 10
        assert not [file for file in files if not (together.path / file).is_file()], (
            "another dataset moved a file"
        )
    written = [str(file.relative_to(together.path)) for file in together.path.rglob("*")]
    assert len({unicodedata.normalize("NFC", file).casefold() for file in written}) == len(written)
    assert max(len(part.encode()) for file in written for part in Path(file).parts) <= 255
    assert len(list(together.runs_folder.iterdir())) == 2 * len(ALIKE) * 4


def _is_of(file: Path, name: str) -> bool:
    return file.name.startswith((f"{file_part(name)}.", f"{file_part(name)}-"))


@pytest.mark.attack("names", "datasets whose names had one file, through every command that reads results")
def test_every_command_keeps_datasets_apart(tmp_path: Path) -> None:
    """Baseline, gate, compare, diff, leaderboard and tuning have one entry for each dataset, with its own figures."""
    names = ("день", "ночь")
    for place, name in enumerate(names):
        collection(tmp_path / name, place + 1)
    result = ran(config(tmp_path, names), tmp_path / "both")
    means = {name: figures(result, name) for name in names}

    def said(*words: str | Path) -> str:
        done = evalkit(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    said("baseline", "save", result.path, "main", "--into", "baselines")
    gated = json.loads(said("gate", result.path, "--against", "baselines/main", "--json"))
    assert {(row["dataset"], row["status"]) for row in gated} == {(name, "IDENTICAL") for name in names}
    for command in ("depth", "threshold", "calibration"):
        tuned = json.loads(said("tune", command, result.path, "--json"))
        assert {row["dataset"] for row in tuned} == set(names), command
    said("tune", "calibration", result.path, "--save", "saved")
    said("compare", result.path, "--html", "c.html")
    board = pd.read_csv(_as_file(tmp_path, said("leaderboard", result.path, "--format", "csv")))
    shown = {(row["dataset"], row["system"].split(" ")[0]): row["mean"] for _, row in board.iterrows()}
    for name in names:
        for system, mean in means[name].items():
            assert shown[name, system] == pytest.approx(mean)
    assert "no mean differs" in said("diff", result.path, result.path)
    before = {
        file: file.read_bytes() for file in result.path.rglob("*") if file.suffix in {".parquet", ".json"}
    }
    said("report", result.path)
    assert before == {file: file.read_bytes() for file in before}


def _as_file(folder: Path, text: str) -> Path:
    file = folder / "board.csv"
    file.write_text(text, encoding="utf-8")
    return file


def as_earlier(result: ResultFolder, names: Sequence[str]) -> None:
    """Give the files of datasets the names that an earlier version gave them: the last one overwrites the others."""
    for name in names:
        result.qrels_file(name).rename(result.path / "qrels" / f"{slug(name)}.qrels.gz")
        result.queries_file(name).rename(result.path / "queries" / f"{slug(name)}.jsonl.gz")


@pytest.mark.attack("names", "result folder of an earlier version with a name that is no slug")
def test_an_older_folder_is_read_where_it_is_right(tmp_path: Path) -> None:
    """One dataset had the file alone: its figures are rebuilt from it."""
    collection(tmp_path / "день", 1)
    result = ran(config(tmp_path, ["день"]), tmp_path / "out")
    before = figures(result, "день")
    as_earlier(result, ["день"])
    assert evalkit("report", result.path).returncode == 0
    assert figures(result, "день") == before


@pytest.mark.attack("names", "result folder of an earlier version with overwritten judgments")
@pytest.mark.parametrize(
    "command", ["report", "compare", "gate", "tune depth", "leaderboard", "diff", "baseline save"]
)
def test_an_older_folder_with_overwritten_judgments_is_refused(
    tmp_path: Path, command: str, overwritten: ResultFolder
) -> None:
    """Its figures are wrong: the message names the datasets and the file, and how to get right ones."""
    path = shutil.copytree(overwritten.path, tmp_path / "copy")
    more = {"gate": ["--against", path], "diff": [path], "baseline save": ["main", "--into", tmp_path / "b"]}
    done = evalkit(*command.split(), path, *more.get(command, []), cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "'день', 'ночь' to one file, qrels/unnamed.qrels.gz" in done.stderr
    assert "run the experiment again" in done.stderr


@pytest.fixture(scope="module")
def overwritten(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> ResultFolder:
    """Return a complete result as an earlier version wrote it: the judgments of its two datasets had one file."""
    del blank_plots
    folder, names = tmp_path_factory.mktemp("overwritten"), ("день", "ночь")
    for place, name in enumerate(names):
        collection(folder / name, place + 1)
    result = ran(config(folder, names), folder / "out")
    as_earlier(result, names)
    return result


REFUSED: dict[str, tuple[list[str], str]] = {
    "equal": (["a/docs", "b/docs"], "two datasets have the name 'docs'"),
    "composed and decomposed": (["é", "e\u0301"], r"look the same: '\xe9' and 'e\u0301'"),
    "invisible character": (["docs", "do\u200bcs"], r"look the same: 'docs' and 'do\u200bcs'"),
    "newline": (["a\nb", "c"], r"'a\nb' of the dataset contains '\n'"),
    "direction": (["abc\u202e", "c"], r"contains '\u202e'"),
}


@pytest.mark.attack("names", "names that people cannot tell apart, or that cannot be shown")
@pytest.mark.parametrize(("folders", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_names_that_cannot_be_told_apart_are_refused(
    tmp_path: Path, folders: list[str], message: str
) -> None:
    """By ``config check`` and by ``run`` alike, with the line of the dataset, before anything is read or sent."""
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    file = config(tmp_path, folders)
    for command in (("config", "check"), ("run",)):
        done = evalkit(*command, file, cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
        assert f"{file.name}:1:" in done.stderr
        assert "set another 'name:'" in done.stderr or "set 'name:'" in done.stderr


@pytest.mark.attack("names", "a baseline with the name of another one on a file system that folds case")
def test_a_baseline_with_another_spelling_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder exists, but no entry of its parent has this name."""
    collection(tmp_path / "docs", 1)
    result = ran(config(tmp_path, ["docs"]), tmp_path / "out")
    for name in ("Main", "main"):  # two baselines where case counts
        assert evalkit("baseline", "save", result.path, name, "--into", tmp_path / "b").returncode == 0
    real = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: (one for one in real(path) if one.name != "main"))
    done: Any = evalkit("baseline", "save", result.path, "main", "--into", tmp_path / "b")
    assert done.returncode == 2
    assert "is a baseline with another spelling" in done.stderr
