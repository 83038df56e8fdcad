"""``evalkit judge audit`` through the command line."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from support.command import evalkit
from support.two_raters import PERSON, qrels, write_two_raters


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with the grades of a judge and of people, runs, and the texts."""
    return write_two_raters(tmp_path)


def test_audit_of_two_files(files: Path) -> None:
    """The limits come first; then agreement, the table of levels, bias and systems, with the holes counted."""
    words = ["judge", "audit", "judge.qrels", "people.qrels", "--dataset", "texts"]
    words += [word for tag in ("up", "down", "mixed") for word in ("--run", f"{tag}.run")]
    done = evalkit(*words, cwd=files)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Agreement does not remove bias")
    text = " ".join(done.stdout.split())
    for part in (
        "texts: judge against people: 48 pairs of 12 queries judged by both.",
        "Left out: 1 judged only by people.",
        "Ranking of 3 systems by nDCG@10 over 12 queries: Kendall's tau",
        "Cohen's kappa, linear weights",
        "Krippendorff's alpha, interval scale",
        "document length",
        "query words",
        "mixed",
    ):
        assert part in text
    (one,) = orjson.loads(evalkit(*words, "--json", cwd=files).stdout)
    assert {row["by"] for row in one["bias"]} >= {
        "all",
        "grade of the reference",
        "document length",
        "system",
    }
    assert (one["systems"]["pairs"], one["without_text"]) == (3, 0)


def test_audit_as_json(files: Path) -> None:
    """An array of objects with every number, and null where there is none."""
    done = evalkit("judge", "audit", "judge.qrels", "people.qrels", "--json", cwd=files)
    (one,) = orjson.loads(done.stdout)
    assert (one["judge"], one["reference"], one["only_reference"]) == ("judge", "people", 1)
    assert one["agreement"]["pairs"] == 48
    assert one["agreement"]["kappa"].keys() == {"estimate", "lower", "upper", "confidence", "reason"}
    assert sum(map(sum, one["agreement"]["matrix"])) == 48
    assert (one["systems"], one["without_text"]) == (None, None)


def test_binary_audit(files: Path) -> None:
    """With ``--binary`` the reference counts from a level on; without it a judge of 0 and 1 gets a hint."""
    (files / "binary.qrels").write_text(
        "".join(f"{line[:-1]}{int(line[-1] in '23')}\n" for line in qrels(2).splitlines()), encoding="utf-8"
    )
    plain = evalkit("judge", "audit", "binary.qrels", "people.qrels", cwd=files)
    assert "--binary LEVEL" in plain.stdout
    done = evalkit("judge", "audit", "binary.qrels", "people.qrels", "--binary", "2", "--json", cwd=files)
    (one,) = orjson.loads(done.stdout)
    assert one["agreement"]["kappa"]["estimate"] == 1
    assert one["agreement"]["levels"] == [0, 1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["judge.qrels", "nowhere.qrels"], "nowhere.qrels"),
        (["judge.qrels"], "no model has judged"),
        (["judge.qrels", "people.qrels", "-m", "nDGC@10"], "nDGC"),
        (["judge.qrels", "people.qrels", "--against", "anna"], "anna"),
        (["a", "b", "c"], "3 files"),
    ],
)
def test_wrong_input_is_one_line_with_a_hint(files: Path, words: list[str], said: str) -> None:
    """Exit code 2, and what is wrong."""
    done = evalkit("judge", "audit", *words, cwd=files)
    assert done.returncode == 2
    assert said in done.stderr
    assert "hint:" in done.stderr


def test_audit_of_a_configuration(files: Path) -> None:
    """The raters of ``judgments:`` are audited against the judgments of the dataset itself."""
    evalkit(
        "judge",
        "import",
        "judge.qrels",
        "--into",
        "luna.jsonl",
        "--rater",
        "luna-1",
        "--kind",
        "model",
        cwd=files,
    )
    (files / "c.yaml").write_text(
        "name: t\n"
        "datasets:\n"
        "  - {source: beir_folder, path: texts, name: texts, judgments: [{judge: luna, path: luna.jsonl}]}\n"
        "rerankers: {lex: {backend: lexical}}\n"
        "judges: {luna: {backend: replay, path: judge.qrels}}\n",
        encoding="utf-8",
    )
    done = evalkit("judge", "audit", "c.yaml", "--judge", "luna", "--json", cwd=files)
    assert done.returncode == 0, done.stderr
    (one,) = orjson.loads(done.stdout)
    assert (one["dataset"], one["judge"], one["reference"]) == ("texts", "luna-1", "qrels")
    assert one["agreement"]["pairs"] == 48
    assert [system["system"] for system in one["systems"]["systems"]] == ["bm25"]
    refused = evalkit("judge", "audit", "c.yaml", "--run", "up.run", cwd=files)
    assert (refused.returncode, "--run is for files of judgments" in refused.stderr) == (2, True)


