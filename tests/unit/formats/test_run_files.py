"""TREC runs: scores decide the order, and a file of distances is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import said

from evalkit.errors import DataFormatError
from evalkit.formats import read_run, read_run_file, write_run
from evalkit.records import Run


def written(path: Path, scores: list[float]) -> Path:
    """Write one query with these scores at the ranks 1, 2, ..."""
    rows = (f"q Q0 d{rank} {rank} {score!r} t\n" for rank, score in enumerate(scores, start=1))
    path.write_text("".join(rows), encoding="utf-8")
    return path


def test_distances_are_refused(tmp_path: Path) -> None:
    """Ordered by such scores the ranking would be the opposite of the engine's."""
    with pytest.raises(DataFormatError, match="the scores rise with the ranks, as distances do"):
        read_run(written(tmp_path / "d.trec", [0.1 * n for n in range(12)]))


@given(scores=st.lists(st.floats(-5, 5), min_size=2, max_size=30, unique=True))
def test_every_other_order_is_that_of_the_scores(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float]
) -> None:
    """Whatever the rank column says, if some score falls with the rank."""
    scores = [*scores, min(scores) - 1.0]
    run = read_run(written(tmp_path_factory.mktemp("run") / "a.trec", scores))
    expected = sorted(range(len(scores)), key=lambda place: -scores[place])
    assert run.docs("q") == tuple(f"d{place + 1}" for place in expected)


def test_a_few_rising_scores_are_no_evidence(tmp_path: Path) -> None:
    """Ranks that were never filled in say nothing either."""
    assert read_run(written(tmp_path / "few.trec", [0.1, 0.2, 0.3])).docs("q") == ("d3", "d2", "d1")
    rows = "".join(f"q Q0 d{n} 0 {n / 10} t\n" for n in range(20))
    (tmp_path / "unranked.trec").write_text(rows, encoding="utf-8")
    assert read_run(tmp_path / "unranked.trec").docs("q")[0] == "d19"


def write(file: Path, text: str) -> Path:
    """Write a file and return it."""
    file.write_bytes(text.encode())
    return file


@pytest.mark.parametrize(
    "text",
    [
        "q Q0 a 1 2.5 bm25\nq Q0 b 2 1 bm25\n",
        "# depth 100\n  # more\nq Q0 a 1 2.5 bm25\n#q Q0 c 1 9 bm25\nq Q0 b 2 1 bm25\n# end",
        "q\tQ0\ta\t1\t2.5\tbm25\t\r\n\t \r\nq  Q0 \tb 2\t1 bm25 \r\n",
        "q Q0 a 99 2.5 bm25 more words at\nq Q0 b 98 1 bm25 the end of lines.\n",
        "query_id Q0 doc_id rank score tag\nq Q0 a 1 2.5 bm25\nq Q0 b 2 1 bm25",
        "q Q0 a 1 2.5 bm25\nq Q0 b 2 1 other\n",
    ],
)
def test_runs_are_read_as_trec_eval_reads_them(tmp_path: Path, text: str) -> None:
    """Comments, words after the tag, blanks of every kind, a header; the tag is that of the first row."""
    run = read_run(write(tmp_path / "run", text))
    assert (run.tag, run.docs("q"), run.scores.tolist()) == ("bm25", ("a", "b"), [2.5, 1.0])


ROWS = "1 Q0 a 1 2 better\n2 Q0 a 1 2 better\n"


@pytest.mark.parametrize("end", ["3 Q0 a 1 2 bet", "3 Q0 a 1 2", "3 Q0 a 1 ", "3", "3 Q0 a 1 2."])
def test_a_run_that_was_cut_off_is_refused(tmp_path: Path, end: str) -> None:
    """The last line has no end, and too few columns or the beginning of the tag of all other rows."""
    assert "run:3 ends in the middle: the file is cut off" in said(
        lambda: read_run(write(tmp_path / "run", ROWS + end))
    )


