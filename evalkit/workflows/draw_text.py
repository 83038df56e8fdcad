"""The state of a random draw of queries for people, in words."""

from __future__ import annotations

from collections.abc import Collection

from evalkit.comparison.looks import enlarged_text
from evalkit.datasets.human_sample import DrawState
from evalkit.judging.judged_pairs import Pair


def draw_text(dataset: str, state: DrawState) -> str:
    """Return how many queries of a dataset are drawn, what people have judged of them, and what speaks against it."""
    sample = state.sample
    how = sample.drawn if sample.is_declared else f"seed {sample.seed}"
    looks = f"; {enlarged_text(sample.enlarged)}" if sample.enlarged else ""
    judge = "" if sample.judge is None else f"; people correct judge {sample.judge.tag}"
    text = (
        f"{dataset}: {len(sample.query_ids)} of {sample.population} queries are drawn for people ({how}), who have"
        f" judged {state.judged} documents of them{judge}{looks}"
    )
    return text if state.withheld is None else f"{text}. They correct nothing. {state.withheld.text}"


def without_text(dataset: str, pairs: Collection[Pair]) -> str | None:
    """Return that documents of drawn queries cannot be judged, and what to do; None where all have a text."""
    if not pairs:
        return None
    query_id, doc_id = min(pairs)
    return (
        f"{dataset}: {len(pairs)} ranked documents of drawn queries have no text and cannot be judged (first:"
        f" {doc_id!r} of query {query_id!r}). The human sample stays incomplete until they have a text, or are removed"
        " from the runs"
    )
