"""Sentences on timed calls: cost of a call, limits, capacity and claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from evalkit.latency import CALLS_NEAR_CAPACITY
from evalkit.report.cautions import Caution
from evalkit.report.latency_tables import VERDICTS, late_text, limit_text, rounds_text
from evalkit.report.numbers import HARNESS_TOO_SLOW, milliseconds, rate_text, significant
from evalkit.results.latency_document import Capacity, ClaimRow, FitRow, LatencyAnswers, LimitRow
from evalkit.results.summary_document import Summary


def latency_cautions(summary: Summary, answers: LatencyAnswers) -> list[Caution]:
    """Return warnings on figures that are withheld, and on the state of the machine during the latency pass."""
    return [
        *_withheld(summary),
        *(
            Caution("figures", f"During the latency pass, {flag}.", "Rerun on an idle machine.")
            for flag in answers.machine.flags
        ),
    ]


def _withheld(summary: Summary) -> list[Caution]:
    """Return one warning on the figures that would be those of the load generator, with the reason of the first."""
    rows = [row for row in summary.latency if row.p50_s.missing == "harness"]
    if not rows:
        return []
    first = rows[0]
    size = f"{first.batch_size} document{'s' * (first.batch_size > 1)}"
    load = (
        f"{first.concurrency} in flight" if first.concurrency else f"{significant(first.rate_per_s or 0)}/s"
    )
    text = (
        f"Latencies of {len(rows)} of {len(summary.latency)} rows are withheld ('{HARNESS_TOO_SLOW}'): evalkit itself"
        f" was too slow in sending the calls. {first.reranker}, {size}, {load}: {first.flags[0]}."
    )
    hint = "Rerun on an idle or a faster machine, or time fewer calls in flight or more documents in each."
    return [Caution("figures", text, hint)]


def latency_lines(summary: Summary, answers: LatencyAnswers) -> list[str]:
    """Return sentences on each reranker: cost of a call, largest load within the limit, capacity, claims."""
    lines: list[str] = []
    for dataset, tag in dict.fromkeys((row.dataset, row.reranker) for row in summary.latency):
        head = f"{dataset}: {tag}: "
        parts = (
            *_fit_lines(_of(answers.fits, dataset, tag)),
            *limit_lines(_of(answers.limits, dataset, tag)),
            *capacity_lines(_of(answers.capacity, dataset, tag)),
            *_claim_lines(_of(answers.claims, dataset, tag)),
        )
        lines += [head + part for part in parts]
        if tag in answers.embedding:
            lines.append(
                f"{head}a timed call embeds the query and all documents. With stored document vectors only the query is"
                " embedded."
            )
    return lines


class _Answer(Protocol):
    @property
    def dataset(self) -> str: ...

    @property
    def reranker(self) -> str: ...


_AnswerT = TypeVar("_AnswerT", bound=_Answer)


def _of(rows: Iterable[_AnswerT], dataset: str, tag: str) -> list[_AnswerT]:
    return [row for row in rows if (row.dataset, row.reranker) == (dataset, tag)]


def _fit_lines(fits: Iterable[FitRow]) -> Iterator[str]:
    for row in fits:
        fit = row.fit
        by_documents = fit.causes[0] == "documents"
        above_zero = all(part[1] > 0 for part in fit.per_unit_s[1:])
        if not by_documents or not above_zero:
            continue  # a fit by tokens repeats the one by documents; a cost that may be 0 is not significant
        line = f"a call takes {_ms(fit.fixed_s)}" + "".join(
            f" + {_ms(part, 1000 if name != 'documents' else 1)} per {_unit(name)}"
            for name, part in zip(fit.causes, fit.per_unit_s, strict=True)
        )
        bent = f". The line misses batch size {fit.worst_at:g} by {fit.worst:.0%}: latency grows in steps or bends"
        yield f"{line} (medians of {fit.cells} batch sizes, {fit.calls} calls){'' if row.straight else bent}."


def _unit(cause: str) -> str:
    return "document" if cause == "documents" else f"thousand {cause}"


def _ms(part: Sequence[float], units: int = 1) -> str:
    estimate, lower, upper = (significant(x * 1000 * units) for x in part)
    return f"{estimate} ms [{lower}, {upper}]"


def limit_lines(limits: Sequence[LimitRow]) -> Iterator[str]:
    """Yield a clause on the largest batch and on the highest rate within the limit, of one reranker."""
    by_batch = [one for one in limits if one.rate_per_s is None]
    by_rate = [one for one in limits if one.rate_per_s is not None]
    if by_batch:
        yield _limit_line(
            sorted(by_batch, key=lambda one: one.batch_size), "largest batch", "smaller batch_sizes"
        )
    if by_rate:
        by_rate.sort(key=lambda one: one.rate_per_s or 0.0)
        yield _limit_line(by_rate, "highest rate", "lower server.rates_per_s")


def _limit_line(rows: Sequence[LimitRow], extreme: str, smaller: str) -> str:
    """Return a sentence on the highest load that meets the limit; `rows` are in ascending order of the load."""
    met = [place for place, one in enumerate(rows) if one.verdict == "PASS"]
    limit = limit_text(rows[0])
    rest = rows[met[-1] + 1 :] if met else rows
    after = "; ".join(f"{_load(one)}: {one.verdict}, {_late(one)}{_reason(one)}" for one in rest[:2])
    if not met:
        what = extreme.rpartition(" ")[2]
        advice = f"Try {smaller}, or more calls in more rounds"
        return f"no measured {what} meets {limit} ({after}). {advice}."
    best = rows[met[-1]]
    line = f"the {extreme} that meets {limit} is {_load(best)} ({_late(best)})"
    return f"{line}. {after}." if after else f"{line}. No larger load was measured."


def _load(one: LimitRow) -> str:
    return (
        f"{one.batch_size} documents"
        if one.rate_per_s is None
        else f"{one.rate_per_s:.3g} calls/s (open loop)"
    )


def _reason(one: LimitRow) -> str:
    """Return why a verdict is open although the late calls alone would decide it."""
    if one.decided_by == "order":
        return (
            f" (not tested, as a {'smaller batch' if one.rate_per_s is None else 'lower rate'} does not pass)"
        )
    if one.decided_by == "capacity":
        return f" (near or above half of the capacity: needs {CALLS_NEAR_CAPACITY} calls)"
    if one.decided_by == "harness":
        return " (not measured: the load generator was the bottleneck)"
    return rounds_text(one)


def _late(one: LimitRow) -> str:
    return f"{late_text(one.late)} of {one.late.n} calls late"


def capacity_lines(capacity: Iterable[Capacity]) -> Iterator[str]:
    """Yield a clause on the capacity at each batch size, of one reranker."""
    for one in capacity:
        most, knee = one.at(one.most), one.at(one.knee)
        line = (
            f"capacity with {one.batch_size} documents per call: {rate_text(most.calls_per_s)} calls/s at"
            f" {one.most} concurrent calls (median {milliseconds(most.p50_s.estimate)} ms)"
        )
        if one.knee != one.most:
            line += (
                f". Above {one.knee} concurrent calls ({rate_text(knee.calls_per_s)} calls/s, median"
                f" {milliseconds(knee.p50_s.estimate)} ms) calls mostly wait"
            )
        yield line + "."


def _claim_lines(claims: Sequence[ClaimRow]) -> Iterator[str]:
    for claim in dict.fromkeys(one.claim for one in claims):
        of_claim = [one for one in claims if one.claim == claim]
        parts = [
            f"{VERDICTS[one.verdict]} for {one.quantile:.0%} of calls at {one.batch_size} documents"
            if one.verdict != "NOT MEASURED"
            else f"not measured, add batch sizes from {one.fewest} to {one.most}"
            for one in of_claim
        ]
        yield f"claim '{claim}': {', '.join(parts)} ({of_claim[0].route})."
