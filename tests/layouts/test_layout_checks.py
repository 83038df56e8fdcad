"""The checks of layouts find what they are for, and report it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from support import layout_checks
from support.layout_checks import LayoutChecks
from support.layout_table import LayoutRow, layout_table
from support.tiny_models import SHORT

from evalkit.errors import EvalkitWarning, InputError


class Scripted:
    """A reranker whose scores are the lengths of the documents, and off by a little on a runtime."""

    def __init__(self, off: float = 0.0) -> None:
        self._off = off

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> Any:
        """Return the scores."""
        return np.array([len(document) + self._off for _, document in pairs])


def lengths(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Return the scores of the recipe."""
    return [float(len(document)) for _, document in pairs]


@pytest.fixture
def rows() -> list[tuple[str, ...]]:
    """Return the rows that were reported."""
    return []


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch, rows: list[Any]) -> Callable[[Callable[..., Any]], LayoutChecks]:
    """Return a function that makes the checks open models with another function."""

    def using(load: Callable[..., Any]) -> LayoutChecks:
        """Return checks that open models so."""
        monkeypatch.setattr(layout_checks, "load_reranker", load)
        return LayoutChecks(lambda _, cells: rows.append(cells))

    return using


def refuse(*_: Any, **__: Any) -> Any:
    """Refuse the model."""
    raise InputError("the model '/models/tiny' has no head", "use another")


def test_equal_scores_pass(checks: Any, rows: list[Any]) -> None:
    """The row says so, with the largest difference, on each runtime."""
    given = checks(lambda *_, **more: Scripted(1e-6 if "runtime" in more else 2e-6))
    given.check("kind", "/models/tiny", lengths, pairs=SHORT, exports="score")
    assert rows == [("kind", "yes", "yes", "2.0e-06", "1.0e-06", "0.0e+00", "")]


def test_other_scores_fail(checks: Any, rows: list[Any]) -> None:
    """The row says that they are not equal."""
    with pytest.raises(AssertionError):
        checks(lambda *_, **__: Scripted(0.1)).check("kind", "/models/tiny", lengths, pairs=SHORT)
    assert rows == [("kind", "yes", "NO", "1.0e-01", "", "", "")]


def test_an_unfaithful_export_fails(checks: Any) -> None:
    """ONNX must give the same scores, and may not be refused unless the test says so."""

    def off(*_: Any, **more: Any) -> Scripted:
        """Return a reranker that is off on ONNX."""
        return Scripted(0.1 if "runtime" in more else 0.0)

    def refused(*_: Any, **more: Any) -> Any:
        """Refuse ONNX and int8."""
        return refuse() if {"runtime", "precision"} & set(more) else Scripted()

    for load, exports in ((off, "score"), (refused, "score"), (off, "refused")):
        with pytest.raises(AssertionError):
            checks(load).check("kind", "/models/tiny", lengths, pairs=SHORT, exports=exports)
    checks(refused).check("kind", "/models/tiny", lengths, pairs=SHORT, exports="refused")


def test_a_warning_must_be_expected(checks: Any, rows: list[Any]) -> None:
    """It is the message of the row."""

    def warn(*_: Any, **__: Any) -> Scripted:
        """Warn and return a reranker."""
        warnings.warn("no template", EvalkitWarning, stacklevel=1)
        return Scripted()

    with pytest.raises(AssertionError, match="an unexpected warning"):
        checks(warn).check("kind", "/models/tiny", lengths, pairs=SHORT)
    checks(warn).check("kind", "/models/tiny", lengths, pairs=SHORT, warns="template")
    with pytest.raises(AssertionError, match="not about 'head'"):
        checks(warn).check("kind", "/models/tiny", lengths, pairs=SHORT, warns="head")
    assert [row[-1] for row in rows] == ["no template"] * 3


def test_a_refusal_must_be_about_what_the_test_says(checks: Any, rows: list[Any]) -> None:
    """Sentence and hint are searched; the row has the sentence, with the model's name in place of its path."""
    checks(refuse).check_refused("kind", "/models/tiny", "no head", hint="another")
    for message, hint in (("no tokenizer", ""), ("no head", "template")):
        with pytest.raises(AssertionError, match="not about"):
            checks(refuse).check_refused("kind", "/models/tiny", message, hint=hint)
    assert rows == [("kind", "no", "", "", "", "", "the model 'tiny' has no head")] * 3


def test_what_loads_is_not_refused(checks: Any, rows: list[Any]) -> None:
    """A model that scores where a refusal is expected fails the test, and the row says so."""
    with pytest.raises(pytest.fail.Exception, match="not refused"):
        checks(lambda *_, **__: Scripted()).check_refused("kind", "/models/tiny", "no head")
    assert rows[0][1:3] == ("yes", "NO")


def test_the_table_has_models_that_load_first() -> None:
    """Rows are sorted by family within each part, and a bar in a message does not end its cell."""
    made = [
        LayoutRow("b", False, message="a|b"),
        LayoutRow("C", True, True, 1e-7),
        LayoutRow("a", True, True),
    ]
    lines = layout_table(row.cells() for row in made).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| a", "| C", "| b"]
    assert lines[-1].endswith("a\\|b |")