def test_a_judge_is_audited_before_its_judgments_count(files: Path) -> None:
    """Without ``judgments:``, from the file that ``judge run`` writes; a judge that has judged nothing is named."""
    (files / "c.yaml").write_text(
        "name: t\ndatasets: [{source: beir_folder, path: texts, name: texts}]\n"
        "rerankers: {lex: {backend: lexical}}\njudges: {luna: {backend: replay, path: judge.qrels}}\n",
        encoding="utf-8",
    )
    refused = evalkit("judge", "audit", "c.yaml", "--judge", "luna", cwd=files)
    assert (refused.returncode, "judge 'luna' has judged nothing" in refused.stderr) == (2, True)
    assert "evalkit judge run c.yaml --judge luna" in refused.stderr
    assert evalkit("judge", "run", "c.yaml", "--judge", "luna", "--all", cwd=files).returncode == 0
    for words in (("--judge", "luna"), ()):
        done = evalkit("judge", "audit", "c.yaml", *words, "--json", cwd=files)
        assert done.returncode == 0, done.stderr
        (one,) = orjson.loads(done.stdout)
        assert (one["dataset"], one["reference"], one["agreement"]["pairs"]) == ("texts", "qrels", 48)


TWO = """\
name: t
datasets:
  - {source: beir_folder, path: texts, name: texts, judgments: [{path: luna.jsonl}, {path: people.jsonl}],
     human_sample: {queries: 3}}
  - {source: beir_folder, path: texts, name: other, judgments: [{path: people.jsonl}]}
rerankers: {lex: {backend: lexical}}
"""


def test_audit_of_several_datasets_names_those_left_out(files: Path) -> None:
    """A dataset without a model is left out with a note; an unknown rater is an error; nothing is drawn."""
    words = ["judge", "import", "judge.qrels", "--into"]
    evalkit(*words, "luna.jsonl", "--rater", "luna", "--kind", "model", cwd=files)
    evalkit(*words, "people.jsonl", "--rater", "anna", *PERSON, cwd=files)
    (files / "c.yaml").write_text(TWO, encoding="utf-8")
    done = evalkit("judge", "audit", "c.yaml", "--json", cwd=files)
    assert done.returncode == 0, done.stderr
    assert [one["dataset"] for one in orjson.loads(done.stdout)] == ["texts"]
    assert "not audited: other: no model has judged" in done.stderr
    named = evalkit("judge", "audit", "c.yaml", "--judge", "luna", cwd=files)
    assert "not audited: other: 'luna' has not judged" in named.stderr
    unknown = evalkit("judge", "audit", "c.yaml", "--judge", "zzzzz", cwd=files)
    assert unknown.returncode == 2
    assert "use one of: anna, luna, qrels" in unknown.stderr
    assert not (files / "judgments").exists()


def test_raters_without_a_common_document_get_a_next_step(files: Path) -> None:
    """One line and the command that makes two people judge the same documents, and no table without values."""
    into = ["--into", "people.jsonl", "--rater"]
    (files / "b.qrels").write_text("q00 0 other 1\n", encoding="utf-8")
    evalkit("judge", "import", "judge.qrels", *into, "anna", *PERSON, cwd=files)
    evalkit("judge", "import", "b.qrels", *into, "ben", *PERSON, cwd=files)
    (files / "c.yaml").write_text(
        "name: t\ndatasets: [{source: beir_folder, path: texts, name: texts, judgments: [{path: people.jsonl}]}]\n"
        "rerankers: {lex: {backend: lexical}}\n",
        encoding="utf-8",
    )
    done = evalkit("judge", "audit", "people.jsonl", "--judge", "anna", "--against", "ben", cwd=files)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert (
        "anna against ben: no document was judged by both (1 judged only by ben, 48 judged only by anna)"
        in said
    )
    assert "kappa" not in said
    none = evalkit("judge", "audit", "c.yaml", cwd=files)
    assert (none.returncode, "let a judge grade: evalkit judge run" in none.stderr) == (2, True)


