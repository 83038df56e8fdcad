"""A judge file that favours one system: no command may print a verdict on it."""

from __future__ import annotations

import re
from pathlib import Path

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
    write_folder,
    write_judgments,
    write_replayed,
)

CLAIMS = re.compile(
    r"PASS|IDENTICAL|(?<!not )passed|Adopt|Keep:|significant|confirm|guarantee|beat|keeps at least|better than"
    r"|worse than|: use |Apply|may replace|identical"
)
"""Words of verdicts, recommendations and guarantees."""
COMMANDS = (
    ("compare", "R"),
    ("compare", "R", "S"),
    ("leaderboard", "R"),
    ("leaderboard", "R", "S"),
    ("tune", "depth", "R"),
    ("tune", "depth", "R", "--details"),
    ("tune", "threshold", "R"),
    ("tune", "threshold", "R", "--goal", "max_f1"),
    ("tune", "threshold", "R", "--expected"),
    ("tune", "calibration", "R"),
    ("tune", "search", "R"),
    ("tune", "all", "R"),
    ("gate", "R", "--against", "S"),
    ("gate", "R", "--against", "base"),
)
"""Commands that decide, on two equal results R and S and the baseline of one of them."""
NOTE = "so that its figures are an indication and carry no verdict"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Write the articles with their two runs, and the grades of a model that favours one of them as `luna.jsonl`."""
    write_folder(tmp_path)
    write_judgments(tmp_path / "luna.jsonl", judged(GPT, pairs(), good_is_better))
    write_judgments(tmp_path / "anna.jsonl", judged(ANNA, pairs(), good_is_better))
    return tmp_path


def test_qrels_by_a_model_carry_no_verdict(articles: Path) -> None:
    """Files given with --qrels: the comparison is undecided, and evaluate notes whose grades they are."""
    runs = ("bad.trec", "good.trec")
    for qrels, verdict in (("anna.jsonl", "better"), ("luna.jsonl", "undecided: judge only")):
        words = ("compare", *runs, "--qrels", qrels)
        done = evalkit(*words, "--json", cwd=articles)
        assert done.returncode == 0, done.stderr
        assert {row["verdict"] for row in orjson.loads(done.stdout)} == {verdict}
        assert (NOTE in " ".join(done.stderr.split())) == (qrels == "luna.jsonl")
        said = evalkit(*words, cwd=articles).stdout
        assert said.startswith("Adopt") == (qrels == "anna.jsonl")
        done = evalkit("evaluate", qrels, *runs, cwd=articles)
        assert (NOTE in " ".join(done.stderr.split())) == (qrels == "luna.jsonl")


def results_of(folder: Path, people: int) -> tuple[Path, Path]:
    """Return two results of articles that a model judged, or a person for the first queries; and save a baseline."""
    config = write_replayed(folder)
    (folder / "grades.qrels").write_text("s0 0 d0 1\n")
    every = pairs(QUERIES, 20)
    write_judgments(
        folder / "people.jsonl",
        judged(ANNA, [one for one in every if int(one[0][1:]) < people], good_is_better),
    )
    write_judgments(folder / "judgments" / "articles.luna.jsonl", judged(GPT, every, good_is_better))
    for into in ("r", "s"):
        done = evalkit("run", config, "--into", folder / into)
        assert done.returncode == 0, done.stderr
    found = only_folder(folder / "r"), only_folder(folder / "s")
    saved = evalkit("baseline", "save", found[1], "base", cwd=folder)
    assert saved.returncode == 0, saved.stderr
    return found


@pytest.mark.long
@pytest.mark.parametrize(("people", "words"), [(0, "judge only"), (50, "mixed judgments"), (60, "")])
def test_no_command_claims_more_than_an_indication(tmp_path: Path, people: int, words: str) -> None:
    """On grades of a model that favour one system: no verdict, recommendation or guarantee, and the reason is given.

    The same grades of a person make claims.
    """
    result, other = results_of(tmp_path, people)
    names = {"R": str(result), "S": str(other)}
    for command in COMMANDS:
        done = evalkit(*(names.get(word, word) for word in command), cwd=tmp_path)
        said = " ".join(done.stdout.split())
        claims = CLAIMS.findall(said)
        if not words:
            assert claims, (command, said)
            assert done.returncode == 0, (command, done.stderr)
            continue
        assert not claims, (command, claims, said)
        assert words in said.lower(), (command, said)
        assert "indication" in " ".join(done.stderr.split()), (command, done.stderr)
        assert done.returncode == (1 if command[0] == "gate" else 0), (command, done.stderr)
        assert "Judge a random sample of queries by people" in said or command[0] in {
            "leaderboard",
            "compare",
        }
    if words:
        page = (result / "report.md").read_text(encoding="utf-8")
        assert not re.findall("Adopt|confirm a loss|confidence it keeps|alone beats", page)


@pytest.mark.long
def test_documents_on_grades_of_a_model_hold_no_claim(tmp_path: Path) -> None:
    """Neither do the documents that programs read, and settings for production are not to be used."""
    result, _ = results_of(tmp_path, 0)

    def found(*words: str) -> list[dict[str, object]]:
        done = evalkit(*words, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, object]] = orjson.loads(done.stdout)
        return rows

    name = str(result)
    why = "judge only (indication): models gave all judgments"
    for row in found("tune", "depth", name):
        assert row["choice"]["recommended"] is None  # type: ignore[index]
        assert str(row["choice"]["why_not"]).startswith(why)  # type: ignore[index]
    for row in found("tune", "threshold", name):
        assert (row["threshold"], str(row["why_not"]).startswith(why)) == (None, True)
    for row in found("tune", "calibration", name):
        assert (row["functions"], row["why_not"]) == ({}, why)
    for row in found("tune", "search", name):
        assert (row["judged_by"], row["against_fusion"]["verdict"]) == ("judge only", "no verdict")  # type: ignore[index]
        assert {one["against_plain"]["status"] for one in row["rows"]} == {"CANNOT TELL"}  # type: ignore[attr-defined]
    for row in found("tune", "all", name):
        assert row["why_not"] == why
    tuned = orjson.loads((result / "tuning.json").read_bytes())
    assert all(one["choice"]["recommended"] is None for one in tuned["depth"])
    assert all(one["threshold"] is None for one in tuned["threshold"])
    applied = ("serve", "c.yaml", "--reranker", "fine", "--apply", str(result / "production.json"))
    refused = evalkit(*applied, cwd=tmp_path)
    assert refused.returncode == 2, refused.stderr
    assert why in " ".join(refused.stderr.split())


@pytest.mark.long
def test_the_qrels_of_a_result_are_judged_as_the_result_says(tmp_path: Path) -> None:
    """They name no raters, but their folder does."""
    result, _ = results_of(tmp_path, 0)
    qrels = result / "qrels" / "articles.qrels.gz"
    runs = (tmp_path / "bad.trec", tmp_path / "good.trec")
    done = evalkit("compare", *runs, "--qrels", qrels, "--json")
    assert {row["verdict"] for row in orjson.loads(done.stdout)} == {"undecided: judge only"}
    assert NOTE in " ".join(evalkit("evaluate", qrels, *runs).stderr.split())
    config = tmp_path / "again.yaml"
    text = (tmp_path / "c.yaml").read_text(encoding="utf-8")
    before, _, rest = text.partition("    judgments:\n")
    config.write_text(
        f"{before}    qrels: {{path: {qrels}}}\n{rest[rest.index('judges:') :]}", encoding="utf-8"
    )
    refused = evalkit("run", config, "--plan", cwd=tmp_path)
    assert refused.returncode == 2, refused.stderr
    assert "models gave judgments of this result" in " ".join(refused.stderr.split())


@pytest.mark.long
def test_a_gate_that_may_be_open_does_not_pass_on_grades_of_a_model(tmp_path: Path) -> None:
    """With ``on_cannot_tell: warn``, or over nights, the exit code is 0; it says that nothing is decided."""
    result, other = results_of(tmp_path, 0)
    (tmp_path / "gate.yaml").write_text("rules: [{metric: nDCG@5, min: 0.1}]\non_cannot_tell: warn\n")
    for more in (("--rules", "gate.yaml"), ("--nights",)):
        done = evalkit("gate", result, "--against", other, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("gate undecided, which the rules allow: 4 CANNOT TELL")
        assert not re.findall("PASS|IDENTICAL|passed|may replace|identical", done.stdout)


@pytest.mark.long
def test_a_baseline_knows_whose_grades_it_has(tmp_path: Path) -> None:
    """A gate cannot tell where the baseline's judgments are a model's, though the same grades are now a person's."""
    results_of(tmp_path, 0)
    (tmp_path / "judgments" / "articles.luna.jsonl").unlink()
    write_judgments(tmp_path / "people.jsonl", judged(ANNA, pairs(QUERIES, 20), good_is_better))
    assert evalkit("run", tmp_path / "c.yaml", "--into", tmp_path / "t").returncode == 0
    done = evalkit("gate", only_folder(tmp_path / "t"), "--against", "base", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "judge only: no verdict" in " ".join(done.stdout.split())
    manifest = tmp_path / "results" / "baselines" / "base" / "manifest.json"
    content = orjson.loads(manifest.read_bytes())
    del content["of"]["datasets"][0]["judged_by"]
    manifest.write_bytes(orjson.dumps(content))
    done = evalkit("gate", only_folder(tmp_path / "t"), "--against", "base", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_a_result_that_does_not_say_whose_grades_it_has_is_read_as_before(tmp_path: Path) -> None:
    """Results of earlier versions have no such key: their judgments count as those of people."""
    result, other = results_of(tmp_path, 60)
    for folder in (result, other):
        content = orjson.loads((folder / "manifest.json").read_bytes())
        for facts in content["datasets"]:
            del facts["judged_by"], facts["judgments"]
        (folder / "manifest.json").write_bytes(orjson.dumps(content))
    names = {"R": str(result), "S": str(other)}
    for command in (*COMMANDS, ("report", "R"), ("diff", "R", "S"), ("baseline", "save", "R", "again")):
        done = evalkit(*(names.get(word, word) for word in command), cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
        assert "indication" not in done.stdout, command
