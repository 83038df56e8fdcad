"""Filters of page templates."""

from __future__ import annotations

import pytest

from evalkit.report.templating import page_templates


def rendered(template: str, text: str) -> str:
    """Return an HTML page that consists of a text in a template."""
    environment = page_templates()
    environment.autoescape = True
    return environment.from_string(template).render(text=text)


def test_what_is_between_backticks_is_code() -> None:
    """Everything is escaped, and a single backtick stays."""
    assert (
        rendered("{{ text | with_code }}", "set `unjudged: <b>` on <i>x</i>, it`s")
        == "set <code>unjudged: &lt;b&gt;</code> on &lt;i&gt;x&lt;/i&gt;, it`s"
    )


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("0.693", True),
        ("scifact", True),
        ("300 of 300", True),
        ("", True),
        ("a/long/path/to/a/tokenizer", False),
    ],
)
def test_a_cell_of_short_words_is_never_broken_within_one(text: str, short: bool) -> None:
    """A long word breaks anywhere, so that a table is never wider than its page."""
    assert rendered("{{ 'whole' if text is short_words }}", text) == ("whole" if short else "")
