"""Why calls of an unfinished run failed: failures with the same cause, counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from evalkit.errors import shortened
from evalkit.results.bounds import Count
from evalkit.results.json_shapes import JsonObject, Key
from evalkit.results.manifest import Failure, Manifest

MOST_CAUSES = 2
"""Causes that a sentence names."""
_SHOWN = 400
"""Characters of a message above which its middle is left out."""
_STOPPED = re.compile(r"not sent: '.*?' was stopped after this failure: ", re.DOTALL)
_REPLY = re.compile(r" \(reply: .*", re.DOTALL)
_NUMBERED = re.compile(r"[\w-]*\d[\w.:-]*")
"""A number, or a word with a digit in it, such as the id of a request."""


@dataclass(frozen=True, slots=True)
class FailureReason(JsonObject):
    """Queries or timed calls that failed for one cause. Messages that differ only in numbers and ids are one cause.

    Attributes
    ----------
    dataset, reranker, pass_
        Which pass failed: ``quality`` or ``latency``.
    count
        Number of queries without scores, or of timed calls.
    message
        The message of the first one.
    hint
        What to change; None if it is unknown.
    """

    dataset: str
    reranker: str
    pass_: Annotated[str, Key("pass")]
    count: Count
    message: str
    hint: str | None = None


def failure_reasons(manifest: Manifest, failures: Iterable[Failure]) -> tuple[FailureReason, ...]:
    """Return why queries have no scores and timed calls failed, the most frequent cause of each pass first."""
    lacking = {(one.dataset, one.reranker): one for one in manifest.quality_passes if one.failed}
    last: dict[tuple[str, str, str], Failure] = {}
    timed: dict[tuple[str, str], list[Failure]] = {}
    for row in failures:
        if row.status == "retried" or row.dataset is None or row.reranker is None:
            continue
        key = row.dataset, row.reranker
        if row.pass_ == "latency":
            timed.setdefault(key, []).append(row)
        elif row.pass_ == "quality" and key in lacking and row.query_id in lacking[key].failed:
            last[*key, row.query_id] = row
    quality: dict[tuple[str, str], list[Failure]] = {}
    for (dataset, reranker, _), row in last.items():
        quality.setdefault((dataset, reranker), []).append(row)
    return (
        *(reason for rows in quality.values() for reason in _counted(rows)),
        *(reason for rows in timed.values() for reason in _counted(rows)),
    )


def _counted(rows: Sequence[Failure]) -> list[FailureReason]:
    """Return the causes of one pass, the most frequent one first."""
    causes: dict[str, list[Failure]] = {}
    for row in rows:
        causes.setdefault(_cause(row), []).append(row)
    ordered = sorted(causes.values(), key=len, reverse=True)
    return list(_reasons(ordered))


def _reasons(causes: Iterable[Sequence[Failure]]) -> Iterator[FailureReason]:
    for rows in causes:
        first = rows[0]
        hint = next((row.hint for row in rows if row.hint), None)
        message = shortened(_STOPPED.sub("", first.message), _SHOWN)
        yield FailureReason(
            first.dataset or "", first.reranker or "", first.pass_ or "", len(rows), message, hint
        )


def _cause(row: Failure) -> str:
    """Return a message without its numbers, its ids and the reply that it quotes."""
    return f"{row.kind} {_NUMBERED.sub('#', _REPLY.sub('', _STOPPED.sub('', row.message)))}"


def in_words(reasons: Iterable[FailureReason]) -> str:
    """Return causes as the rest of a sentence, such as ``9 x "... returned 429"``; empty without any."""
    found = list(reasons)
    shown = [f'{one.count} x "{one.message}"' for one in found[:MOST_CAUSES]]
    others = sum(one.count for one in found[MOST_CAUSES:])
    return "; ".join([*shown, *([f"{others} for other reasons"] if others else [])])


def of_system(reasons: Iterable[FailureReason], dataset: str, reranker: str) -> list[FailureReason]:
    """Return why queries of a dataset have no scores of a reranker."""
    key = (dataset, reranker, "quality")
    return [one for one in reasons if (one.dataset, one.reranker, one.pass_) == key]


def unfinished_work(manifest: Manifest, reasons: Sequence[FailureReason]) -> list[str]:
    """Return a sentence on each pass that lacks scores or timed calls, with the most frequent causes."""
    sentences = []
    for entry in manifest.quality_passes:
        if entry.failed:
            why = in_words(of_system(reasons, entry.dataset, entry.reranker))
            failed = f"'{entry.reranker}' failed on {len(entry.failed)} of {entry.asked} queries"
            sentences.append(f"{failed}{f': {why}' if why else f' of {entry.dataset}'}")
    timed_ones = [one for one in reasons if one.pass_ == "latency"]
    for dataset, reranker in dict.fromkeys((one.dataset, one.reranker) for one in timed_ones):
        timed = [one for one in timed_ones if (one.dataset, one.reranker) == (dataset, reranker)]
        calls = sum(one.count for one in timed)
        sentences.append(f"{calls} timed calls to '{reranker}' failed: {in_words(timed)}")
    return sentences


def hints_of(reasons: Iterable[FailureReason]) -> list[str]:
    """Return the hints of causes, each once, the most frequent cause first."""
    ordered = sorted(reasons, key=lambda one: -one.count)
    return list(dict.fromkeys(one.hint for one in ordered if one.hint))
