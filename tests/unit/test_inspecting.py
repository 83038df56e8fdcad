"""What is found in data: each check on a collection small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.inspected import by_code, candidates, check_input, dataset

from evalkit.dataset_checks import (
    Reading,
    by_severity,
    candidate_lists,
    document_texts,
    duplicates,
    judgments,
    languages,
    leaks,
    lengths,
    query_texts,
    run_all_checks,
    run_quick_checks,
    same_ids,
    truncation,
)
from evalkit.records import Query
from evalkit.stats import MIN_QUERIES

WORDS = "the quick brown fox jumps over the lazy dog near the old river bank at noon"
DOCUMENTS = {
    "d1": WORDS,
    "d2": "another text about cats and mice",
    "d3": "a third one about the sea and ships",
}
QUERIES = {"q1": "what does the fox do", "q2": "where are the ships"}
QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d3": 1, "d2": 0}}
CLEAN = dataset(DOCUMENTS, QUERIES, QRELS)
LISTS = {"q1": ["d1", "d2", "d3"], "q2": ["d3", "d2", "d1"]}


def test_clean_data_gets_notes_alone() -> None:
    """A collection without a fault, but that it is small, has notes alone: its grades and lengths are told."""
    found = by_code(run_all_checks(check_input(CLEAN, LISTS, depth=2)))
    few = found.pop("few_queries")
    assert (few.severity, few.counts) == ("warning", {"queries": 2, "least": MIN_QUERIES})
    assert {finding.severity for finding in found.values()} == {"note"}
    assert set(found) == {"judged_share", "grades", "lengths"}


def test_enough_queries_are_enough() -> None:
    """What verdicts take is warned of, what choices take is noted; from twice as many queries on nothing is."""
    for count, told in ((29, ["warning"]), (30, ["note"]), (59, ["note"]), (60, [])):
        asked = {f"q{number}": "what does the fox do" for number in range(count)}
        small = check_input(dataset(DOCUMENTS, asked, {query: {"d1": 1} for query in asked}))
        assert [finding.severity for finding in judgments.few_queries(small)] == told


def test_every_finding_tells_effect_and_remedy() -> None:
    """A finding has a dataset, a phrase, an effect and a remedy, and at most five examples."""
    broken = dataset(
        {"q1": "", **{f"e{i}": " " for i in range(9)}},
        {"q1": "x", "q2": "x"},
        {"q1": {"q1": 1}, "q2": {"gone": 1}},
    )
    found = run_quick_checks(check_input(broken, {}))
    assert {"error", "warning"} <= {finding.severity for finding in found}
    for finding in found:
        assert finding.dataset == "tiny"
        assert all((finding.what, finding.effect, finding.remedy))
        assert len(finding.examples) <= 5


def test_the_worst_comes_first() -> None:
    """Findings stand by severity, and within one in the order they were found."""
    found = [
        replace(finding, severity=severity, code=str(place))
        for place, severity in enumerate(("note", "error", "warning", "error"))
        for finding in list(lengths.lengths(check_input(CLEAN)))
    ]
    assert [finding.code for finding in by_severity(found)] == ["1", "3", "2", "0"]


def test_judgments_that_point_nowhere_lower_the_best_possible_values() -> None:
    """Recall and nDCG of the best ranking of what is there; irrelevant ones that are missing lower nothing."""
    qrels = {"q1": {"d1": 1, "gone": 1}, "q2": {"d3": 1, "d2": 1, "lost": 0}}
    (found,) = judgments.missing_documents(check_input(dataset(DOCUMENTS, QUERIES, qrels)))
    assert found.severity == "warning"
    assert found.counts == {"judgments": 2, "documents": 2, "relevant": 1, "all_relevant": 4, "queries": 1}
    assert found.examples == ("gone", "lost")
    ndcg = (1 / (1 + 1 / np.log2(3)) + 1) / 2
    assert f"recall 1.0000 to 0.7500, nDCG@10 1.0000 to {ndcg:.4f}" in found.effect
    assert "MRR" not in found.effect
    harmless = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1, "gone": 0}})
    (note,) = judgments.missing_documents(check_input(harmless))
    assert (note.severity, note.effect) == ("note", "none of them is relevant")


def test_judgments_of_another_corpus_are_an_error() -> None:
    """Where most relevant documents are not there the figures mean nothing."""
    foreign = dataset(DOCUMENTS, QUERIES, {"q1": {"x": 1, "y": 1}, "q2": {"d3": 1}})
    (found,) = judgments.missing_documents(check_input(foreign))
    assert found.severity == "error"
    assert found.counts["relevant"] == 2


def test_queries_that_nothing_answers() -> None:
    """Some are a note; all of them are an error, as nothing has a mean then."""
    some = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1}, "q2": {"d1": 0}})
    (note,) = judgments.unanswerable_queries(check_input(some))
    assert (note.severity, note.examples) == ("note", ("q2",))
    none = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 0}, "q2": {"d1": -1}})
    (error,) = judgments.unanswerable_queries(check_input(none))
    assert error.severity == "error"


def test_queries_that_were_left_out_are_counted() -> None:
    """The number is the one that the dataset itself keeps."""
    left_out = dataset(DOCUMENTS, QUERIES, QRELS, counts={"unjudged_queries_left_out": 36})
    (found,) = judgments.unjudged_queries(check_input(left_out))
    assert found.counts == {"queries": 36, "judged_queries": 2}
    assert not list(judgments.unjudged_queries(check_input(CLEAN)))


def test_grades_and_the_metrics_that_see_them() -> None:
    """Grades are counted; what weighs how much follows from the highest; a threshold above it is an error."""
    found = by_code(judgments.grades(check_input(CLEAN, metrics=["nDCG@10", "MRR(rel=3)@10", "AP"])))
    assert found["grades"].counts == {"grade_0": 2, "grade_1": 1, "grade_2": 1}
    assert (
        "nDCG@10 sees the grades; MRR(rel=3)@10 counts 3 and up; AP counts 1 and up" in found["grades"].effect
    )
    assert "grade 2 weighs 2 times grade 1 in nDCG, 3 times with 'exp-log2'" in found["grades"].effect
    assert found["rel_above_grades"].severity == "error"
    assert found["rel_above_grades"].counts == {"rel": 3, "highest_grade": 2}
    binary = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1, "d2": 0}})
    (told,) = judgments.grades(check_input(binary))
    assert told.what == "binary judgments: 1 of grade 1, 1 of grade 0"


def test_judgments_of_relevant_documents_alone() -> None:
    """Told where no document was judged irrelevant, and only there."""
    assert not list(judgments.only_relevant(check_input(CLEAN)))
    (found,) = judgments.only_relevant(check_input(dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1, "d2": 2}})))
    assert "2.0 a query" in found.what


@pytest.mark.parametrize(
    ("barred", "own_text", "relevant", "severity", "remedy"),
    [
        (True, False, True, "warning", "set exclude_same_id: false: the ids meet by chance"),
        (True, False, False, "note", "set exclude_same_id: false: the ids meet by chance"),
        (True, True, False, "note", "nothing: a query should not find itself"),
        (False, True, False, "warning", "set exclude_same_id: true"),
        (False, False, True, "note", "nothing: the ids meet by chance"),
    ],
)
def test_ids_that_queries_share_with_documents(
    *, barred: bool, own_text: bool, relevant: bool, severity: str, remedy: str
) -> None:
    """Barring is right where the text is the query's own, and costs what was judged relevant where it is not."""
    documents = {"1": "THE fox" if own_text else "something else", "2": "a fox in the wood"}
    grades = {"1": {"1": int(relevant), "2": 1}}
    data = dataset(documents, {"1": "the  fox"}, grades, exclude_same_id=barred)
    (found,) = same_ids.same_ids(check_input(data))
    assert (found.severity, found.remedy) == (severity, remedy)
    assert found.counts == {"queries": 1, "same_text": own_text, "relevant": relevant, "barred": barred}
    assert ("recall 1.0000 to 0.5000" in found.effect) == (barred and relevant)


