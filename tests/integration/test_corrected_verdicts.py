"""Few judgments of people and many of one judge, from the configuration to the verdicts of a report and a gate."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from support.command import evalkit
from support.corrected_articles import against, drawn, rate, right, run, write_world, wrong
from support.judged_articles import (
    GPT,
    QUERIES,
    judged,
    pairs,
    write_folder,
    write_judgments,
)

from evalkit.workflows.compare import compare

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]


def test_people_correct_a_judge_and_the_verdict_says_so(tmp_path: Path) -> None:
    """A complete draw carries a verdict, on people's queries and the judge's, and the report can be made again."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    _, result = run(config)
    one = against(result)
    assert (one["verdict"], one["n"]) == ("better", 35)
    assert one["corrected"]["judge"] == "gpt-4o (1a2b3c4d)"
    assert (one["corrected"]["human"], one["corrected"]["judged_only"]) == (35, 25)
    assert one["p"] >= one["p_t"]
    assert one["entry"]["judged_by"] == "corrected"
    assert one["entry"]["baseline_mean"]["mean"] == pytest.approx(one["baseline_mean"])
    assert against(result, "bad", "good")["verdict"] == "worse"
    again = evalkit("report", result)
    assert again.returncode == 0, again.stderr
    report = " ".join((result / "report.md").read_text(encoding="utf-8").split())
    assert "corrected (35 human + 25 judge: gpt-4o" in report


@pytest.mark.parametrize("how", ["skipped", "half rated", "one query missing"])
def test_a_draw_that_is_not_complete_decides_nothing(tmp_path: Path, how: str) -> None:
    """Nothing is dropped: the verdict is undecided, and says how many queries and documents to rate."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    if how == "one query missing":
        rate(config, ids[1:])
    else:
        lost = {(ids[0], f"d{n}") for n in range(10 if how == "skipped" else 3)}
        rate(config, ids, lambda q, d: None if (q, d) in lost else right(q, d))
    printed, result = run(config)
    one = against(result)
    assert one["verdict"] == "undecided: human sample incomplete"
    assert one["corrected"] is None
    to_rate = one["entry"]["to_rate"]
    assert to_rate["queries"] == 1
    assert to_rate["documents"] == 3 if how == "half rated" else to_rate["documents"] >= 10
    assert f"evalkit judge rate {config} --sample-only" in printed
    gated = evalkit("gate", result, "--against", result)
    assert gated.returncode == 1, gated.stderr
    assert "human sample incomplete" in " ".join(gated.stdout.split())


def test_an_answer_without_a_grade_blocks_no_correction(tmp_path: Path) -> None:
    """The judge failed on a document of one query and on all of another one: the verdict is corrected, and says so."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    one, other = ids[0], next(q for q in QUERIES if q not in ids)
    failed = {(one, "d2")} | {(other, f"d{n}") for n in range(20)}
    answers = judged(GPT, pairs(documents=20), lambda q, d: None if (q, d) in failed else wrong(q, d))
    write_judgments(tmp_path / "w" / "judgments" / "articles.luna.jsonl", answers)
    rate(config, ids)
    found = against(run(config)[1])
    assert found["verdict"] == "better"
    rests = found["corrected"]
    assert (rests["human"], rests["judged_only"], rests["ungraded"]) == (35, 24, 1)


def test_a_judge_that_was_not_asked_for_all_decides_nothing(tmp_path: Path) -> None:
    """Report and gate say for how many documents it still has to be asked, and with which command."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    asked = [one for one in pairs(documents=20) if one[0] not in QUERIES[:2] or one[1] != "d3"]
    write_judgments(tmp_path / "w" / "judgments" / "articles.luna.jsonl", judged(GPT, asked, wrong))
    printed, result = run(config)
    one = against(result)
    assert (one["verdict"], one["corrected"]) == ("undecided: judge incomplete", None)
    assert one["entry"]["to_ask_judge"] == {"judge": "luna", "queries": 2, "documents": 2}
    assert f"evalkit judge run {config} --judge luna" in printed
    sentence = f"The judge has not been asked for 2 documents of 2 queries (evalkit judge run {config} --judge luna)."
    report = " ".join((result / "report.md").read_text(encoding="utf-8").split())
    assert sentence in report
    assert "The judge's grades are incomplete" in report
    gated = evalkit("gate", result, "--against", result)
    assert gated.returncode == 1, gated.stderr
    said = " ".join(gated.stdout.split())
    assert "CANNOT TELL" in said
    assert f"judge incomplete: {sentence}" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda text: text.replace('"grades":{"d0":', '"grades":{"d0":1', 1), "was changed since the run"),
     (lambda text: text.replace('"human"', '"model"'), "other raters than people and then one model"),
     (None, "is missing")],
)  # fmt: skip
def test_other_grades_than_those_of_the_run_are_refused(
    tmp_path: Path, change: Callable[[str], str] | None, message: str
) -> None:
    """Verdicts rest on them: a changed, swapped or missing file is one line with exit code 2."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    _, result = run(config)
    file = result / "qrels" / "articles.correction.jsonl.gz"
    text = gzip.decompress(file.read_bytes()).decode()
    file.unlink()
    if change is not None:
        assert change(text) != text
        file.write_bytes(gzip.compress(change(text).encode()))
    done = evalkit("compare", result, "--baseline", "bad")
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_people_without_a_draw_correct_nothing(tmp_path: Path) -> None:
    """A convenience sample stays undecided, with the hint to draw one."""
    config = write_folder(tmp_path / "w")
    (tmp_path / "w" / "grades.qrels").write_text("s0 0 d0 1\n")
    write_judgments(
        tmp_path / "w" / "judgments" / "articles.luna.jsonl", judged(GPT, pairs(documents=20), wrong)
    )
    rate(config, QUERIES[:40])
    printed, result = run(config)
    assert against(result)["verdict"] == "undecided: mixed judgments"
    assert "random sample" in printed


