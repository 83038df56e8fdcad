"""Check queries that share an id with a document: the same text, or ids that are equal by chance."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.dataset_checks.check_input import CheckInput, best_possible_fall, changed_means
from evalkit.dataset_checks.findings import DataFinding, Severity, first
from evalkit.plurals import number_of
from evalkit.text_analysis import normal_form


def same_ids(data: CheckInput) -> Iterator[DataFinding]:
    """Find queries with the id of a document, and report how excluding these documents changes the means."""
    corpus = data.dataset.corpus
    shared = [query for query in data.dataset.queries if query.query_id in corpus]
    if not shared:
        return
    barred = data.dataset.origin.exclude_same_id
    ids = {query.query_id for query in shared}
    same = sum(normal_form(query.text) == normal_form(corpus.text(query.query_id)) for query in shared)
    relevant = [q for q in ids if data.qrels.of(q).get(q, 0) > 0]
    by_chance = not same
    severity: Severity = "note"
    if (barred and relevant) or (not barred and same):
        severity = "warning"
    yield DataFinding(
        data.name,
        "same_ids",
        severity,
        f"{number_of(len(shared), 'query has', 'queries have')} the id of a document; {same} of these"
        " documents contain the query text; these documents are"
        f" {'excluded from' if barred else 'allowed as'} candidates",
        {"queries": len(shared), "same_text": same, "relevant": len(relevant), "barred": int(barred)},
        first(sorted(relevant) or sorted(ids)),
        _effect(data, ids, relevant, barred=barred),
        _remedy(barred=barred, by_chance=by_chance),
    )


def _effect(data: CheckInput, ids: set[str], relevant: list[str], *, barred: bool) -> str:
    parts = [f"{number_of(len(relevant), 'of these pairs is', 'of these pairs are')} judged relevant"]
    if barred and relevant:
        parts[0] += " and cannot be found: " + best_possible_fall(
            data, lambda q, d: not (q == d and q in ids)
        )
    if data.candidates is not None and data.alternative_candidates is not None:
        runs = (data.alternative_candidates, data.candidates)
        unrestricted, restricted = (data.means(run) for run in (runs if barred else runs[::-1]))
        moved = changed_means(unrestricted, restricted)
        parts.append(
            f"excluding them changes the first stage: {moved}"
            if moved
            else "the means of the first stage do not change"
        )
    return "; ".join(parts)


def _remedy(*, barred: bool, by_chance: bool) -> str:
    if by_chance:
        return (
            "set exclude_same_id: false, because the ids agree only by chance"
            if barred
            else "no action needed; the ids agree only by chance"
        )
    return "no action needed; a query should not retrieve itself" if barred else "set exclude_same_id: true"
