"""Verdicts of a gate as text, Markdown, JUnit XML and CI annotations."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from shlex import quote
from xml.etree import ElementTree as ET

from evalkit.comparison.correction import RERUN_EARLIER
from evalkit.comparison.gate_verdicts import GateVerdict
from evalkit.comparison.indications import BY_MODELS, names_remedy
from evalkit.errors import printable
from evalkit.report.advice import NextStep
from evalkit.report.judged_by import COMPLETE_JUDGMENTS, JUDGE_BY_PEOPLE, RAISE_SAMPLE, capital
from evalkit.report.numbers import change_text
from evalkit.report.table import Table, as_markdown, markdown_prose
from evalkit.results.gate_document import GateResult
from evalkit.stats import MIN_QUERIES


def gate_lines(verdicts: Sequence[GateVerdict]) -> Iterator[str]:
    """Yield one line for each verdict."""
    width = max((len(row.status) for row in verdicts), default=0)
    for row in verdicts:
        yield f"{row.status:{width}}  {row.system}: {row.sentence}"


def scores_lines(verdicts: Sequence[GateVerdict]) -> Iterator[str]:
    """Yield one line for each system: what its scores rest on. An invalid verdict says that itself."""
    bases = {(row.dataset, row.reranker): row.scores for row in verdicts if row.status != "INVALID"}
    for (dataset, reranker), basis in bases.items():
        if basis is not None:
            yield f"scores of {reranker} on {dataset}: {basis.sentence}"


def conclusion(gate: GateResult) -> str:
    """Return one line: whether the gate passes, and how many verdicts of each status there are."""
    verdicts = gate.verdicts
    counts = {status: sum(row.status == status for row in verdicts) for status in _ORDER}
    counted = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    if gate.missing:
        counted += f"; missing from the result: {', '.join(gate.missing)} (a new version must keep its tag)"
    if counts["INVALID"]:
        return (
            f"gate not passed, and partly invalid: {counted}"
            if counts["FAIL"]
            else f"gate invalid: {counted}"
        )
    alarms = sum(found.is_alarm for found in gate.nights)
    if alarms:
        counted += f"; {alarms} ALARM over nights"
    failed = alarms or counts["FAIL"] or (counts["CANNOT TELL"] and not gate.open_passes)
    if not failed and any(BY_MODELS in row.sentence for row in verdicts):
        return f"gate undecided, which the rules allow: {counted}"
    return f"gate {'not passed' if failed else 'passed'}: {counted}"


def unchanged_line(gate: GateResult) -> str | None:
    """Return one line: how often an unchanged system passes the whole gate; None if that is unknown.

    The probability of each rule is that of its test, at the spread of the differences that were seen. The range holds
    however the verdicts depend on each other.
    """
    bounds = gate.unchanged_passes
    if bounds is None:
        return None
    low, high = (f"{100 * bound:.0f}%" for bound in bounds)
    known = sum(row.unchanged_passes is not None for row in gate.verdicts)
    if known == 1:
        return f"With these queries, an unchanged version passes this gate in about {high} of runs."
    return f"With these queries, an unchanged version passes these {known} rules in {low} to {high} of runs."


def nights_lines(gate: GateResult) -> Iterator[str]:
    """Yield one line for each rule that is judged over nights."""
    for found in gate.nights:
        where = f"{found.dataset}: {found.reranker}: {found.rule}"
        nights = f"{found.nights} night{'s' * (found.nights > 1)}"
        level = f"evidence {found.e_value:.3g}, alarm at {found.alarm_at:.3g}"
        if found.is_alarm:
            change = change_text(found.mean)
            yield f"ALARM  {where}: a larger drop since {found.since}, mean difference {change} ({level})"
        else:
            yield f"no alarm  {where}: no lasting drop in {nights} ({level})"


def next_after_gate(gate: GateResult) -> NextStep:
    """Return what to do after a gate."""
    statuses = {row.status for row in gate.verdicts}
    if any(row.status == "INVALID" and row.scores and row.scores.kind == "cached" for row in gate.verdicts):
        text = "Score everything again with --refresh, then gate again. A gate accepts cached scores only by its rules."
        return NextStep(text)
    if "INVALID" in statuses:
        return NextStep("Correct what the INVALID rules name, then gate again.")
    if statuses <= {"PASS", "IDENTICAL"} and gate.exit_code == 0:
        text = "The new version may replace the baseline. Save it as one when you release it."
        return NextStep(text, f"evalkit baseline save {quote(gate.result)} NAME")
    if "FAIL" in statuses or any(found.is_alarm for found in gate.nights):
        return NextStep("Find the queries that decreased.", f"evalkit report {quote(gate.result)} --open")
    if all(
        "synthetic queries: no verdict" in row.sentence
        for row in gate.verdicts
        if row.status == "CANNOT TELL"
    ):
        return NextStep(
            "Add queries of people, 30 and half of all, or set allow_synthetic: true in the rules."
        )
    return NextStep(_to_decide([row for row in gate.verdicts if row.status == "CANNOT TELL"]))


def _to_decide(undecided: Sequence[GateVerdict]) -> str:
    """Return what would decide rules that found too little."""
    if any(names_remedy(row.sentence) for row in undecided):
        return COMPLETE_JUDGMENTS
    if any(RERUN_EARLIER in row.sentence for row in undecided):
        return f"{capital(RERUN_EARLIER)}, save it as the baseline, and gate again."
    if any(BY_MODELS in row.sentence for row in undecided):
        return JUDGE_BY_PEOPLE
    drawn = [row for row in undecided if row.rests_on is not None]
    if any(row.n < MIN_QUERIES and row.part is not None for row in drawn):
        return f"Raise human_sample until people have judged {MIN_QUERIES} queries of each slice, and rerun."
    if any(row.n < MIN_QUERIES for row in drawn):
        return RAISE_SAMPLE
    more = "Raise human_sample" if drawn else "Add queries"
    return f"{more}, or widen the margin or the limit of the rule."


_ORDER = ("INVALID", "FAIL", "CANNOT TELL", "PASS", "IDENTICAL")


def as_summary(gate: GateResult) -> str:
    """Return a job summary in Markdown."""
    cells = tuple((row.status, row.dataset, row.reranker, row.rule, row.sentence) for row in gate.verdicts)
    table = Table("verdicts", ("verdict", "dataset", "reranker", "rule", "finding"), cells, left=5)
    head, unchanged = conclusion(gate), unchanged_line(gate)
    lines = [
        f"### evalkit: {markdown_prose(head)}",
        as_markdown(table),
        *map(markdown_prose, nights_lines(gate)),
        *map(markdown_prose, scores_lines(gate.verdicts)),
        *([markdown_prose(unchanged)] if unchanged else []),
        markdown_prose(f"{gate.result} against {gate.against}"),
    ]
    return "\n\n".join(lines) + "\n"


def as_junit(gate: GateResult) -> bytes:
    """Return JUnit XML: a failure for a verdict that does not pass, an error for an invalid one."""
    verdicts = gate.verdicts
    statuses = [row.status for row in verdicts]
    open_ones = statuses.count("CANNOT TELL")
    alarms = sum(found.is_alarm for found in gate.nights)
    suite = ET.Element(
        "testsuite",
        name="evalkit gate",
        tests=str(len(verdicts) + len(gate.nights)),
        failures=str(alarms + statuses.count("FAIL") + (0 if gate.open_passes else open_ones)),
        errors=str(statuses.count("INVALID")),
        skipped=str(open_ones if gate.open_passes else 0),
    )
    for row in verdicts:
        case = ET.SubElement(
            suite, "testcase", classname=printable(f"{row.dataset}.{row.reranker}"), name=printable(row.rule)
        )
        kind = {"INVALID": "error", "FAIL": "failure"}.get(row.status)
        if row.status == "CANNOT TELL":
            kind = "skipped" if gate.open_passes else "failure"
        sentence = printable(f"{row.status}: {row.sentence}")
        if kind is not None:
            counted = ET.SubElement(case, kind, message=sentence)
            if kind != "skipped":
                counted.set("type", row.status)
        output = [] if kind else [sentence]
        output += [printable(f"scores: {row.scores.sentence}")] if row.scores else []
        if output:
            ET.SubElement(case, "system-out").text = "\n".join(output)
    for found, line in zip(gate.nights, nights_lines(gate), strict=True):
        place = {"classname": f"{found.dataset}.{found.reranker}", "name": f"{found.rule} over nights"}
        case = ET.SubElement(suite, "testcase", {key: printable(text) for key, text in place.items()})
        if found.is_alarm:
            ET.SubElement(case, "failure", message=printable(line), type="ALARM")
        else:
            ET.SubElement(case, "system-out").text = printable(line)
    stream = io.BytesIO()
    ET.ElementTree(suite).write(stream, encoding="utf-8", xml_declaration=True)
    return stream.getvalue() + b"\n"


def workflow_commands(gate: GateResult) -> Iterator[str]:
    """Yield a GitHub workflow command for each verdict that does not pass, and for what rests on cached scores."""
    levels = {
        "INVALID": "error",
        "FAIL": "error",
        "CANNOT TELL": "warning" if gate.open_passes else "error",
    }
    for row in gate.verdicts:
        if row.status in levels:
            title = _escaped(f"{row.status} {row.dataset} {row.reranker}{f' {row.part}' if row.part else ''}")
            title = title.replace(":", "%3A").replace(",", "%2C")
            yield f"::{levels[row.status]} title={title}::{_escaped(row.sentence)}"
    if any(row.scores and row.scores.kind in {"recent", "checked"} for row in gate.verdicts):
        for line in scores_lines(gate.verdicts):
            yield f"::notice title=cached scores::{_escaped(line)}"
    for found, line in zip(gate.nights, nights_lines(gate), strict=True):
        if found.is_alarm:
            yield f"::error title=ALARM::{_escaped(line)}"


def _escaped(text: str) -> str:
    """Return text for a workflow command, as GitHub documents it; other control characters are escaped as in Python."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "%0A".join(printable(line).replace("%", "%25") for line in lines)