def test_an_audit_ends_with_what_the_judge_is_worth(files: Path) -> None:
    """The correlation of the differences of two systems and one sentence, from runs as from a configuration."""
    words = ("--run", "up.run", "--run", "mixed.run")
    done = evalkit("judge", "audit", "judge.qrels", "people.qrels", *words, cwd=files)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "Differences of mixed minus up in nDCG@10: correlation of the judge's with people's" in said
    assert "over 12 queries that both judged completely, which are not drawn at random" in said
    assert "People judged all 12 queries" in said


@pytest.mark.parametrize("words", [["people.jsonl"], ["people.jsonl", "people.jsonl"]])
def test_a_person_is_not_audited_against_herself(files: Path, words: list[str]) -> None:
    """The only person of a file cannot be compared; of two people the other one is the reference."""
    into = ["--into", "people.jsonl", "--rater"]
    evalkit("judge", "import", "judge.qrels", *into, "anna", *PERSON, cwd=files)
    alone = evalkit("judge", "audit", *words, "--judge", "anna", cwd=files)
    assert (alone.returncode, "no other person has judged" in alone.stderr) == (2, True)
    evalkit("judge", "import", "people.qrels", *into, "ben", *PERSON, cwd=files)
    done = evalkit("judge", "audit", *words, "--judge", "anna", "--json", cwd=files)
    (one,) = orjson.loads(done.stdout)
    assert (one["judge"], one["reference"]) == ("anna", "ben")


def test_audit_of_one_file_with_several_raters(files: Path) -> None:
    """Models against people, both by name or by kind."""
    evalkit("judge", "import", "people.qrels", "--into", "all.jsonl", "--rater", "anna", *PERSON, cwd=files)
    evalkit(
        "judge", "import", "judge.qrels", "--into", "all.jsonl", "--rater", "m", "--kind", "model", cwd=files
    )
    for words in ([], ["--judge", "m", "--against", "anna"]):
        (one,) = orjson.loads(evalkit("judge", "audit", "all.jsonl", *words, "--json", cwd=files).stdout)
        assert (one["judge"], one["reference"], one["only_reference"]) == ("m", "anna", 1)


def test_a_report_compares_judges_with_people(files: Path) -> None:
    """A result whose judgments hold a model's and people's grades has the section; rebuilding gives the same."""
    evalkit(
        "judge", "import", "judge.qrels", "--into", "luna.jsonl", "--rater", "m", "--kind", "model", cwd=files
    )
    block = "{source: beir_folder, path: texts, name: texts%s}"
    for name, judged in (("with", ", judgments: [{path: luna.jsonl}]"), ("without", "")):
        (files / f"{name}.yaml").write_text(
            f"name: {name}\ndatasets:\n  - {block % judged}\nrerankers: {{lex: {{backend: lexical}}}}\n",
            encoding="utf-8",
        )
        done = evalkit("run", f"{name}.yaml", "--into", name, cwd=files)
        assert done.returncode == 0, done.stderr
    (folder,) = (files / "with").glob("*/manifest.json")
    summary = orjson.loads((folder.parent / "summary.json").read_bytes())
    (audit,) = summary["audits"]
    assert (audit["dataset"], audit["judge"], audit["reference"]) == ("texts", "m", "qrels")
    assert audit["agreement"]["pairs"] == 48
    assert {one["system"] for one in audit["systems"]["systems"]} == {"bm25", "lex"}
    page = (folder.parent / "report.md").read_text(encoding="utf-8")
    assert "Judges compared with people" in page
    assert "Agreement does not remove bias" in page
    before = (folder.parent / "summary.json").read_bytes()
    assert evalkit("report", folder.parent, cwd=files).returncode == 0
    assert (folder.parent / "summary.json").read_bytes() == before
    (other,) = (files / "without").glob("*/summary.json")
    assert "audits" not in orjson.loads(other.read_bytes())
    assert "Judges compared" not in (other.parent / "report.md").read_text(encoding="utf-8")
    found = orjson.loads(evalkit("judge", "audit", folder.parent, "--json", cwd=files).stdout)
    assert found[0]["agreement"] == audit["agreement"]
