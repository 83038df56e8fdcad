"""Check judgments: missing documents, unanswerable and unjudged queries, number of queries, and grades."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from evalkit.dataset_checks.check_input import CheckInput, best_possible_fall
from evalkit.dataset_checks.findings import DataFinding, first
from evalkit.plurals import number_of
from evalkit.records import RELEVANT_GRADE, grade_text, shown_grade
from evalkit.records.qrels import EXCLUDED_GRADE
from evalkit.stats import MIN_QUERIES

ID_MISMATCH = 0.5
"""Above this share of relevant judgments of missing documents, the ids do not match: an error."""


HIGHEST_USUAL_GRADE = 10
"""Judges use scales of 2 to 11 grades; above this grade, numbers are counts of something."""
_MOST_LISTED = 12
"""Most different grades of which each is listed."""


def missing_documents(data: CheckInput) -> Iterator[DataFinding]:
    """Find judgments of documents that are not in the corpus."""
    corpus, grades = data.dataset.corpus, data.qrels.grades
    missing = [(q, d, g) for q, docs in grades.items() for d, g in docs.items() if d not in corpus]
    if not missing:
        return
    relevant = [row for row in missing if row[2] > 0]
    all_relevant = sum(g > 0 for docs in grades.values() for g in docs.values())
    ids_mismatch = len(relevant) > ID_MISMATCH * all_relevant
    counts = {
        "judgments": len(missing),
        "documents": len({d for _, d, _ in missing}),
        "relevant": len(relevant),
        "all_relevant": all_relevant,
        "queries": len({q for q, _, _ in relevant}),
    }
    what = (
        f"{number_of(len(missing), 'judgment')} of {data.qrels.count()} for documents that are not in"
        " the corpus"
    )
    found = f"{len(relevant)} of {all_relevant} relevant ones cannot be found: "
    yield DataFinding(
        data.name,
        "missing_documents",
        "error" if ids_mismatch else "warning" if relevant else "note",
        what,
        counts,
        first(dict.fromkeys(d for _, d, _ in missing)),
        found + best_possible_fall(data, lambda _, doc: doc in corpus)
        if relevant
        else "none of them is relevant",
        "check that judgments and corpus have the same version and the same ids"
        if ids_mismatch
        else "use the complete corpus; with a part of it, compare every value with the best possible value",
    )


def unanswerable_queries(data: CheckInput) -> Iterator[DataFinding]:
    """Find judged queries without a relevant document."""
    unanswerable = data.qrels.unanswerable
    if not unanswerable:
        return
    judged = len(data.qrels.grades)
    nothing_left = len(unanswerable) == judged
    yield DataFinding(
        data.name,
        "unanswerable_queries",
        "error" if nothing_left else "note",
        f"{number_of(len(unanswerable), 'query', 'queries')} of {judged} with judgments but without a"
        " relevant document",
        {"queries": len(unanswerable), "judged_queries": judged},
        first(unanswerable),
        "no mean can be computed" if nothing_left else "they are reranked, but excluded from all means",
        "check the grades; a grade above 0 means relevant",
    )


def few_queries(data: CheckInput) -> Iterator[DataFinding]:
    """Report too few queries for verdicts, gates or tuning."""
    judged = len(data.qrels.grades) - len(data.qrels.unanswerable)
    if 0 < judged < 2 * MIN_QUERIES:
        choices = (
            f"no tuning of depth or threshold, which requires {2 * MIN_QUERIES} queries (half to tune,"
            " half held out)"
        )
        yield DataFinding(
            data.name,
            "few_queries",
            "warning" if judged < MIN_QUERIES else "note",
            f"{number_of(judged, 'query', 'queries')} with a relevant document",
            {"queries": judged, "least": MIN_QUERIES},
            (),
            f"no verdicts and no gates, which require {MIN_QUERIES} queries, and {choices}"
            if judged < MIN_QUERIES
            else choices,
            "judge more queries; a few hundred detect differences of 0.02 to 0.05",
        )


def unjudged_queries(data: CheckInput) -> Iterator[DataFinding]:
    """Report queries that the dataset leaves out because they have no judgments."""
    count = data.dataset.origin.counts.get("unjudged_queries_left_out", 0)
    if count:
        judged = len(data.qrels.grades)
        yield DataFinding(
            data.name,
            "unjudged_queries",
            "note",
            f"{number_of(count, 'query', 'queries')} without judgments ({judged} have some)",
            {"queries": count, "judged_queries": judged},
            (),
            "they are neither reranked nor included in means",
            "judge them, unless they belong to another split",
        )


def queries_without_text(data: CheckInput) -> Iterator[DataFinding]:
    """Report judged queries that the dataset leaves out because they have no text."""
    count = data.dataset.origin.counts.get("judged_queries_without_text", 0)
    if count:
        queries = len(data.qrels.grades)
        yield DataFinding(
            data.name,
            "judged_queries_without_text",
            "warning",
            f"{number_of(count, 'judged query', 'judged queries')} without text ({queries} have one)",
            {"queries": count, "queries_with_text": queries},
            (),
            "they are in no mean, so values differ from published ones over all judged queries",
            "use the complete queries, or compare only systems that were evaluated on the same queries",
        )


def excluded_documents(data: CheckInput) -> Iterator[DataFinding]:
    """Report documents that are never candidates of a query."""
    excluded = data.dataset.excluded
    if excluded:
        count = sum(map(len, excluded.values()))
        missing = sum(doc_id not in data.dataset.corpus for docs in excluded.values() for doc_id in docs)
        queries = number_of(len(excluded), "query", "queries")
        how = f"by grade {EXCLUDED_GRADE} or a list of the source"
        yield DataFinding(
            data.name,
            "excluded_documents",
            "note",
            f"{number_of(count, 'document')} excluded for {queries} ({how})",
            {"documents": count, "queries": len(excluded), "not_in_corpus": missing},
            first(excluded),
            "they are never candidates of these queries, and are removed from the runs of other engines",
            f"no action needed; if grade {EXCLUDED_GRADE} means not relevant in your data, use 0 instead",
        )


def ungraded(data: CheckInput) -> Iterator[DataFinding]:
    """Report judgments without a grade, which count as relevant."""
    count = data.dataset.origin.counts.get("judgments_without_grade", 0)
    if count:
        yield DataFinding(
            data.name,
            "ungraded_judgments",
            "note",
            f"{number_of(count, 'judgment')} without a grade",
            {"judgments": count},
            (),
            "every judged document counts as relevant",
            "no action needed if the source lists only relevant documents; else name the column of the grade",
        )


def unusual_grades(data: CheckInput) -> Iterator[DataFinding]:
    """Report grades below 0, which mean not relevant, and grades that look like counts."""
    counts = Counter(g for docs in data.qrels.grades.values() for g in docs.values())
    negative = {grade: counts[grade] for grade in sorted(counts) if grade < 0}
    if negative:
        judgments = sum(negative.values())
        yield DataFinding(
            data.name,
            "negative_grades",
            "note",
            f"{number_of(judgments, 'judgment')} with a grade below 0 ({', '.join(map(shown_grade, negative))})",
            {"judgments": judgments, "lowest": min(negative)},
            (),
            "a grade below 0 means not relevant, as 0 does: no metric gives it less than 0",
            f"no action needed; to keep a document out of the lists of a query, use the grade {EXCLUDED_GRADE}",
        )
    high = {grade: counts[grade] for grade in sorted(counts) if grade > HIGHEST_USUAL_GRADE}
    if high:
        top, judgments = shown_grade(max(high)), sum(high.values())
        yield DataFinding(
            data.name,
            "high_grades",
            "warning",
            f"{number_of(judgments, 'judgment')} with a grade above {HIGHEST_USUAL_GRADE} (highest: {top})",
            {"judgments": judgments, "highest": max(high)},
            (),
            f"they look like counts, not grades; in nDCG a document of grade {top} has {top} times the weight of one"
            " of grade 1",
            "map counts, such as clicks, to a few grades, for instance 0 to 3",
        )


def grades(data: CheckInput) -> Iterator[DataFinding]:
    """Report the number of judgments per grade, and which metrics use the grades."""
    counts = Counter(g for docs in data.qrels.grades.values() for g in docs.values())
    if not counts:
        return
    highest = max(counts)
    if highest <= 0:
        return  # `unanswerable_queries` reports this
    yield from _out_of_reach(data, highest)
    listed = _listed(counts)
    graded = [m.label for m in data.metrics if not m.binary]
    binary = [f"{m.label} counts grades from {m.rel}" for m in data.metrics if m.binary]
    is_binary = highest == 1 and all(grade == int(grade) for grade in counts)
    if is_binary:
        effect = "both forms of nDCG (dcg='log2', 'exp-log2') give the same values"
    else:
        top = (
            f"grade {shown_grade(highest)} has {highest:.6g} times the weight of grade 1 in nDCG,"
            f" {2.0**highest - 1:.6g} times with 'exp-log2'"
        )
        sees = f"{', '.join(graded)} uses the grades" if graded else "no metric uses the grades"
        effect = "; ".join([sees, *binary, top])
    yield DataFinding(
        data.name,
        "grades",
        "note",
        f"{'binary' if is_binary else 'graded'} judgments: {listed}",
        {f"grade_{grade_text(grade)}": counts[grade] for grade in sorted(counts)},
        (),
        effect,
        "set rel if grade 1 is not good enough, e.g. MRR(rel=2)@10" if highest > 1 else "no action needed",
    )


def _listed(counts: Mapping[float, int]) -> str:
    """Return the number of judgments of each grade, or the range of many different grades."""
    if len(counts) <= _MOST_LISTED:
        return ", ".join(
            f"{counts[grade]} of grade {shown_grade(grade)}" for grade in sorted(counts, reverse=True)
        )
    relevant = sum(count for grade, count in counts.items() if grade >= RELEVANT_GRADE)
    return (
        f"{len(counts)} different grades from {shown_grade(min(counts))} to {shown_grade(max(counts))};"
        f" {relevant} of {sum(counts.values())} of {RELEVANT_GRADE} or more"
    )


def _out_of_reach(data: CheckInput, highest: float) -> Iterator[DataFinding]:
    """Find metrics whose threshold no judgment reaches."""
    for metric in data.metrics:
        if metric.binary and metric.rel > highest:
            yield DataFinding(
                data.name,
                "rel_above_grades",
                "error",
                f"{metric.label} counts grades from {metric.rel}, but the highest grade is {shown_grade(highest)}",
                {"rel": metric.rel, "highest_grade": highest},
                (),
                f"{metric.label} is 0 for every query of every system",
                f"lower rel to {math.floor(highest)} or less"
                if highest >= 1
                else "multiply all grades so that 1 or more means relevant",
            )


def only_relevant(data: CheckInput) -> Iterator[DataFinding]:
    """Report judgments that contain only relevant documents."""
    lowest = min((g for docs in data.qrels.grades.values() for g in docs.values()), default=0)
    if lowest >= RELEVANT_GRADE:
        per_query = data.qrels.count() / len(data.qrels.grades)
        yield DataFinding(
            data.name,
            "only_relevant_judged",
            "note",
            f"only relevant documents are judged ({per_query:.1f} per query)",
            {"judgments": data.qrels.count(), "queries": len(data.qrels.grades)},
            (),
            "all other documents count as not relevant, although nothing is known about them: values"
            " tend to be too low, and Judged@n does not measure how many candidates were judged",
            "use the values only to compare systems, and judge a sample of the retrieved documents",
        )
