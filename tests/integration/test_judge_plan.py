"""``evalkit judge plan``: queries that people judge, their hours, and the judge's cost, before anything is paid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit
from support.judging import asked, write_experiment

RUNS = {"repllama": "dl19.repllama.top100.trec", "splade": "dl19.splade_pp_ed.top100.trec"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an experiment that was not run."""
    write_experiment(tmp_path, queries=60, settings=", usd: 0.01", rest="runs: {other: {path: other.trec}}\n")
    lines = (f"q{q} Q0 d{q}.{5 - place} {place} {9 - place} other\n" for q in range(60) for place in range(6))
    (tmp_path / "other.trec").write_text("".join(lines), encoding="utf-8")
    return tmp_path


def plan_of(*words: str, cwd: Path) -> dict[str, Any]:
    """Return the plan of the only dataset."""
    done = evalkit("judge", "plan", "c.yaml", *words, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    (found,) = orjson.loads(done.stdout)
    return dict(found)


def test_the_plan_asks_for_nothing(folder: Path) -> None:
    """The judge is not called, no sample is drawn, and the cost is that of the judge's own plan."""
    found = plan_of(cwd=folder)
    assert not asked(folder)
    assert not (folder / "judgments").exists()
    (sent,) = orjson.loads(evalkit("judge", "run", "c.yaml", "--plan", "--json", cwd=folder).stdout)
    assert (found["judge_calls"], found["judge_cost_usd"]) == (sent["calls"], sent["cost_usd"])
    assert found["queries"] == 60
    assert "an assumption" in found["correlation_from"]
    assert "an assumption" in found["pace_from"]


def test_a_better_judge_and_a_wider_margin_need_fewer_queries(folder: Path) -> None:
    """And no number is below the floor of a verdict."""
    wide = plan_of("--margin", "1", cwd=folder)
    assert wide["human"] == 30
    margins = ("--margin", "0.1")
    numbers = [
        plan_of(*margins, "--correlation", value, cwd=folder)["human"] or 61 for value in ("0.95", "0.5", "0")
    ]
    assert numbers == sorted(numbers)
    found = plan_of(*margins, "--seconds-per-judgment", "60", cwd=folder)
    assert found["pace_from"] == "--seconds-per-judgment"
    for at in found["curve"]:
        assert at["hours"] == pytest.approx(at["documents"] / 60)
        assert at["half_width"] <= at["alone"]


def test_the_first_line_is_the_answer(folder: Path) -> None:
    """Then come what it rests on, the cost, and the widths as a table."""
    done = evalkit("judge", "plan", "c.yaml", "--margin", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "many: people judge 30 of 60 queries (the fewest for a verdict), and the judge all"
    )
    assert "width by queries that people judge" in done.stdout
    assert lines[-1].startswith("next: add human_sample: {queries: 30}")


@pytest.mark.parametrize(
    "words", [("--margin", "0"), ("--correlation", "2"), ("--power", "1"), ("--judge", "x")]
)
def test_wrong_wishes_are_named(folder: Path, words: tuple[str, str]) -> None:
    """Exit code 2."""
    assert evalkit("judge", "plan", "c.yaml", *words, cwd=folder).returncode == 2


def test_a_pilot_of_real_grades(tmp_path: Path, test_data: Path) -> None:
    """TREC DL 2019, UMBRELA with GPT-4o: the correlation has an interval, and its queries are not drawn at random."""
    judgments = test_data / "judgments" / "dl19.umbrela-gpt-4o.qrels"
    files = "".join(f"  {tag}: {{path: '{test_data / 'runs' / name}'}}\n" for tag, name in RUNS.items())
    (tmp_path / "c.yaml").write_text(
        f"name: dl\ndatasets: [{{source: beir_folder, path: '{test_data / 'collections' / 'trec-dl19-pool'}',"
        " split: test, name: dl19}]\n"
        f"retriever: {{kind: trec_run, path: '{test_data / 'runs' / 'dl19.bm25.top100.trec'}', tag: bm25}}\n"
        f"metrics: [nDCG@10]\nruns:\n{files}"
        f"judges: {{umbrela: {{backend: replay, path: '{judgments}', concurrency: 4}}}}\n",
        encoding="utf-8",
    )
    assert "an assumption" in plan_of(cwd=tmp_path)["correlation_from"]
    assert evalkit("judge", "run", "c.yaml", "--all", cwd=tmp_path).returncode == 0
    found = plan_of("--baseline", "splade", "--contender", "repllama", cwd=tmp_path)
    assert found["pilot"] >= 20
    assert found["correlation_lower"] < found["correlation"] < found["correlation_upper"]
    assert found["correlation_from"].endswith("not drawn at random")
    assert found["deviation_from"].startswith("the judgments that count now (43 queries)")
    assert found["judge_calls"] == 0
