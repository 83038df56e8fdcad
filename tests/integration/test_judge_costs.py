"""What judges cost: no answer is paid for twice, and the budget holds over commands, processes and failures."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest
from support.command import evalkit, start_evalkit
from support.judging import asked, judge, judged, write_experiment


def test_the_budget_stops_before_it_is_exceeded(tmp_path: Path) -> None:
    """What the file cost so far counts, too: the same command again spends nothing more."""
    write_experiment(tmp_path, settings=", usd: 1", rest="budget: {usd: 5}\n")
    for _ in range(2):
        done = judge(tmp_path, code=3)
        assert "resume with: evalkit judge run" in done.stderr
        assert sum(row["cost_usd"] for row in judged(tmp_path)) == 5
    assert sum(asked(tmp_path).values()) == 5
    judge(tmp_path, "--set", "budget.usd=16")
    assert set(asked(tmp_path).values()) == {1}


def test_another_folder_and_a_deleted_file_pay_nothing(tmp_path: Path) -> None:
    """Answers in the store are written as they were, also under another dataset name, but without tokens and cost.

    Those belong to the call: a cost in two lines would count twice.
    """
    write_experiment(tmp_path / "a", settings=", usd: 1, refuses: word1")
    store = f"store.path={tmp_path / 's.sqlite'}"
    judge(tmp_path / "a", "--set", store)
    rows = sorted(judged(tmp_path / "a"), key=lambda row: row["doc_id"])
    assert any("cost_usd" in row for row in rows)
    for row in rows:
        row.pop("tokens", None)
        row.pop("cost_usd", None)
    shutil.rmtree(tmp_path / "a" / "judgments")
    said = judge(tmp_path / "a", "--set", store).stdout
    assert "0 graded, 13 from the store, 3 without a grade before" in said
    assert sorted(judged(tmp_path / "a"), key=lambda row: row["doc_id"]) == rows
    write_experiment(tmp_path / "b", settings=", usd: 1, refuses: word1", dataset=", name: other")
    judge(tmp_path / "b", "--set", store)
    assert sorted(judged(tmp_path / "b", "other.noting.jsonl"), key=lambda row: row["doc_id"]) == rows
    assert not asked(tmp_path / "b")
    assert set(asked(tmp_path / "a").values()) == {1}


def test_documents_with_equal_texts_are_asked_once(tmp_path: Path) -> None:
    """Of pairs with equal texts one is sent; all get its grade, one line has the cost; the plan has the same calls."""
    write_experiment(tmp_path, settings=", usd: 1", rest="budget: {usd: 15}\n")
    corpus = tmp_path / "many" / "corpus.jsonl"
    rows = [orjson.loads(line) for line in corpus.read_bytes().splitlines()]
    text = next(row["text"] for row in rows if row["_id"] == "d0.1")
    for row in rows:
        row["text"] = text if row["_id"] in {"d0.2", "d0.3"} else row["text"]
    corpus.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    (plan,) = orjson.loads(judge(tmp_path, "--plan", "--json").stdout)
    (done,) = orjson.loads(judge(tmp_path, "--json").stdout)
    assert sum(asked(tmp_path).values()) == plan["calls"] == done["graded"] == 14
    assert (done["copied"], done["left"]) == (2, 0)
    alike = [row for row in judged(tmp_path) if row["doc_id"] in {"d0.1", "d0.2", "d0.3"}]
    assert len(alike) == 3
    assert len({row["grade"] for row in alike}) == 1
    assert sum(row.get("cost_usd", 0) for row in judged(tmp_path)) == 14
    listed = orjson.loads(evalkit("judge", "list", "c.yaml", "--json", cwd=tmp_path).stdout)
    assert sum(row["cost_usd"] or 0 for row in listed) == 14
    assert "$14.00 spent + $0 planned = $14.00" in judge(tmp_path, "--plan").stdout


def test_calls_without_an_answer_count_after_a_restart(tmp_path: Path) -> None:
    """A connection that breaks may be billed: its most is spent, in the next command, too."""
    write_experiment(tmp_path, settings=", usd: 1, fails: 'topic1 word2 '", rest="budget: {usd: 100}\n")
    judge(tmp_path, code=3)
    attempts = sum(asked(tmp_path).values())
    assert attempts == 15 + 4
    assert sum(row["cost_usd"] for row in judged(tmp_path)) == 15
    write_experiment(tmp_path, settings=", usd: 1", rest=f"budget: {{usd: {attempts}}}\n")
    assert "$19.00 spent + $1.00 planned = $20.00; it is too small" in judge(tmp_path, "--plan").stdout
    done = judge(tmp_path, code=3)
    assert "of the budget" in done.stderr
    assert sum(asked(tmp_path).values()) == attempts
    judge(tmp_path, "--set", f"budget.usd={attempts + 1}")
    assert len(judged(tmp_path)) == 16


@pytest.mark.long
def test_two_judges_at_once_share_the_budget(tmp_path: Path) -> None:
    """The second process waits, and counts what the first has spent."""
    block = ", usd: 1, pause_s: 0.1}, second: {backend: noting, prompt: q, usd: 1, pause_s: 0.1"
    write_experiment(tmp_path, settings=block, rest="budget: {usd: 6}\n")
    both = [
        start_evalkit("judge", "run", "c.yaml", "--judge", tag, cwd=tmp_path) for tag in ("noting", "second")
    ]
    errors = "".join(process.communicate(timeout=60)[1] for process in both)
    assert "waiting for another evalkit process that spends the budget of the same configuration" in errors
    assert sum(asked(tmp_path).values()) == 6
