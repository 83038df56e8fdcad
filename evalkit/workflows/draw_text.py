"""The state of a random draw of queries for people, in words."""

from __future__ import annotations

from collections.abc import Collection

from evalkit.comparison.looks import enlarged_text
from evalkit.datasets.human_sample import DrawState, too_few_text
from evalkit.datasets.sample_judge import judge_tag
from evalkit.errors import tell
from evalkit.judging.judged_pairs import Pair
from evalkit.plurals import number_of, queries_of
from evalkit.workflows.judging_input import JudgingInput


def draw_text(dataset: str, state: DrawState) -> str:
    """Return the size of a human sample, what people have judged of it, and what speaks against it."""
    sample = state.sample
    how = sample.drawn if sample.is_declared else f"seed {sample.seed}"
    looks = f"; {enlarged_text(sample.enlarged)}" if sample.enlarged else ""
    judge = ""
    if sample.judge is not None:
        corrects = "people correct judge" if state.withheld is None else "it was made for judge"
        judge = f"; {corrects} {sample.judge.tag}"
    text = (
        f"{dataset}: the human sample has {len(sample.query_ids)} of {queries_of(sample.population)} ({how}); people"
        f" have judged {number_of(state.judged, 'document')} of it{judge}{looks}"
    )
    if state.withheld is not None:
        return f"{text}. People's grades correct nothing. {state.withheld.text}"
    return text if state.ahead is None else f"{text}, of its grades so far. {_ahead_text(state)}"


def _ahead_text(state: DrawState) -> str:
    """Return what happens if the judge grades as it is configured now."""
    return (
        f"But {state.ahead}, and people have judged {state.judged} documents: once it grades as it is configured now,"
        " people's grades correct nothing. Use the settings that the draw records"
    )


def tell_of_draws(opened: JudgingInput, tag: str) -> None:
    """Give notes, before a judge is asked, on draws that are too small, and on those that its grades are not for."""
    for pooled in opened.datasets:
        asked, state = pooled.settings.human_sample, pooled.draw
        if asked is None:
            continue
        queries = len(state.sample.query_ids) if state is not None else 0
        few = too_few_text(pooled.name, max(queries, asked.queries or 0) or queries)
        if few is not None:
            tell(few)
        if state is None or judge_tag(pooled.settings) != tag:
            continue
        if state.withheld is not None:
            tell(
                f"{pooled.name}: people's grades will not correct those of judge {tag!r}. {state.withheld.text}"
            )
        elif state.ahead is not None:
            tell(f"{pooled.name}: people's grades correct judge {tag!r}. {_ahead_text(state)}")


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