def test_what_barring_changes_is_computed() -> None:
    """The first stage's means without and with the rule, whichever way the dataset has it."""
    documents = {"1": "x", "2": "y"}
    data = dataset(documents, {"1": "q"}, {"1": {"1": 1, "2": 1}})
    with_rule, without = {"1": ["2"]}, {"1": ["1", "2"]}
    seen = replace(check_input(data, with_rule), alternative_candidates=candidates(without))
    (found,) = same_ids.same_ids(seen)
    best = 1 + 1 / np.log2(3)
    assert found.effect.endswith(f"barring them moves the first stage: nDCG@10 1.0000 to {1 / best:.4f}")
    turned = replace(data, origin=replace(data.origin, exclude_same_id=False))
    (other,) = same_ids.same_ids(
        replace(check_input(turned, without), alternative_candidates=candidates(with_rule))
    )
    assert other.effect.endswith(f"barring them moves the first stage: nDCG@10 1.0000 to {1 / best:.4f}")


def test_documents_without_text() -> None:
    """White space is no text; what they cost is counted among the relevant ones; most of them empty is an error."""
    documents = {**DOCUMENTS, "e1": "", "e2": " \n\t"}
    qrels = {"q1": {"d1": 1, "e1": 1, "e2": 0}, "q2": {"d3": 1}}
    (found,) = document_texts.empty_documents(check_input(dataset(documents, QUERIES, qrels)))
    assert (found.severity, found.examples) == ("warning", ("e1", "e2"))
    assert found.counts == {"documents": 2, "judgments": 2, "relevant": 1}
    assert "recall 1.0000 to 0.7500" in found.effect
    (note,) = document_texts.empty_documents(check_input(dataset(documents, QUERIES, QRELS)))
    assert note.severity == "note"
    (error,) = document_texts.empty_documents(
        check_input(dataset({"d1": "", "d2": "", "d3": "x"}, QUERIES, QRELS))
    )
    assert error.severity == "error"


