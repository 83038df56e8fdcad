"""``evalkit tune passages``: the rules of combining the scores of passages, compared from stored scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalkit.errors import InputError
from evalkit.results.passage_rows import PassageSummary
from evalkit.summaries.opened_results import open_result
from evalkit.summaries.passage_rules import passage_summaries
from evalkit.workflows.tuned_rerankers import chosen_rerankers


def compare_rules(result: str | Path, reranker: str | None = None) -> tuple[PassageSummary, ...]:
    """Return the primary metric under every rule, for each dataset and reranker.

    Parameters
    ----------
    result
        A complete result: its folder, a folder with results (the newest complete one is taken), or ``latest``.
    reranker
        Only this one.

    Raises
    ------
    InputError
        If there is no such reranker, or the result has no scores of passages.
    """
    opened = open_result(result)
    tags = chosen_rerankers(opened, reranker)
    found = passage_summaries(opened.comparison_sets, opened.folder, opened.manifest, opened.config.primary)
    if found is None:
        raise InputError(
            f"{opened.folder.path} has no scores of passages",
            "set passages in the dataset's block and rerun",
        )
    return tuple(replace(one, rules=tuple(row for row in one.rules if row.reranker in tags)) for one in found)
