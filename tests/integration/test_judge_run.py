"""``evalkit judge run``: every pair is asked once, nothing that is paid is lost, and failures are no grades."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import orjson
import pytest
from support.command import evalkit, start_evalkit
from support.judging import asked, judge, judged, write_experiment

PAIRS = 4 * 5
"""Four queries, the first five documents of each."""


def test_every_pair_of_the_pool_is_asked_once(tmp_path: Path) -> None:
    """Documents within the cutoff without a judgment are sent once; the same command again sends nothing."""
    write_experiment(tmp_path)
    said = judge(tmp_path).stdout
    rows = judged(tmp_path)
    pairs = {(row["query_id"], row["doc_id"]) for row in rows}
    assert set(asked(tmp_path).values()) == {1}
    assert set(asked(tmp_path)) == pairs
    own = {(f"q{q}", f"d{q}.{q}") for q in range(4)}
    assert not pairs & own
    assert len(pairs | own) == PAIRS
    assert f"{len(rows)} graded" in said
    assert "judge audit" in said
    judge(tmp_path)
    assert set(asked(tmp_path).values()) == {1}
    assert judged(tmp_path) == rows


def test_a_line_says_all_that_is_known_of_an_answer(tmp_path: Path) -> None:
    """The rater is the model as the reply names it; both texts have hashes; tokens and cost are those of the call."""
    write_experiment(tmp_path, settings=", usd: 0.5")
    judge(tmp_path)
    for row in judged(tmp_path):
        assert row["rater"]["name"] == "noting-1"
        assert row["rater"]["settings"]["backend"] == "noting"
        assert {len(row["query_sha256"]), len(row["doc_sha256"])} == {64}
        assert row["raw"] == str(row["grade"])
        assert (row["tokens"], row["cost_usd"]) == (7, 0.5)
        assert "failure" not in row


def test_all_judges_what_others_have_judged(tmp_path: Path) -> None:
    """``--all`` adds the pairs that the dataset's own judgments have, so that raters can be compared."""
    write_experiment(tmp_path)
    judge(tmp_path, "--all")
    assert len(judged(tmp_path)) == PAIRS


def test_the_order_says_nothing_of_ranks_and_is_that_of_the_seed(tmp_path: Path) -> None:
    """Queries are judged one after the other, in an order of the seed alone."""
    orders: list[list[tuple[str, str]]] = []
    for seed in ("0", "0", "1"):
        folder = tmp_path / str(len(orders))
        write_experiment(folder)
        judge(folder, "--set", f"seed={seed}", "--set", "judges.noting.concurrency=1")
        orders.append([(row["query_id"], row["doc_id"]) for row in judged(folder)])
    assert orders[0] == orders[1] != orders[2]
    queries = [query_id for query_id, _ in orders[0]]
    assert len([q for q, before in zip(queries, ["", *queries], strict=False) if q != before]) == 4


def test_a_refusal_is_a_named_failure_and_unjudged(tmp_path: Path) -> None:
    """It has no grade, is asked again only on demand, and no other pair is."""
    write_experiment(tmp_path, settings=", refuses: word1")
    said = judge(tmp_path).stdout
    failed = [row for row in judged(tmp_path) if row["grade"] is None]
    assert {row["failure"] for row in failed} == {"refusal: the judge refused"}
    assert {row["raw"] for row in failed} == {"I cannot grade this."}
    assert f"{len(failed)} without a grade (refusal)" in said
    again_later = judge(tmp_path)
    assert f"{len(failed)} without a grade before" in again_later.stdout
    assert (
        f"{len(failed)} pairs have no grade; ask for them again with: evalkit judge run" in again_later.stderr
    )
    assert set(asked(tmp_path).values()) == {1}
    judge(tmp_path, "--retry-failed")
    again = {pair for pair, count in asked(tmp_path).items() if count == 2}
    assert again == {(row["query_id"], row["doc_id"]) for row in failed}


def test_a_judge_without_a_single_grade_has_failed(tmp_path: Path) -> None:
    """The error says why and how to ask again, also of the next run; the failures are never counted as judged."""
    write_experiment(tmp_path, settings=", refuses: word")
    failures = PAIRS - 4
    for why in (", the first one because the judge refused", ""):
        done = judge(tmp_path, code=3)
        assert f"the judge graded none of {failures} pairs{why}" in done.stderr
        assert "--retry-failed" in done.stderr
        assert "judged before" not in done.stdout
        assert "next:" not in done.stdout
    (tmp_path / "judgments" / "many.noting.jsonl").unlink()
    done = judge(tmp_path, code=3)
    assert f"0 graded, 0 from the store, {failures} without a grade before" in done.stdout


