"""Where judgments and draws are read and written, and who may be named as a judge."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalkit.config import load_config
from evalkit.config.secrets_check import KeysOfJudge
from evalkit.errors import ConfigError, InputNote

TEXT = """\
name: mine
datasets:
  - source: demo
    name: Articles.v1
    judgments:
      - {{path: people.jsonl}}
      - {{judge: {judge}}}
    human_sample: {{queries: 5}}
judges:
  luna.v1: {{backend: replay, path: grades.qrels}}
rerankers:
  lex: {{backend: lexical}}
"""


def write(folder: Path, judge: str = "luna.v1", text: str = TEXT) -> Path:
    """Write a configuration with the file of its judge."""
    (folder / "grades.qrels").write_text("q 0 d 1\n")
    path = folder / "c.yaml"
    path.write_text(text.format(judge=judge), encoding="utf-8")
    return path


def test_missing_files_belong_to_the_folder_of_the_configuration(tmp_path: Path) -> None:
    """Nothing needs to exist; names of datasets become names of files."""
    (dataset,) = load_config(write(tmp_path)).datasets
    people, judge = (source.path for source in dataset.judgments)
    assert people == tmp_path / "people.jsonl"
    assert judge is not None
    assert judge.parent == tmp_path / "judgments"
    assert judge.name.startswith("articles-v1-")
    assert judge.name.endswith(".luna.v1.jsonl")
    assert dataset.human_sample is not None
    assert dataset.human_sample.path is not None
    assert dataset.human_sample.path.name.endswith(".human_sample.json")


def test_a_file_of_the_working_directory_is_used_only_by_its_own_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another project's file of that name gets no judgments of this configuration, and is named."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("people.jsonl").touch()
    with pytest.warns(InputNote, match="for which you write ./people.jsonl"):
        (dataset,) = load_config(write(tmp_path)).datasets
    assert dataset.judgments[0].path == tmp_path / "people.jsonl"


def test_an_unknown_judge_is_a_problem_at_its_line(tmp_path: Path) -> None:
    """The hint names the nearest judge; without any, it says where to add one."""
    with pytest.raises(ConfigError, match=r"c\.yaml:7:17: unknown judge 'luna\.v2'") as error:
        load_config(write(tmp_path, "luna.v2"))
    assert "did you mean 'luna.v1'" in str(error.value.problems)
    without = "".join(
        line + "\n" for line in TEXT.splitlines() if "judges:" not in line and "replay" not in line
    )
    with pytest.raises(ConfigError, match="unknown judge") as error:
        load_config(write(tmp_path, text=without))
    assert "add it to 'judges:'" in str(error.value.hint)


def test_a_source_is_listed_once(tmp_path: Path) -> None:
    """The same judgments twice are a mistake; the same file for two raters is not."""
    twice = TEXT.replace("{{judge: {judge}}}", "{{path: people.jsonl}}")
    with pytest.raises(ConfigError, match="listed twice"):
        load_config(write(tmp_path, text=twice))
    two = TEXT.replace("{{judge: {judge}}}", "{{path: people.jsonl, rater: ben}}")
    assert len(load_config(write(tmp_path, text=two)).datasets[0].judgments) == 2


def test_keys_of_judges_are_needed_by_commands_that_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run does not need the key of a judge, and a judge does not need that of a reranker."""
    text = TEXT.replace(
        "backend: lexical", 'backend: http, url: "https://r.example/v1", model: m, api_key_env: R_KEY'
    )
    path = write(tmp_path, text=text)
    monkeypatch.setattr(os, "environ", {**os.environ})
    os.environ.pop("R_KEY", None)
    with pytest.raises(ConfigError, match="R_KEY"):
        load_config(path)
    load_config(path, keys=KeysOfJudge("luna.v1"))


def test_a_judge_does_not_need_the_key_of_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the judge that a command calls needs its key; an ensemble calls none."""
    more = (
        "  paid: {{backend: chat, url: 'https://j.example/v1', model: m, api_key_env: J_KEY}}\n"
        "  both: {{backend: ensemble, judges: [luna.v1, paid]}}\n"
    )
    path = write(tmp_path, text=TEXT.replace("rerankers:", more + "rerankers:"))
    monkeypatch.setattr(os, "environ", {**os.environ})
    os.environ.pop("J_KEY", None)
    for tag in ("luna.v1", "both"):
        load_config(path, keys=KeysOfJudge(tag))
    with pytest.raises(ConfigError, match="J_KEY"):
        load_config(path, keys=KeysOfJudge("paid"))
