"""Which judgments count: the last of each rater, the first source that has one, and never one of another text."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import DataFormatError
from evalkit.records import (
    QRELS,
    ChosenJudgments,
    Judgment,
    JudgmentsOfSource,
    Rater,
    RaterShare,
    choose_judgments,
    text_sha256,
)
from evalkit.records.combined_people import people_of

ANNA, BEN = Rater("human", "anna"), Rater("human", "ben")
MODEL = Rater("model", "gpt", prompt_sha256="1a2b3c4d" * 8)
OTHER_PROMPT = replace(MODEL, prompt_sha256="ffffffff" * 8)
QUERIES = ("q1", "q2", "q3")


def judged(
    rater: Rater, query: str, doc: str, grade: float | None, *, query_text: str = "", doc_text: str = ""
) -> Judgment:
    """Return a judgment, of the current texts unless others are given."""
    return Judgment(
        query,
        doc,
        grade,
        rater,
        "2026-11-30T00:00:00Z",
        text_sha256(query_text or query),
        text_sha256(doc_text or doc),
        failure=None if grade is not None else "skip: no grade",
    )


def choose(
    *sources: Sequence[Judgment],
    own: dict[str, dict[str, float]] | None = None,
    rater: str | None = None,
    of_judge: bool = False,
) -> ChosenJudgments:
    """Choose among sources; the text of everything is its id."""
    listed = [JudgmentsOfSource(f"{n}.jsonl", rows, rater, of_judge) for n, rows in enumerate(sources)]
    return choose_judgments(own or {}, listed, QUERIES, text_sha256, text_sha256)


def test_the_first_source_with_a_grade_counts() -> None:
    """The dataset's own judgments come first, then the sources in order; who gave each grade is known."""
    people = [judged(ANNA, "q1", "a", 2), judged(ANNA, "q1", "b", 1)]
    model = [judged(MODEL, "q1", "b", 3), judged(MODEL, "q2", "c", 0.5)]
    found = choose(people, model, own={"q1": {"a": 0}})
    assert found.grades == {"q1": {"a": 0, "b": 1}, "q2": {"c": 0.5}}
    assert [found.rater_of("q1", "a"), found.rater_of("q1", "b")] == [QRELS, ANNA]
    assert [found.rater_of("q2", "c"), found.rater_of("q3", "c")] == [MODEL, None]
    assert found.shares == (
        RaterShare(QRELS, counted=1),
        RaterShare(ANNA, counted=1, superseded=1),
        RaterShare(MODEL, counted=1, superseded=1),
    )
    assert found.judged_by == "mixed"


def test_the_last_judgment_of_a_rater_counts() -> None:
    """A later grade replaces an earlier one; a later failure withdraws it, and the next source is asked."""
    people = [judged(ANNA, "q1", "a", 2), judged(ANNA, "q1", "a", 1), judged(ANNA, "q1", "b", 3)]
    withdrawn = [*people, judged(ANNA, "q1", "b", None)]
    model = [judged(MODEL, "q1", "b", 0)]
    assert choose(people).grades == {"q1": {"a": 1, "b": 3}}
    found = choose(withdrawn, model)
    assert found.grades == {"q1": {"a": 1, "b": 0}}
    assert found.shares[0] == RaterShare(ANNA, counted=1, failed=1)


def test_a_judgment_of_another_text_is_stale() -> None:
    """It does not count, withdraws nothing, and is counted once for a pair that has no other; a hash may be unknown."""
    stale = judged(ANNA, "q1", "a", 3, doc_text="before")
    assert choose([stale]).grades == {}
    assert choose([stale, stale]).shares == (RaterShare(ANNA, stale=1),)
    assert choose([judged(ANNA, "q1", "a", 3, query_text="before")]).shares == (RaterShare(ANNA, stale=1),)
    now = judged(ANNA, "q1", "a", 1)
    assert choose([now, replace(stale, grade=None, failure="skip: no")]).grades == {"q1": {"a": 1}}
    assert choose([now, stale]).shares == (RaterShare(ANNA, counted=1),)
    unknown = replace(stale, query_sha256=None, doc_sha256=None)
    assert choose([unknown]).grades == {"q1": {"a": 3}}


def test_a_text_that_is_gone_makes_a_judgment_stale() -> None:
    """Of a document without a text, only a judgment without a hash counts."""
    listed = [JudgmentsOfSource("f", [judged(ANNA, "q1", "a", 3)])]
    assert choose_judgments({}, listed, QUERIES, text_sha256, lambda _: None).grades == {}


