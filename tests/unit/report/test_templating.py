"""Filters of page templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment

from evalkit.report.templating import page_templates


def rendered(template: str, text: str) -> str:
    """Return an HTML page that consists of a text in a template."""
    environment = page_templates().overlay(autoescape=True)  # the other one is shared by the whole process
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


def page_in(cache: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a page without chapters, rendered by an environment of its own with a cache folder."""
    monkeypatch.setenv("EVALKIT_CACHE", str(cache))
    templates = page_templates.__wrapped__()
    content = {"chapters": [], "facts": [("seed", "1")], "files": {}, "explorer": None, "explorer_note": None}
    return str(templates.get_template("report.md").render(content))


def test_templates_are_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next environment with the same cache folder compiles nothing, and renders the same page."""
    page = page_in(tmp_path, monkeypatch)

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(Environment, "compile", fail)
    assert page_in(tmp_path, monkeypatch) == page


@pytest.mark.parametrize("content", [b"", b"damaged"])
def test_a_damaged_compiled_template_is_compiled_again(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is the same, whatever the files of the cache hold."""
    page = page_in(tmp_path, monkeypatch)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    for file in files:
        file.write_bytes(content)
    assert files
    assert page_in(tmp_path, monkeypatch) == page


def test_pages_need_no_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in its place costs time, and changes nothing else."""
    (tmp_path / "file").write_bytes(b"")
    assert page_in(tmp_path / "file", monkeypatch) == page_in(tmp_path / "folder", monkeypatch)