def test_a_grade_outside_the_scale_is_a_failure(tmp_path: Path) -> None:
    """A number that the scale does not have is no grade."""
    write_experiment(tmp_path, settings=", last_grade: 9")
    judge(tmp_path)
    rows = judged(tmp_path)
    assert any(row["grade"] is None for row in rows)
    assert all(0 <= row["grade"] <= 3 for row in rows if row["grade"] is not None)
    assert all("not on the scale" in row["failure"] for row in rows if row["grade"] is None)


def test_refusals_for_the_rate_are_waited_for(tmp_path: Path) -> None:
    """Every pair is graded, though every fourth request is refused for its rate."""
    write_experiment(tmp_path, settings=", limited_every: 4")
    judge(tmp_path)
    assert len(judged(tmp_path)) == 16
    assert all(row["grade"] is not None for row in judged(tmp_path))


def test_failures_in_a_row_close_the_judge_and_lose_nothing(tmp_path: Path) -> None:
    """The command ends with code 3 and names the cause; pairs without an answer are asked again without a flag."""
    write_experiment(tmp_path, settings=", fails: topic", queries=4)
    done = judge(tmp_path, code=3)
    assert "the connection broke" in done.stderr
    assert "run the same command again" in done.stderr
    assert judged(tmp_path) == []
    write_experiment(tmp_path)
    judge(tmp_path)
    assert len(judged(tmp_path)) == 16


def test_one_pair_without_an_answer_is_named_and_asked_again(tmp_path: Path) -> None:
    """The others are graded; the exit code says that something is missing."""
    write_experiment(tmp_path, settings=", fails: 'topic1 word2 '")
    done = judge(tmp_path, code=3)
    assert "1 pairs have no answer (1 broken)" in done.stderr
    assert len(judged(tmp_path)) == 15
    write_experiment(tmp_path)
    judge(tmp_path)
    assert len(judged(tmp_path)) == 16


def test_another_prompt_is_another_rater(tmp_path: Path) -> None:
    """All pairs are asked again, in the same file."""
    write_experiment(tmp_path)
    judge(tmp_path)
    judge(tmp_path, "--set", "judges.noting.prompt=other")
    assert set(asked(tmp_path).values()) == {2}
    assert len({row["rater"]["prompt_sha256"] for row in judged(tmp_path)}) == 2


def test_a_changed_text_is_judged_again(tmp_path: Path) -> None:
    """Judgments of the old text are stale; those of other documents stay."""
    write_experiment(tmp_path)
    judge(tmp_path)
    corpus = tmp_path / "many" / "corpus.jsonl"
    corpus.write_text(
        corpus.read_text("utf-8").replace("topic0 word1 ", "topic0 word1 new "), encoding="utf-8"
    )
    planned = judge(tmp_path, "--plan").stdout
    assert "1 pairs are judged again, as their texts have changed" in planned
    judge(tmp_path)
    assert {pair for pair, count in asked(tmp_path).items() if count == 2} == {("q0", "d0.1")}


def names(folder: Path) -> set[str]:
    """Return the names in a folder, without what Python caches."""
    return {path.name for path in folder.iterdir()} - {"__pycache__"}


def test_a_plan_asks_and_writes_nothing(tmp_path: Path) -> None:
    """It has the calls, tokens and cost of the run; after the run there is nothing left to send."""
    write_experiment(tmp_path, settings=", usd: 0.25")
    before = names(tmp_path)
    (row,) = orjson.loads(judge(tmp_path, "--plan", "--json").stdout)
    assert (row["pairs"], row["counted"], row["calls"], row["cost_usd"]) == (20, 4, 16, 4.0)
    assert names(tmp_path) == before
    judge(tmp_path)
    (row,) = orjson.loads(judge(tmp_path, "--plan", "--json").stdout)
    assert (row["graded"], row["calls"]) == (16, 0)
    *printed, after = judge(tmp_path, "--plan").stdout.splitlines()
    assert "nothing is left to judge" in printed
    assert after == "next: evalkit judge audit c.yaml --judge noting; evalkit run c.yaml"
    shutil.rmtree(tmp_path / "judgments")
    (row,) = orjson.loads(judge(tmp_path, "--plan", "--json").stdout)
    assert (row["stored"], row["calls"]) == (16, 0)