def test_two_raters_of_one_source_must_agree() -> None:
    """Equal grades with a model's are one judgment; different ones are refused with the names and how to list them."""
    agreed = choose([judged(MODEL, "q1", "a", 2), judged(ANNA, "q1", "a", 2)])
    assert agreed.grades == {"q1": {"a": 2}}
    assert agreed.shares == (RaterShare(ANNA, counted=1), RaterShare(MODEL, superseded=1))
    one, other = MODEL.label, OTHER_PROMPT.label
    with pytest.raises(DataFormatError, match="give different grades, 1 and 2") as error:
        choose([judged(MODEL, "q1", "a", 1), judged(OTHER_PROMPT, "q1", "a", 2)])
    assert f"{{path: 0.jsonl, rater: {one}}}, {{path: 0.jsonl, rater: {other}}}" in str(error.value.hint)
    people = [judged(ANNA, "q1", "a", 1), judged(BEN, "q1", "a", 2)]
    with pytest.raises(
        DataFormatError, match=r"'anna, ben' and 'gpt .*' give different grades, 1\.5 and 2"
    ) as error:
        choose([*people, judged(MODEL, "q1", "a", 2)])
    assert "rater: anna}, {path: 0.jsonl, rater: ben}, {path: 0.jsonl, rater: gpt" in str(error.value.hint)


def test_several_people_of_one_source_count_with_their_mean() -> None:
    """Of each person the last grade; a skip is none; the pairs are counted under all names, and those that differ."""
    lines = [
        judged(ANNA, "q1", "a", 0), judged(BEN, "q1", "a", 2), judged(ANNA, "q1", "a", 3),
        judged(ANNA, "q1", "b", 1), judged(BEN, "q1", "b", 1),
        judged(ANNA, "q1", "c", 1), judged(BEN, "q1", "c", None),
        judged(BEN, "q2", "a", 2),
    ]  # fmt: skip
    found = choose(lines)
    assert found.grades == {"q1": {"a": 2.5, "b": 1, "c": 1}, "q2": {"a": 2}}
    both = found.rater_of("q1", "a")
    assert both is not None
    assert (both.label, both.kind, people_of(both)) == ("anna, ben", "human", ("anna", "ben"))
    assert (found.by_several, found.differing, found.judged_by) == (2, 1, "human")
    assert {share.rater: share for share in found.shares} == {
        ANNA: RaterShare(ANNA, counted=1),
        BEN: RaterShare(BEN, counted=1, failed=1),
        both: RaterShare(both, counted=2),
    }
    assert choose(lines, rater="anna").grades == {"q1": {"a": 3, "b": 1, "c": 1}}
    later = choose([judged(ANNA, "q1", "a", 0)], lines)
    assert (later.grades["q1"]["a"], later.by_several, later.differing) == (0, 1, 0)


def test_people_on_different_scales_have_no_mean() -> None:
    """Different grades on scales of two and three levels are refused; the words may differ; one person is one."""
    two, three, words = (replace(BEN, scale=scale) for scale in ("no\nyes", "no\npart\nyes", "bad\ngood"))
    anna = replace(ANNA, scale="no\nyes")
    with pytest.raises(DataFormatError, match="'anna' and 'ben' give different grades, 1 and 2"):
        choose([judged(anna, "q1", "a", 1), judged(three, "q1", "a", 2)])
    assert choose([judged(anna, "q1", "a", 1), judged(words, "q1", "a", 0)]).grades == {"q1": {"a": 0.5}}
    assert choose([judged(three, "q1", "a", 2), judged(two, "q1", "a", 1)]).grades == {"q1": {"a": 1}}


