"""How passages were made, and what each rule of combining their scores gives, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.report.judged_by import rests_on_text
from evalkit.report.numbers import NO_VALUE, difference_text, interval_text, level_text
from evalkit.report.table import Table
from evalkit.results.passage_rows import PassageSummary


def passage_tables(passages: Sequence[PassageSummary] | None, confidence: float) -> list[Table]:
    """Return the table of the rules and that of the passages; empty without passages."""
    return [rules_table(passages, confidence), _made_table(passages)] if passages else []


def rules_table(passages: Sequence[PassageSummary], confidence: float) -> Table:
    """Return the primary metric of every reranker under every rule.

    Parameters
    ----------
    passages
        The passages of each dataset.
    confidence
        Confidence level of the intervals.
    """
    rows = [row for one in passages for row in one.rules]
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            row.rule,
            interval_text(row.mean),
            "configured" if row.difference is None else difference_text(row.difference),
            str(row.mean.n),
        )
        for row in rows
    )
    metric = rows[0].metric if rows else "mean"
    columns = ("dataset", "reranker", "combine", metric, "difference", "queries")
    note = (
        f"Computed from the recorded scores of passages; means with {level_text(confidence)} intervals. Difference:"
        f" paired, to the configured rule; the intervals of all differences hold together at {level_text(confidence)}."
        " The mean of the rule that is chosen here is optimistic: check the rule on other queries."
    )
    for one in passages:
        note += rests_on_text(one.rests_on)
        if one.why_not is not None:
            note += f" {one.dataset}: no rule is recommended: {one.why_not}."
    return Table("Rules of combining passage scores", columns, cells, note, left=3, keys=3)


def _made_table(passages: Sequence[PassageSummary]) -> Table:
    cells = tuple(
        (
            one.dataset,
            one.facts.tokenizer,
            one.facts.tokenizer_sha256[:12],
            str(one.facts.tokens),
            str(one.facts.overlap),
            str(one.facts.documents),
            str(one.facts.passages),
            NO_VALUE if one.facts.per_document is None else f"{one.facts.per_document:.1f}",
            str(one.facts.most_per_document),
            f"{one.sent[-1]:.1f}" if one.sent else NO_VALUE,
        )
        for one in passages
    )
    columns = (
        "dataset", "tokenizer", "sha256", "tokens", "overlap", "documents", "passages", "passages per document",
        "most", "passages per query",
    )  # fmt: skip
    note = (
        "Documents: different candidates up to the deepest depth. Numbers of documents in calls, batch sizes and"
        " latencies count passages. Latency and cost at a number of candidates are those of as many passages as these"
        " candidates have on average."
    )
    return Table("Passages", columns, cells, note, left=3)
