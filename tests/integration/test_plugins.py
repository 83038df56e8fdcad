"""Plugins: of a distribution that is really installed, of a file, broken, and there twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, evalkit, evalkit_process, only_folder

pytestmark = pytest.mark.usefixtures("blank_plots")

CONFIG = """\
name: plugged
datasets: [{source: demo, sample: {queries: 5, seed: 1}}]
retriever: {depth: 5}
rerankers:
  loud: {backend: shout, letter: e, score_check: false}  # it ignores the query, and is meant to
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the sample package into a folder of its own, and return it."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "sample"
    shutil.copytree(ROOT / "tests" / "sample_package", source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(folder),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the package index is out of reach: {done.stderr[-300:]}")
    return folder


@pytest.mark.long
def test_an_installed_package_is_found_and_used(site: Path, tmp_path: Path) -> None:
    """Its reranker and dialect are listed with their owner, run by their names, and stand in the manifest."""
    env = {"PYTHONPATH": str(site)}
    listed = json.loads(evalkit_process("plugin", "list", "--json", env=env).stdout)
    found = {(one["kind"], one["name"]): one for one in listed if one["owner"] == "evalkit-shout 1.2.3"}
    assert set(found) == {("reranker backend", "shout"), ("dialect", "shouted")}
    assert (
        found["reranker backend", "shout"]["what"]
        == "Prefers documents in capital letters; nobody should use it."
    )
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    done = evalkit_process("run", config, "--into", tmp_path / "results", env=env)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((only_folder(tmp_path / "results") / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["plugins"] == [
        {"kind": "reranker backend", "name": "shout", "owner": "evalkit-shout", "version": "1.2.3"}
    ]
    wrong = evalkit_process("config", "check", config, "--set", "rerankers.loud.leter=a", env=env)
    assert "unknown key 'leter'\n  hint: did you mean 'letter'?" in wrong.stderr
    without = evalkit("config", "check", config)
    assert (without.returncode, "unknown reranker backend 'shout'" in without.stderr) == (2, True)


def test_a_file_is_named_in_the_configuration(tmp_path: Path) -> None:
    """``plugins:`` gives a reranker in 20 lines; what is wrong with the file is reported with its line."""
    code = (ROOT / "tests" / "sample_package" / "evalkit_shout" / "__init__.py").read_text(encoding="utf-8")
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG + "plugins: [./mine.py]\n", encoding="utf-8")
    done = evalkit("run", config, "--into", "results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = evalkit("plugin", "show", "shout", "--file", "mine.py", cwd=tmp_path).stdout
    assert "reranker backend shout, package mine.py" in shown
    assert "letter" in shown
    (tmp_path / "mine.py").write_text(code + "\n\nraise KeyError('oh')\n", encoding="utf-8")
    broken = evalkit("config", "check", "c.yaml", cwd=tmp_path)
    assert broken.returncode == 2
    assert f"mine.py:{code.count(chr(10)) + 3} cannot be imported: KeyError: 'oh'" in broken.stderr
    (tmp_path / "mine.py").write_text("x = 1\n", encoding="utf-8")
    assert "mine.py contains no plugin" in evalkit("config", "check", "c.yaml", cwd=tmp_path).stderr


@pytest.mark.long
def test_a_service_knows_the_file_too(tmp_path: Path) -> None:
    """A ``serve:`` block may name a reranker of a file."""
    code = (ROOT / "tests" / "sample_package" / "evalkit_shout" / "__init__.py").read_text(encoding="utf-8")
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    config = CONFIG.replace("shout, letter: e", "http, serve: {backend: shout}")
    (tmp_path / "c.yaml").write_text(config + "plugins: [./mine.py]\n", encoding="utf-8")
    done = evalkit_process("run", "c.yaml", "--into", "results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_what_is_broken_or_there_twice_is_reported(site: Path, tmp_path: Path) -> None:
    """A package that cannot be imported is listed as broken; two owners of one name are both named."""
    broken = tmp_path / "broken"
    shutil.copytree(site, broken)
    (broken / "evalkit_shout" / "__init__.py").write_text("import nothing_there\n", encoding="utf-8")
    listed = evalkit_process("plugin", "list", "--json", env={"PYTHONPATH": str(broken)}).stdout
    assert "broken: ModuleNotFoundError: No module named 'nothing_there'" in listed
    twice = tmp_path / "twice"
    shutil.copytree(site, twice)
    (entry,) = twice.glob("*.dist-info/entry_points.txt")
    entry.write_text("[evalkit.rerankers]\nlexical = evalkit_shout:Shout\n", encoding="utf-8")
    reported = evalkit_process("config", "check", "configs/quickstart.yaml", env={"PYTHONPATH": str(twice)})
    assert reported.returncode == 2
    assert "'lexical' is registered by evalkit-shout 1.2.3 and rerank-evalkit 0.1.0" in reported.stderr