def test_the_order_of_raters_does_not_depend_on_the_hash_seed() -> None:
    """Raters whose judgments are all of other texts are listed in one order, in every process."""
    program = (
        "from evalkit.records import *\n"
        "lines = [Judgment('q', 'd', 1.0, Rater('human', name), 't', 'stale') for name in 'hgfedcba']\n"
        "found = choose_judgments({}, [JudgmentsOfSource('f', lines)], ['q'], str, str)\n"
        "print(*(one.rater.name for one in found.shares))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert said == {"a b c d e f g h\n"}


def test_a_source_may_be_limited_to_one_rater() -> None:
    """By name, or by the label that differs for two prompts of one model."""
    rows = [judged(MODEL, "q1", "a", 2), judged(OTHER_PROMPT, "q1", "a", 1), judged(ANNA, "q1", "a", 0)]
    assert choose(rows, rater="anna").grades == {"q1": {"a": 0}}
    assert choose(rows, rater="gpt (ffffffff)").grades == {"q1": {"a": 1}}
    with pytest.raises(DataFormatError, match=r"'gpt \(1a2b3c4d\)' and 'gpt \(ffffffff\)'"):
        choose(rows, rater="gpt")


def test_judgments_of_other_queries_are_counted_only() -> None:
    """A file may have judgments of queries that were not sampled."""
    found = choose([judged(ANNA, "q9", "a", 2)])
    assert (found.grades, found.shares, found.other_queries) == ({}, (), 1)


@pytest.mark.parametrize(
    ("raters", "expected"),
    [((), "human"), ((ANNA,), "human"), ((MODEL,), "judge only"), ((ANNA, MODEL), "mixed")],
)
def test_whose_grades_count(raters: tuple[Rater, ...], expected: str) -> None:
    """One grade of a model that counts makes the judgments mixed; without any of people they are a judge's only."""
    sources = [[judged(rater, "q1", str(n), 1)] for n, rater in enumerate(raters)]
    assert choose(*sources).judged_by == expected


def test_a_judge_that_is_superseded_everywhere_does_not_count() -> None:
    """Where people judged every pair of a model, the judgments are those of people."""
    found = choose([judged(ANNA, "q1", "a", 1)], [judged(MODEL, "q1", "a", 3)])
    assert found.judged_by == "human"


ROWS = st.lists(
    st.tuples(st.sampled_from(QUERIES), st.sampled_from("abc"), st.sampled_from([None, 0.0, 1.5, 3.0])),
    max_size=12,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_different_pairs_does_not_matter(
    rows: list[tuple[str, str, float | None]], chance: random.Random
) -> None:
    """Lines of different pairs may be in any order, as long as the order within a pair is kept."""
    lines = [judged(ANNA, *row) for row in rows]
    pairs = list(dict.fromkeys(line.pair for line in lines))
    chance.shuffle(pairs)
    regrouped = [line for pair in pairs for line in lines if line.pair == pair]
    one, other = choose(lines), choose(regrouped)
    assert one == other
    assert [*one.grades] == [*other.grades]
    assert [*map(list, one.grades.values())] == [*map(list, other.grades.values())]


def test_only_the_last_prompt_of_a_judge_counts() -> None:
    """Grades with an earlier prompt, scale or settings do not count, whatever they are, and are counted as such."""
    before = [judged(MODEL, "q1", "a", 3), judged(MODEL, "q1", "b", 1), judged(MODEL, "q2", "a", None)]
    now = [judged(OTHER_PROMPT, "q1", "a", 0)]
    found = choose([*before, *now], of_judge=True)
    assert found.grades == {"q1": {"a": 0}}
    assert found.shares == (RaterShare(MODEL, earlier=2), RaterShare(OTHER_PROMPT, counted=1))
    assert found.judged_by == "judge only"
    assert choose([*now, *before], of_judge=True).grades == {"q1": {"a": 3, "b": 1}}
    for changed in ({"scale": "0, 1"}, {"settings": {"temperature": 1}}):
        other = judged(replace(MODEL, **changed), "q1", "c", 2)  # type: ignore[arg-type]
        assert choose([*before, other], of_judge=True).grades == {"q1": {"c": 2}}
    with pytest.raises(DataFormatError, match="give different grades"):
        choose([*before, *now])


def test_a_judge_may_have_several_names_of_its_model() -> None:
    """As replies name it: they count together, and of several judgments of a pair the last one wins."""
    dated = replace(MODEL, name="gpt-2026-11-30")
    rows = [judged(MODEL, "q1", "a", 3), judged(MODEL, "q1", "b", 1), judged(dated, "q1", "a", 0)]
    found = choose(rows, of_judge=True)
    assert found.grades == {"q1": {"a": 0, "b": 1}}
    assert [found.rater_of("q1", "a"), found.rater_of("q1", "b")] == [dated, MODEL]
    assert found.shares == (RaterShare(MODEL, counted=1), RaterShare(dated, counted=1))
    withdrawn = choose([*rows, judged(dated, "q1", "b", None)], of_judge=True)
    assert withdrawn.grades == {"q1": {"a": 0}}
    assert choose([*rows, judged(dated, "q9", "b", 1)], of_judge=True).grades == found.grades


def test_a_call_without_an_answer_changes_no_rater() -> None:
    """Its line does not say what was used for ``auto``: the grades before it count, and it can withdraw one."""
    used = replace(MODEL, settings={"form": "json"})
    unknown = replace(MODEL, settings={"form": "auto"})
    rows = [judged(used, "q1", "a", 3), judged(used, "q1", "b", 1), judged(unknown, "q1", "b", None)]
    found = choose(rows, of_judge=True)
    assert found.grades == {"q1": {"a": 3}}
    assert found.shares == (RaterShare(unknown, failed=1), RaterShare(used, counted=1))
    other = replace(MODEL, settings={"form": "text"})
    again = choose([judged(other, "q1", "c", 2), *rows], of_judge=True)
    assert again.grades == {"q1": {"a": 3}}
    assert choose(rows[2:], of_judge=True).shares == (RaterShare(unknown, failed=1),)


def test_the_raters_of_the_datasets_own_judgments_are_known() -> None:
    """A file of judgments by raters may be the qrels: grades of models among them are no grades of people."""
    own = {"q1": {"a": 1.0, "b": 0.0}}
    found = choose_judgments(own, (), QUERIES, text_sha256, text_sha256, {"q1": {"a": MODEL, "b": ANNA}})
    assert found.judged_by == "mixed"
    assert found.shares == (RaterShare(MODEL, counted=1), RaterShare(ANNA, counted=1))
    assert [found.rater_of("q1", "a"), found.rater_of("q1", "c")] == [MODEL, None]
    assert choose_judgments(own, (), QUERIES, text_sha256, text_sha256).judged_by == "human"


RATERS = (ANNA, BEN, MODEL, OTHER_PROMPT, replace(MODEL, name="gpt-2"))
LINES = st.lists(
    st.builds(
        judged,
        st.sampled_from(RATERS),
        st.sampled_from((*QUERIES, "q9")),
        st.sampled_from("ab"),
        st.sampled_from([None, 0.0, 1.0]),
        query_text=st.sampled_from(["", "", "", "before"]),
        doc_text=st.sampled_from(["", "", "", "before"]),
    ),
    max_size=14,
)


def by_the_rules(
    sources: Sequence[Sequence[Judgment]], of_judge: bool
) -> dict[tuple[str, str], float] | None:
    """Return pair -> grade by a plain reading of the rules; None if models of a source disagree."""
    found: dict[tuple[str, str], float] = {}
    for lines in sources:
        now = [one for one in lines if not of_judge or one.rater.form == lines[-1].rater.form]
        fresh = [
            one
            for one in now
            if one.query_id in QUERIES
            and one.query_sha256 == text_sha256(one.query_id)
            and one.doc_sha256 == text_sha256(one.doc_id)
        ]
        added: dict[tuple[str, str], float] = {}
        for pair in {one.pair for one in fresh}:
            of_pair = [one for one in fresh if one.pair == pair]
            who = {of_pair[-1].rater} if of_judge else {one.rater for one in of_pair}
            last = {rater: [one for one in of_pair if one.rater == rater][-1].grade for rater in who}
            given = {rater: grade for rater, grade in last.items() if grade is not None}
            people = [grade for rater, grade in given.items() if rater.kind == "human"]
            grades = {grade for rater, grade in given.items() if rater.kind == "model"}
            grades |= {fmean(people)} if people else set()
            if pair in found:
                continue
            if len(grades) > 1:
                return None
            added.update((pair, grade) for grade in grades)
        found |= added
    return found


@given(st.lists(LINES, max_size=3), st.booleans())
def test_random_lines_are_chosen_by_the_rules(sources: list[list[Judgment]], of_judge: bool) -> None:
    """Stale, failed, withdrawn, repeated and earlier judgments of several raters and sources, in any order."""
    expected = by_the_rules(sources, of_judge)
    if expected is None:
        with pytest.raises(DataFormatError, match="give different grades"):
            choose(*sources, of_judge=of_judge)
        return
    found = choose(*sources, of_judge=of_judge)
    chosen = {(query, doc): grade for query, docs in found.grades.items() for doc, grade in docs.items()}
    assert chosen == expected
    assert sum(share.counted for share in found.shares) == len(expected)
    raters = {found.rater_of(*pair) for pair in expected}
    assert raters == {share.rater for share in found.shares if share.counted}
    gave = {(one.pair, one.rater, one.grade) for lines in sources for one in lines}
    shared = {pair for pair in expected if (rater := found.rater_of(*pair)) is not None and people_of(rater)}
    assert len(shared) == found.by_several >= found.differing
    assert all(
        (pair, found.rater_of(*pair), grade) in gave for pair, grade in expected.items() if pair not in shared
    )
    assert found.other_queries == sum(one.query_id == "q9" for lines in sources for one in lines)
    assert all(not share.earlier for share in found.shares) or of_judge


@given(LINES, st.randoms(use_true_random=False))
def test_the_lines_of_other_raters_may_be_anywhere(lines: list[Judgment], chance: random.Random) -> None:
    """Only the order within a rater and a pair matters where all raters of a file count."""
    groups = list(dict.fromkeys((one.rater, one.pair) for one in lines))
    chance.shuffle(groups)
    regrouped = [one for group in groups for one in lines if (one.rater, one.pair) == group]
    try:
        expected = choose(lines)
    except DataFormatError:
        with pytest.raises(DataFormatError):
            choose(regrouped)
        return
    assert choose(regrouped) == expected
