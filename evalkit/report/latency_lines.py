"""What was timed, as sentences: the answers that people look for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evalkit.report.latency_tables import VERDICTS, late_text, limit_text, rate_text
from evalkit.report.tables import milliseconds

Row = Mapping[str, Any]


def latency_cautions(answers: Row) -> list[str]:
    """Return what a reader must know of the machine before believing its times."""
    return [f"While latencies were measured, {said}." for said in answers["machine"]["flags"]]


def latency_lines(summary: Row, answers: Row) -> list[str]:
    """Return the answers as sentences: cost of a call, largest batch and highest rate in time, the knee, claims."""
    said: list[str] = []
    for where in dict.fromkeys((row["dataset"], row["reranker"]) for row in summary["latency"]):
        head = f"{where[0]}: {where[1]}: "
        own = {
            name: [one for one in answers[name] if (one["dataset"], one["reranker"]) == where]
            for name in ("fits", "limits", "claims", "capacity")
        }
        parts = (
            *_fit_lines(own["fits"]),
            *_limit_lines(own["limits"]),
            *_capacity_lines(own["capacity"]),
            *_claim_lines(own["claims"]),
        )
        said += [head + part for part in parts]
        if where[1] in answers["embedding"]:
            said.append(
                f"{head}a timed call embeds its query and all its documents; where vectors of documents are kept"
                " ready, only the query is left to embed."
            )
    return said


def _fit_lines(fits: Iterable[Row]) -> Iterator[str]:
    for fit in fits:
        by_documents = fit["causes"][0] == "documents"
        sure = all(part[1] > 0 for part in fit["per_unit_s"][1:])
        if not by_documents or not sure:
            continue  # a line over tokens alone says the same in another unit; a share that may be 0 says nothing
        line = f"a call costs {_ms(fit['fixed_s'])}" + "".join(
            f" + {_ms(part, 1000 if name != 'documents' else 1)} per {_unit(name)}"
            for name, part in zip(fit["causes"], fit["per_unit_s"], strict=True)
        )
        bent = f"; the line misses batch size {fit['worst_at']:g} by {fit['worst']:.0%}: cost grows in steps or bends"
        yield f"{line} (medians of {fit['cells']} cells, {fit['calls']} calls){'' if fit['straight'] else bent}."


def _unit(cause: str) -> str:
    return "document" if cause == "documents" else f"thousand {cause}"


def _ms(part: Sequence[float], units: int = 1) -> str:
    estimate, lower, upper = (x * 1000 * units for x in part)
    return f"{estimate:.3g} ms [{lower:.3g}, {upper:.3g}]"


def _limit_lines(limits: Sequence[Row]) -> Iterator[str]:
    for key, what in (("batch_size", "batch"), ("rate_per_s", "rate")):
        own = [one for one in limits if (one["rate_per_s"] is not None) == (key == "rate_per_s")]
        if own:
            yield _limit_line(own, key, what)


def _limit_line(own: Sequence[Row], key: str, what: str) -> str:
    def shown(one: Row) -> str:
        return f"{one[key]} documents" if key == "batch_size" else f"{one[key]:.3g} calls/s (open loop)"

    own = sorted(own, key=lambda one: one[key])
    held = [one for one in own if one["verdict"] == "PASS"]
    adjective = "largest" if key == "batch_size" else "highest"
    limit = limit_text(own[0])
    rest = [one for one in own if not held or one[key] > held[-1][key]]
    after = "; ".join(
        f"{shown(one)}: {one['verdict']}, late {late_text(one)}, n = {one['n']}" for one in rest[:2]
    )
    if not held:
        smaller = "smaller batch_sizes" if key == "batch_size" else "lower server.rates_per_s"
        return f"no {what} that was measured is shown to keep {limit}: {after}; try {smaller}, or time more queries."
    best = held[-1]
    line = f"the {adjective} {what} that keeps {limit} is {shown(best)}: PASS, late {late_text(best)}, n = {best['n']}"
    return f"{line}; {after}." if after else f"{line}; nothing more was measured."


def _capacity_lines(capacity: Iterable[Row]) -> Iterator[str]:
    for one in capacity:
        points = {point["concurrency"]: point for point in one["points"]}
        most, knee = points[one["most"]], points[one["knee"]]
        line = (
            f"with {one['batch_size']} documents a call it serves {rate_text(most['calls_per_s'])} calls/s at"
            f" {one['most']} in flight (median {milliseconds(most['p50_s']['estimate'])} ms)"
        )
        if one["knee"] != one["most"]:
            line += (
                f"; from {one['knee']} in flight ({rate_text(knee['calls_per_s'])} calls/s, median"
                f" {milliseconds(knee['p50_s']['estimate'])} ms) more calls mostly wait"
            )
        yield line + "."


def _claim_lines(claims: Sequence[Row]) -> Iterator[str]:
    for claim in dict.fromkeys(one["claim"] for one in claims):
        own = [one for one in claims if one["claim"] == claim]
        parts = [
            f"{VERDICTS[one['verdict']]} for {one['quantile']:.0%} of calls at {one['batch_size']} documents"
            if one["verdict"] != "NOT MEASURED"
            else f"not measured: time batch sizes from {one['fewest']} to {one['most']}"
            for one in own
        ]
        yield f"claim '{claim}': {', '.join(parts)} ({own[0]['route']})."
