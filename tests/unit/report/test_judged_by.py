"""Who gave the judgments, in words: shares in order of preference that never round to all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from support.documents import summary

from evalkit.comparison.rests_on import RestsOn
from evalkit.records import QRELS, ChosenJudgments, Rater, RaterShare
from evalkit.report.judged_by import (
    COMPLETE_JUDGMENTS,
    CORRECTED,
    DO_AS_REASONED,
    GUARANTEES_ALONE,
    JUDGE_BY_PEOPLE,
    RESTS_ON,
    judge_cautions,
    judged_lines,
    judged_text,
    rater_tables,
    without_people,
)
from evalkit.results.judgment_facts import DrawnQueries, JudgmentFacts
from evalkit.results.manifest import CandidateLists
from evalkit.results.summary_document import DatasetSummary

ANNA, BEN = Rater("human", "anna"), Rater("human", "ben")
GPT = Rater("model", "gpt-4o", prompt_sha256="1a2b3c4d" * 8)


def facts(*shares: RaterShare) -> JudgmentFacts:
    """Return the facts of judgments with these shares."""
    return JudgmentFacts.of(ChosenJudgments({}, shares=shares), (), None)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        (
            [RaterShare(ANNA, 61), RaterShare(GPT, 39)],
            "judged by: human 61 %, gpt-4o (1a2b3c4d) 39 %; a verdict rests on: human and judge (indication)",
        ),
        ([RaterShare(QRELS, 5), RaterShare(BEN, 5)], "judged by: human 100 %; a verdict rests on: human"),
        (
            [RaterShare(GPT, 2)],
            "judged by: gpt-4o (1a2b3c4d) 100 %; a verdict rests on: judge only (indication)",
        ),
        (
            [RaterShare(ANNA, 1), RaterShare(GPT, 999)],
            "judged by: human < 1 %, gpt-4o (1a2b3c4d) > 99 %; a verdict rests on: human and judge (indication)",
        ),
        ([RaterShare(GPT, 0, failed=3)], "no judgment counts"),
        ([], "no judgment counts"),
    ],
)
def test_shares(shares: list[RaterShare], expected: str) -> None:
    """People are one group; models are named with the beginning of their prompt's hash."""
    assert judged_text(facts(*shares)) == expected


def test_pairs_of_several_people_are_counted() -> None:
    """With the number of those to which they gave different grades; without such pairs nothing is said."""
    both = Rater("human", "anna, ben")
    chosen = ChosenJudgments({}, shares=(RaterShare(both, 9),), by_several=9, differing=2)
    found = JudgmentFacts.of(chosen, (), None)
    assert "human 100 % (judged by several people: 9, of which 2 differ);" in judged_text(found)
    assert (found.by_several, found.differing) == (9, 2)
    assert facts(RaterShare(ANNA, 1)).differing is None


def test_datasets_with_files_of_judgments_have_a_line_and_rows() -> None:
    """Others have neither: their judgments are those of the source."""
    plain = summary()
    assert judged_lines(plain) == []
    assert rater_tables(plain) == []
    lists = CandidateLists.of_lengths([1])
    one = DatasetSummary("d", "tables", "d.csv", None, "english", "hash", {}, lists, 0, {})
    judged = replace(one, judgments=facts(RaterShare(ANNA, 3, 1, 2, 4)))
    given = replace(plain, datasets=(judged,))
    assert judged_lines(given) == [f"{one.name}: judged by: human 100 %; a verdict rests on: human."]
    (table,) = rater_tables(given)
    assert table.rows == ((one.name, "anna", "human", "3", "1", "2", "4", "0"),)


DRAWN = DrawnQueries(1, 2, 9, "2026-11-30T10:00:00+00:00", ("q1", "q2"))


def judged_dataset(basis: RestsOn | None, drawn: DrawnQueries | None = DRAWN) -> DatasetSummary:
    """Return a dataset that a person and a model judged, with a draw, and what its comparisons rest on."""
    chosen = ChosenJudgments({}, shares=(RaterShare(ANNA, 3), RaterShare(GPT, 9)))
    lists = CandidateLists.of_lengths([1])
    one = DatasetSummary("d", "tables", "d.csv", None, "english", "hash", {}, lists, 0, {})
    return replace(one, judgments=JudgmentFacts.of(chosen, (), drawn), rests_on=basis)


@pytest.mark.parametrize("basis", [*RESTS_ON, None])
def test_a_correction_is_named_only_where_one_took_place(basis: RestsOn | None) -> None:
    """A draw and a judge do not suffice: the sentence and the warning follow what the comparisons rest on."""
    dataset = judged_dataset(basis)
    (line,) = judged_lines(replace(summary(), datasets=(dataset,)))
    (caution,) = judge_cautions(dataset)
    assert ("corrected" in line) == (basis in CORRECTED)
    assert ("grades of a random sample correct" in f"{line} {caution.text}") == (basis == "corrected")
    assert ("no verdict rests on them" in caution.text) == (basis not in CORRECTED)
    assert (caution.severity == "verdict") == (basis != "corrected")


def test_what_to_do_for_a_verdict_fits_what_is_missing() -> None:
    """Grades of the judge, of people for a draw, or a draw; a draw that was declared is said to be so."""
    remedies = {basis: judge_cautions(judged_dataset(basis))[0].remedy for basis in RESTS_ON}
    assert "judge rate CONFIG --sample-only" in remedies["human sample incomplete"]
    assert "judge run CONFIG --all" in remedies["judge incomplete"]
    assert "the human sample" in remedies["mixed judgments"]
    assert "judge rate CONFIG --sample-only" in remedies["judge only"]
    assert "(human_sample)" in judge_cautions(judged_dataset("judge only", None))[0].remedy
    assert "a random sample of queries" in judge_cautions(judged_dataset("mixed judgments", None))[0].remedy
    declared = judged_dataset("corrected", replace(DRAWN, declared="declared random by the user"))
    assert declared.judgments is not None
    assert "(declared random by the user)" in judged_text(declared.judgments, "corrected")


@dataclass(frozen=True)
class Unfounded:
    """Something that is not recommended."""

    why_not: str | None


@pytest.mark.parametrize(
    ("why", "step"),
    [
        ("judge only (indication): models gave all judgments", JUDGE_BY_PEOPLE),
        (
            "judge only (indication): models gave all judgments; all grades together suggest 5",
            JUDGE_BY_PEOPLE,
        ),
        (
            (
                "judge only (indication): models gave all judgments; people's grades of the 40 drawn queries decide"
                " (evalkit judge rate CONFIG --for threshold)"
            ),
            COMPLETE_JUDGMENTS,
        ),
        (
            (
                "people have judged 1,095 of 3,000 candidates of the 60 judged queries (evalkit judge rate CONFIG --for"
                " threshold)"
            ),
            COMPLETE_JUDGMENTS,
        ),
        (
            (
                "mixed judgments (indication): models gave some of the judgments. People had judged 3 documents when"
                " the queries were drawn. Count people's judgments alone"
            ),
            DO_AS_REASONED,
        ),
        (
            (
                "judge grades included (indication): people's grades of a random draw do not correct this figure;"
                " the draw was enlarged once after people had judged, so that figures are a further look at it"
            ),
            GUARANTEES_ALONE,
        ),
        ("too few queries with a relevant candidate (3)", None),
        (None, None),
    ],
)
def test_the_next_step_follows_from_what_is_configured(why: str | None, step: str | None) -> None:
    """A random draw is proposed only where there is none."""
    assert without_people([Unfounded(why)]) == step
