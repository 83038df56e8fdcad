"""Datasets with files of judgments: all queries are used, and the last line may be unfinished."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import JudgmentSource
from evalkit.datasets.beir_folder import PROVENANCE
from evalkit.datasets.judgment_sources import missing_files
from evalkit.datasets.loading import dataset_settings, open_dataset
from evalkit.datasets.saved_folders import import_dataset, save_dataset
from evalkit.errors import ConfigError, DataFormatError
from evalkit.formats import judgment_lines
from evalkit.records import Dataset, Judgment, Rater, text_sha256

ANNA = Rater("human", "anna")


def judged(query: str, doc: str, grade: float, text: str | None = None) -> Judgment:
    """Return a judgment of the current text of a document, or of another one."""
    return Judgment(query, doc, grade, ANNA, "2026-11-30", doc_sha256=text_sha256(text or f"text of {doc}"))


def loaded(
    folder: Path, content: bytes | None, *, qrels: str = "", instruction: str = "", **more: object
) -> Dataset:
    """Load three documents and three queries with a file of judgments, and qrels if there are any."""
    (folder / "c.csv").write_text("id,text\n" + "".join(f"d{n},text of d{n}\n" for n in range(3)))
    head = "id,text,instruction" if instruction else "id,text"
    rows = "".join(f"q{n},query {n}{f',{instruction}' if instruction else ''}\n" for n in range(3))
    (folder / "q.csv").write_text(f"{head}\n{rows}")
    path = folder / "people.jsonl"
    if content is not None:
        path.write_bytes(content)
    block: dict[str, object] = {
        "source": "tables",
        "corpus": {"path": str(folder / "c.csv")},
        "queries": {"path": str(folder / "q.csv")},
        "judgments": [{"path": str(path)}],
        **more,
    }
    if qrels:
        (folder / "j.qrels").write_text(qrels)
        block["qrels"] = {"path": str(folder / "j.qrels")}
    return open_dataset(dataset_settings(block))


def test_all_queries_are_used(tmp_path: Path) -> None:
    """Also those without a judgment, so that they can be scored and judged; means are over judged ones."""
    found = loaded(tmp_path, judgment_lines([judged("q1", "d0", 2.0), judged("q2", "d0", 0.0)]))
    assert [query.query_id for query in found.queries] == ["q0", "q1", "q2"]
    assert found.qrels.grades == {"q1": {"d0": 2}, "q2": {"d0": 0}}
    assert found.qrels.answerable == ("q1",)
    assert found.origin.counts["unjudged_queries"] == 1
    assert found.origin.counts["unjudged_queries_left_out"] == 0


def test_own_judgments_come_first(tmp_path: Path) -> None:
    """Those of the qrels win over those of a file."""
    lines = judgment_lines([judged("q0", "d0", 2.0), judged("q0", "d1", 1.0)])
    found = loaded(tmp_path, lines, qrels="q0 0 d0 0\n")
    assert found.qrels.grades == {"q0": {"d0": 0, "d1": 1}}
    assert len(found.queries) == 3


def test_a_missing_file_has_no_judgments(tmp_path: Path) -> None:
    """It is named, and the dataset is loaded without judgments."""
    found = loaded(tmp_path, None)
    assert found.qrels.grades == {}
    assert found.origin.judged_by == "human"
    source = JudgmentSource(path=tmp_path / "people.jsonl")
    assert missing_files([source]) == [tmp_path / "people.jsonl"]


def test_a_sample_does_not_depend_on_judgments(tmp_path: Path) -> None:
    """The same queries are drawn before and after judging; judgments of others are counted."""
    before = loaded(tmp_path, None, sample={"queries": 2, "seed": 3})
    lines = judgment_lines([judged(f"q{n}", "d0", 1.0) for n in range(3)])
    after = loaded(tmp_path, lines, sample={"queries": 2, "seed": 3})
    assert before.queries == after.queries
    assert after.chosen is not None
    assert (after.qrels.count(), after.chosen.other_queries) == (2, 1)


def test_an_unfinished_last_line_is_left_out(tmp_path: Path) -> None:
    """A line that is being written is no error; a damaged line before the last one is, and so is other text."""
    whole = judgment_lines([judged("q1", "d0", 2.0), judged("q2", "d1", 1.0)])
    assert loaded(tmp_path, whole[:-20]).qrels.grades == {"q1": {"d0": 2}}
    assert loaded(tmp_path, whole[:-1]).qrels.grades == {"q1": {"d0": 2}, "q2": {"d1": 1}}
    for damaged in (whole[:20] + b"\n" + whole, whole + b"grade"):
        with pytest.raises(DataFormatError, match=r"people\.jsonl:\d is not JSON"):
            loaded(tmp_path, damaged)


def test_the_text_of_a_query_is_that_with_its_instruction(tmp_path: Path) -> None:
    """Another instruction makes the judgments of a query stale."""
    one = Judgment("q0", "d0", 1.0, ANNA, "2026", query_sha256=text_sha256("query 0"))
    assert loaded(tmp_path, judgment_lines([one])).qrels.count() == 1
    found = loaded(tmp_path, judgment_lines([one]), instruction="only new ones")
    assert found.qrels.count() == 0
    assert found.chosen is not None
    assert [share.stale for share in found.chosen.shares] == [1]


def test_tables_need_judgments_of_some_kind(tmp_path: Path) -> None:
    """Without qrels and without files of judgments, nothing can ever be judged."""
    with pytest.raises(ConfigError, match="'judgments', whose files may be missing"):
        loaded(tmp_path, None, judgments=[])


GPT = Rater("model", "gpt", prompt_sha256="1a2b3c4d" * 8)


def of_raters(*raters: Rater) -> bytes:
    """Return a judgment of one document for each rater, of query q0."""
    return judgment_lines(
        Judgment("q0", f"d{n}", float(n), rater, "2026-11-30") for n, rater in enumerate(raters)
    )


@pytest.mark.parametrize(
    ("raters", "expected"), [((ANNA,), "human"), ((GPT, GPT), "judge only"), ((ANNA, GPT), "mixed")]
)
@pytest.mark.parametrize("source", ["tables", "trec_files", "beir_folder"])
def test_qrels_may_be_judgments_by_raters(
    tmp_path: Path, source: str, raters: tuple[Rater, ...], expected: str
) -> None:
    """Of every source that reads them: grades of models are never those of people."""
    loaded(tmp_path, None)
    if source == "tables":
        (tmp_path / "j.jsonl").write_bytes(of_raters(*raters))
        block: dict[str, object] = {
            "corpus": {"path": str(tmp_path / "c.csv")},
            "queries": {"path": str(tmp_path / "q.csv")},
            "qrels": {"path": str(tmp_path / "j.jsonl")},
        }
    elif source == "trec_files":
        (tmp_path / "j.jsonl").write_bytes(of_raters(*raters))
        (tmp_path / "c.tsv").write_text("".join(f"d{n}\ttext of d{n}\n" for n in range(3)))
        (tmp_path / "q.tsv").write_text("q0\tquery 0\n")
        block = {"corpus": str(tmp_path / "c.tsv"), "queries": str(tmp_path / "q.tsv")}
        block["qrels"] = str(tmp_path / "j.jsonl")
    else:
        (tmp_path / "qrels").mkdir()
        (tmp_path / "qrels" / "test.jsonl").write_bytes(of_raters(*raters))
        rows = "".join(f'{{"_id": "d{n}", "title": "", "text": "text of d{n}"}}\n' for n in range(3))
        (tmp_path / "corpus.jsonl").write_text(rows)
        (tmp_path / "queries.jsonl").write_text('{"_id": "q0", "text": "query 0"}\n')
        block = {"path": str(tmp_path)}
    found = open_dataset(dataset_settings({"source": source, **block}))
    assert found.origin.judged_by == expected
    assert found.chosen is not None
    assert [share.rater for share in found.chosen.shares] == list(dict.fromkeys(raters))
    saved = save_dataset(found, tmp_path / "saved")
    assert saved.origin.judged_by == expected
    assert saved.qrels.grades == found.qrels.grades
    again = open_dataset(dataset_settings({"source": "beir_folder", "path": str(tmp_path / "saved")}))
    assert again.origin.judged_by == expected


def test_imported_judgments_keep_their_raters(tmp_path: Path) -> None:
    """An imported folder has the raters of the qrels."""
    loaded(tmp_path, None)
    (tmp_path / "j.jsonl").write_bytes(of_raters(GPT))
    block = {
        "source": "tables",
        "corpus": {"path": str(tmp_path / "c.csv")},
        "queries": {"path": str(tmp_path / "q.csv")},
        "qrels": {"path": str(tmp_path / "j.jsonl")},
    }
    assert import_dataset(dataset_settings(block), tmp_path / "imported").origin.judged_by == "judge only"
    assert "models gave judgments" in (tmp_path / "imported" / PROVENANCE).read_text()
    fixed = {**block, "qrels": {"path": str(tmp_path / "j.jsonl"), "fixed_grade": 1}}
    with pytest.raises(DataFormatError, match="with grades of their own"):
        open_dataset(dataset_settings(fixed))


def test_own_judgments_of_a_model_with_files_of_people(tmp_path: Path) -> None:
    """The qrels come first, from any rater, and the share of each rater is known."""
    (tmp_path / "own.jsonl").write_bytes(of_raters(GPT))
    loaded(tmp_path, judgment_lines([judged("q0", "d0", 2.0), judged("q0", "d1", 1.0)]))
    block = {
        "source": "tables",
        "corpus": {"path": str(tmp_path / "c.csv")},
        "queries": {"path": str(tmp_path / "q.csv")},
        "qrels": {"path": str(tmp_path / "own.jsonl")},
        "judgments": [{"path": str(tmp_path / "people.jsonl")}],
    }
    found = open_dataset(dataset_settings(block))
    assert found.qrels.grades == {"q0": {"d0": 0, "d1": 1}}
    assert found.origin.judged_by == "mixed"


def test_a_judge_counts_with_its_last_prompt(tmp_path: Path) -> None:
    """In a source that names a judge; where only the path is named, a disagreement is refused."""
    other = Rater("model", "gpt", prompt_sha256="ffffffff" * 8)
    lines = judgment_lines(
        [Judgment("q0", "d0", float(n), one, "2026") for n, one in enumerate((GPT, other))]
    )
    path = str(tmp_path / "people.jsonl")
    found = loaded(tmp_path, lines, judgments=[{"judge": "luna", "path": path}])
    assert found.qrels.grades == {"q0": {"d0": 1}}
    assert found.chosen is not None
    assert [(one.rater, one.counted, one.earlier) for one in found.chosen.shares] == [
        (GPT, 0, 1),
        (other, 1, 0),
    ]
    with pytest.raises(DataFormatError, match="give different grades"):
        loaded(tmp_path, lines)