def test_a_sample_is_recorded_and_no_sample_for_people(tmp_path: Path) -> None:
    """The drawn queries are in a file; a larger draw contains a smaller one."""
    write_experiment(tmp_path)
    done = judge(tmp_path, "--sample", "2")
    assert "this is no sample for people" in done.stderr
    assert done.stdout.endswith("then judge all queries: evalkit judge run c.yaml --judge noting\n")
    shown = done.stdout.partition("Answers of noting")[2].partition("next:")[0].splitlines()
    assert shown[2].split() == ["query", "document", "answer", "grade"]
    assert 0 < len([line for line in shown[4:] if line]) <= 10
    assert all(len(line) <= 100 for line in shown)
    first = orjson.loads((tmp_path / "judgments" / "many.noting.sample.json").read_bytes())
    assert {row["query_id"] for row in judged(tmp_path)} == set(first["query_ids"])
    assert len(first["query_ids"]) == 2
    judge(tmp_path, "--sample", "3")
    second = orjson.loads((tmp_path / "judgments" / "many.noting.sample.json").read_bytes())
    assert set(first["query_ids"]) < set(second["query_ids"])
    assert set(asked(tmp_path).values()) == {1}


def test_a_sample_does_not_ask_for_a_human_sample_that_is_configured(tmp_path: Path) -> None:
    """With human_sample, the note names it instead of asking for one."""
    write_experiment(tmp_path)
    done = judge(tmp_path, "--sample", "2", "--set", "datasets.0.human_sample={queries: 2}")
    assert "set human_sample for one" not in done.stderr
    assert "people judge those of human_sample" in done.stderr


def test_a_threshold_needs_documents_below_the_cutoff(tmp_path: Path) -> None:
    """Pairs of all scores are sent, judged by others or not, and the record has the probability of each."""
    write_experiment(tmp_path, queries=8)
    assert evalkit("run", "c.yaml", cwd=tmp_path).returncode == 0
    said = judge(tmp_path, "--for", "threshold").stderr
    assert "No metric and no 'evalkit tune" in said
    record = orjson.loads((tmp_path / "judgments" / "many.noting.threshold.json").read_bytes())
    pairs = {(one["query_id"], one["doc_id"]): one["probability"] for one in record["pairs"]}
    rows = judged(tmp_path, "many.noting.threshold.jsonl")
    assert pairs.keys() == {(row["query_id"], row["doc_id"]) for row in rows}
    assert {one["system"] for one in record["systems"]} == {"bm25", "lexical"}
    for one in record["systems"]:
        assert sum(stratum["size"] for stratum in one["strata"]) == 48
    assert all(0 < probability <= 1 for probability in pairs.values())


def test_a_sample_by_score_is_no_judgment_and_is_drawn_once(tmp_path: Path) -> None:
    """Metrics do not see its grades; the record stays as it was; another seed, and a part of it, are refused."""
    write_experiment(tmp_path, queries=8, dataset=", judgments: [{judge: noting}]")
    assert evalkit("run", "c.yaml", cwd=tmp_path).returncode == 0
    judge(tmp_path, "--for", "threshold")
    assert judged(tmp_path) == []
    record = tmp_path / "judgments" / "many.noting.threshold.json"
    before = record.read_bytes()
    judge(tmp_path, "--for", "threshold")
    assert record.read_bytes() == before
    for words, message in (
        (("--set", "seed=5"), "with another seed"), (("--sample", "2"), "--sample cannot be combined"),
    ):  # fmt: skip
        for plan in ((), ("--plan",)):
            assert message in judge(tmp_path, "--for", "threshold", *words, *plan, code=2).stderr
    assert record.read_bytes() == before
    file = "judgments/many.noting.threshold.jsonl"
    write_experiment(tmp_path, dataset=f", judgments: [{{path: {file}}}]")
    assert "random sample by score" in judge(tmp_path, code=2).stderr


def test_changed_documents_of_a_result_are_refused(tmp_path: Path) -> None:
    """Their number may be the same: the hash of the documents decides."""
    write_experiment(tmp_path)
    assert evalkit("run", "c.yaml", cwd=tmp_path).returncode == 0
    corpus = tmp_path / "many" / "corpus.jsonl"
    corpus.write_text(corpus.read_text("utf-8").replace("topic0 word1 ", "topic0 other "), encoding="utf-8")
    done = evalkit("judge", "run", "latest", "--judge", "noting", cwd=tmp_path)
    assert done.returncode == 2
    assert "has other documents in 'many' than the configuration has now" in done.stderr


