"""Files of judgments: every layout, and what is wrong with one."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import said

from evalkit.errors import DataFormatError
from evalkit.formats import read_qrels, read_qrels_file, write_qrels
from evalkit.records import Qrels

QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 1}}


@pytest.mark.parametrize(
    "text",
    [
        "q1 0 d1 2\nq1 0 d2 0\nq2 0 d1 1\n",
        "q1\t0\td1\t2\r\nq1\t0\td2\t0\r\nq2\t0\td1\t1\r\n",
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td1\t1\n",
        "qid 0 docid rel\nq1 0 d1 2\nq1 0 d2 0\nq2 0 d1 1\n",
        "q1 d1 2\nq1 d2 0\nq2 d1 1\n",
        "q1 d1 2.0\n\nq1 d2 0.0\nq2 d1 1.0\n",
    ],
)
def test_qrels_are_read_in_every_layout(tmp_path: Path, text: str) -> None:
    """Three or four columns, with a header or without, tabs or spaces: the same judgments."""
    file = tmp_path / "qrels"
    file.write_text(text, encoding="utf-8")
    assert read_qrels(file).grades == QRELS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("q1 0 d1 2\nq1 d2 0\n", "qrels:2 has 3 columns"),
        ("q1 0 d1 high\n", "qrels:1 has the grade 'high'"),
        ("q1 0 d1 nan\n", "qrels:1 has the grade 'nan'"),
        ("q1 0 d1 2\nq1 0 d2 -inf\n", "qrels:2 has the grade '-inf'"),
        ("q1 0 d1 1e999\n", "qrels:1 has the grade '1e999'"),
        ("q1 0 d1 1,75\n", "qrels:1 has the grade '1,75'"),
        ("q1 0 d1 1000.5\n", "qrels:1 has the grade 1000.5; grades are at most 1000"),
        ("q1 0 d1 1.75\nq1 0 d1 1.5\n", "has two grades: 1.75 and 1.5"),
        ("query-id\tcorpus-id\tscore\nq1\t\t1\n", "qrels:2 has an empty id or an id with white space"),
        ("q1 0 d1 2\nq1 0 d1 1\n", "has two grades: 2 and 1"),
        ("query-id\tcorpus-id\tscore\n", "contains no judgments"),
    ],
)
def test_bad_qrels_are_reported_with_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    """What is wrong is named with its line; no row is dropped or guessed at."""
    file = tmp_path / "qrels"
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: read_qrels(file))


@pytest.mark.parametrize(
    "text",
    [
        "# TREC DL 2019\nq1 0 d1 2\n  # more\nq1 0 d2 0\n#q9 0 d1 1\nq2 0 d1 1\n# end",
        "# version 2\nq1\td1\t2\nq1\td2\t0\n# more\nq2\td1\t1\n",
        "q1\t0\td1\t2\t\t\r\n \t\r\nq1 \t 0   d2\t0 \t\r\nq2 0 d1 1",
        "q1\t\td1\t2\nq1\t\td2\t0\nq2\t\td1\t1\n",
        "# BEIR\nquery-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td1\t1\n",
        "q1 Q0 d1 2\nq1 0 d2 0\nq2 0 d1 1\n",
        "q1 0 d1 2\nq1 0 d2 0\nq1 1 d1 2\nq2 0 d1 1\n",
    ],
)
def test_comments_and_mixed_blanks_change_nothing(tmp_path: Path, text: str) -> None:
    """As in trec_eval 10: comments, blanks at the end of a line, CRLF, blank lines, judgments that occur twice."""
    file = tmp_path / "qrels"
    file.write_bytes(text.encode())
    assert read_qrels(file).grades == QRELS


@pytest.mark.parametrize("header", ["query-id\tcorpus-id\tscore\n", ""])
def test_ids_may_begin_with_a_number_sign_in_a_table(tmp_path: Path, header: str) -> None:
    """With three columns between tabs such a line is a judgment; without a tab it is a comment."""
    file = tmp_path / "qrels"
    file.write_text(f"{header}#q1\t#d1\t1\n# note\nq2\td1\t1\n", encoding="utf-8")
    assert read_qrels(file).grades == {"#q1": {"#d1": 1}, "q2": {"d1": 1}}


def test_comments_that_look_like_judgments_are_counted(tmp_path: Path) -> None:
    """In a TREC file they are comments; the reader may have meant ids, and is given the lines."""
    file = tmp_path / "qrels"
    file.write_text("#q0 0 d1 1\n# q0 0 d1\nq1 0 d1 1\n#q2 0 d1 1\n# one two 3\n", encoding="utf-8")
    found = read_qrels_file(file)
    assert (found.qrels.grades, found.commented) == ({"q1": {"d1": 1}}, (1, 4))
    assert set(read_qrels(write(tmp_path / "own", "#q0 0 d1 1\nq1 0 d1 1\n"), comments=False).grades) == {
        "#q0",
        "q1",
    }


def write(file: Path, text: str) -> Path:
    """Write a file and return it."""
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("q1 0 d1 1_0\n", "qrels:1 has the grade '1_0'"),
        ("q1 0 d1 \u0661\n", "qrels:1 has the grade '\u0661'"),
        ("q1 0 d1 \uff11\n", "qrels:1 has the grade '\uff11'"),
        ("q1 0 d1 1.75\nq1 0 d2 1.", "qrels:2 ends in the middle: the file is cut off"),
        ("q1 0 d1 1.75\nq1 0 d2 1.7", "qrels:2 ends in the middle: the file is cut off"),
        ("topic 0 d1 high\nq 0 d 1\n", "qrels:1 has the grade 'high'"),
        ("q1 d1\nq1 d2\n", "add a column of grades, or the header 'query-id corpus-id'"),
        ("q1 0 d1 1\nq2 0 d", "qrels:2 ends in the middle: the file is cut off"),
        (
            "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t",
            "qrels:3 ends in the middle: the file is cut off",
        ),
        ("q1 0 d1 1\nq2 0 d\n", "qrels:2 has 3 columns"),
        ("query-id\tcorpus-id\tscore\n#q1\td1\n", "qrels:2 has 2 columns"),
        ("q1 0.5 d1 1\nq1 1 d1 0\n", "qrels: query 'q1', document 'd1' has two grades: 1 and 0"),
        ("q1 Q0 d1 1\nq1 0 d1 0\n", "has two grades: 1 and 0"),
        (
            "q1 1 d1 1\nq1 2 d1 0\nq1 1 d1 0\n",
            "qrels: query 'q1', subtopic '1', document 'd1' has two grades",
        ),
        ("# only\n# comments\n", "contains no judgments"),
    ],
)
def test_what_could_be_misread_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """Digits of other scripts, headers that are none, cut off files, contradictions that are no subtopics."""
    assert problem in said(lambda: read_qrels(write(tmp_path / "qrels", text)))


def test_first_words_that_are_names_of_columns_are_ids(tmp_path: Path) -> None:
    """A query may be called topic; its grade shows that the line is no header."""
    file = write(tmp_path / "qrels", "topic 0 d1 1\nq2 0 d1 1\n")
    assert read_qrels(file).grades == {"topic": {"d1": 1}, "q2": {"d1": 1}}


def test_pairs_without_grades_are_relevant_if_a_header_names_them(tmp_path: Path) -> None:
    """Two columns, as NanoBEIR has them."""
    file = write(tmp_path / "qrels", "query-id\tcorpus-id\nq1\td1\nq1\td2\nq1\td1\n#2\td1\n")
    assert read_qrels(file).grades == {"q1": {"d1": 1, "d2": 1}, "#2": {"d1": 1}}


@pytest.mark.parametrize(
    "text", ["1 1 a 1\n1 2 a 0\n1 2 b 1\n", "qid\tsubtopic\tdocid\trel\n1\t1\ta\t1\n1\t2\ta\t0\n1\t2\tb\t1\n"]
)
def test_judgments_by_subtopic_have_the_highest_grade(tmp_path: Path, text: str) -> None:
    """Several values of the iteration column in one query are subtopics; so is what a header calls so."""
    qrels = read_qrels(write(tmp_path / "qrels", text))
    assert qrels.grades == {"1": {"a": 1, "b": 1}}
    assert qrels.subtopics == {"1": {"1": {"a": 1}, "2": {"a": 0, "b": 1}}}


@pytest.mark.parametrize(
    "text",
    [
        "1 0.5 a 1\n1 1 b 0\n2 1.5 a 1\n",  # rounds of judging
        "1 0 a 1\n1 Q0 b 0\n2 - a 1\n",  # two ways to write nothing
        "1 1 a 1\n1 1 b 0\n2 2 a 1\n",  # one value for each query
    ],
)
def test_iterations_without_meaning_are_no_subtopics(tmp_path: Path, text: str) -> None:
    """Their judgments are ordinary ones."""
    qrels = read_qrels(write(tmp_path / "qrels", text))
    assert (qrels.grades, qrels.subtopics) == ({"1": {"a": 1, "b": 0}, "2": {"a": 1}}, {})


IDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=4
) | st.sampled_from(["#", "#1", "query-id", "topic", "doc", "subtopic", "0"])
FRACTIONS = st.floats(-1000, 1000) | st.sampled_from([1.75, 5 / 3, 1e-300, -0.5])
GRADED = st.dictionaries(IDS, st.integers(-3, 12) | FRACTIONS, min_size=1, max_size=4)


@given(grades=st.dictionaries(IDS, GRADED, min_size=1, max_size=4))
def test_written_judgments_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, grades: dict[str, dict[str, float]]
) -> None:
    """Whatever the ids are, in the same order; fractional grades to the last bit."""
    file = tmp_path_factory.mktemp("qrels") / "q.gz"
    write_qrels(Qrels(grades), file)
    again = read_qrels(file)
    assert again == Qrels(grades)
    assert list(again.grades) == list(grades)


@given(
    judged=st.dictionaries(IDS, st.dictionaries(IDS, GRADED, min_size=1, max_size=3), min_size=1, max_size=3)
)
def test_written_subtopics_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, judged: dict[str, dict[str, dict[str, float]]]
) -> None:
    """Even where each query has one subtopic only."""
    rows = [
        (query_id, subtopic, doc_id, grade)
        for query_id, subtopics in judged.items()
        for subtopic, docs in subtopics.items()
        for doc_id, grade in docs.items()
    ]
    qrels = Qrels.from_subtopic_rows(rows)
    file = tmp_path_factory.mktemp("qrels") / "q.gz"
    write_qrels(qrels, file)
    assert read_qrels(file) == qrels


@given(end=st.integers(10, 30), header=st.booleans())
def test_a_cut_is_refused_or_was_between_two_judgments(
    tmp_path_factory: pytest.TempPathFactory, end: int, header: bool
) -> None:
    """Wherever a file ends after its first row, no judgment is another one than it was."""
    rows = (
        ["q1\td1\t2\n", "q1\td2\t0\n", "q2\td1\t1\n"]
        if header
        else ["q1 0 d1 2\n", "q1 0 d2 0\n", "q2 0 d1 1\n"]
    )
    text, names = "".join(rows), "query-id\tcorpus-id\tscore\n" if header else ""
    cut = text[:end]
    file = write(tmp_path_factory.mktemp("qrels") / "qrels", names + cut)
    if cut.endswith("\n") or len(cut.splitlines()[-1].split()) == len(rows[0].split()):
        assert read_qrels(file).count() == len(cut.splitlines())
    else:
        assert "ends in the middle" in said(lambda: read_qrels(file))


@pytest.mark.parametrize("header", ["", "query-id\tcorpus-id\tscore\n"])
def test_judgments_that_are_cut_anywhere_are_refused_or_the_first_ones(tmp_path: Path, header: str) -> None:
    """No end of a file gives another grade or another id, if the rows before it have every grade."""
    second = "" if header else "0\t"
    grades = (-100, 11, 12, 10, 11, -100)
    lines = [f"q{row}\t{second}d{row}\t{grade}\n" for row, grade in enumerate(grades)]
    text = header + "".join(lines)
    file = tmp_path / "x.tsv"
    file.write_text(text, encoding="utf-8")
    whole = [(query_id, docs) for query_id, docs in read_qrels(file).grades.items()]
    every_grade = len(header + "".join(lines[:4]))
    for size in range(every_grade, len(text)):
        file.write_text(text[:size], encoding="utf-8")
        try:
            found = list(read_qrels(file).grades.items())
        except DataFormatError:
            continue
        assert found == whole[: len(found)], text[:size]


def test_decimals_are_grades_in_every_layout(tmp_path: Path) -> None:
    """Whole ones among them stay whole numbers, however they are written; 1e-1 is 0.1."""
    for text in (
        "q1 0 d1 1.75\nq1 0 d2 2.0\nq2 0 d1 1e-1\n",
        "query-id\tcorpus-id\tscore\nq1\td1\t1.75\nq1\td2\t2\nq2\td1\t0.10\n",
        "q1 d1 1.750\nq1 d2 2\nq2 d1 .1\n",
    ):
        found = read_qrels(write(tmp_path / "qrels", text))
        assert found.grades == {"q1": {"d1": 1.75, "d2": 2}, "q2": {"d1": 0.1}}
        assert type(found.grades["q1"]["d2"]) is int


def test_files_of_whole_grades_are_the_same_bytes(tmp_path: Path) -> None:
    """Whether the grades are ints or floats; decimals are the shortest that read back, never in scientific notation."""
    for number, grade in enumerate((2, 2.0)):
        write_qrels(Qrels({"q": {"d": grade, "e": -1}}), tmp_path / f"{number}.gz")
    one, other = (gzip.decompress((tmp_path / f"{number}.gz").read_bytes()) for number in (0, 1))
    assert one == other == b"q 0 d 2\nq 0 e -1\n"
    write_qrels(Qrels({"q": {"d": 1.75, "e": 5 / 3, "f": 1e-7, "g": 2.0}}), tmp_path / "x.gz")
    text = gzip.decompress((tmp_path / "x.gz").read_bytes())
    assert text == b"q 0 d 1.75\nq 0 e 1.6666666666666667\nq 0 f 0.0000001\nq 0 g 2\n"