def test_documents_that_say_hardly_anything() -> None:
    """Fewer than ten characters without white space; ten are enough, and none at all is another finding."""
    documents = {"a": "123456789", "b": "1234567890", "c": "1 2 3 4 5 6 7 8 9", "d": ""}
    (found,) = document_texts.short_documents(check_input(dataset(documents, QUERIES, {"q1": {"a": 1}})))
    assert found.examples == ("a", "c")
    assert found.counts == {"documents": 2, "relevant": 1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a caf\ufffd in Paris", "replacement_characters"),
        ("a cafÃ© in Paris", "mojibake"),
        ("it\u00e2\u20ac\u2122s here", "mojibake"),
        ("it\u00e2\x80\x99s here", "mojibake"),
        ("a bell\x07 rings", "control_characters"),
        ("\ufeffbegins", "control_characters"),
        ("rock &amp; roll", "markup"),
        ("half &#189; done", "markup"),
        ("a <b>bold</b> word", "markup"),
        ("see <a href='x'>this</a>", "markup"),
    ],
)
def test_damage_is_recognised(text: str, code: str) -> None:
    """Each kind of damage is found by itself, in documents and in queries, and counted once."""
    data = dataset({"d1": text, "d2": "sound"}, {"q1": text}, {"q1": {"d1": 1}})
    (found,) = document_texts.damaged_texts(check_input(data))
    assert found.code == code
    assert found.counts == {"documents": 1, "queries": 1, "relevant": 1}
    assert found.examples == ("d1", "q1")


@pytest.mark.parametrize(
    "text",
    [
        "un café à Paris, « déjà » vu…",
        "MENÜ… Spaß–wäre’s „so“",  # noqa: RUF001 - such signs are what this is about
        "AT&T; R&D; if a < b and c > d",
        "x <y> z",
        "中文没有空格",
        "مرحبا بالعالم",
        "lines\nand\ttabs\r\n",
        "20 °C ± 2",
    ],
)
def test_sound_texts_are_left_alone(text: str) -> None:
    """Accents, quotes, other scripts, comparisons and line ends are no damage."""
    assert not list(
        document_texts.damaged_texts(check_input(dataset({"d1": text}, {"q1": text}, {"q1": {"d1": 1}})))
    )


def test_queries_without_text() -> None:
    """They are named: every system gets 0 for them."""
    (found,) = query_texts.blank_queries(check_input(dataset(DOCUMENTS, {"q1": " ", "q2": "x"}, QRELS)))
    assert found.examples == ("q1",)


