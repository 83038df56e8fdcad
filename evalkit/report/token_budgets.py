"""Budgets of tokens in a report: how much of each list fits, and warnings on values that are not exact."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.report.cautions import Caution
from evalkit.report.numbers import NO_VALUE, value_text
from evalkit.report.table import Table
from evalkit.results.manifest import Manifest
from evalkit.results.summary_document import Summary
from evalkit.results.token_budget_rows import TokenBudgetRow

_HASH_DIGITS = 12


def token_budget_lines(manifest: Manifest) -> list[str]:
    """Return the sentence on the tokenizer; none where no metric has a budget."""
    used = manifest.tokenizer
    if used is None:
        return []
    text = (
        f"Token budgets: counted with {used.name} (sha256 {used.sha256[:_HASH_DIGITS]}). A list ends before the"
        " document with which its texts have more tokens than the budget."
    )
    return [text]


def token_budget_tables(summary: Summary) -> list[Table]:
    """Return the table of the lists that budgets of tokens end; no table without a budget."""
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            NO_VALUE if row.depth is None else str(row.depth),
            row.use.metric,
            value_text(row.use.mean_documents, ".1f"),
            value_text(row.use.mean_tokens, ".0f"),
            str(row.use.documents_left_out),
            f"{row.use.queries_cut} of {row.use.queries}",
            str(row.use.queries_without_documents),
            str(row.use.queries_with_bound),
        )
        for row in summary.token_budgets or ()
    )
    columns = (
        "dataset", "system", "depth", "metric", "documents that fit", "their tokens", "documents left out",
        "queries cut", "queries without documents", "queries with a bound",
    )  # fmt: skip
    note = (
        "Documents and tokens that fit: means over queries. Left out: the document that crosses the budget, and all"
        " after it. Queries without documents: the first document alone is longer than the budget. Queries with a"
        " bound: the ideal list is an upper bound, so that the value is a lower one."
    )
    return [Table("Token budgets", columns, cells, note, left=4)] if cells else []


def token_budget_cautions(summary: Summary) -> list[Caution]:
    """Return warnings, at the deepest depth, on first documents that do not fit and on ideal lists that are bounds."""
    deepest = {row.dataset: row.depth for row in summary.ceilings}
    rows = [row for row in summary.token_budgets or () if row.depth in {None, deepest[row.dataset]}]
    return [*_too_long(rows), *(one for row in rows for one in _bounds(row))]


def _too_long(rows: Sequence[TokenBudgetRow]) -> list[Caution]:
    """Return one warning for all systems and metrics of a dataset with the same budget."""
    budgets: dict[tuple[str, str], list[TokenBudgetRow]] = {}
    for row in rows:
        if row.use.queries_without_documents:
            budgets.setdefault((row.dataset, row.use.metric.rpartition("@")[2]), []).append(row)
    found = []
    for (dataset, _), concerned in budgets.items():
        counts = {
            row.reranker: f"{row.use.queries_without_documents} of {row.use.queries} queries"
            for row in concerned
        }
        metrics = " and ".join(dict.fromkeys(row.use.metric for row in concerned))
        text = (
            f"{dataset}: the first document alone is longer than the budget of {metrics} for"
            f" {', '.join(f'{count} of {system}' for system, count in counts.items())}. These queries count as 0."
        )
        found.append(Caution("figures", text, "Split long documents, or use a larger budget."))
    return found


def _bounds(row: TokenBudgetRow) -> list[Caution]:
    use = row.use
    if not use.queries_with_bound:
        return []
    text = (
        f"{row.dataset}: the ideal list of {use.metric} is an upper bound for {use.queries_with_bound} of {use.queries}"
        " queries, because a relevant document has no text or too many lists would have to be compared. The values"
        " are lower bounds."
    )
    return [
        Caution("figures", text, "Use R at the same budget, which has no ideal list, where this matters.")
    ]
