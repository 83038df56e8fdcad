"""Who is asked for which pair, and when."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.rating import Rated, tasks

from evalkit.web.rating_queue import LEASE_S, RatingQueue, in_rating_order
from evalkit.web.rating_task import RatingTask


class Memory:
    """Grades in memory."""

    def __init__(self) -> None:
        self._grades: dict[str, dict[str, float]] = {}

    def add(self, task: RatingTask, rater: str) -> None:
        """Grade a pair."""
        self._grades.setdefault(task.key, {})[rater] = 1.0

    def done_by(self, rater: str) -> set[str]:
        """Return what a rater has graded."""
        return {key for key, by in self._grades.items() if rater in by}

    def grades(self) -> dict[str, dict[str, float]]:
        """Return all grades."""
        return self._grades


def rate_all(queue: RatingQueue, memory: Memory, raters: list[str]) -> dict[str, list[RatingTask]]:
    """Let raters grade by turns until none has anything left; return what each of them got."""
    got: dict[str, list[RatingTask]] = {rater: [] for rater in raters}
    shown = {rater: queue.next_for(rater, 0) for rater in raters}
    while any(shown.values()):
        for rater, task in list(shown.items()):
            if task is not None:
                got[rater].append(task)
                memory.add(task, rater)
            shown[rater] = queue.next_for(rater, 0)
    return got


@given(
    queries=st.integers(1, 5),
    documents=st.integers(1, 5),
    sampled=st.integers(0, 5),
    seed=st.integers(0, 99),
    raters=st.integers(1, 4),
    overlap=st.sampled_from([0.0, 0.4, 1.0]),
)
def test_every_pair_goes_to_as_many_raters_as_are_wanted(
    queries: int, documents: int, sampled: int, seed: int, raters: int, overlap: float
) -> None:
    """Each rater gets a pair at most once, and in the end each pair has one rater, or two where these overlap."""
    memory = Memory()
    pairs = in_rating_order(tasks(queries, documents, min(sampled, queries)), seed)
    queue = RatingQueue(pairs, memory, overlap, seed)
    names = [f"rater {number}" for number in range(raters)]
    got = rate_all(queue, memory, names)
    for mine in got.values():
        assert len({task.key for task in mine}) == len(mine)
    for task in pairs:
        assert len(memory.grades()[task.key]) == min(raters, queue.wanted(task))
    if overlap in {0.0, 1.0}:
        assert {queue.wanted(task) for task in pairs} == {1 + int(overlap)}


@given(documents=st.integers(1, 6), sampled=st.integers(0, 4), seed=st.integers(0, 99))
def test_the_human_sample_comes_first_in_whole_queries(documents: int, sampled: int, seed: int) -> None:
    """One rater gets all documents of a query before those of another, the sampled queries before the others."""
    memory = Memory()
    queue = RatingQueue(in_rating_order(tasks(4, documents, sampled), seed), memory)
    got = rate_all(queue, memory, ["anna"])["anna"]
    groups = [task.group for task in got]
    assert len(dict.fromkeys(groups)) == sum(a != b for a, b in zip(groups, [None, *groups], strict=False))
    assert [task.sampled for task in got] == sorted((task.sampled for task in got), reverse=True)


def test_the_order_in_a_query_depends_on_the_pair_and_the_seed_alone() -> None:
    """The order of the input shows nothing, another document changes no order, and another seed gives another one."""
    pairs = tasks(1, 30)
    ids = [task.doc_id for task in in_rating_order(pairs, 1)]
    assert ids == [task.doc_id for task in in_rating_order(reversed(pairs), 1)]
    assert [one for one in ids if one != "d7"] == [
        task.doc_id for task in in_rating_order([one for one in pairs if one.doc_id != "d7"], 1)
    ]
    assert ids != [task.doc_id for task in in_rating_order(pairs, 2)]
    assert ids != [task.doc_id for task in pairs]


def test_two_raters_get_different_queries() -> None:
    """While there are queries that no rater has, a second rater gets one of them."""
    queue = RatingQueue(in_rating_order(tasks(2, 3), 0), Memory())
    first, second = queue.next_for("anna", 0), queue.next_for("ben", 0)
    assert first is not None
    assert second is not None
    assert (first.query_id, second.query_id) == ("q0", "q1")


def test_a_pair_of_an_idle_rater_is_free_again() -> None:
    """A pair is kept for the rater who sees it until the lease ends; then another one gets it."""
    queue = RatingQueue(tasks(1, 1), Memory())
    shown = queue.next_for("anna", 0)
    assert shown is not None
    assert queue.current("anna", 1) == shown
    assert queue.next_for("ben", 2) is None
    assert queue.next_for("ben", 2 + LEASE_S) == shown


def test_postponed_pairs_come_at_the_end(tmp_path: Path) -> None:
    """A postponed pair comes after all others of its part, in the order in which pairs were postponed."""
    rated = Rated(tmp_path, tasks(3, 2, sampled=2))
    view, late, seen = rated.open("anna"), [], []
    for _ in range(2):
        late.append(rated.pair_of(view))
        view = rated.act(view, "later")
    assert view["progress"]["postponed"] == 2
    while view["task"]:
        seen.append(rated.pair_of(view))
        view = rated.act(view, "grade", 1)
    assert seen[2:4] == late
    assert {query for query, _ in seen[:4]} == {"q1", "q2"}
    assert len(seen) == len(set(seen)) == 6
