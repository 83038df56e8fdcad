"""Errors as a notebook shows them."""

from __future__ import annotations

from evalkit.errors import ConfigError, InputError


def test_a_notebook_shows_the_problem_and_the_hint() -> None:
    """The lines that the command line prints, without a traceback; IPython asks the error for them."""
    error = InputError("there is no folder x", "check the path")
    assert error._render_traceback_() == ["error: there is no folder x", "  hint: check the path"]
    several = ConfigError([("a: wrong", None), ("b: wrong", "correct it")])
    assert several._render_traceback_() == several.render().splitlines()
