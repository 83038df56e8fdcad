"""Errors as a notebook shows them."""

from __future__ import annotations

from evalkit.errors import ConfigError, InputError


def test_a_notebook_shows_the_problem_and_the_hint() -> None:
    """The lines that the command line prints, without a traceback; IPython asks the error for them."""
    error = InputError("there is no folder x", "check the path")
    assert error._render_traceback_() == ["error: there is no folder x", "  hint: check the path"]
    several = ConfigError([("a: wrong", None), ("b: wrong", "correct it")])
    assert several._render_traceback_() == several.render().splitlines()


def test_an_error_of_several_problems_has_their_hints() -> None:
    """Each hint once, in the order of the problems; none if there is none."""
    problems = [("a: wrong", None), ("b: wrong", "correct b"), ("c: wrong", "correct c"), ("d", "correct b")]
    assert ConfigError(problems).hint == "correct b; correct c"
    assert ConfigError(problems[:1]).hint is None


def test_no_value_starts_a_line_of_a_message() -> None:
    """What is not printable is escaped; letters of all languages stay, and a long value is shortened."""
    error = InputError("поиск \x1b[2J\r\n::error::x \u202e\ud800\x85", "use\n検索")
    assert error.render().split("\n") == [
        r"error: поиск \x1b[2J\r\n::error::x \u202e\ud800\x85",
        r"  hint: use\n検索",
    ]
    assert len(InputError("x" * 10**6).render()) < 5_000


def test_a_list_of_problems_is_bounded() -> None:
    """The first ones are shown, and the number of all."""
    lines = ConfigError([(f"f:{n}: wrong", None) for n in range(1_000)]).render().splitlines()
    assert lines[-2:] == ["... and 950 more", "1000 problems; nothing was run"]
    assert len(lines) == 52
