"""Timed calls in the order in which they were made, with the state of the machine, as a chart for details."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evalkit.charts.chart import Axis, Chart, Line, Mark, Panel, Points, Rule, Spot
from evalkit.file_names import file_part
from evalkit.report.chart_parts import by_reranker
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.timed_calls import CellCalls

_WIDEST = 0.985
"""Quantile of a timeline's values that is inside it; higher values are drawn at its upper edge."""
_MOST_DRAWN = 2000
"""Calls that are drawn; the CSV file has all of them."""


@dataclass(frozen=True, slots=True)
class _TimedCall:
    """A call with its round, its start and its latency divided by the median of its cell."""

    round: int
    start_s: float
    reranker: str
    relative: float


def timeline_chart(
    dataset: str, cells: Sequence[CellCalls], answers: LatencyAnswers, roles: Mapping[str, str]
) -> Iterator[Chart]:
    """Yield the successful timed calls of a dataset over the run, if there are any."""
    calls = sorted(
        (call for cell in cells for call in _calls(cell)), key=lambda call: (call.round, call.start_s)
    )
    if not calls:
        return
    top = max(2.0, float(np.quantile([call.relative for call in calls], _WIDEST)) * 1.15)
    ends = [place for place in range(1, len(calls)) if calls[place].round != calls[place - 1].round]
    reference = _reference(dataset, answers, [0, *ends, len(calls)], [call.round for call in calls])
    every = -(-len(calls) // _MOST_DRAWN)
    numbered = list(enumerate(calls))[::every]
    clouds = [
        Points(
            tag, roles[tag],
            tuple(Spot(place, min(call.relative, top)) for place, call in numbered if call.reranker == tag),
            tiny=True, stops=False,
        )
        for tag, _ in by_reranker(calls)
    ]  # fmt: skip
    rounds = [Rule(end, "x", role="grid") for end in ends]
    y = Axis("latency divided by its median", low=0.0, high=top * 1.03)
    yield Chart(
        name=f"{file_part(dataset)}.latency-timeline",
        title=f"{dataset}: timed calls over the run",
        caption=(
            "Latency of every successful call divided by the median of its system, batch size and load; vertical lines"
            f" separate rounds, and calls above {top:.1f} are at the upper edge. The solid line is a fixed reference"
            " workload: where it rises, the machine was slower."
        ),
        x=Axis("call, in the order of the run"),
        panels=(Panel(y, (*rounds, *clouds, *reference)),),
        rows=tuple(
            {"call": place, "round": call.round, "reranker": call.reranker, "relative_latency": call.relative}
            for place, call in enumerate(calls)
        ),
        names="above",
        folded=True,
    )  # fmt: skip


def _calls(cell: CellCalls) -> Iterator[_TimedCall]:
    good = cell.ok
    if not good.any():
        return
    relative = cell.seconds[good] / np.median(cell.seconds[good])
    for number, start, at in zip(cell.spans.round[good], cell.spans.start_s[good], relative, strict=True):
        yield _TimedCall(int(number), float(start), cell.reranker, float(at))


def _reference(
    dataset: str, answers: LatencyAnswers, edges: Sequence[int], rounds: Sequence[int]
) -> Iterator[Mark]:
    """Yield the time of the reference workload before each round, divided by its median."""
    seconds_of = {s.round: s.reference_s for s in answers.machine.rounds if s.dataset == dataset}
    spans = [(a, b, seconds_of[rounds[a]]) for a, b in pairwise(edges) if b > a and rounds[a] in seconds_of]
    if not spans:
        return
    middle = float(np.median([seconds for *_, seconds in spans]))
    spots: list[Spot] = []
    for start, end, seconds in spans:
        text = (f"reference workload: {seconds * 1000:.6g} ms",)
        spots += [Spot(start, seconds / middle, text=text), Spot(end - 1, seconds / middle, text=text)]
        spots.append(Spot(end - 1, None))
    yield Line("reference workload", "ink", tuple(spots))
