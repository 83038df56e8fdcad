"""Why a verdict was withheld, as sentences, and the documents whose judgments would decide it."""

from __future__ import annotations

from evalkit.comparison import Comparison
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.comparison.unjudged_documents import SHARES_APART
from evalkit.report.table import Table
from evalkit.results.comparison_document import Comparisons, DatasetComparisons

NAMED = 5
"""Number of documents to judge that a sentence names."""
_LISTED = 1000
"""Number of documents to judge that a table lists."""


def reason(one: Comparison, entry: DatasetComparisons) -> str:
    """Return why the comparison is undecided, in one or two sentences."""
    if one.verdict == "undecided: failed queries":
        return (
            f"{one.left_out} queries have no scores from one of the two systems, and the result changes if they count"
            " against it. Fix the cause in failures.jsonl and resume the run."
        )
    found = next((row for row in entry.sensitivity if row.contender == one.contender), None)
    first = ", ".join(f"{row.query_id}/{row.doc_id}" for row in entry.to_judge[:NAMED])
    if found is None:
        return ""
    listed = f"{_coverage(one, found)} Judge first (query/document): {first}"
    left = len(entry.to_judge) - NAMED
    return f"{listed}; the table of documents to judge lists {left} more." if left > 0 else f"{listed}."


def _coverage(one: Comparison, found: Sensitivity) -> str:
    shares = (
        f"{found.judged_contender:.0%} of {one.contender}'s first {found.cutoff} documents are judged and"
        f" {found.judged_baseline:.0%} of {one.baseline}'s"
    )
    if abs(found.judged_contender - found.judged_baseline) > SHARES_APART:
        return f"{shares}; the judged documents alone do not confirm the result."
    return (
        f"{shares}; if unjudged documents are relevant as often as judged ones, the sign reverses with probability"
        f" {found.reversal or 0.0:.2f}."
    )


def assumption(entry: DatasetComparisons) -> str:
    """Return a sentence on judgments that list relevant documents only; empty for others."""
    if not entry.relevant_only:
        return ""
    return " The judgments list relevant documents only: this holds if every other document is not relevant."


def to_judge_tables(compared: Comparisons) -> list[Table]:
    """Return the documents to judge for each dataset with an undecided comparison."""
    return [_to_judge(entry) for entry in compared.datasets if entry.to_judge]


def _to_judge(entry: DatasetComparisons) -> Table:
    rows = tuple(
        (row.query_id, row.doc_id, ", ".join(row.systems), str(row.rank)) for row in entry.to_judge[:_LISTED]
    )
    left = len(entry.to_judge) - len(rows)
    note = (
        "Unjudged documents of the undecided comparisons, best rank first. Add their judgments to the dataset and run"
        " again: stored scores are reused."
    )
    if left:
        note += f" {left} more are in comparisons.json."
    columns = ("query", "document", "ranked by", "best rank")
    return Table(f"{entry.dataset}: documents to judge", columns, rows, note, left=3)
