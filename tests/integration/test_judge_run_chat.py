"""``evalkit judge run`` with the judge ``chat``, against a chat server that disturbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.command import Done, evalkit
from support.judging import judged, write_experiment

stand_in_judge: Any = pytest.importorskip("support.stand_in_judge")

PAIRS = 16


def judge(folder: Path, server: Any, more: str = "", rest: str = "", words: tuple[str, ...] = ()) -> Done:
    """Judge the collection of a folder with a chat server."""
    config = write_experiment(folder, rest=rest)
    with server.running() as url:
        settings = f"backend: chat, url: '{url}', model: m, concurrency: 3, retry_wait_s: 0.01{more}"
        block = f"judges: {{noting: {{{settings}}}}}"
        lines = config.read_text(encoding="utf-8").splitlines()
        config.write_text(
            "\n".join(block if line.startswith("judges:") else line for line in lines), encoding="utf-8"
        )
        return evalkit("judge", "run", "c.yaml", "--judge", "noting", *words, cwd=folder)


def test_pairs_are_asked_once_and_the_model_is_that_of_the_replies(tmp_path: Path) -> None:
    """A name with a version does not make another rater: the second run asks nothing."""
    server = stand_in_judge.JudgeServer(model="m-2026-11-30")
    for _ in range(2):
        done = judge(tmp_path, server)
        assert done.returncode == 0, done.stderr
    assert set(server.graded.values()) == {1}
    rows = judged(tmp_path)
    assert len(rows) == len(server.graded) == PAIRS
    assert {row["rater"]["name"] for row in rows} == {"m-2026-11-30"}
    assert all(row["tokens"] for row in rows)


def test_refusals_for_the_rate_lose_no_grade(tmp_path: Path) -> None:
    """Every third request gets status 429; every pair has a grade in the end, and none is graded twice."""
    server = stand_in_judge.JudgeServer(
        disturb=lambda asked: stand_in_judge.too_many_requests() if asked.number % 3 == 2 else None
    )
    done = judge(tmp_path, server)
    assert done.returncode == 0, done.stderr
    assert [row["grade"] for row in judged(tmp_path)] == [0] * PAIRS
    assert set(server.graded.values()) == {1}


def test_a_refusal_of_the_model_is_named_and_unjudged(tmp_path: Path) -> None:
    """It is never grade 0, and is asked again on demand only."""
    server = stand_in_judge.JudgeServer(
        disturb=lambda asked: stand_in_judge.refused() if "word2" in asked.document else None
    )
    assert judge(tmp_path, server).returncode == 0
    failed = [row for row in judged(tmp_path) if row["grade"] is None]
    assert failed
    assert all(row["failure"].startswith("refusal: ") and "word" not in row["failure"] for row in failed)
    before = sum(server.asked.values())
    assert judge(tmp_path, server).returncode == 0
    assert sum(server.asked.values()) == before
    assert judge(tmp_path, server, words=("--retry-failed",)).returncode == 0
    assert sum(server.asked.values()) == before + len(failed)


def test_a_server_that_fails_closes_the_judge(tmp_path: Path) -> None:
    """After five failures in a row no more requests are made; the graded pairs stay, and the rest is asked later."""
    server = stand_in_judge.JudgeServer(
        disturb=lambda asked: stand_in_judge.broken() if asked.number >= 6 else None
    )
    done = judge(tmp_path, server, ", retries: 0")
    assert done.returncode == 3
    assert "was stopped after this failure" in done.stderr
    assert len(judged(tmp_path)) == sum(server.graded.values()) == 6
    server = stand_in_judge.JudgeServer()
    assert judge(tmp_path, server).returncode == 0
    assert len(server.asked) == PAIRS - 6
    assert len(judged(tmp_path)) == PAIRS


@pytest.mark.parametrize("price", ["", ", price: {usd_per_million_tokens: 1, as_of: 2026-11-30}"])
def test_a_plan_without_a_price_says_where_to_set_it(tmp_path: Path, price: str) -> None:
    """An unknown cost of billed calls has a reason and a remedy; a known one has none."""
    planned = judge(tmp_path, stand_in_judge.JudgeServer(), price, words=("--plan",)).stdout
    assert ("cost: unknown, as judges.noting has no price" in planned) == (not price)


def test_the_budget_holds_with_a_price_for_tokens(tmp_path: Path) -> None:
    """What is written never costs more than the budget, and a judge without a price is refused."""
    server = stand_in_judge.JudgeServer()
    price = ", price: {usd_per_million_tokens: 1000, as_of: 2026-11-30}"
    done = judge(tmp_path, server, price, "budget: {usd: 2}\n")
    assert done.returncode == 3
    assert "resume with" in done.stderr
    rows = judged(tmp_path)
    assert 0 < sum(row["cost_usd"] for row in rows) <= 2
    assert len(rows) < PAIRS
    done = judge(tmp_path, server, "", "budget: {usd: 2}\n")
    assert done.returncode == 2
    assert "judges.noting has no price" in done.stderr
