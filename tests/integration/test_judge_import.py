"""``evalkit judge import`` and ``export`` through the command line."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from support.command import evalkit
from support.two_raters import PERSON, write_two_raters


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with the grades of a judge and of people, runs, and the texts."""
    return write_two_raters(tmp_path)


def test_import_is_idempotent_and_conflicts_are_named(files: Path) -> None:
    """Twice adds nothing; another grade by the same rater is an error that names the pair, or counts with --replace."""
    words = ["--into", "all.jsonl", "--rater", "anna", *PERSON]
    first = evalkit("judge", "import", "judge.qrels", *words, cwd=files)
    assert "48 judgments added to all.jsonl, 0 replaced, 0 there already" in first.stdout
    content = (files / "all.jsonl").read_bytes()
    again = evalkit("judge", "import", "judge.qrels", *words, cwd=files)
    assert "0 judgments added to all.jsonl, 0 replaced, 48 there already" in again.stdout
    refused = evalkit("judge", "import", "people.qrels", *words, cwd=files)
    assert refused.returncode == 2
    assert "query 'q00', document 'd1' has grade 2 in people.qrels, but grade 1 by 'anna'" in refused.stderr
    assert (files / "all.jsonl").read_bytes() == content
    other = evalkit(
        "judge", "import", "people.qrels", "--into", "all.jsonl", "--rater", "ben", *PERSON, cwd=files
    )
    assert "49 judgments added" in other.stdout
    replaced = evalkit("judge", "import", "people.qrels", *words, "--replace", cwd=files)
    assert "1 judgments added to all.jsonl, 36 replaced, 12 there already" in replaced.stdout
    assert (files / "all.jsonl").read_bytes().startswith(content)


_KINDS = "--kind human for a person, or --kind model for a model"


@pytest.mark.parametrize(
    ("words", "missing"),
    [(("--rater", "gpt"), _KINDS), (("--kind", "model"), "--rater NAME"), ((), f"--rater NAME and {_KINDS}")],
)
def test_a_file_without_raters_needs_name_and_kind(files: Path, words: tuple[str, ...], missing: str) -> None:
    """A model never passes as a person because a flag was left out."""
    done = evalkit("judge", "import", "judge.qrels", "--into", "all.jsonl", *words, cwd=files)
    assert done.returncode == 2
    assert "judge.qrels does not say who judged" in done.stderr
    assert f"hint: add {missing}\n" in done.stderr
    assert not (files / "all.jsonl").exists()


def test_a_file_that_names_queries_by_text_needs_a_dataset(files: Path) -> None:
    """Without a dataset nothing is written; with one, pairs that it lacks are counted."""
    export = {"queries": [
        {"query": "a query that is not in the dataset", "ratings": {"d1": 1, "nowhere": 2}},
    ]}  # fmt: skip
    (files / "case.json").write_bytes(orjson.dumps(export))
    words = ["judge", "import", "case.json", "--into", "case.jsonl", "--rater", "anna", *PERSON]
    refused = evalkit(*words, cwd=files)
    assert refused.returncode == 2
    assert "case.json names queries by their texts" in refused.stderr
    assert "add --dataset SPEC" in refused.stderr
    assert not (files / "case.jsonl").exists()
    done = evalkit(*words, "--dataset", "texts", cwd=files)
    assert done.returncode == 0, done.stderr
    assert "judgments of the file with a query that the dataset does not have: 2" in done.stdout
    assert "judgments of the file with a document that the dataset does not have: 1" in done.stdout


def test_a_file_with_raters_needs_no_kind(files: Path) -> None:
    """Its lines name it; a name or a kind chooses among them."""
    words = ["judge", "import", "judge.qrels", "--into", "one.jsonl", "--rater", "anna"]
    evalkit(*words, *PERSON, cwd=files)
    again = ["judge", "import", "one.jsonl", "--into", "two.jsonl"]
    wrong = evalkit(*again, "--kind", "model", cwd=files)
    assert (wrong.returncode, "has no judgments by a model" in wrong.stderr) == (2, True)
    assert "48 judgments added" in evalkit(*again, "--rater", "anna", cwd=files).stdout


@pytest.mark.parametrize(
    ("name", "more"),
    [("out.qrels", []), ("out.csv", []), ("out.json", []), ("out.jsonl", []),
     ("quepid.csv", ["--format", "quepid", "--dataset", "texts"])],
)  # fmt: skip
def test_round_trip(files: Path, name: str, more: list[str]) -> None:
    """What is exported and imported again is the same judgments: nothing to add."""
    evalkit("judge", "import", "judge.qrels", "--into", "all.jsonl", "--rater", "anna", *PERSON, cwd=files)
    done = evalkit("judge", "export", "all.jsonl", name, *more, cwd=files)
    assert done.returncode == 0, done.stderr
    assert "48 judgments of 12 queries" in done.stdout
    back = ["judge", "import", name, "--into", "all.jsonl", "--rater", "anna", *PERSON, *more[2:]]
    assert "0 judgments added to all.jsonl, 0 replaced, 48 there already" in evalkit(*back, cwd=files).stdout


def test_fractional_grades_are_rounded_half_up_where_a_format_has_whole_ones(files: Path) -> None:
    """1.5 is 2 in TREC qrels, with a note; a CSV keeps it."""
    rater = {"kind": "model", "name": "mean"}
    rows = [("a", 1.5), ("b", 0.4), ("c", 2)]
    lines = [
        orjson.dumps(
            {"query_id": "q", "doc_id": doc, "grade": grade, "rater": rater, "at": "2026-01-01T00:00:00Z"}
        )
        for doc, grade in rows
    ]
    (files / "f.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    done = evalkit("judge", "export", "f.jsonl", "f.qrels", cwd=files)
    assert "2 fractional grades are rounded to whole ones, a half up" in done.stdout
    assert (files / "f.qrels").read_text(encoding="utf-8") == "q 0 a 2\nq 0 b 0\nq 0 c 2\n"
    evalkit("judge", "export", "f.jsonl", "f.csv", cwd=files)
    assert "q,a,1.5" in (files / "f.csv").read_text(encoding="utf-8")


def test_export_refuses_what_it_cannot_write(files: Path) -> None:
    """An existing file, several raters without a choice, a text that is not known."""
    for rater in ("anna", "ben"):
        evalkit("judge", "import", "judge.qrels", "--into", "all.jsonl", "--rater", rater, *PERSON, cwd=files)
    for words, said in (
        (["all.jsonl", "judge.qrels"], "judge.qrels exists"),
        (["all.jsonl", "out.qrels"], "judgments by several raters: 'anna', 'ben'"),
        (
            ["all.jsonl", "out.csv", "--format", "quepid", "--rater", "anna"],
            "the text of query 'q00' is not known",
        ),
        (["judge.qrels", "out.csv"], "neither a configuration nor a file of judgments with raters"),
    ):
        done = evalkit("judge", "export", *words, cwd=files)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert evalkit("judge", "export", "all.jsonl", "out.qrels", "--rater", "ben", cwd=files).returncode == 0
