"""Whose grades a tuned setting rests on: those that count, people's alone of a random draw, or both, corrected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from evalkit.comparison import ComparisonSet
from evalkit.comparison.correction import Correction
from evalkit.comparison.indications import ENLARGED, why_indication
from evalkit.comparison.looks import enlarged_text
from evalkit.judging.pools import docs_at_any_depth
from evalkit.metrics import parse_metric
from evalkit.plurals import documents_of_queries, number_of, queries_of
from evalkit.records import Qrels
from evalkit.summaries.candidate_runs import first_stage_run

_Pairs = list[tuple[str, str]]
"""Queries and documents."""


@dataclass(frozen=True, slots=True, eq=False)
class TuningLabels:
    """The dataset with the grades that a setting rests on.

    Attributes
    ----------
    comparison_set
        With people's grades of drawn queries alone where these are complete, else as it is.
    why_not
        Why nothing is recommended or guaranteed on these grades; None where it is.
    rests_on
        Whose grades of which queries, in words; None where all grades count.
    correction
        What corrects the differences of depths; None where nothing does.
    pool
        Query id -> the documents that some depth ranks within the cutoff, where differences of depths are corrected:
        the judge's other grades do not count.
    enlarged
        How often the draw was enlarged after people had judged, where people's grades of it count alone.
    """

    comparison_set: ComparisonSet
    why_not: str | None = None
    rests_on: str | None = None
    correction: Correction | None = None
    pool: Mapping[str, Collection[str]] = field(default_factory=dict)
    enlarged: int = 0


def candidate_labels(comparison_set: ComparisonSet, depth: int) -> TuningLabels:
    """Return the grades for a probability, a ranking or a figure of any candidates down to a depth.

    They are those of `people_labels`, but nothing rests on a draw that was enlarged after people had judged: intervals
    and tests here have the level of one look at it.
    """
    found = people_labels(comparison_set, depth)
    if not found.enlarged:
        return found
    times = "once" if found.enlarged == 1 else f"{found.enlarged} times"
    return TuningLabels(
        comparison_set,
        f"{why_indication(comparison_set.judged_by)}; {ENLARGED} {times} after people had judged, so that"
        " figures of people's grades alone are a further look at it. A threshold with a guaranteed recall allows for"
        " that, and so does the number of candidates",
    )


def people_labels(comparison_set: ComparisonSet, depth: int) -> TuningLabels:
    """Return the grades for what is guaranteed of any candidates down to a depth.

    Such guarantees are about documents with scores of all heights. So they hold for people's grades of every candidate
    of all drawn queries, whatever a judge says; a judge's grades carry none. Where people alone gave judgments of
    records, they hold for people's grades of every candidate of all judged queries: the documents that people
    were not asked about are those that no system ranks high, so that recall of the judged ones says little of the
    others. Files of qrels do not say which documents people saw, and count as they are. Who uses these has to allow
    for `TuningLabels.enlarged`.
    """
    why, correction = _why_indication(comparison_set, "threshold"), comparison_set.correction
    if why is not None and correction is None:
        return TuningLabels(comparison_set, why)
    if correction is None:
        return TuningLabels(comparison_set, _missing_of_people(comparison_set, depth))
    sample = f"{queries_of(len(correction.drawn))} of the human sample"
    missing = _unjudged_candidates(comparison_set, depth, correction.drawn, correction.people, sample)
    if missing is not None:
        return TuningLabels(comparison_set, f"{why}; {missing}" if why else missing)
    rests_on = f"people's grades of all candidates of {sample}"
    if correction.declared:
        rests_on += ", declared random by the user"
    if correction.enlarged:
        rests_on += f" ({enlarged_text(correction.enlarged)})"
    people = people_of(comparison_set, correction)
    return TuningLabels(people, None, rests_on, enlarged=correction.enlarged)


def depth_labels(comparison_set: ComparisonSet, tag: str, metric: str) -> TuningLabels:
    """Return the grades for the depth of a pointwise reranker.

    Differences of depths are corrected where people judged, for all drawn queries, every document that any depth ranks
    within the cutoff, and the judge did so for all queries. Where the judge did not, but people judged every candidate,
    theirs count alone.
    """
    why, correction = _why_indication(comparison_set, "depth"), comparison_set.correction
    if why is None or correction is None:
        return TuningLabels(comparison_set, why)
    deepest = comparison_set.deepest or 1
    cutoff = parse_metric(metric).cutoff or deepest  # a metric without a cutoff counts whole lists
    first_stage, scores = first_stage_run(comparison_set), comparison_set.systems[tag].scores
    pool = {q: dict.fromkeys(docs) for q, docs in docs_at_any_depth(first_stage, scores, cutoff, deepest)}
    unrated = _ungraded(_pairs(pool, correction.drawn), correction.people)
    if unrated:
        left = documents_of_queries(len(unrated), len({query_id for query_id, _ in unrated}))
        return TuningLabels(
            comparison_set,
            f"undecided: human sample incomplete: people have not judged {left} that"
            " some number of candidates ranks among the first"
            f" {cutoff} (evalkit judge rate CONFIG --for depth)",
        )
    unasked = [
        pair
        for pair in _ungraded(_pairs(pool, correction.query_ids), correction.judged)
        if pair[1] not in correction.failed.get(pair[0], ())
    ]
    if not unasked:
        return TuningLabels(comparison_set, correction=correction, pool=pool)
    people = candidate_labels(comparison_set, deepest)
    if people.why_not is None:
        return people
    left = documents_of_queries(len(unasked), len({query_id for query_id, _ in unasked}))
    return TuningLabels(
        comparison_set,
        f"undecided: judge incomplete: {correction.judge} has not been asked for {left} that some"
        f" number of candidates ranks among the first {cutoff}"
        " (evalkit judge run CONFIG --for depth)",
    )


def people_of(comparison_set: ComparisonSet, correction: Correction) -> ComparisonSet:
    """Return the dataset with people's grades of the drawn queries alone, each of which is judged, in its own order."""
    drawn = set(correction.drawn)
    ordered = dict.fromkeys([*(q for q in comparison_set.queries if q in drawn), *correction.drawn])
    grades = {query_id: correction.people.of(query_id) for query_id in ordered}
    return replace(
        comparison_set,
        qrels=Qrels(grades, tokens=comparison_set.qrels.tokens),
        judged_by="human",
        correction=None,
    )


