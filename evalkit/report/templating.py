"""Templates of pages with their filters; all text from a user's data is escaped."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evalkit.report.drawing import Plot
from evalkit.report.table import as_markdown, markdown_text


def page_templates() -> Environment:
    """Return the environment of all page templates, with their filters and the explorer's script."""
    environment = Environment(
        loader=PackageLoader("evalkit.report", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"markdown": as_markdown, "plain": markdown_text, "picture": _picture}
    loader = environment.loader
    source = loader.get_source(environment, "explorer.js")[0] if loader else ""
    environment.globals["script"] = Markup(source)  # noqa: S704 - our own file
    environment.globals["script_hash"] = b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return environment


def _picture(plot: Plot) -> Markup:
    """Return the SVG of a plot with ids that are unique on the page, and with its title as label."""
    prefix = hashlib.sha256(plot.name.encode()).hexdigest()[:8]
    svg = plot.svg[plot.svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    return Markup('<svg role="img" aria-label="{}"{}').format(plot.title, Markup(svg[4:]))  # noqa: S704
