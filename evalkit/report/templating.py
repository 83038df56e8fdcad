"""Templates of pages with their filters; all text from a user's data is escaped."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from contextlib import suppress
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from evalkit.cache import HASH_DIGITS, cache_folder, cache_key
from evalkit.charts.chart import Chart
from evalkit.charts.palette import css_colours
from evalkit.charts.svg import as_figure, page_css
from evalkit.files import make_folder
from evalkit.report.table import as_markdown, markdown_code, markdown_prose, markdown_text

_SHORT_WORD = 12
"""Most characters of a word that is never broken in a cell: that many columns of such words fit on a page."""


_HTML = ("html",)
"""Endings of the templates whose texts are escaped."""
_BLANKS: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}


class _CompiledTemplates(FileSystemBytecodeCache):
    """Compiled templates in the cache folder, by their content; where it cannot be used, they are compiled again."""

    def __init__(self) -> None:
        # A compiled template depends on these options, too.
        folder = cache_folder() / "templates" / cache_key([_HTML, _BLANKS])[:HASH_DIGITS]
        with suppress(OSError):
            make_folder(folder)
        super().__init__(str(folder))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template, if there is one."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a compiled template."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


@cache
def page_templates() -> Environment:
    """Return the environment of all page templates, with their filters and the explorer's script."""
    environment = Environment(
        loader=PackageLoader("evalkit.report", "templates"),
        autoescape=select_autoescape(_HTML),
        bytecode_cache=_CompiledTemplates(),
        undefined=StrictUndefined,
        **_BLANKS,
    )
    environment.filters |= {
        "markdown": as_markdown, "plain": markdown_text, "picture": _picture, "pixels": _in_pixels,
        "prose": markdown_prose, "code": markdown_code, "with_code": _with_code,
    }  # fmt: skip
    environment.tests["short_words"] = _has_short_words
    # Scripts are listed by their hashes in the page's content security policy.
    for name, file in (("script", "explorer.js"), ("chart_script", "charts.js")):
        loader = environment.loader
        source = loader.get_source(environment, file)[0] if loader else ""
        environment.globals[name] = Markup(source)  # noqa: S704 - our own file
        environment.globals[f"{name}_hash"] = b64encode(hashlib.sha256(source.encode()).digest()).decode()
    environment.globals["chart_colours"] = Markup(page_css())  # noqa: S704 - our own text
    environment.globals["role_colours"] = {side: css_colours(side) for side in ("light", "dark")}
    return environment


def _with_code(text: str) -> Markup:
    """Return text, escaped, with what is between backticks as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _has_short_words(text: str) -> bool:
    """Return whether every word of a cell is short enough never to be broken."""
    return all(len(word) <= _SHORT_WORD for word in text.split())


def _in_pixels(css: str) -> str:
    """Return rules with 16 pixels for ``rem``, a unit that depends on the page around them."""
    return re.sub(r"(\d[\d.]*)rem\b", lambda size: f"{16 * float(size[1]):g}px", css)


def _picture(chart: Chart) -> Markup:
    """Return a chart as the content of a ``<figure>``; its text is escaped where it is drawn."""
    return Markup(as_figure(chart))  # noqa: S704
