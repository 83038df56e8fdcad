"""The rerankers of a result that a command tunes: the named one, or all that can be tuned in this way."""

from __future__ import annotations

from evalkit.errors import InputError, UnknownNameError, tell
from evalkit.results.reranker_facts import CascadeFacts
from evalkit.summaries.opened_results import OpenedResult


def chosen_rerankers(opened: OpenedResult, reranker: str | None) -> list[str]:
    """Return the named reranker, or all without a name; runs are left out, with a note.

    Raises
    ------
    InputError
        If there is no such reranker, or none at all.
    """
    runs = opened.manifest.run_tags
    if reranker in runs or not opened.rerankers:
        raise InputError(
            f"{reranker or ', '.join(runs)} of {opened.folder.path}: a run cannot be tuned, as it has no depth and its"
            " scores come from another engine",
            f"name one of the rerankers: {', '.join(opened.rerankers)}"
            if opened.rerankers
            else "add a reranker to the configuration",
        )
    if reranker is None and runs:
        tell(f"runs are not tuned, as they have no depth and are not called: {', '.join(runs)}")
    if reranker is not None and reranker not in opened.rerankers:
        raise UnknownNameError("reranker", reranker, opened.rerankers)
    return [reranker] if reranker else list(opened.rerankers)


def rerankers_with_scores(opened: OpenedResult, reranker: str | None) -> list[str]:
    """Return the chosen rerankers without those whose scores are ranks.

    Raises
    ------
    InputError
        If there is none.
    """
    wanted = chosen_rerankers(opened, reranker)
    tags = [tag for tag in wanted if opened.manifest.rerankers[tag].has_scores]
    if not tags:
        raise InputError(
            f"{', '.join(wanted)} of {opened.folder.path}: the scores of a cascade are ranks (1, 1/2, 1/3, ...), which"
            " have no threshold and no calibration",
            "name one of its stages with --reranker; the last stage's scores order the top of the list",
        )
    return tags


def pointwise_rerankers(opened: OpenedResult, reranker: str | None, *, others: bool = False) -> list[str]:
    """Return the chosen rerankers whose scores do not depend on the depth.

    Raises
    ------
    InputError
        If there is none, unless there are `others` to tune.
    """
    wanted = chosen_rerankers(opened, reranker)
    tags = [tag for tag in wanted if opened.manifest.rerankers[tag].pointwise]
    if not tags and not others:
        raise InputError(
            f"{', '.join(wanted)} of {opened.folder.path}: scores of a listwise reranker or a cascade are valid"
            " only for their own depth",
            "set several depths in the configuration; each is scored separately and is a row of the report",
        )
    return tags


def cascades_with_margins(opened: OpenedResult, reranker: str | None) -> dict[str, CascadeFacts]:
    """Return the chosen cascades whose first stage is pointwise: only its scores have a margin."""
    facts = opened.manifest.rerankers
    cascades = {tag: facts[tag].cascade for tag in chosen_rerankers(opened, reranker)}
    return {tag: one for tag, one in cascades.items() if one and facts[one.stages[0].reranker].pointwise}