def test_queries_that_stand_there_twice() -> None:
    """Case and white space do not tell queries apart; where their judgments do not agree it is a warning."""
    asked = {"q1": "What is  it", "q2": "what is it", "q3": "something else"}
    agreeing = {"q1": {"d1": 1, "d2": 0}, "q2": {"d1": 1}}
    (note,) = query_texts.repeated_queries(check_input(dataset(DOCUMENTS, asked, agreeing)))
    assert (note.severity, note.examples) == ("note", ("q1 = q2",))
    assert note.counts == {"queries": 2, "texts": 1, "contradictions": 0, "judged_for_one_only": 0}
    quarrelling = {"q1": {"d1": 1, "d2": 0}, "q2": {"d1": 0, "d3": 1}}
    (warning,) = query_texts.repeated_queries(check_input(dataset(DOCUMENTS, asked, quarrelling)))
    assert warning.severity == "warning"
    assert (warning.counts["contradictions"], warning.counts["judged_for_one_only"]) == (1, 1)


def test_documents_that_are_the_same() -> None:
    """A twin of a relevant document that nobody judged is named with its query, and what judging it would move."""
    documents = {**DOCUMENTS, "d4": WORDS.upper(), "d5": WORDS + " ", "e1": "", "e2": ""}
    qrels = {"q1": {"d1": 2, "d5": 1}, "q2": {"d3": 1}}
    found = by_code(
        duplicates.duplicates(
            check_input(dataset(documents, QUERIES, qrels), {"q1": ["d4", "d1"], "q2": ["d3"]})
        )
    )
    assert found["duplicate_documents"].examples == ("d1 = d4 = d5",)
    assert found["duplicate_documents"].counts == {"documents": 3, "texts": 1}
    apart = found["unjudged_duplicates"]
    assert apart.examples == ("q1: d4",)
    assert apart.counts == {"unjudged": 1, "contradictions": 1, "among_candidates": 1}
    gain = 2 / np.log2(3) / (2 + 1 / np.log2(3))
    alike = (2 + 2 / np.log2(3)) / (2 + 2 / np.log2(3) + 1 / 2)
    assert f"nDCG@10 {(gain + 1) / 2:.4f} to {(alike + 1) / 2:.4f}" in apart.effect
    assert "MRR@10 0.7500 to 1.0000" in apart.effect


def test_twins_without_candidates_have_no_computed_effect() -> None:
    """What is not known is None, and no figure is made up."""
    documents = {**DOCUMENTS, "d4": WORDS}
    found = by_code(duplicates.duplicates(check_input(dataset(documents, QUERIES, QRELS))))
    assert found["unjudged_duplicates"].counts["among_candidates"] is None
    assert not any(character.isdigit() for character in found["unjudged_duplicates"].effect)


def test_lists_that_are_shorter_than_asked() -> None:
    """Empty lists and short ones are two findings; a list as long as the corpus allows is neither."""
    found = by_code(candidate_lists.short_lists(check_input(CLEAN, {"q1": ["d1"]}, depth=2)))
    assert found["no_candidates"].examples == ("q2",)
    assert found["no_candidates"].counts == {"queries": 1, "answerable": 1}
    assert found["short_lists"].counts == {"queries": 1, "asked": 2, "shortest": 1}
    everything = by_code(candidate_lists.short_lists(check_input(CLEAN, LISTS, depth=50)))
    assert set(everything) == {"depth_beyond_corpus"}
    assert not list(candidate_lists.short_lists(check_input(CLEAN)))


def test_a_barred_document_makes_no_list_short() -> None:
    """A query that may not find its own document can find one fewer than the corpus holds."""
    data = dataset({"q1": "x", "d2": "y"}, {"q1": "x"}, {"q1": {"d2": 1}})
    assert set(by_code(candidate_lists.short_lists(check_input(data, {"q1": ["d2"]}, depth=2)))) == {
        "depth_beyond_corpus"
    }


def test_the_judged_share_is_the_metric() -> None:
    """Judged@n of the candidates over answerable queries; pooled judgments that cover little are a warning."""
    (found,) = candidate_lists.judged_share(check_input(CLEAN, LISTS, metrics=["nDCG@1"], depth=3))
    assert found.counts == pytest.approx({"Judged@1": 1.0, "Judged@3": 2 / 3})
    assert found.severity == "warning"
    sparse = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1}, "q2": {"d3": 1}})
    (note,) = candidate_lists.judged_share(check_input(sparse, LISTS, depth=3))
    assert note.severity == "note"


