"""Where the files that a configuration names are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.collections import write_beir_folder
from support.messages import said

from evalkit import registry
from evalkit.config import Settings, load_config, resolved_yaml
from evalkit.config.input_paths import InputFile, SearchedFolders, find_input, resolve_inputs
from evalkit.errors import EvalkitWarning

PLUGIN = """\
from typing import Literal
from evalkit.config import RerankerSettings
class Mine:
    class Settings(RerankerSettings):
        backend: Literal["mine"] = "mine"
"""
CONFIG = """\
name: t
datasets:
  - {source: trec_files, corpus: c.jsonl, queries: q.tsv, qrels: r.txt}
  - {source: tables, pairs: {path: pairs.csv}}
  - {source: beir_folder, path: beir}
retriever: {kind: hybrid, retrievers: [{kind: bm25}, {kind: trec_run, path: first.trec}]}
rerankers:
  a: {backend: replay, path: a.trec}
  b: {backend: http, dialect: assisters, serve: {backend: replay, path: b.trec}}
  c: {backend: replay, matrix: {path: [c.trec, d.trec]}}
service: {keys_file: keys.yaml}
plugins: [mine.py]
"""
FILES = (
    "c.jsonl", "q.tsv", "r.txt", "pairs.csv", "first.trec", "a.trec", "b.trec", "c.trec", "d.trec", "keys.yaml",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a configuration; its neighbour ``work`` is the working directory."""
    made = tmp_path / "configs"
    made.mkdir()
    (made / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return made


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the plugins that a configuration registers."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


def write_inputs(folder: Path) -> None:
    """Write everything that `CONFIG` names."""
    for name in FILES:
        (folder / name).touch()
    (folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    write_beir_folder(folder / "beir")


@pytest.mark.usefixtures("own_registry")
def test_every_input_is_found_next_to_the_configuration(folder: Path) -> None:
    """Datasets, runs, keys and plugins, in nested blocks and matrices, too; the resolved paths hold here."""
    write_inputs(folder)
    text = resolved_yaml(load_config("../configs/c.yaml"))
    for name in (*FILES, "mine.py", "beir"):
        assert f"../configs/{name}" in text, name


@pytest.mark.usefixtures("own_registry")
def test_inputs_in_the_working_directory_stay_as_they_are_written(folder: Path) -> None:
    """So that a resolved configuration does not depend on the machine."""
    write_inputs(Path())
    text = resolved_yaml(load_config(folder / "c.yaml"))
    assert str(folder.parent) not in text
    assert "path: a.trec" in text


def test_all_missing_inputs_are_reported_at_once(folder: Path) -> None:
    """Each with its position and both places that were tried."""
    shown = said(lambda: load_config(folder / "c.yaml"))
    for name in (*FILES, "mine.py", "beir"):
        assert f"not found: {Path(name).absolute()} or {folder / name}\n" in shown, name
    assert f"{folder / 'c.yaml'}:3:34: file or folder not found" in shown
    assert shown.endswith("12 problems; nothing was run")


@pytest.mark.usefixtures("own_registry")
def test_a_service_needs_no_datasets(folder: Path) -> None:
    """A configuration that is loaded without a check of its files finds those that exist."""
    write_inputs(folder)
    (folder / "c.jsonl").unlink()
    text = resolved_yaml(load_config("../configs/c.yaml", check_files=False))
    assert "corpus: c.jsonl" in text
    assert "queries: ../configs/q.tsv" in text


def test_files_of_a_collection_are_checked(folder: Path) -> None:
    """A BEIR folder needs corpus, queries and the judgments of its split; all that lack are named."""
    beir = write_beir_folder(folder / "beir")
    config = folder / "d.yaml"
    config.write_text(
        "name: t\ndatasets: [{source: beir_folder, path: beir, split: dev}]\nrerankers: {a: {backend: identity}}\n",
        encoding="utf-8",
    )
    (beir / "corpus.jsonl").unlink()
    shown = said(lambda: load_config(config))
    assert f"d.yaml:2:12: file not found: {beir / 'corpus.jsonl'}" in shown
    assert (
        f"d.yaml:2:12: file not found: {beir / 'qrels' / 'dev.tsv'}\n  hint: use one of the splits: test"
        in shown
    )


def test_two_different_files_are_ambiguous(folder: Path) -> None:
    """Unless the path begins with ``./``, or both are one file."""
    folders = SearchedFolders(folder, required=True)
    (folder / "x").touch()
    Path("x").touch()
    shown = said(lambda: find_input("x", "file", folders))
    assert str(folder / "x") in shown
    assert str(Path("x").absolute()) in shown
    assert "write the absolute path, or ./x" in shown
    assert find_input("./x", "file", folders) == "./x"
    Path("x").unlink()
    assert find_input("./x", "file", folders) == str(folder / "x")
    Path("x").symlink_to(folder / "x")
    assert find_input("x", "file", folders) == "x"


def test_a_file_that_evalkit_writes_is_next_to_the_configuration(folder: Path) -> None:
    """A file of that name in the working directory is of another project: it is named, and used only as ``./x``."""
    folders = SearchedFolders(folder, may_be_missing=True)
    assert find_input("x", "file", folders) == str(folder / "x")
    Path("x").touch()
    with pytest.warns(EvalkitWarning, match=r"in the folder of the configuration, and not .*work/x"):
        assert find_input("x", "file", folders) == str(folder / "x")
    assert find_input("./x", "file", folders) == "./x"
    assert find_input(str(Path("x").absolute()), "file", folders) == str(Path("x").absolute())


def test_an_input_of_another_kind_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder where a file is expected, and a file that may not be read."""
    folders = SearchedFolders(folder, required=True)
    Path("x").mkdir()
    assert "x is a folder\n  hint: use the path of a file" in said(lambda: find_input("x", "file", folders))
    assert find_input("x", "file or folder", folders) == "x"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "cannot be read: permission denied" in said(lambda: find_input("x", "file or folder", folders))


def test_a_model_is_a_folder_or_a_name(folder: Path) -> None:
    """A name is left alone; what is clearly a path must exist."""
    folders = SearchedFolders(folder, required=True)
    (folder / "models" / "m").mkdir(parents=True)
    assert find_input("models/m", "model", folders) == str(folder / "models/m")
    assert find_input("owner/name", "model", folders) == "owner/name"
    assert "folder not found: " in said(lambda: find_input("./none", "model", folders))


def test_inputs_of_optional_nested_and_repeated_keys_are_found(folder: Path) -> None:
    """Whatever a plugin's Settings look like; a value of another type is left to the check of types."""

    class Inner(Settings):
        """A nested block."""

        file: InputFile | None = None

    class Outer(Settings):
        """A block with another one."""

        inner: Inner | None = None
        many: tuple[InputFile, ...] = ()
        text: str = ""

    (folder / "x").touch()
    block: dict[str, Any] = {"inner": {"file": "x"}, "many": ["x", 3], "text": "x"}
    assert list(resolve_inputs(Outer, block, SearchedFolders(folder))) == []
    assert block == {"inner": {"file": str(folder / "x")}, "many": [str(folder / "x"), 3], "text": "x"}
