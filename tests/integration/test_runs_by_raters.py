"""Judgments of people and of models, from the files to the report: who counts, what is stale, and what is withheld."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit, only_folder
from support.judged_articles import (
    ANNA,
    GPT,
    QUERIES,
    good_is_better,
    judged,
    pairs,
    text_of,
    write_folder,
    write_judgments,
)

from evalkit.records import Judgment, text_sha256

pytestmark = pytest.mark.usefixtures("blank_plots")


def run(config: Path, *more: str) -> tuple[Any, Path]:
    """Run a configuration; return the process and the result."""
    into = config.parent / f"results{len(list(config.parent.glob('results*')))}"
    done = evalkit("run", config, "--into", into, *more)
    assert done.returncode == 0, done.stderr
    return done, only_folder(into)


def document(result: Path, name: str) -> Any:
    """Return a document of a result."""
    return orjson.loads((result / name).read_bytes())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a folder without judgments, whose judge needs no key."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "grades.qrels").write_text("s0 0 d0 1\n")
    return write_folder(tmp_path / "mine")


def test_a_run_without_judgments_scores_everything_and_says_so(config: Path) -> None:
    """All queries are scored, nothing is failed or empty, no quality is stated, and the next step is to judge."""
    done, result = run(config)
    assert "Undecided: No query is judged" in done.stdout
    assert "All 60 queries are unjudged" in done.stdout
    said = " ".join(done.stdout.split())
    assert f"evalkit judge run {config}" in said
    assert f"evalkit judge rate {config}" in said
    manifest = document(result, "manifest.json")
    assert manifest["status"] == "complete"
    (facts,) = manifest["datasets"]
    assert (facts["counts"]["queries"], facts["counts"]["unjudged_queries"]) == (60, 60)
    assert facts["judgments"]["raters"] == []
    assert len(facts["judgments"]["missing_files"]) == 2
    assert all(row["mean"] is None for row in document(result, "summary.json")["quality"])
    again = evalkit("report", result)
    assert again.returncode == 0, again.stderr
    gated = evalkit("gate", result, "--against", result)
    assert gated.returncode == 1, gated.stderr
    assert "no query is judged" in " ".join(gated.stdout.split())


def test_people_come_before_the_judge_and_the_shares_are_stated(config: Path) -> None:
    """Manifest, summary and report have the shares of raters in order of preference, stale and failed ones too."""
    asked = pairs(QUERIES[:30])
    stale = judged(ANNA, [("s40", "d0")], lambda *_: 1.0)[0]
    write_judgments(
        config.parent / "people.jsonl", judged(ANNA, asked, good_is_better), [_of_another_text(stale)]
    )
    failing = judged(GPT, [("s59", "d9")], lambda *_: None)
    rest = [pair for pair in pairs(QUERIES[:50]) if pair not in set(asked)]
    write_judgments(
        config.parent / "judgments" / "articles.luna.jsonl",
        judged(GPT, [*asked[:10], *rest], good_is_better),
        failing,
    )
    _, result = run(config)
    (facts,) = document(result, "manifest.json")["datasets"]
    anna, gpt = facts["judgments"]["raters"]
    assert (anna["label"], anna["counted"], anna["stale"]) == ("anna", 300, 1)
    assert (gpt["label"], gpt["counted"], gpt["superseded"], gpt["failed"]) == (
        "gpt-4o (1a2b3c4d)",
        200,
        10,
        1,
    )
    assert facts["judgments"]["judged_by"] == facts["judged_by"] == "mixed"
    assert document(result, "summary.json")["datasets"][0]["judgments"] == facts["judgments"]
    report = (result / "report.md").read_text(encoding="utf-8")
    assert "judged by: human 60 %, gpt-4o (1a2b3c4d) 40 %" in report
    assert "1 judgments are stale" in report
    assert "10 of 60 queries are not judged" in report
    (comparison, *_) = document(result, "comparisons.json")["datasets"][0]["comparisons"]
    assert comparison["n"] == 50


def _of_another_text(one: Judgment) -> Judgment:
    """Return a judgment of a text that the document had before."""
    return Judgment(
        one.query_id, one.doc_id, one.grade, one.rater, one.at, one.query_sha256, text_sha256("old")
    )


@pytest.mark.long
def test_a_changed_document_makes_its_judgments_stale(config: Path) -> None:
    """A later run does not count them, and is no copy of the run before."""
    write_judgments(config.parent / "people.jsonl", judged(ANNA, pairs(), good_is_better))
    _, before = run(config)
    corpus = config.parent / "corpus.csv"
    corpus.write_text(corpus.read_text().replace(text_of("d", 0), "another text"))
    _, after = run(config)
    (was,), (now,) = (
        document(one, "manifest.json")["datasets"][0]["judgments"]["raters"] for one in (before, after)
    )
    assert (was["counted"], was["stale"]) == (600, 0)
    assert (now["counted"], now["stale"]) == (540, 60)
    assert "60 judgments are stale" in (after / "report.md").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("people", [(), QUERIES[:40]], ids=["judge only", "mixed"])
def test_grades_of_a_model_carry_no_verdict(config: Path, people: Sequence[str]) -> None:
    """However much better a judge finds a system: nothing is adopted or kept, and no gate passes or fails."""
    asked = pairs(people)
    write_judgments(config.parent / "people.jsonl", judged(ANNA, asked, good_is_better))
    write_judgments(config.parent / "judgments" / "articles.luna.jsonl", judged(GPT, pairs(), good_is_better))
    for baseline in ("good", "bad"):
        done, result = run(config, "--set", f"compare.baseline={baseline}")
        assert done.stdout.startswith("Undecided: Judge")
        verdicts = {
            one["verdict"] for one in document(result, "comparisons.json")["datasets"][0]["comparisons"]
        }
        wanted = "undecided: mixed judgments" if people else "undecided: judge only"
        assert verdicts == {wanted}
        assert not any(document(result, "comparisons.json")["datasets"][0]["tied_with"].values())
    (config.parent / "gate.yaml").write_text(
        "rules:\n  - {metric: nDCG@5, max_drop: 0.1}\n  - {metric: nDCG@5, min: 0.1}\n"
    )
    gated = evalkit("gate", result, "--against", result, "--rules", config.parent / "gate.yaml")
    found = document(result, "gates.json")["verdicts"]
    assert {one["status"] for one in found} == {"CANNOT TELL"}, gated.stderr
    assert all(("mixed judgments" if people else "judge only") in one["sentence"] for one in found)
    assert gated.returncode == 1


def test_the_same_grades_of_people_carry_one(config: Path) -> None:
    """The same grades by a person make a verdict."""
    write_judgments(config.parent / "people.jsonl", judged(ANNA, pairs(), good_is_better))
    done, _ = run(config, "--set", "compare.baseline=bad")
    assert done.stdout.startswith("Adopt: good ranks better than bad")


def test_the_draw_for_people_is_made_by_a_run(config: Path) -> None:
    """It is written next to the configuration before anything is judged, and recorded in the manifest."""
    text = config.read_text().replace("judges:", "    human_sample: {queries: 5, seed: 7}\njudges:", 1)
    config.write_text(text)
    _, result = run(config)
    drawn = orjson.loads((config.parent / "judgments" / "articles.human_sample.json").read_bytes())
    recorded = document(result, "manifest.json")["datasets"][0]["judgments"]["human_sample"]
    assert recorded["query_ids"] == drawn["query_ids"]
    assert len(drawn["query_ids"]) == 5
    config.write_text(text.replace("seed: 7", "seed: 8"))
    refused = evalkit("run", config, "--into", config.parent / "refused")
    assert refused.returncode == 2
    assert "drawn with seed 7" in refused.stderr
