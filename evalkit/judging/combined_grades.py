"""The judgments of an ensemble, from those of its members."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, median

from evalkit.config import EnsembleSettings
from evalkit.config.ensemble_settings import GradeRule
from evalkit.judges.ensemble import MEMBERS, Ensemble
from evalkit.records import Judgment, Rater, current_judgments, time_order

Pair = tuple[str, str]


def combine_grades(grades: Sequence[float], rule: GradeRule) -> float:
    """Return one grade for several: their mean, their median, or the most frequent one.

    A vote counts levels: whole grades, a half rounded up. Of several levels that are equally frequent it gives the
    median.
    """
    if rule == "mean":
        return fmean(grades)
    if rule == "median":
        return float(median(grades))
    counts = Counter(math.floor(grade + 0.5) for grade in grades)
    most = max(counts.values())
    return float(median([level for level, count in counts.items() if count == most]))


def combine_judgments(members: Sequence[Sequence[Judgment]], settings: EnsembleSettings) -> list[Judgment]:
    """Return a judgment for each pair that any member judged, in the order of their first judgments.

    The rater is named after the members; its settings hold the prompts, scales and settings of the raters whose
    grades it combines, so other members are another rater. A pair without enough grades has a failure that names the
    member. So has a pair of which the members judged different texts.

    Parameters
    ----------
    members
        The judgments of each member, in the order of ``settings.judges`` and of its file: of several judgments of a
        pair the last one counts, and none with an earlier prompt, scale or settings.
    settings
        How to combine.
    """
    members = [current_judgments(judgments) for judgments in members]
    latest = [{one.pair: one for one in judgments} for judgments in members]
    raters = [judgments[-1].rater if judgments else None for judgments in members]
    pairs = dict.fromkeys(one.pair for judgments in members for one in judgments)
    return [_combined(pair, [found.get(pair) for found in latest], raters, settings) for pair in pairs]


def _combined(
    pair: Pair, found: Sequence[Judgment | None], raters: Sequence[Rater | None], settings: EnsembleSettings
) -> Judgment:
    graded = {
        tag: one
        for tag, one in zip(settings.judges, found, strict=True)
        if one is not None and one.grade is not None
    }
    grades = [one.grade for one in graded.values() if one.grade is not None]
    queries = {one.query_sha256 for one in graded.values() if one.query_sha256 is not None}
    documents = {one.doc_sha256 for one in graded.values() if one.doc_sha256 is not None}
    failure = None
    if len(grades) < settings.needed:
        failure = _missing(found, settings)
    elif len(queries) > 1 or len(documents) > 1:
        failure = f"member: {', '.join(graded)} judged different texts"
    return Judgment(
        *pair,
        None if failure else combine_grades(grades, settings.combine),
        _rater(found, raters, settings),
        max((one.at for one in found if one is not None), key=time_order),
        query_sha256=None if failure else next(iter(queries), None),
        doc_sha256=None if failure else next(iter(documents), None),
        raw=", ".join(f"{tag}: {one.grade:g}" for tag, one in graded.items()) or None,
        failure=failure,
    )


def _missing(found: Sequence[Judgment | None], settings: EnsembleSettings) -> str:
    """Return the failure of a pair without enough grades: who has none, and why."""
    reasons = []
    for tag, one in zip(settings.judges, found, strict=True):
        if one is None:
            reasons.append(f"{tag} has no grade")
        elif one.grade is None:
            reasons.append(f"{tag} has no grade ({one.failure})")
    return f"member: {'; '.join(reasons)}"


def _rater(
    found: Sequence[Judgment | None], raters: Sequence[Rater | None], settings: EnsembleSettings
) -> Rater:
    """Return the rater: the ensemble with the raters that its members are for this pair."""
    known = Ensemble(settings).known_rater
    members = {
        tag: None if rater is None else rater.form
        for tag, rater in zip(
            settings.judges,
            (one.rater if one is not None else last for one, last in zip(found, raters, strict=True)),
            strict=True,
        )
    }
    return replace(known, settings={**known.settings, MEMBERS: members})
