"""A result in a notebook: one well-formed element that shows the decision and restyles nothing around it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from support.documents import comparison, comparisons, failure, summary, timed, tuning
from support.result_folders import manifest_of

from evalkit.report.notebook import notebook_html
from evalkit.report.sections import Findings
from evalkit.results import ResultFolder
from evalkit.results.comparison_document import Comparisons
from evalkit.results.latency_document import LatencyAnswers, MachineState

NO_LATENCY = LatencyAnswers(0.95, (), (), (), (), (), (), MachineState((), ()), ())
HOSTILE = "<script>alert(1)</script>&\"'"


def findings(compared: Comparisons, status: str = "complete", **changes: Any) -> Findings:
    """Return the documents of a result that compares x with bm25."""
    manifest = manifest_of(["d"], [one.contender for one in compared.datasets[0].comparisons])
    manifest = replace(manifest, status=status, **changes)  # type: ignore[arg-type]
    return Findings(manifest, (failure(),), summary(), compared, tuning(), NO_LATENCY)


def shown(found: Findings, folder: str = "results/test/1") -> tuple[str, ET.Element]:
    """Return the HTML of a result, and the same parsed by a parser that forgives nothing."""
    html = notebook_html(found, ResultFolder(Path(folder)))
    return html, ET.fromstring(html)  # noqa: S314 - our own text


def texts(element: ET.Element) -> str:
    """Return the text of an element without its style sheet."""
    inside = [*element.iter("style")]
    return " ".join(
        text for one in element.iter() if one not in inside for text in (one.text or "", one.tail or "")
    )


def top_rules(css: str) -> list[str]:
    """Return the selectors and conditions of a style sheet that are nested in no other."""
    depth, start, found = 0, 0, []
    for at, sign in enumerate(css):
        if sign == "{":
            found += [css[start:at].strip()] if depth == 0 else []
            depth += 1
        elif sign == "}":
            depth, start = depth - 1, at + 1
    assert depth == 0
    return found


def test_it_shows_the_decision_and_where_the_report_is() -> None:
    """Headline, figures, next step and the path of the page."""
    _, element = shown(findings(comparisons(comparison("x"))))
    text = texts(element)
    assert "x ranks better than bm25" in text
    assert "+0.041" in text
    assert "results/test/1/report.html" in text
    assert "evalkit init ours.yaml" in text


def test_text_of_users_is_escaped() -> None:
    """Names of systems, datasets, experiments and folders are text, wherever they are shown."""
    named = findings(comparisons(comparison(HOSTILE, dataset=HOSTILE), dataset=HOSTILE), name=HOSTILE)
    _, element = shown(named, HOSTILE)
    assert not [*element.iter("script")]
    assert HOSTILE in texts(element)


def test_it_restyles_nothing_around_it() -> None:
    """Every rule is nested in the class of the element, and nothing is loaded, run or given an identifier."""
    html, element = shown(findings(comparisons(comparison("x"))))
    css = "".join(one.text or "" for one in element.iter("style"))
    rules = top_rules(css)
    assert len(rules) == 3
    assert all(rule.endswith((".evalkit-result", ".evalkit-result.evalkit-result")) for rule in rules)
    assert element.get("class") == "evalkit-result"
    assert not [one for one in element.iter() if one.get("id") or one.get("href") or one.get("src")]
    assert not re.search(r"\d[\d.]*rem\b|url\(|@import|prefers-color-scheme|\son\w+=", html)


def test_every_colour_is_defined_for_light_and_dark() -> None:
    """A variable that only one side defines would show the colours of the other."""
    html, element = shown(findings(comparisons(comparison("x"))))
    css = "".join(one.text or "" for one in element.iter("style"))
    light, dark = (set(re.findall(r"(--[\w-]+):", part)) for part in css.split("}")[:2])
    assert light == dark
    assert set(re.findall(r"var\((--[\w-]+)\)", html)) <= light


@pytest.mark.parametrize("status", ["complete", "incomplete"])
def test_an_incomplete_result_is_provisional_with_its_warning_first(status: str) -> None:
    """The warning is open above the decision; other warnings are folded below it."""
    compared = comparisons(comparison("x"))
    entry = replace(compared.datasets[0], unscored={"x": 3})
    _, element = shown(findings(replace(compared, datasets=(entry,)), status))
    provisional = status == "incomplete"
    assert ("Adopt (provisional)" in texts(element)) is provisional
    order = [one.get("class") or one.tag for one in element]
    assert (order.index("warning") < order.index("header") if "warning" in order else False) is provisional
    assert ("This result is incomplete" in texts(element)) is provisional


def test_a_result_without_quality_shows_its_latency() -> None:
    """`evalkit bench` makes such a result."""
    found = findings(comparisons(comparison("x")))
    only = replace(
        found,
        summary=summary(latency=[timed("x", 50, 0.1, 0.182)]),
        compared=replace(found.compared, datasets=()),
    )
    _, element = shown(only)
    assert "182" in texts(element)
