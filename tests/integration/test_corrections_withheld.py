"""What speaks against a correction: who judged when, and which judge, on files that hide it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support.command import evalkit
from support.corrected_articles import against, drawn, rate, right, run, write_world, wrong
from support.judged_articles import ANNA, GPT, QUERIES, judged, pairs, write_judgments

from evalkit.records import Rater

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]


def test_what_speaks_against_a_correction_is_said_everywhere(tmp_path: Path) -> None:
    """A draw after judging: an indication, with the reason in the report, the documents and the gate."""
    config = write_world(tmp_path / "w")
    rate(config, QUERIES)
    printed, result = run(config)
    one = against(result)
    assert one["verdict"] == "undecided: mixed judgments" or one["entry"]["judged_by"] == "human"
    rate(config, QUERIES[:59])
    (config.parent / "judgments" / "articles.human_sample.json").unlink()
    printed, result = run(config)
    one, why = against(result), "documents when the queries were drawn"
    assert one["verdict"] == "undecided: mixed judgments"
    assert one["corrected"] is None
    assert why in one["entry"]["withheld"]
    manifest = orjson.loads((result / "manifest.json").read_bytes())
    assert manifest["datasets"][0]["judgments"]["human_sample"]["withheld"]["why"] == "drawn after judging"
    assert why in printed
    assert why in " ".join((result / "report.md").read_text(encoding="utf-8").split())
    gated = evalkit("gate", result, "--against", result)
    assert gated.returncode == 1
    assert why in " ".join(gated.stdout.split())
    listed = evalkit("judge", "list", config)
    assert "People's grades correct nothing." in " ".join(listed.stdout.split())


def test_a_judge_that_was_changed_after_judging_corrects_nothing(tmp_path: Path) -> None:
    """Its new grades are an indication; those of the judge that the draw names carry the verdict again."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    file = config.parent / "judgments" / "articles.luna.jsonl"
    other = replace(GPT, prompt_sha256="2b3c4d5e" * 8)
    write_judgments(file, judged(other, pairs(documents=20), right))
    _, result = run(config)
    one = against(result)
    assert one["corrected"] is None
    assert "another model, prompt, scale or settings" in one["entry"]["withheld"]
    write_judgments(file, judged(GPT, pairs(documents=20), wrong))
    assert against(run(config)[1])["verdict"] == "better"


def test_a_filter_by_rater_hides_no_grade_from_the_draw(tmp_path: Path) -> None:
    """People judged 50 queries, and the entry names another person as long as the queries are drawn, or enlarged."""
    config = write_world(tmp_path / "w")
    text = config.read_text(encoding="utf-8")
    hidden = text.replace("{path: people.jsonl}", "{path: people.jsonl, rater: bob}")
    rate(config, QUERIES[:50])
    config.write_text(hidden, encoding="utf-8")
    ids = drawn(config)
    config.write_text(text, encoding="utf-8")
    rate(config, ids)
    one = against(run(config)[1])
    assert (one["verdict"], one["corrected"]) == ("undecided: mixed judgments", None)
    assert "People had judged 1000 documents when the queries were drawn" in one["entry"]["withheld"]
    other = write_world(tmp_path / "x")
    rate(other, drawn(other))
    other.write_text(hidden.replace("queries: 35", "queries: 45"), encoding="utf-8")
    ids = drawn(other)
    other.write_text(text.replace("queries: 35", "queries: 45"), encoding="utf-8")
    rate(other, ids)
    assert against(run(other)[1])["corrected"]["enlarged"] == 1


def test_a_file_of_grades_that_is_listed_after_the_draw_is_read_with_its_dates(tmp_path: Path) -> None:
    """Grades of before the draw withhold the correction, in the report and in `judge list`."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    old = [replace(one, at="2026-01-01T00:00:00Z") for one in judged(ANNA, pairs(ids, 20), right)]
    write_judgments(tmp_path / "w" / "people.jsonl", old)
    printed, result = run(config)
    one, why = against(result), "have lines of people that are dated before it was made"
    assert (one["verdict"], one["corrected"]) == ("undecided: mixed judgments", None)
    assert f"700 documents of the draw ({tmp_path / 'w'}" in one["entry"]["withheld"]
    assert why in printed
    assert why in " ".join(evalkit("judge", "list", config).stdout.split())


@pytest.mark.parametrize(
    "rater", [Rater("model", "grades"), Rater("model", "llama", prompt_sha256="99" * 32)]
)
def test_the_first_grades_of_a_judge_after_people_judged_are_of_its_settings(
    tmp_path: Path, rater: Rater
) -> None:
    """Those of the rater that the settings name carry a verdict; any model's file in its place carries none."""
    config = write_world(tmp_path / "w")
    file = tmp_path / "w" / "judgments" / "articles.luna.jsonl"
    file.unlink()
    rate(config, drawn(config))
    write_judgments(file, judged(rater, pairs(documents=20), wrong))
    one = against(run(config)[1])
    assert (one["corrected"] is None) == (rater.name == "llama")
    if one["corrected"] is None:
        assert "The first grades of judge 'luna' are of llama (99999999)" in one["entry"]["withheld"]


def test_two_people_without_a_stated_scale_are_on_one(tmp_path: Path) -> None:
    """One of them gave no 3: that is no other scale."""
    config = write_world(tmp_path / "w")
    text = config.read_text(encoding="utf-8")
    listed = text.replace("- {path: people.jsonl}", "- {path: people.jsonl}\n      - {path: bob.jsonl}")
    config.write_text(listed, encoding="utf-8")
    ids = drawn(config)
    rate(config, ids[:30])
    bob = judged(Rater("human", "bob"), pairs(ids[30:], 20), lambda q, d: min(right(q, d), 2.0))
    write_judgments(tmp_path / "w" / "bob.jsonl", bob)
    assert against(run(config)[1])["verdict"] == "better"
