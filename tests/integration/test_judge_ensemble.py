"""``evalkit judge run`` with an ensemble: its judgments are those of its members, combined, without a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import Done, evalkit
from support.judging import asked, judged, write_experiment

PAIRS = 16
MEMBERS = "one: {{backend: noting, concurrency: 3, prompt: a{one}}}, two: {{backend: noting, prompt: b{two}}}"
PANEL = ", panel: {{backend: ensemble, judges: [one, two]{panel}}}"


def write(folder: Path, one: str = "", two: str = "", panel: str = "", dataset: str = "") -> None:
    """Write an experiment with two judges and an ensemble of both."""
    config = write_experiment(folder, dataset=dataset)
    judges = (MEMBERS + PANEL).format(one=one, two=two, panel=panel)
    lines = config.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("judges:")]
    config.write_text("\n".join([*kept, f"judges: {{{judges}}}\n"]), encoding="utf-8")


def judge(folder: Path, tag: str, *words: str, code: int = 0) -> Done:
    """Judge the experiment of a folder."""
    done = evalkit("judge", "run", "c.yaml", "--judge", tag, *words, cwd=folder)
    assert done.returncode == code, done.stderr
    return done


def by_pair(folder: Path, tag: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the judgments of a judge by pair; each pair has one line."""
    rows = judged(folder, f"many.{tag}.jsonl")
    found = {(row["query_id"], row["doc_id"]): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    """Return the folder of an experiment that both members and the ensemble have judged."""
    write(tmp_path)
    for tag in ("one", "two", "panel"):
        judge(tmp_path, tag)
    return tmp_path


def test_every_grade_is_the_mean_of_the_members(panel: Path) -> None:
    """The rater is named after its members and has their keys; the members are asked nothing more."""
    one, two, both = (by_pair(panel, tag) for tag in ("one", "two", "panel"))
    assert len(both) == PAIRS
    assert {pair: row["grade"] for pair, row in both.items()} == {
        pair: (one[pair]["grade"] + two[pair]["grade"]) / 2 for pair in one
    }
    (rater,) = {orjson.dumps(row["rater"]) for row in both.values()}
    assert orjson.loads(rater)["name"] == "mean of one, two"
    assert set(orjson.loads(rater)["settings"]["members"]) == {"one", "two"}
    assert set(asked(panel).values()) == {2}


def test_again_it_writes_nothing(panel: Path) -> None:
    """The file stays the same byte for byte; the plan says that all is judged and there are no calls."""
    file = panel / "judgments" / "many.panel.jsonl"
    before = file.read_bytes(), file.stat().st_mtime_ns
    assert "0 graded" in judge(panel, "panel").stdout
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    (row,) = orjson.loads(judge(panel, "panel", "--plan", "--json").stdout)
    assert (row["pairs"], row["graded"], row["calls"]) == (PAIRS, PAIRS, 0)


def test_a_member_with_other_settings_replaces_the_combination(panel: Path) -> None:
    """Its grades count instead of the old ones, the rater changes, and judgments of other raters in the file stay."""
    file = panel / "judgments" / "many.panel.jsonl"
    by_hand = {
        "query_id": "q0", "doc_id": "d0.0", "grade": 1, "rater": {"kind": "human", "name": "Ann"},
        "at": "2026-11-30T00:00:00Z",
    }  # fmt: skip
    old = by_pair(panel, "panel")
    file.write_bytes(file.read_bytes() + orjson.dumps(by_hand) + b"\n")
    write(panel, two=", last_grade: 1")
    # The member has not judged with these settings yet: nothing of the old ones is left.
    assert f"{PAIRS} without a grade (member)" in judge(panel, "panel").stdout
    judge(panel, "two")
    assert f"{PAIRS} graded" in judge(panel, "panel").stdout
    rows = judged(panel, "many.panel.jsonl")
    assert rows[0] == by_hand
    assert len(rows) == PAIRS + 1
    new = {(row["query_id"], row["doc_id"]): row for row in rows[1:]}
    assert new.keys() == old.keys()
    assert all(row["rater"] != old[pair]["rater"] for pair, row in new.items())
    assert any(row["grade"] != old[pair]["grade"] for pair, row in new.items())
    dataset = ", judgments: [{judge: panel}]"
    write(panel, two=", last_grade: 1", dataset=dataset)
    (first, *rest) = orjson.loads(evalkit("judge", "list", "c.yaml", "--json", cwd=panel).stdout)
    assert first["rater"] == "qrels"
    assert {row["rater"]: row["order"] for row in rest if row["order"]} == {"mean of one, two": 2}


def test_a_text_that_changed_is_combined_again_once_members_judged_it(panel: Path) -> None:
    """Before, the pair has a failure and no grade; no grade of the old text is left."""
    corpus = panel / "many" / "corpus.jsonl"
    corpus.write_text(
        corpus.read_text("utf-8").replace("topic0 word1 ", "topic0 word1 new "), encoding="utf-8"
    )
    judge(panel, "one")
    assert "1 without a grade (member)" in judge(panel, "panel").stdout
    assert by_pair(panel, "panel")["q0", "d0.1"]["grade"] is None
    judge(panel, "two")
    assert "1 graded" in judge(panel, "panel").stdout
    assert by_pair(panel, "panel")["q0", "d0.1"]["grade"] is not None


def test_a_failed_member_leaves_a_pair_without_a_grade(tmp_path: Path) -> None:
    """Unless fewer grades are enough; `at_least` makes another rater of it."""
    write(tmp_path, one=", refuses: word1")
    for tag in ("one", "two", "panel"):
        judge(tmp_path, tag)
    failed = [row for row in judged(tmp_path, "many.panel.jsonl") if row["grade"] is None]
    assert failed
    assert all("one has no grade (refusal: " in row["failure"] for row in failed)
    write(tmp_path, one=", refuses: word1", panel=", at_least: 1")
    judge(tmp_path, "panel")
    assert all(row["grade"] is not None for row in by_pair(tmp_path, "panel").values())


def test_wrong_use_is_one_line_with_a_hint(tmp_path: Path) -> None:
    """Nothing to combine; options that choose pairs; `judge next` with an ensemble."""
    write(tmp_path)
    done = judge(tmp_path, "panel", code=2)
    assert "no judge of judges.panel has judged a document" in done.stderr
    assert "evalkit judge run c.yaml --judge one" in done.stderr
    judge(tmp_path, "one")
    for words in (("--sample", "2"), ("--retry-failed",), ("--for", "threshold")):
        assert "do not apply" in judge(tmp_path, "panel", *words, code=2).stderr
    assert evalkit("run", "c.yaml", cwd=tmp_path).returncode == 0
    done = evalkit("judge", "next", "c.yaml", "--judge", "panel", cwd=tmp_path)
    assert done.returncode == 2
    assert "makes no calls" in done.stderr


def test_list_and_audit_know_the_ensemble(panel: Path) -> None:
    """The list has a row for each member and one for the ensemble; an audit compares it with a member."""
    write(panel, dataset=", judgments: [{judge: panel}, {judge: one}, {judge: two}]")
    done = evalkit("judge", "list", "c.yaml", cwd=panel)
    assert done.returncode == 0, done.stderr
    assert "mean of one, two" in done.stdout
    rows = orjson.loads(evalkit("judge", "list", "c.yaml", "--json", cwd=panel).stdout)
    assert [row["order"] for row in rows] == [1, 2, 3, 4]
    assert rows[1]["pairs"] == PAIRS
    done = evalkit("judge", "audit", "c.yaml", "--judge", "panel", "--against", "one", "--json", cwd=panel)
    assert done.returncode == 0, done.stderr
    (one,) = orjson.loads(done.stdout)
    assert one["agreement"]["pairs"] == PAIRS
