"""Columns of ``evalkit evaluate`` on budgets of tokens: the tokenizer, and the documents that did not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.metrics import Metric
from evalkit.metrics.budget_use import BudgetUse, budget_use
from evalkit.records import Qrels, Run
from evalkit.summaries.evaluation_rows import ALL, Row

TOKENIZER, SHA256 = "tokenizer", "tokenizer_sha256"
_USE = (
    "queries_cut",
    "documents_left_out",
    "mean_documents",
    "mean_tokens",
    "queries_without_documents",
    "queries_with_bound",
)
"""Fields of `BudgetUse` that are columns."""
COLUMNS = (TOKENIZER, SHA256, *_USE)
"""Null for metrics without a budget; the numbers also in rows of single queries and of levels."""


def with_budgets(rows: Sequence[Row], run: Run, qrels: Qrels, metrics: Sequence[Metric]) -> list[Row]:
    """Return rows with these columns, set in those of the run; as they are where no metric has a budget.

    Raises
    ------
    InputError
        If the length of a ranked document is unknown.
    """
    used = {one.label: budget_use(run, qrels, one) for one in metrics if one.budget_tokens is not None}
    if not used:
        return list(rows)
    return [
        {**row, **_columns(row, used.get(row["metric"]), qrels)} if row["run"] == run.tag else row
        for row in rows
    ]


def _columns(row: Row, use: BudgetUse | None, qrels: Qrels) -> dict[str, Any]:
    tokens = qrels.tokens
    if use is None or tokens is None:
        return dict.fromkeys(COLUMNS)
    of_all_queries = "query_id" not in row and row.get("level", ALL) == ALL
    numbers = {name: getattr(use, name) if of_all_queries else None for name in _USE}
    return {TOKENIZER: tokens.tokenizer, SHA256: tokens.sha256, **numbers}


def without_budgets(rows: Sequence[Row]) -> list[Row]:
    """Return rows without these columns, which a table has no room for."""
    return [{name: value for name, value in row.items() if name not in COLUMNS} for row in rows]


def budget_lines(rows: Sequence[Row]) -> list[str]:
    """Return sentences on the budgets, one for metrics of a run with the same numbers; none without a budget."""
    known = [row for row in rows if row.get(TOKENIZER) is not None]
    about = dict.fromkeys(
        f"Tokens: counted with {row[TOKENIZER]} (sha256 {row[SHA256]}). A list ends before the document with which its"
        " texts have more tokens than the budget."
        for row in known
    )
    counts: dict[tuple[str, str], list[str]] = {}
    for row in known:
        if row["queries_cut"] is not None:
            counts.setdefault((row["run"], _numbers(row)), []).append(row["metric"])
    return [*about, *(f"{run}, {' and '.join(labels)}: {text}." for (run, text), labels in counts.items())]


def _numbers(row: Mapping[str, Any]) -> str:
    parts = ["all documents fit"]
    if row["documents_left_out"]:
        parts = [
            f"in {row['queries_cut']} of {row['n']} queries, {row['documents_left_out']} documents do not fit"
        ]
    if row["mean_documents"] is not None:
        parts.append(
            f"on average {row['mean_documents']:.1f} documents with {row['mean_tokens']:.0f} tokens fit"
        )
    if row["queries_without_documents"]:
        parts.append(f"for {row['queries_without_documents']} queries not even the first document fits")
    if row["queries_with_bound"]:
        parts.append(
            f"for {row['queries_with_bound']} queries the ideal list is an upper bound, and the value a lower one"
        )
    return "; ".join(parts)