def test_a_version_that_is_worse_fails_and_compares_as_worse(tmp_path: Path) -> None:
    """Both versions have the same draw and grades: their difference is corrected in compare and in a gate."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    _, before = run(config)
    lists = (tmp_path / "w" / "bad.trec").read_text(encoding="utf-8")
    (tmp_path / "w" / "good.trec").write_text(lists.replace(" bad\n", " good\n"), encoding="utf-8")
    _, after = run(config)
    ((one,),) = [entry["comparisons"] for entry in compare(before, after)[0]["datasets"]]
    assert one["verdict"] == "worse"
    assert one["corrected"]["human"] == 35
    gated = evalkit("gate", after, "--against", before)
    assert gated.returncode == 1
    assert "FAIL articles: good" in " ".join(gated.stdout.split())


def test_an_enlarged_draw_says_at_which_level_it_is_tested(tmp_path: Path) -> None:
    """After people have judged it once, the verdict, its interval and the gate are those of half the level."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    rate(config, ids)
    text = config.read_text(encoding="utf-8").replace("{queries: 35, seed: 3}", "{queries: 40, seed: 3}")
    config.write_text(text, encoding="utf-8")
    more = drawn(config)
    assert more[:35] == ids
    rate(config, more)
    _, result = run(config)
    one = against(result)
    assert (one["corrected"]["enlarged"], one["n"]) == (1, 40)
    said = "enlarged once after people had judged: tested at 1/2 of the level"
    report = " ".join((result / "report.md").read_text(encoding="utf-8").split())
    assert said in report
    gated = evalkit("gate", result, "--against", result)
    assert said in " ".join(gated.stdout.split())
    lists = (tmp_path / "w" / "bad.trec").read_text(encoding="utf-8")
    (tmp_path / "w" / "good.trec").write_text(lists.replace(" bad\n", " good\n"), encoding="utf-8")
    worse = evalkit("gate", run(config)[1], "--against", result)
    assert "97.5%" in " ".join(worse.stdout.split())
    listed = evalkit("judge", "list", config)
    assert said in " ".join(listed.stdout.split())
    planned = evalkit("judge", "plan", config)
    assert "the human sample has 40 of 60 queries (seed 3)" in planned.stdout


def test_too_large_a_draw_is_found_before_a_run(tmp_path: Path) -> None:
    """`config check` refuses it, and `dataset check` lists it."""
    config = write_world(tmp_path / "w", "human_sample: {queries: 61}")
    checked = evalkit("config", "check", config)
    assert (checked.returncode, "has 60 queries" in checked.stderr) == (2, True)
    found = evalkit("dataset", "check", config, "--json")
    assert "human_sample asks for 61 queries, and the dataset has 60" in found.stdout


def test_of_several_judges_one_is_named(tmp_path: Path) -> None:
    """Before a grade of people is read: the narrowest one may not be chosen afterwards."""
    config = write_world(tmp_path / "w")
    text = config.read_text(encoding="utf-8")
    text = text.replace("- {judge: luna}", "- {judge: luna}\n      - {judge: sol}")
    text = text.replace("judges:\n", "judges:\n  sol: {backend: replay, path: grades.qrels}\n", 1)
    config.write_text(text, encoding="utf-8")
    done = evalkit("run", config, "--into", tmp_path / "r")
    assert done.returncode == 2
    assert "several judges: luna, sol" in " ".join(done.stderr.split())
    config.write_text(text.replace("seed: 3", "seed: 3, judge: luna"), encoding="utf-8")
    rate(config, drawn(config))
    assert against(run(config)[1])["corrected"]["judge"] == "gpt-4o (1a2b3c4d)"


def test_a_draw_of_others_is_declared(tmp_path: Path) -> None:
    """It carries a verdict, which says that the user declared it random; a wrong id is named."""
    config = write_world(tmp_path / "w", "human_sample: {path: ids.txt, drawn: random}")
    ids = QUERIES[5:45]
    (tmp_path / "w" / "ids.txt").write_text("\n".join(ids) + "\n")
    rate(config, ids)
    _, result = run(config)
    assert against(result)["corrected"]["declared"] is True
    assert "declared random by the user" in (result / "report.md").read_text(encoding="utf-8")
    (tmp_path / "w" / "ids.txt").write_text("s5\nnone\n")
    done = evalkit("run", config, "--into", tmp_path / "r")
    assert (done.returncode, "'none' is no query of articles" in done.stderr) == (2, True)