@pytest.mark.parametrize(
    ("end", "queries"), [("3 Q0 a 1 2 better", 3), ("3 Q0 a 1 2 other", 3), ("3 Q0 a 1 2 bet\n", 3), ("", 2)]
)
def test_a_last_row_of_its_own_is_no_damage(tmp_path: Path, end: str, queries: int) -> None:
    """Without a line feed it may be whole; the name is that of the other rows."""
    run = read_run(write(tmp_path / "run", ROWS + end))
    assert (run.tag, len(run.query_ids)) == ("better", queries)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("q Q0 a 1 1_0 t\n", "run:1 has the score '1_0'"),
        ("q Q0 a 1 \u0661\u0660 t\n", "run:1 has the score '\u0661\u0660'"),
        ("q Q0 a 1 \uff11 t\n", "run:1 has the score '\uff11'"),
        ("q Q0 a \u0661 1 t\n", "run:1 has the rank '\u0661'"),
        ("q Q0 a 1_0 1 t\n", "run:1 has the rank '1_0'"),
        ("q Q0 a b 1 2.5 t\n", "run:1 has 7 columns"),
        ("q Q0 a 12 1 2.5 t\n", "run:1 has 7 columns"),
        ("q Q0 a\u00a0b 1 2.5 t\n", "run:1 has an empty id or an id with white space"),
        ("q Q0 a 1 2.5\nq Q0 b 1 2.5 t", "run:1 has 5 columns"),
        ("score Q0 a 1 high t\n", "run:1 has the score 'high'"),
        ("# q Q0 a 1 2 t\n", "contains no rows"),
    ],
)
def test_what_could_be_misread_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """Digits of other scripts, and ids with blanks, which move the columns."""
    assert problem in said(lambda: read_run(write(tmp_path / "run", text)))


def test_comments_that_look_like_rows_are_counted(tmp_path: Path) -> None:
    """The writer may have meant ids; with a header and tabs they are ids."""
    rows = "#1 Q0 a 1 2 t\n# 2 Q0 a 1 2 t\n3 Q0 a 1 2 t\n"
    found = read_run_file(write(tmp_path / "run", rows))
    assert (found.run.query_ids, found.commented) == (("3",), (1,))
    table = "query_id\tQ0\tdoc_id\trank\tscore\ttag\n#1\tQ0\ta\t1\t2\tt\n# note\n"
    found = read_run_file(write(tmp_path / "table", table))
    assert (found.run.query_ids, found.commented) == (("#1",), ())


IDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=4
) | st.sampled_from(["#", "#1", "query_id", "Q0", "rank", "score"])


@given(
    tag=IDS,
    lists=st.dictionaries(IDS, st.dictionaries(IDS, st.floats(-1e300, 1e300), min_size=1), min_size=1),
)
def test_written_runs_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, tag: str, lists: dict[str, dict[str, float]]
) -> None:
    """Whatever the ids, the tag and the scores are."""
    rows = [(query_id, doc_id, score) for query_id, docs in lists.items() for doc_id, score in docs.items()]
    run = Run.from_rows(tag, *map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]
    file = tmp_path_factory.mktemp("run") / "r.gz"
    write_run(run, file)
    again = read_run(file)
    assert (again.tag, again.query_ids, again.doc_ids) == (run.tag, run.query_ids, run.doc_ids)
    assert again.scores.tolist() == run.scores.tolist()


@given(
    tag=st.sampled_from(["bm25base", "a", "aa"]),
    scores=st.lists(st.floats(0, 9).map(lambda score: round(score, 3)), min_size=2, max_size=5),
    data=st.data(),
)
def test_a_cut_is_refused_or_was_between_two_rows(
    tmp_path_factory: pytest.TempPathFactory, tag: str, scores: list[float], data: st.DataObject
) -> None:
    """Wherever a file ends after its first row, no row is shorter than it was, and the tag is whole."""
    rows = [f"q{n} Q0 d{n} 1 {score!r} {tag}\n" for n, score in enumerate(scores)]
    text = "".join(rows)
    end = data.draw(st.integers(len(rows[0]), len(text)))
    file = write(tmp_path_factory.mktemp("run") / "r.trec", text[:end])
    whole = [row for row in (text[:end] + "\n").splitlines(keepends=True) if row in rows]
    if "".join(whole).rstrip("\n") == text[:end].rstrip("\n"):
        run = read_run(file)
        assert (run.tag, len(run)) == (tag, len(whole))
    else:
        assert "ends in the middle" in said(lambda: read_run(file))


@pytest.mark.parametrize(
    "line",
    [
        "q7  Q0 5 2.5 tag",
        "q7\t\td1\t5\t2.5\ttag",
        "q7 Q0 d1 5 2.5",
        " ".join(["q7 Q0", " " * 200_000, "d1 5 tag"]),
    ],
    ids=["no document", "no Q0", "no tag", "many blanks"],
)
def test_a_line_is_refused_wherever_it_is(tmp_path: Path, line: str) -> None:
    """In the first block, which is read line by line, and in a later one, whose columns are read together."""
    rows = "".join(f"q{number} Q0 d1 1 2.5 tag\n" for number in range(5_000))
    messages = []
    for before in ("q0 Q0 d0 1 2.5 tag\n", rows):
        path = tmp_path / f"run{len(before)}"
        path.write_text(f"{before}{line}\n{rows.replace('q', 'x')}", encoding="utf-8")
        with pytest.raises(DataFormatError) as caught:
            read_run(path)
        messages.append(str(caught.value).partition(" ")[2])
    assert messages[0] == messages[1]