def _why_indication(comparison_set: ComparisonSet, purpose: str) -> str | None:
    """Return why nothing is recommended or guaranteed, with why people's grades of a draw correct nothing.

    Where a draw waits for grades of people, the reason has the command for a purpose, ``depth`` or ``threshold``.
    """
    why, withheld = why_indication(comparison_set.judged_by), comparison_set.withheld
    if why is None:
        return None
    if withheld is not None:
        return f"{why}. {withheld.removesuffix('.')}"
    if comparison_set.correction is None and comparison_set.to_decide:
        return (
            f"{why}; people's grades of the {comparison_set.to_decide} drawn queries decide (evalkit judge rate CONFIG"
            f" --for {purpose})"
        )
    return why


def _missing_of_people(comparison_set: ComparisonSet, depth: int) -> str | None:
    """Return which judgments of people alone are missing; None for files of qrels, and where none is."""
    if not comparison_set.from_records:
        return None
    grades = comparison_set.qrels
    queries = number_of(len(grades.grades), "judged query", "judged queries")
    return _unjudged_candidates(comparison_set, depth, tuple(grades.grades), grades, queries)


def _unjudged_candidates(
    comparison_set: ComparisonSet, depth: int, query_ids: Collection[str], people: Qrels, queries: str
) -> str | None:
    """Return how many candidates of some queries people have judged, with the command; None if it is all of them."""
    candidates = first_stage_run(comparison_set).cut(depth)
    asked = [(query_id, doc_id) for query_id in query_ids for doc_id in candidates.docs(query_id)]
    missing = len(_ungraded(asked, people))
    if not missing:
        return None
    return (
        f"people have judged {len(asked) - missing:,} of {len(asked):,} candidates of the {queries}"
        " (evalkit judge rate CONFIG --for threshold)"
    )


def _pairs(pool: Mapping[str, Collection[str]], query_ids: Iterable[str]) -> _Pairs:
    return [(query_id, doc_id) for query_id in query_ids for doc_id in pool.get(query_id, ())]


def _ungraded(pairs: _Pairs, grades: Qrels) -> _Pairs:
    return [(query_id, doc_id) for query_id, doc_id in pairs if doc_id not in grades.of(query_id)]
