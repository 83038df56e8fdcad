"""Which pairs ``evalkit judge run`` sends where people correct the judge, and when it stops sending."""

from __future__ import annotations

from pathlib import Path

from support.judging import asked, judge, judged, write_experiment

PAIRS = 4 * 5
"""Four queries, the first five documents of each."""
WAITING = 2 * 3 - 1
"""Answers that can still come after the one that stops the judge: three calls in flight, and three in the queue."""


def test_where_people_correct_the_judge_it_is_sent_the_whole_pool(tmp_path: Path) -> None:
    """Of all queries, drawn or not, judged by others or not: its grades have to be one function. The plan says so."""
    write_experiment(tmp_path, dataset=", human_sample: {queries: 1}")
    planned = judge(tmp_path, "--plan").stdout
    assert "with human_sample, pairs that other raters have judged are sent, too" in planned
    assert "Pairs that this judge has judged," in " ".join(planned.split())
    assert "other raters or this judge" not in planned
    assert f"total: {PAIRS} calls" in planned
    judge(tmp_path)
    assert set(asked(tmp_path).values()) == {1}
    assert len(judged(tmp_path)) == PAIRS


def test_a_metric_without_a_cutoff_is_judged_as_far_as_it_counts(tmp_path: Path) -> None:
    """Where people correct the judge: otherwise the first ten documents are judged."""
    write_experiment(tmp_path, dataset=", human_sample: {queries: 1}", candidates=15)
    words = ("--set", "metrics=[nDCG]", "--set", "retriever.depth=15", "--plan")
    done = judge(tmp_path, *words)
    assert f"total: {4 * 15} calls" in done.stdout
    assert "nDCG has no cutoff, so that with human_sample the first 15 documents" in done.stderr
    write_experiment(tmp_path, candidates=15)
    assert "total: 36 calls" in judge(tmp_path, *words).stdout  # 4 times 10, of which others judged one each


def test_a_judge_that_grades_nothing_is_not_paid_for_every_pair(tmp_path: Path) -> None:
    """It is stopped after its first 20 answers, with the first one as it was sent, also when it is asked again."""
    write_experiment(tmp_path, queries=12, settings=", refuses: word")
    done = judge(tmp_path, code=3)
    assert "the judge graded none of its first 2" in done.stderr
    assert "the first one: 'I cannot grade this.'" in done.stderr
    assert "--keep-going" in done.stderr
    assert 20 <= len(judged(tmp_path)) == len(asked(tmp_path)) <= 20 + WAITING
    before = asked(tmp_path)
    assert "graded none of its first" in judge(tmp_path, code=3).stderr
    assert asked(tmp_path) == before
    said = judge(tmp_path, "--keep-going", code=3).stderr
    count = len(judged(tmp_path))
    assert count > 40
    assert f"the judge graded none of {count} pairs" in said
    write_experiment(tmp_path, queries=12)
    judge(tmp_path, "--retry-failed")
    assert all(row["grade"] is not None for row in judged(tmp_path)[count:])
