"""``evalkit dataset list``, ``info`` and ``import``, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import evalkit

from evalkit import registry

pytestmark = pytest.mark.usefixtures("blank_plots")


def test_every_source_is_listed_with_what_it_is() -> None:
    """A source is shown by its name and the first line of its docstring."""
    done = evalkit("dataset", "list", "--json")
    assert done.returncode == 0
    sources = registry.BUILTIN["dataset source"]
    assert json.loads(done.stdout) == [
        {"source": name, "what": registry.lookup("dataset source", name).__doc__.splitlines()[0]}
        for name in sorted(sources)
    ]


def test_info_tells_of_names_folders_blocks_and_configurations(beir_folder: Path, tmp_path: Path) -> None:
    """However a dataset is named, its figures are the same; a configuration has those of all its datasets."""
    block = f"{{source: beir_folder, path: {beir_folder}}}"
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [demo, {block}]\nrerankers: {{a: {{backend: lexical}}}}\n", encoding="utf-8"
    )
    found = [json.loads(evalkit("dataset", "info", s, "--json").stdout) for s in (beir_folder, block, config)]
    assert found[0] == found[1] == found[2][1:]
    assert [one["dataset"] for one in found[2]] == ["demo", "tiny"]
    assert (found[0][0]["documents"], found[0][0]["queries"], found[0][0]["licence"]) == (5, 5, None)
    shown = evalkit("dataset", "info", beir_folder, "--set", "template='{text}'")
    assert "5, 0 of them empty" in shown.stdout
    assert "licence            not stated" in shown.stdout
    assert shown.stdout.splitlines()[-1] == f"next: evalkit dataset check {beir_folder}"


def test_an_import_can_be_run_on(beir_folder: Path, tmp_path: Path) -> None:
    """The folder that an import wrote is a dataset with the same hash, and the last line names the next step."""
    done = evalkit("dataset", "import", beir_folder, "--into", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    assert "5 documents, 5 judged queries and 10 judgments" in done.stdout
    assert "licence: not stated" in done.stdout
    hashes = {
        json.loads(evalkit("dataset", "info", folder, "--json").stdout)[0]["content_hash"]
        for folder in (beir_folder, tmp_path / "kept")
    }
    assert len(hashes) == 1
    again = evalkit("dataset", "import", beir_folder, "--into", tmp_path / "kept")
    assert again.returncode == 2
    assert "is not empty" in again.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["info", "dmo"], "did you mean 'demo'?"),
        (["info", "{source: tables, pairs: {paht: x}}"], "unknown key 'paht'"),
        (["info", "{source: "], "not valid YAML"),
        (["info", "demo", "--set", "sample"], "write --set path=value"),
        (["import", "demo", "--into", "kept", "--set", "sample.queries=3"], "contains the complete dataset"),
        (["import", "none.zip", "--into", "kept"], "unknown dataset source 'none.zip'"),
    ],
)
def test_what_cannot_be_named_is_one_clear_line(words: list[str], problem: str, tmp_path: Path) -> None:
    """Wrong input exits with 2, says what is wrong, and shows no traceback."""
    done = evalkit("dataset", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
