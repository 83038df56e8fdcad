"""The active order: first the human sample, then the documents that can change which system is ahead."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.rating import Rated

from evalkit.comparison.settling import settling
from evalkit.records import Qrels, Run
from evalkit.web.active_order import ActiveOrder, ComparedSystems
from evalkit.web.rating_task import RatingTask

QUERIES, DEPTH = 8, 6
SAMPLED = {"q6", "q7"}


def compared(people: frozenset[str] | None = None) -> Any:
    """Return two systems that rank the same documents differently, with some judgments."""
    rng = np.random.default_rng(3)
    rows = [(f"q{q}", f"d{d}") for q in range(QUERIES) for d in range(DEPTH)]
    runs = [
        Run.from_rows(tag, [q for q, _ in rows], [d for _, d in rows], rng.random(len(rows)))
        for tag in ("secret one", "secret other")
    ]
    judged = Qrels({f"q{q}": {"d0": q % 4, "d1": 1, "d2": 2, "d3": 0} for q in range(QUERIES)})
    return ComparedSystems(runs[0], runs[1], "nDCG@3", 3.0, judged, people)


def tasks() -> list[RatingTask]:
    """Return the unjudged pairs, two of each query."""
    return [
        RatingTask(
            "d", f"q{q}", f"d{d}", f"query {q}", f"document {d} of query {q}", sampled=f"q{q}" in SAMPLED
        )
        for q in range(QUERIES)
        for d in (4, 5)
    ]


def rated(folder: Path, systems: ComparedSystems) -> Rated:
    """Return a session in the active order that computes at once."""
    found = Rated(folder, tasks(), compared={"d": systems})
    order = ActiveOrder({"d": systems}, found.pairs, {}, start=lambda work: work())
    found.session.active = found.session.queue.order = order
    return found


def expected(systems: ComparedSystems, grades: dict[tuple[str, str], float]) -> list[tuple[str, str]]:
    """Return the unjudged pairs in the order of `settling`, without those that have no influence."""
    qrels = {query: dict(docs) for query, docs in systems.judged.grades.items()}
    for (query, doc), grade in grades.items():
        qrels[query][doc] = grade
    found = settling(systems.baseline, systems.contender, Qrels(qrels), "nDCG@3", 3.0)
    return [pair for pair, weight in zip(found.pairs, found.weights, strict=True) if weight > 1e-12]


def test_the_sample_comes_first_and_the_rest_in_the_order_of_the_grades_so_far(tmp_path: Path) -> None:
    """Each next document is the first of the order that all grades so far give; those without influence come last."""
    systems = compared()
    one = rated(tmp_path, systems)
    view, grades, seen = one.open("anna"), dict[tuple[str, str], float](), list[tuple[str, str]]()
    while view["task"]:
        pair = one.pair_of(view)
        if pair[0] in SAMPLED:
            assert view["settling"] is None
        elif ahead := [key for key in expected(systems, grades) if key[0] not in SAMPLED]:
            assert pair == ahead[0]
        seen.append(pair)
        grades[pair] = float(len(seen) % 4)
        view = one.act(view, "grade", len(seen) % 4)
    assert {query for query, _ in seen[:4]} == SAMPLED
    assert len(set(seen)) == len(seen) == len(one.pairs)
    assert view["settling"]["settled"]


def test_a_withdrawn_grade_is_unjudged_again(tmp_path: Path) -> None:
    """After an undo, the order and the state are those of before."""
    one = rated(tmp_path, compared())
    view = one.open("anna")
    while view["task"] is not None and view["settling"] is None:
        view = one.act(view, "grade", 1)
    before = one.session.active
    assert before is not None
    state = before.states
    after = one.act(one.act(view, "grade", 3), "undo")
    assert after["task"]["key"] == view["task"]["key"]
    assert before.states == state


def test_the_page_receives_neither_a_system_nor_a_rank(tmp_path: Path) -> None:
    """What is sent of the order is a probability, a number of documents and whether it is settled."""
    one = rated(tmp_path, compared())
    view = one.open("anna")
    while view["settling"] is None:
        view = one.act(view, "grade", 1)
    assert set(view["settling"]) == {"probability", "more", "settled"}
    assert set(view["task"]) == {"key", "turn", "query", "instruction", "document"}
    assert "secret" not in str(view)


@pytest.mark.parametrize(
    ("people", "grade"), [(None, 2.0), (frozenset({"anna"}), 1.0), (frozenset({"eve"}), None)]
)
def test_only_answers_that_count_change_the_judgments(
    people: frozenset[str] | None, grade: float | None
) -> None:
    """Of several raters the mean counts; grades of raters who do not count change nothing."""
    judged = compared(people).with_answers({("q0", "d4"): {"anna": 1.0, "ben": 3.0}})
    assert judged.of("q0").get("d4") == grade


def test_answers_during_a_computation_are_not_lost() -> None:
    """A computation that ends computes again if there were answers meanwhile, and two never run at once."""
    pairs, started = tasks(), list[Any]()
    order = ActiveOrder({"d": compared()}, pairs, {}, start=started.append)
    order.follow({})
    assert not started
    order.follow({pairs[0].key: {"anna": 3.0}})
    order.follow({pairs[0].key: {"anna": 3.0}, pairs[1].key: {"anna": 3.0}})
    assert len(started) == 1
    started.pop()()
    assert order.rank(pairs[0]) is None
    assert order.rank(pairs[1]) is None
    order.follow({pairs[0].key: {"anna": 3.0}, pairs[1].key: {"anna": 3.0}})
    assert not started
    order.follow({})
    started.pop()()
    assert order.rank(pairs[0]) is not None or order.rank(pairs[1]) is not None


def test_a_dataset_that_is_not_settled_comes_first() -> None:
    """A pair of a settled dataset has a later place than all of one that is not."""
    systems = dataclasses.replace(compared(), judged=Qrels({"q1": {"d0": 1}}))
    strong = {f"q{q}": {"d0": 3, "d1": 3, "d2": 0} for q in range(1, 9)}
    rows = [(query, doc) for query in strong for doc in strong[query]]
    up = Run.from_rows("a", ["q0"] * 3 + [q for q, _ in rows], ["d0", "d1", "d4"] + [d for _, d in rows],
                       [3.0, 2.0, 1.0] + [3.0, 2.0, 1.0] * 8)  # fmt: skip
    down = Run.from_rows("b", ["q0"] * 3 + [q for q, _ in rows], ["d0", "d4", "d1"] + [d for _, d in rows],
                         [3.0, 2.0, 1.0] + [1.0, 2.0, 3.0] * 8)  # fmt: skip
    settled = ComparedSystems(up, down, "nDCG@3", 3.0, Qrels(strong), None)
    pairs = [RatingTask("settled", "q0", "d4", "q", "t"), *tasks()]
    order = ActiveOrder({"settled": settled, "d": systems}, pairs, {})
    assert order.states["settled"].settled
    assert not order.states["d"].settled
    ranks = {task.key: rank for task in pairs if (rank := order.rank(task)) is not None}
    assert max(ranks, key=ranks.__getitem__) == pairs[0].key