def test_results_and_their_configuration_are_judged_together(tmp_path: Path) -> None:
    """A result names its configuration; the pool has what rerankers rank; another collection is refused."""
    write_experiment(tmp_path)
    note = judge(tmp_path, "--plan").stderr
    assert "no complete result" in note
    assert evalkit("run", "c.yaml", cwd=tmp_path).returncode == 0
    done = evalkit("judge", "run", "latest", "--judge", "noting", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(judged(tmp_path)) >= 16
    queries = tmp_path / "many" / "queries.jsonl"
    queries.write_text(queries.read_text("utf-8").replace('"topic1"', '"topic1 other"'), encoding="utf-8")
    done = evalkit("judge", "run", "latest", "--judge", "noting", cwd=tmp_path)
    assert done.returncode == 2
    assert "has other queries in 'many' than the configuration has now" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [(("c.yaml", "--judge", "other"), "unknown judge 'other'"), (("no.yaml", "--judge", "noting"), "no.yaml"),
     (("c.yaml", "--judge", "noting", "--set", "judges={}"), "has no judges")],
)  # fmt: skip
def test_wrong_input_is_one_line(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """Exit code 2, and what is wrong."""
    write_experiment(tmp_path)
    done = evalkit("judge", "run", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.long
def test_two_processes_at_once_ask_each_pair_once(tmp_path: Path) -> None:
    """The second waits for the first, and then has nothing to ask."""
    write_experiment(tmp_path, settings=", pause_s: 0.05")
    both = [start_evalkit("judge", "run", "c.yaml", "--judge", "noting", cwd=tmp_path) for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    assert set(asked(tmp_path).values()) == {1}
    assert len(judged(tmp_path)) == 16


@pytest.mark.long
def test_ctrl_c_keeps_all_answers_and_says_how_to_resume(tmp_path: Path) -> None:
    """Exit code 130; the resumed run asks no answered pair again.

    Only calls that a busy machine does not end within the grace of an interrupt, at most all in flight, are repeated.
    """
    write_experiment(tmp_path, queries=30, settings=", pause_s: 0.05")
    process = start_evalkit("judge", "run", "c.yaml", "--judge", "noting", cwd=tmp_path)
    _wait_for(tmp_path, 20)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "resume with: evalkit judge run c.yaml --judge noting" in errors
    assert 0 < len(judged(tmp_path)) < 125
    unanswered = asked(tmp_path).keys() - {(row["query_id"], row["doc_id"]) for row in judged(tmp_path)}
    assert len(unanswered) <= 3
    judge(tmp_path, "--set", "judges.noting.pause_s=0")
    assert {pair for pair, count in asked(tmp_path).items() if count > 1} == unanswered
    assert len(judged(tmp_path)) == 125


@pytest.mark.long
@pytest.mark.parametrize("kills", [1, 6])
def test_a_kill_asks_no_written_pair_again(tmp_path: Path, kills: int) -> None:
    """After SIGKILL at any time what is written stays, and no written pair is asked again.

    Asked twice are calls in flight, answers that came during a write and answers that were being written: at most
    three times the concurrency of 3.
    """
    write_experiment(tmp_path, queries=60, settings=", pause_s: 0.02")
    rng = np.random.default_rng(4)
    killed = 0
    for _ in range(kills):
        before = sum(asked(tmp_path).values())
        process = start_evalkit("judge", "run", "c.yaml", "--judge", "noting", cwd=tmp_path)
        _wait_for(tmp_path, before + int(rng.integers(2, 25)))
        written = {(row["query_id"], row["doc_id"]) for row in _whole_lines(tmp_path)}
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
        assert written <= {(row["query_id"], row["doc_id"]) for row in _whole_lines(tmp_path)}
    judge(tmp_path, "--set", "judges.noting.pause_s=0")
    repeated = sum(count - 1 for count in asked(tmp_path).values())
    assert killed == kills
    assert repeated <= 3 * 3 * kills
    assert len({(row["query_id"], row["doc_id"]) for row in judged(tmp_path)}) == len(judged(tmp_path)) == 250


def _whole_lines(folder: Path) -> list[dict[str, str]]:
    file = folder / "judgments" / "many.noting.jsonl"
    lines = file.read_bytes().splitlines(keepends=True) if file.is_file() else []
    return [orjson.loads(line) for line in lines if line.endswith(b"\n")]


def _wait_for(folder: Path, count: int) -> None:
    """Wait until the judge was asked so often."""
    deadline = time.monotonic() + 60
    while sum(asked(folder).values()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_the_only_judge_needs_no_name(tmp_path: Path) -> None:
    """Of several judges one must be named, and without a judge the error says how to add one."""
    config = write_experiment(tmp_path)
    assert evalkit("judge", "run", "c.yaml", "--plan", cwd=tmp_path).returncode == 0
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("judges: {", "judges: {b: {backend: noting}, "), encoding="utf-8")
    done = evalkit("judge", "run", "c.yaml", cwd=tmp_path)
    assert (done.returncode, "2 judges: b, noting" in done.stderr) == (2, True)
    without = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("judges:"))
    config.write_text(without, encoding="utf-8")
    done = evalkit("judge", "run", "c.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "evalkit init --for judging" in done.stderr
