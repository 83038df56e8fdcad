"""Judgments of several raters in one file, as one grade for each pair."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import said

from evalkit.errors import DataFormatError, InputNote
from evalkit.formats import (
    JudgmentNames,
    agreed_judgments,
    judgment_lines,
    read_judgments,
    read_named_judgments,
)
from evalkit.records import Judgment, Rater

ANNA, BEN = Rater("human", "anna"), Rater("human", "ben")
MODEL = Rater("model", "gpt", prompt_sha256="0123456789abcdef")
OTHER_PROMPT = Rater("model", "gpt", prompt_sha256="fedcba9876543210")
FILE = Path("j.jsonl")


def judged(doc_id: str, grade: float | None, rater: Rater = ANNA, query_id: str = "q") -> Judgment:
    """Return a judgment; a failure without a grade."""
    failure = "answer: no grade" if grade is None else None
    return Judgment(query_id, doc_id, grade, rater, "2026-01-01T00:00:00Z", failure=failure)


def test_the_last_judgment_of_a_rater_counts() -> None:
    """Pairs stay in the order of the file; whole grades are whole numbers, fractions are kept."""
    found = agreed_judgments([judged("a", 0.0), judged("b", 1.75), judged("a", 2.0)], FILE)
    assert list(found.qrels.grades["q"].items()) == [("a", 2), ("b", 1.75)]
    assert type(found.qrels.grades["q"]["a"]) is int
    assert found.failures == 0


def test_raters_may_share_the_work_and_agree() -> None:
    """On some pairs, or on different pairs."""
    found = agreed_judgments([judged("a", 1.0), judged("a", 1.0, BEN), judged("b", 0.0, MODEL)], FILE)
    assert found.qrels.grades == {"q": {"a": 1, "b": 0}}


def test_a_disagreement_names_the_raters() -> None:
    """With the number of pairs, the first of them, and what to do; another prompt is another rater."""
    rows = [
        judged("a", 1.0),
        judged("b", 2.0),
        judged("b", 1.5, BEN),
        judged("c", 0.0),
        judged("c", 3.0, BEN),
    ]
    text = said(lambda: agreed_judgments(rows, FILE))
    assert "j.jsonl: raters disagree on 2 pairs (first: query 'q', document 'b':" in text
    assert "'anna' with 2, 'ben' with 1.5)" in text
    assert "name one of them ('anna', 'ben')" in text
    assert "judgments:" in text
    prompts = [judged("a", 1.0, MODEL), judged("a", 2.0, OTHER_PROMPT)]
    assert "'gpt (01234567)' with 1, 'gpt (fedcba98)' with 2" in said(lambda: agreed_judgments(prompts, FILE))


def test_a_failure_is_never_a_grade() -> None:
    """Its pair is unjudged unless another rater graded it, and a note counts such pairs."""
    rows = [
        judged("a", 1.0),
        judged("b", None),
        judged("c", None),
        judged("c", 2.0, BEN),
        judged("d", 1.0),
        judged("d", None),
    ]
    with pytest.warns(
        InputNote, match="j.jsonl: 2 of 4 pairs have a failure instead of a grade; they are unjudged"
    ):
        found = agreed_judgments(rows, FILE)
    assert found.qrels.grades == {"q": {"a": 1, "c": 2}}
    assert found.failures == 2


def test_a_file_without_grades_has_no_judgments() -> None:
    """Empty, or with failures only."""
    assert "j.jsonl contains no judgments\n" in said(lambda: agreed_judgments([], FILE))
    assert "all 1 are failures without a grade" in said(lambda: agreed_judgments([judged("a", None)], FILE))


def test_who_gave_each_grade_is_known() -> None:
    """A person where a person and a model agree; a file of a model's grades alone is judged by models only."""
    rows = [judged("a", 1.0, MODEL), judged("a", 1.0), judged("b", 0.0, MODEL), judged("c", 2.0, BEN)]
    assert agreed_judgments(rows, FILE).raters == {"q": {"a": ANNA, "b": MODEL, "c": BEN}}


@pytest.mark.parametrize(
    ("raters", "expected"), [((ANNA, BEN), "human"), ((MODEL,), "judge only"), ((MODEL, ANNA), "mixed")]
)
def test_a_file_of_judgments_says_whose_they_are(
    tmp_path: Path, raters: tuple[Rater, ...], expected: str
) -> None:
    """Read as qrels; TREC qrels and tables carry no rater, and count as those of people."""
    path = tmp_path / "j.jsonl"
    path.write_bytes(judgment_lines(judged(str(n), 1.0, rater) for n, rater in enumerate(raters)))
    assert read_judgments(path).judged_by == expected
    (tmp_path / "j.qrels").write_text("q 0 a 1\n")
    assert read_judgments(tmp_path / "j.qrels").judged_by == "human"


def test_the_columns_of_judgments_by_raters_cannot_be_named(tmp_path: Path) -> None:
    """Read as a plain table, a failure could become a grade, and a model a person."""
    path = tmp_path / "j.jsonl"
    path.write_bytes(judgment_lines([judged("a", 1.0, MODEL)]))
    with pytest.raises(DataFormatError, match="judgments by raters, whose keys have fixed names"):
        read_named_judgments(path, names=JudgmentNames(grade="grade"))
