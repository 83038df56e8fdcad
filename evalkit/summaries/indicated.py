"""Tuning on judgments of models: its figures are indications, and nothing is recommended or guaranteed."""

from __future__ import annotations

from dataclasses import replace

from evalkit.records import JudgedBy
from evalkit.results.search_document import SearchResult
from evalkit.summaries.tuning_labels import TuningLabels
from evalkit.tuning.depth_choice import Choice


def indicated_depth(choice: Choice, why: str | None) -> Choice:
    """Return a choice without a recommendation if there is a reason why not; it gets the number they suggest."""
    if why is None:
        return choice
    if choice.recommended is not None:
        number = f"{choice.recommended} candidates" if choice.is_confirmed else "all candidates"
        why += f"; all grades together suggest {number}"
    return Choice(
        choice.allowed,
        choice.best,
        None,
        why,
        against_first_stage=choice.against_first_stage,
        deepest=choice.deepest,
    )


def indicated_search(result: SearchResult, labels: TuningLabels, judged_by: JudgedBy) -> SearchResult:
    """Return a search with what it rests on, and without a verdict if grades of models count."""
    if labels.why_not is None:
        return replace(result, rests_on=labels.rests_on)
    against = result.against_fusion
    return replace(
        result,
        rows=tuple(
            replace(row, against_plain=replace(row.against_plain, status="CANNOT TELL"))
            for row in result.rows
        ),
        against_fusion=against and replace(against, verdict="no verdict"),
        margins=result.margins and tuple(replace(row, status="CANNOT TELL") for row in result.margins),
        judged_by=judged_by,
        why_not=labels.why_not,
    )
