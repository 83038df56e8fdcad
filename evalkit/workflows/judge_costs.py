"""What the judges of a configuration have cost, so that its budget holds over many commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from evalkit.config.judgment_paths import JUDGMENTS
from evalkit.errors import DataFormatError
from evalkit.records import utc_text
from evalkit.reranking import Budget
from evalkit.store import JudgmentFile, LineFile, lock_backends
from evalkit.store.line_file import is_json
from evalkit.workflows.judging_input import JudgingInput

_SMALLEST_USD = 1e-9
"""A difference of two sums below this is one of rounding."""


def costs_file(opened: JudgingInput) -> Path:
    """Return the file with the costs that no line of a judge has: of calls without an answer."""
    return opened.folder / JUDGMENTS / "unanswered_costs.jsonl"


def spent_usd(opened: JudgingInput) -> float:
    """Return what all judges of the configuration have cost so far, with and without an answer."""
    tags = opened.config.judges
    files = {
        file
        for one in opened.datasets
        for tag in tags
        for file in (one.file_of(tag), one.threshold_file_of(tag))
    }
    answered = sum(one.cost_usd or 0.0 for file in files for one in JudgmentFile(file).read())
    return answered + sum(_unanswered(costs_file(opened), opened.config.name))


def _unanswered(file: Path, config: str) -> Iterator[float]:
    lines = file.read_bytes().splitlines() if file.is_file() else []
    for number, line in enumerate(lines, start=1):
        if number == len(lines) and not is_json(line):
            return  # the beginning of a line that a killed process left
        try:
            row = orjson.loads(line)
            if row["config"] == config:
                yield float(row["cost_usd"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            raise DataFormatError(
                f"{file}:{number} is no cost of a judge", "restore the file from a copy"
            ) from None


def record_unanswered(opened: JudgingInput, tag: str, budget: Budget, accounted_usd: float) -> None:
    """Write down what was spent, or may have been, without a line of the judge that has it.

    These are calls that may have been billed before the connection broke, at the most that they can cost, and calls
    that were in flight when the command ended.

    Parameters
    ----------
    opened, tag
        The configuration and the judge.
    budget
        After the calls.
    accounted_usd
        What was spent before, and the costs of lines that were written.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    cost_usd = budget.committed_usd - accounted_usd
    if opened.config.budget is None or cost_usd < _SMALLEST_USD:
        return
    row = {"config": opened.config.name, "judge": tag, "at": utc_text(), "cost_usd": cost_usd}
    LineFile(costs_file(opened)).append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def budget_lock(opened: JudgingInput) -> Iterator[None]:
    """Let one process at a time spend the budget of a configuration: two would spend it twice."""
    if opened.config.budget is None:
        yield
        return
    place = opened.folder / JUDGMENTS / "budget"
    with lock_backends(place, [str(opened.file.resolve())], "spends the budget of the same configuration:"):
        yield
