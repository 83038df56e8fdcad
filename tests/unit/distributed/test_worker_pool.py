"""CompletedTask spread over hands: the laws that hold for one hand in this process."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from evalkit.distributed import CompletedTask, LocalPool, each_with_split_retry
from evalkit.errors import CallError, ConfigError, Remedy


def total(worker: int, task: Sequence[int]) -> int:
    """Add up; 13 is unlucky."""
    if 13 in task:
        raise CallError("memory", "13 does not fit")
    return worker + sum(task)


def numbers(task: Sequence[int]) -> list[Sequence[int]]:
    """Return a task in parts."""
    return [[number] for number in task]


@given(st.lists(st.lists(st.integers(10, 15), max_size=4), max_size=8))
def test_what_is_wrong_with_one_part_costs_no_other(tasks: list[list[int]]) -> None:
    """Every number is worked on once in the end, and only the unlucky ones have failed."""
    done: list[CompletedTask[Sequence[int], int]] = list(
        each_with_split_retry(LocalPool(0), total, tasks, numbers)
    )
    assert sorted(number for work in done for number in work.task) == sorted(
        n for task in tasks for n in task
    )
    for work in done:
        assert isinstance(work.result, CallError) == (13 in work.task)
        assert len(work.task) <= 1 or work.result == sum(work.task)
        assert work.start_s <= work.end_s


def test_a_failure_travels_whole() -> None:
    """A pickled error has all that it had: kind, hint, status, remedy; of a configuration, its problems."""
    error = CallError(
        "http", "no", "wait", http_status=429, body="{}", remedy=Remedy(transient=True, wait_s=3.0)
    )
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(back) is CallError
    assert vars(back) == vars(error)
    assert str(back) == str(error) == "no"
    problems = pickle.loads(pickle.dumps(ConfigError([("here", "there")])))  # noqa: S301 - our own
    assert problems.problems == (("here", "there"),)
