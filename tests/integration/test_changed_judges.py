"""A judge whose prompt or settings change: it judges the pool again, and only the new grades count."""

from __future__ import annotations

from pathlib import Path

import orjson
from support.command import Done, evalkit, only_folder
from support.judging import asked, judged, write_experiment

PAIRS = 4 * 5
"""Four queries, the first five documents of each."""


def command(folder: Path, *words: str) -> Done:
    """Run a command in a folder."""
    done = evalkit(*words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def judge(folder: Path, settings: str) -> None:
    """Judge all pairs with some settings; the judge's grades count."""
    write_experiment(folder, settings=settings, dataset=", judgments: [{judge: noting}]")
    command(folder, "judge", "run", "c.yaml", "--judge", "noting", "--all")


def test_another_prompt_judges_the_pool_again_and_alone_counts(tmp_path: Path) -> None:
    """Run, list and audit count the grades of the last prompt, and name the others; a change back counts them again."""
    judge(tmp_path, ", prompt: old, last_grade: 1")
    judge(tmp_path, ", prompt: new, last_grade: 3")
    assert set(asked(tmp_path).values()) == {2}
    assert len(judged(tmp_path)) == 2 * PAIRS
    command(tmp_path, "run", "c.yaml", "--into", "out")
    (facts,) = orjson.loads((only_folder(tmp_path / "out") / "manifest.json").read_bytes())["datasets"]
    own, earlier, now = facts["judgments"]["raters"]
    assert (own["counted"], now["counted"], now["superseded"]) == (4, PAIRS - 4, 4)
    assert (earlier["counted"], earlier["earlier"]) == (0, PAIRS)
    assert facts["judgments"]["judged_by"] == "mixed"
    report = (only_folder(tmp_path / "out") / "report.md").read_text(encoding="utf-8")
    assert "20 grades are of an earlier prompt or settings of a judge, not counted" in report
    listed = command(tmp_path, "judge", "list", "c.yaml").stdout
    assert "earlier prompt or settings, not counted" in listed
    rows = orjson.loads(command(tmp_path, "judge", "list", "c.yaml", "--json").stdout)
    assert [row["earlier"] for row in rows] == [False, False, True]
    assert [row["counted"] for row in rows] == [4, PAIRS - 4, None]
    audits = orjson.loads(command(tmp_path, "judge", "audit", "c.yaml", "--judge", "noting", "--json").stdout)
    assert len(audits) == 1
    judge(tmp_path, ", prompt: old, last_grade: 1")
    assert set(asked(tmp_path).values()) == {2}, "answers of the store are not paid for again"
    rows = orjson.loads(command(tmp_path, "judge", "list", "c.yaml", "--json").stdout)
    assert [row["earlier"] for row in rows] == [False, False, True]
    assert set(rows[1]["grades"]) <= {"0", "1"}


def test_the_raters_of_an_exported_file_are_lost_with_a_warning(tmp_path: Path) -> None:
    """TREC and CSV carry no rater, so their grades count as those of people; JSON Lines keep them."""
    judge(tmp_path, "")
    file = tmp_path / "judgments" / "many.noting.jsonl"
    for source in (file, "c.yaml"):
        for suffix in ("qrels", "csv", "jsonl"):
            out = tmp_path / f"out{len(list(tmp_path.glob('out*')))}.{suffix}"
            warned = "take them for judgments of people" in " ".join(
                command(tmp_path, "judge", "export", str(source), str(out)).stderr.split()
            )
            assert warned == (suffix != "jsonl")
    done = command(tmp_path, "dataset", "export", "c.yaml", "out.qrels")
    assert "some grades are of models" in " ".join(done.stderr.split())