@pytest.mark.parametrize(
    ("text", "declared", "found"),
    [
        ("der Hund und die Katze sind nicht in dem Haus von der Frau", "english", "in german"),
        ("der Hund und die Katze sind nicht in dem Haus von der Frau", "german", ""),
        ("the dog and the cat are not in the house of the woman", "english", ""),
        ("the dog and the cat are not in the house of the woman", "german", "in english"),
        ("中文没有空格中文没有空格", "english", "written in CJK"),
        ("中文没有空格中文没有空格", "chinese", ""),
        ("中文没有空格中文没有空格", "japanese", ""),
        ("the dog and the cat are not here", "chinese", "written in LATIN"),
        ("この犬はとても大きいです", "chinese", "written in HIRAGANA"),
        ("ภาษาไทยไม่มีช่องว่าง", "thai", ""),
        ("кошка и собака в доме", "english", "written in CYRILLIC"),
        ("кошка и собака в доме", "russian", ""),
        ("1234 5678", "english", ""),
        ("bakiku dotemi lonuse ginoro tafemu " * 5, "english", ""),
    ],
)
def test_the_language_is_held_against_the_texts(text: str, declared: str, found: str) -> None:
    """A script or function words of another language are told; numbers and the right language are not."""
    data = dataset({"d1": text}, {"q1": text}, {"q1": {"d1": 1}}, language=declared)
    told = [finding.what for finding in languages.language(check_input(data))]
    assert [found in what for what in told] == [True] * bool(found)


def test_lengths_are_those_of_the_texts() -> None:
    """Median, 95th percentile and longest are lengths that some text has."""
    documents = {f"d{n}": "w " * n for n in range(1, 101)}
    (found,) = lengths.lengths(check_input(dataset(documents, {"q1": "one two"}, {"q1": {"d1": 1}})))
    words = [found.counts[f"documents_words_{name}"] for name in ("p50", "p95", "max")]
    assert words == [51, 96, 100]
    assert found.counts["queries_words_max"] == 2


def test_what_a_reranker_cuts() -> None:
    """The share of cut pairs has an interval where it is of a sample, and none where all were looked at."""
    cut = np.array([True, False, False, False])
    reading = Reading("mine", 8, 4, np.array([8, 5, 6, 7]), cut, cut[:1])
    (found,) = truncation("tiny", reading)
    assert found.severity == "warning"
    assert found.what.startswith("mine, with a limit of 8 tokens, cuts 1 of 4 pairs (25.0%); ")
    assert found.counts["relevant_truncated"] == 1
    (sampled,) = truncation("tiny", replace(reading, pairs=1000))
    assert "95 % interval 0.6% to 80.6%, of a sample" in sampled.what
    (unknown,) = truncation("tiny", Reading.unknown("mine", "it is far away"))
    assert unknown.counts == {"truncated": None}
    assert not list(truncation("tiny", replace(reading, truncated=cut[:0], tokens=reading.tokens[:0])))


def test_queries_of_the_train_split() -> None:
    """A query leaks if its text stands in the train split, whatever its id, case and white space."""
    seen = replace(check_input(CLEAN), train=(Query("t1", "WHAT does the  fox do"), Query("t2", "other")))
    (found,) = leaks.trained_on(seen)
    assert found.examples == ("q1",)
    assert found.counts == {"queries": 1, "asked": 2, "train_queries": 2}
    assert not list(leaks.trained_on(check_input(CLEAN)))


def test_queries_that_stand_in_a_document() -> None:
    """Five words in a row, punctuation aside, as whole words; shorter queries and cut words are chance."""
    documents = {
        **DOCUMENTS,
        "d4": "He asked: what DOES the fox do? Nothing.",
        "d5": "somewhat does the fox dox",
    }
    asked = {**QUERIES, "q3": "the fox"}
    data = dataset(documents, asked, {"q1": {"d4": 1}, "q2": {"d3": 1}, "q3": {"d1": 1}})
    (found,) = leaks.verbatim_queries(check_input(data))
    assert found.examples == ("q1 in d4",)
    assert found.counts == {"queries": 1, "looked_for": 1, "in_a_relevant_document": 1}
