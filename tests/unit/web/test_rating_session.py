"""Every answer is one line; what was answered can be undone, sent twice and found again after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.rating import Rated, tasks

from evalkit.errors import InputError, StorageError
from evalkit.records import Judgment, Rater
from evalkit.records.judgments import text_sha256
from evalkit.store import JudgmentFile
from evalkit.web.rating_log import RatingLog
from evalkit.web.rating_session import Click, ConflictError, check_name


def test_a_grade_is_one_line_with_rater_scale_time_and_hashes(tmp_path: Path) -> None:
    """The line has all that a judgment needs, and the note."""
    rated = Rated(tmp_path, tasks(1, 1))
    view = rated.open("anna")
    rated.act(view, "grade", 2, note="  names the version ")
    (line,) = rated.lines()
    assert (line.pair, line.grade, line.note) == (("q0", "d0"), 2.0, "names the version")
    assert line.rater.kind == "human"
    assert line.rater.name == "anna"
    assert (line.rater.scale or "").startswith("0: The document has nothing to do with the query.\n1: ")
    assert line.at == "2026-12-01T09:00:04.000+00:00"
    assert line.query_sha256 == text_sha256("query 0")
    assert line.doc_sha256 == text_sha256("document 0 of query 0")


def test_a_skipped_pair_stays_unjudged_and_is_not_shown_until_asked_for(tmp_path: Path) -> None:
    """A skip is a failure, not a grade; it survives a restart, and `again` brings the pair back."""
    rated = Rated(tmp_path, tasks(1, 2))
    view = rated.open("anna")
    skipped = rated.pair_of(view)
    rated.act(view, "skip")
    rated.restart()
    view = rated.act(rated.open("anna"), "grade", 0)
    assert view["task"] is None
    assert view["progress"]["skipped"] == 1
    (line, _) = rated.lines()
    assert line.grade is None
    assert (line.failure or "").startswith("skipped: ")
    view = rated.session.answer(Click(rater="anna", action="again"))
    assert rated.pair_of(view) == skipped
    assert rated.act(view, "grade", 3)["progress"]["all"] == {"done": 2, "total": 2}


def test_undo_withdraws_and_shows_the_pair_again(tmp_path: Path) -> None:
    """Undo goes back answer by answer, over a restart too; each step is a line, and the pair is unjudged after it."""
    rated = Rated(tmp_path, tasks(1, 3))
    view, order = rated.open("anna"), []
    for grade in (0, 1):
        order.append(rated.pair_of(view))
        view = rated.act(view, "grade", grade)
    rated.restart()
    view = rated.act(rated.open("anna"), "undo")
    assert rated.pair_of(view) == order[1]
    view = rated.act(view, "undo")
    assert rated.pair_of(view) == order[0]
    assert view["undo"] is None
    assert [line.failure is not None for line in rated.lines()] == [False, False, True, True]
    assert all((line.failure or "").startswith("withdrawn: ") for line in rated.lines()[2:])
    assert view["progress"]["all"]["done"] == 0


def test_an_answer_that_arrives_twice_is_one_line(tmp_path: Path) -> None:
    """A click whose reply was lost is sent again and saved once, also by a new process."""
    rated = Rated(tmp_path, tasks(1, 3))
    view = rated.open("anna")
    for action, grade in (("grade", 2), ("undo", None), ("grade", 3), ("skip", None)):
        target = view
        after = rated.act(target, action, grade)
        count = len(rated.lines())
        assert rated.act(target, action, grade)["progress"] == after["progress"]
        rated.restart()
        view = rated.act(target, action, grade)
        assert len(rated.lines()) == count
    assert view["progress"]["all"]["done"] == 2


def test_an_answer_to_another_state_is_refused(tmp_path: Path) -> None:
    """A second window of the same rater cannot overwrite a grade, and changed texts get no grade of the old ones."""
    rated = Rated(tmp_path, tasks(1, 2))
    view = rated.open("anna")
    rated.act(view, "grade", 2)
    with pytest.raises(ConflictError, match="another window"):
        rated.act(view, "grade", 3)
    with pytest.raises(ConflictError, match="have changed"):
        rated.session.answer(Click(rater="anna", action="grade", task="0" * 32, grade=1))
    with pytest.raises(InputError):
        rated.act(rated.open("anna"), "grade", 4)
    with pytest.raises(InputError):
        rated.act(rated.open("anna"), "grade")
    assert len(rated.lines()) == 1


def test_a_judgment_of_another_text_does_not_count(tmp_path: Path) -> None:
    """After a document has changed, its pair is shown again."""
    rated = Rated(tmp_path, tasks(1, 1))
    rated.act(rated.open("anna"), "grade", 2)
    rated.pairs = [type(rated.pairs[0])("d", "q0", "d0", "query 0", "another text")]
    rated.restart()
    assert rated.open("anna")["task"] is not None


def test_judgments_of_others_in_the_file_count(tmp_path: Path) -> None:
    """A pair that a person graded elsewhere is not shown, also if another program adds it now; models do not count."""
    rated = Rated(tmp_path, tasks(1, 3))
    model = Judgment("q0", "d0", 1.0, Rater("model", "m"), "2026-11-01")
    rated.file.append([model, Judgment("q0", "d1", 1.0, Rater("human", "carl"), "2026-11-01")])
    view = rated.open("anna")
    assert view["progress"]["all"] == {"done": 1, "total": 3}
    JudgmentFile(rated.file.path).append([Judgment("q0", "d2", 1.0, Rater("human", "carl"), "2026-11-01")])
    view = rated.act(rated.open("anna"), "grade", 1)
    assert view["task"] is None
    assert rated.open("carl")["undo"] is None


def test_grades_on_a_scale_of_another_length_do_not_count(tmp_path: Path) -> None:
    """A 1 of two grades is no 1 of four; other words for the same number of grades change nothing."""
    rated = Rated(tmp_path, tasks(1, 2))
    rated.file.append(
        [Judgment("q0", "d0", 1.0, Rater("human", "anna", scale="0: no\n1: yes"), "2026-11-01")]
    )
    rated.file.append(
        [Judgment("q0", "d1", 1.0, Rater("human", "anna", scale="0: a\n1: b\n2: c\n3: d"), "2026-11-01")]
    )
    view = rated.open("anna")
    assert rated.pair_of(view) == ("q0", "d0")
    assert view["progress"]["all"] == {"done": 1, "total": 2}
    assert view["undo"] is None


def test_grades_of_others_are_not_shown_before_the_own_one(tmp_path: Path) -> None:
    """Agreement counts pairs that the rater has graded; a view has no grade of another rater."""
    rated = Rated(tmp_path, tasks(1, 2), overlap=1.0)
    view = rated.open("anna")
    while view["task"]:
        view = rated.act(view, "grade", 3)
    view = rated.open("ben")
    assert view["agreement"] is None
    assert set(view["task"]) == {"key", "turn", "query", "instruction", "document"}
    view = rated.act(view, "grade", 3)
    assert view["agreement"] == {"pairs": 1, "equal": 1, "within_one": 1}
    view = rated.act(view, "grade", 1)
    assert view["agreement"] == {"pairs": 2, "equal": 1, "within_one": 1}


def test_several_datasets_have_files_of_their_own(tmp_path: Path) -> None:
    """Each judgment is in the file of its dataset; undo goes by time over all of them."""
    rated = Rated(tmp_path, [*tasks(1, 1, dataset="a"), *tasks(1, 1, dataset="b")])
    view = rated.act(rated.act(rated.open("anna"), "grade", 1), "grade", 2)
    assert view["task"] is None
    assert [len(JudgmentFile(tmp_path / f"{name}.jsonl").read()) for name in "ab"] == [1, 1]
    rated.restart()
    rated.act(rated.open("anna"), "undo")
    assert [len(JudgmentFile(tmp_path / f"{name}.jsonl").read()) for name in "ab"] == [1, 2]


def test_what_cannot_be_saved_is_not_answered(tmp_path: Path) -> None:
    """If the line cannot be written, the click fails, and the same click works afterwards."""
    rated = Rated(tmp_path / "f", tasks(1, 1))
    view = rated.open("anna")
    rated.file.path.mkdir(parents=True)
    with pytest.raises(StorageError):
        rated.act(view, "grade", 1)
    rated.file.path.rmdir()
    assert rated.act(view, "grade", 1)["task"] is None


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\u202eb", "a\x00b"])
def test_names_are_visible_texts(name: str) -> None:
    """A name that cannot be seen or is too long is refused."""
    with pytest.raises(InputError):
        check_name(name)


def test_white_space_in_names_is_made_even() -> None:
    """Names that look the same are one rater."""
    assert check_name("  Anna \t B ") == "Anna B"


def test_a_line_that_is_appended_during_the_reading_is_read_later(tmp_path: Path) -> None:
    """The length is that from before the reading: what another program appends meanwhile is not missed."""
    line = Judgment("q0", "d0", 2.0, Rater("human", "ben"), "2026-12-01T09:00:00+00:00")

    class Slow(JudgmentFile):
        """A file that another program appends to while it is read."""

        def read(self) -> list[Judgment]:
            """Return the lines of before."""
            found = JudgmentFile.read(self)
            if not found:
                self.append([line])
            return found

    (task,) = tasks(1, 1)
    log = RatingLog({task.dataset: Slow(tmp_path / "a.jsonl")}, [task], "0: no\n1: yes")
    assert log.raters == ()
    log.refresh()
    assert log.raters == ("ben",)
