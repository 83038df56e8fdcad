"""The state of a random draw of queries for people, in words."""

from __future__ import annotations

from collections.abc import Collection

from evalkit.comparison.looks import enlarged_text
from evalkit.datasets.human_sample import DrawState
from evalkit.judging.judged_pairs import Pair
from evalkit.plurals import number_of, queries_of


def draw_text(dataset: str, state: DrawState) -> str:
    """Return the size of a human sample, what people have judged of it, and what speaks against it."""
    sample = state.sample
    how = sample.drawn if sample.is_declared else f"seed {sample.seed}"
    looks = f"; {enlarged_text(sample.enlarged)}" if sample.enlarged else ""
    judge = "" if sample.judge is None else f"; people correct judge {sample.judge.tag}"
    text = (
        f"{dataset}: the human sample has {len(sample.query_ids)} of {queries_of(sample.population)} ({how}); people"
        f" have judged {number_of(state.judged, 'document')} of it{judge}{looks}"
    )
    return text if state.withheld is None else f"{text}. They correct nothing. {state.withheld.text}"


def without_text(dataset: str, pairs: Collection[Pair]) -> str | None:
    """Return that documents of the human sample cannot be judged, and what to do; None where all have a text."""
    if not pairs:
        return None
    query_id, doc_id = min(pairs)
    is_one = len(pairs) == 1
    return (
        f"{dataset}: {number_of(len(pairs), 'ranked document')} of the human sample {'has' if is_one else 'have'} no"
        f" text and cannot be judged (first: {doc_id!r} of query {query_id!r}). The human sample stays incomplete until"
        f" {'it has' if is_one else 'they have'} a text, or {'is' if is_one else 'are'} removed from the runs"
    )
