"""A newcomer's first minutes: ``evalkit init``, a run, and the schema for the editor."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from support.command import ROOT, evalkit, only_folder


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Return what ``evalkit config schema`` prints."""
    printed: dict[str, Any] = json.loads(evalkit("config", "schema").stdout)
    return printed


def test_what_init_writes_runs(tmp_path: Path) -> None:
    """The file checks and runs as it is, is never overwritten, and its commented parts are right, too."""
    assert evalkit("init", "first.yaml", cwd=tmp_path).returncode == 0
    done = evalkit("run", "first.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (only_folder(tmp_path / "results" / "first") / "report.html").is_file()
    again = evalkit("init", "first.yaml", cwd=tmp_path)
    assert (again.returncode, "already exists" in again.stderr) == (2, True)
    nowhere = evalkit("init", "nowhere/first.yaml", cwd=tmp_path)
    assert (nowhere.returncode, "folder not found" in nowhere.stderr) == (2, True)
    text = (tmp_path / "first.yaml").read_text(encoding="utf-8")
    lines = [uncommented(line) for line in text.splitlines()]
    everything = tmp_path / "everything.yaml"
    everything.write_text("\n".join(lines), encoding="utf-8")
    checked = evalkit("config", "show", everything, env={"ASSISTERS_API_KEY": "unused"})
    assert checked.returncode == 0, checked.stderr


def test_the_example_without_judgments_is_right(tmp_path: Path) -> None:
    """It names what is missing; with a folder of documents and queries it is valid, its commented parts, too."""
    done = evalkit("init", "ours.yaml", "--for", "judging", cwd=tmp_path)
    assert done.stdout.rstrip().endswith("evalkit config check ours.yaml")
    missing = evalkit("config", "check", "ours.yaml", cwd=tmp_path)
    assert (missing.returncode, "not found" in missing.stderr) == (2, True)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.txt").write_text("text", encoding="utf-8")
    (tmp_path / "queries.csv").write_text(
        "query_id,text,frequency,inclusion_probability,stratum\n"
        + "".join(f"q{n},text {n},1,1,certain\n" for n in range(40)),
        encoding="utf-8",
    )
    assert evalkit("config", "check", "ours.yaml", cwd=tmp_path).returncode == 0
    listed = evalkit("judge", "list", "ours.yaml", cwd=tmp_path)
    assert listed.stdout == "no judgments so far\nnext: evalkit judge run ours.yaml --judge chat\n"
    text = (tmp_path / "ours.yaml").read_text(encoding="utf-8")
    lines = [uncommented(line) for line in text.splitlines()]
    (tmp_path / "everything.yaml").write_text("\n".join(lines), encoding="utf-8")
    checked = evalkit("config", "show", "everything.yaml", cwd=tmp_path, env={"OPENAI_API_KEY": "unused"})
    assert checked.returncode == 0, checked.stderr
    assert "price:" in checked.stdout


def uncommented(line: str) -> str:
    """Return a line of the starter with what it only offers switched on; sentences stay comments."""
    offer = re.match(r"( *)# (- |[a-z_-]+:|  )", line)
    return line.replace("# ", "", 1) if offer else line


def test_the_schema_takes_what_evalkit_takes(schema: dict[str, Any]) -> None:
    """Shipped configurations fit; a misspelt key, a wrong type and an unknown backend do not."""
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(
        schema
    ).validate  # `jsonschema.validate` checks the schema each time
    for file in (ROOT / "configs").glob("*.yaml"):
        data = json.loads(
            json.dumps(YAML(typ="safe", pure=True).load(file), default=str)
        )  # dates are text there
        check(data)
    good = {"name": "x", "datasets": ["demo"], "rerankers": {"a": {"backend": "lexical"}}}
    check(good)
    check({**good, "rerankers": {"a": {"backend": "lexical", "matrix": {"mu": [1, 2]}}}})
    for wrong in (
        {**good, "dataset": []},
        {**good, "seed": "x"},
        {**good, "rerankers": {"a": {"backend": "lexical", "mmu": 3}}},
        {**good, "rerankers": {"a": {"backend": "lexicl"}}},
        {**good, "rerankers": {"a": {}}},
        {**good, "retriever": {"kind": "bm25", "k1": -1}},
        {**good, "datasets": [{"source": "demo", "path": 3}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            check(wrong)