RULES = """\
rules:
  - {metric: nDCG@5, max_drop: 0.01}
  - {metric: nDCG@5, retain: 0.5, reranker: good}
  - {metric: nDCG@5, min: 0.05}
  - {metric: nDCG@5, max_fallen: 0.2}
"""


@pytest.mark.parametrize(("without", "status"), [(4, "FAIL"), (6, "CANNOT TELL")])
def test_drawn_queries_without_a_relevant_document_are_in_no_mean(
    tmp_path: Path, without: int, status: str
) -> None:
    """A gate decides on the other drawn queries, if these are 30 or more; they are what a comparison counts."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    rate(config, ids, lambda q, d: 0.0 if q in ids[:without] else right(q, d))
    _, before = run(config)
    one = against(before)
    assert (one["n"], one["corrected"]["human"]) == (35 - without, 35)
    assert one["verdict"] == ("better" if status == "FAIL" else "too few queries")
    lists = (tmp_path / "w" / "bad.trec").read_text(encoding="utf-8")
    (tmp_path / "w" / "good.trec").write_text(lists.replace(" bad\n", " good\n"), encoding="utf-8")
    _, after = run(config)
    gated = evalkit("gate", after, "--against", before)
    assert gated.returncode == 1
    said = " ".join(gated.stdout.split())
    assert f"{status} articles: good" in said
    assert f"n={35 - without} queries" in said


def test_a_gate_of_corrected_values(tmp_path: Path) -> None:
    """All rules on a metric pass on result folders, and say the same against a baseline, which holds no text."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    _, result = run(config)
    rules = tmp_path / "gate.yaml"
    rules.write_text(RULES, encoding="utf-8")
    saved = evalkit("baseline", "save", result, "base", cwd=tmp_path)
    assert saved.returncode == 0, saved.stderr
    found = {}
    for old in (str(result), "base"):
        gated = evalkit("gate", result, "--against", old, "--rules", rules, cwd=tmp_path)
        document = orjson.loads((result / "gates.json").read_bytes())
        found[old] = [{**one, "sentence": ""} for one in document["verdicts"]]
        said = " ".join(gated.stdout.split())
        assert gated.returncode in {0, 1}, gated.stderr
        assert "corrected (35 human + 25 judge" in said
        assert "people alone (35 human; the judge's grades are not used)" in said
    statuses = {(one["rule"], one["reranker"]): one["status"] for one in found["base"]}
    assert statuses["nDCG@5 max_drop 0.01", "good"] == "IDENTICAL"
    assert statuses["nDCG@5 min 0.05", "good"] == "PASS"
    assert statuses["nDCG@5 max_fallen 0.2", "good"] == "PASS"
    assert found["base"] == found[str(result)]
    folder = tmp_path / "results" / "baselines" / "base"
    assert all(b"apple" not in file.read_bytes() for file in folder.glob("*.parquet"))


def test_a_baseline_of_an_earlier_version_has_no_grades_of_people(tmp_path: Path) -> None:
    """The gate cannot tell, and says to save it again; a damaged one is refused."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    _, result = run(config)
    assert evalkit("baseline", "save", result, "base", cwd=tmp_path).returncode == 0
    folder = tmp_path / "results" / "baselines" / "base"
    kept = (folder / "corrected.parquet").read_bytes()
    (folder / "corrected.parquet").write_bytes((folder / "values.parquet").read_bytes())
    refused = evalkit("gate", result, "--against", "base", cwd=tmp_path)
    assert (refused.returncode, "is damaged" in refused.stderr) == (2, True)
    (folder / "corrected.parquet").write_bytes(kept)
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(orjson.dumps({**manifest, "draws": []}))
    gated = evalkit("gate", result, "--against", "base", cwd=tmp_path)
    assert gated.returncode == 1
    assert "holds no grades of people alone: save the baseline again" in " ".join(gated.stdout.split())


def test_a_leaderboard_of_corrected_values(tmp_path: Path) -> None:
    """Means and ties are corrected; of another draw they are an indication, as those of an incomplete one."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    rate(config, ids)
    _, result = run(config)
    board = evalkit("leaderboard", result)
    assert board.returncode == 0, board.stderr
    assert "People's grades of a random sample correct those of the judge" in " ".join(board.stdout.split())
    rows = orjson.loads(evalkit("leaderboard", result, "--format", "json").stdout)
    assert [row["n"] for row in rows if row["system"] in {"good", "bad"}] == [35, 35]
    assert rows[0]["system"] == "good"
    rate(config, ids[1:])
    _, part = run(config)
    assert not any("indication" in row for row in rows)
    rows = orjson.loads(evalkit("leaderboard", part, "--format", "json").stdout)
    assert [row.get("indication") for row in rows if row["system"] in {"good", "bad"}] == [True, True]
    for form in ("table", "markdown"):
        assert "(indication)" in evalkit("leaderboard", part, "--format", form).stdout
    said = " ".join(evalkit("leaderboard", part).stdout.split())
    assert "People have not judged all documents of 1 query of the human sample" in said
