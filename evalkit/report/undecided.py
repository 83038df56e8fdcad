"""Why a verdict was withheld, as sentences, and the documents whose judgments would decide it."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.comparison import MISSING, UNKNOWN, Comparison
from evalkit.comparison.plan import INCOMPLETE, JUDGE_INCOMPLETE, JUDGE_ONLY, MIXED, SYNTHETIC
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.comparison.unjudged_documents import confirmed, shares_apart
from evalkit.plurals import documents_of_queries, queries_of
from evalkit.report.numbers import short_text
from evalkit.report.run_coverage import missing_remedy, missing_sentence
from evalkit.report.table import Table
from evalkit.results.comparison_document import Comparisons, DatasetComparisons, ToAskJudge

CACHED = (
    "Its scores are not from calls of its run, and nothing proves which model gave them. Score it again with"
    " --refresh."
)
INDICATIONS: Mapping[str, str] = {
    JUDGE_ONLY: "Judge only (indication): grades of models may favour a system by more than this difference, however"
    " many they are.",
    MIXED: "Judge grades included (indication): grades of models may favour a system by more than this difference.",
    SYNTHETIC: "Synthetic queries (indication): questions that a model writes from a document repeat its words, which"
    " favours some systems. People ask other questions.",
}
"""Verdict that rests on grades or queries of models -> why it is no verdict."""
NAMED = 3
"""Number of documents to judge that a sentence names."""
_LISTED = 1000
"""Number of documents to judge that a table lists."""


def incomplete_text(entry: DatasetComparisons, config: str = "CONFIG") -> str:
    """Return what people still have to judge of the human sample."""
    rate = f"evalkit judge rate {config} --sample-only"
    if entry.to_rate is None:
        return f"People have not judged all documents of the human sample ({rate})."
    left = documents_of_queries(entry.to_rate.documents, entry.to_rate.queries)
    return (
        f"People still have to judge {left} of the human sample ({rate}). Queries that were skipped are not left out,"
        " as what people skip is not random."
    )


def judge_incomplete_text(left: ToAskJudge, config: str = "CONFIG") -> str:
    """Return for what the judge still has to be asked before people's grades can correct its own."""
    return (
        f"The judge has not been asked for {documents_of_queries(left.documents, left.queries)}"
        f" ({judge_command(left.judge, config)}). Its grades are used once it has answered for all of them."
    )


def judge_command(tag: str, config: str = "CONFIG") -> str:
    """Return the command that asks a judge for all documents that it has not answered for."""
    return f"evalkit judge run {config} --judge {tag}"


def indication_text(one: Comparison, entry: DatasetComparisons) -> str | None:
    """Return why grades of models carry no verdict, and why people's correct nothing; None for another verdict."""
    found = INDICATIONS.get(one.verdict)
    return found if found is None or entry.withheld is None else f"{found} {entry.withheld}"


def _fixed(one: Comparison, entry: DatasetComparisons, config: str) -> str | None:
    """Return why, where it does not depend on the figures of the comparison; None where it does."""
    if one.verdict == JUDGE_INCOMPLETE and entry.to_ask_judge is not None:
        return judge_incomplete_text(entry.to_ask_judge, config)
    if one.verdict == INCOMPLETE:
        return incomplete_text(entry, config)
    return CACHED if one.verdict == "undecided: cached scores" else indication_text(one, entry)


def reason(one: Comparison, entry: DatasetComparisons, config: str = "CONFIG") -> str:
    """Return why the comparison is undecided, in one or two sentences; `config` is the configuration, for commands."""
    fixed = _fixed(one, entry, config)
    if fixed is not None:
        return fixed
    if one.verdict == MISSING:
        unsure = "" if not one.has_evidence else " The result may change with these queries."
        return f"{missing_sentence(one, entry)}{unsure} {missing_remedy(entry)}"
    if one.verdict == UNKNOWN:
        return f"{_unknown(one)}{_tested(one, 'if they count against it')}."
    if one.verdict == "undecided: failed queries":
        return f"{_failed(one)}{_tested(one, _once(one))}. {_fix(one)}"
    found = _evidence(one, entry)
    return "" if found is None else f"{_shares(one, found)}{_consequence(one, found)} {_judge_first(entry)}"


def remedy(one: Comparison, entry: DatasetComparisons, config: str = "CONFIG") -> str:
    """Return the main figure and what to do, for a headline; `config` is the configuration, for commands."""
    fixed = _fixed(one, entry, config)
    if fixed is not None:
        return fixed
    if one.verdict == MISSING:
        return f"{missing_sentence(one, entry)} {missing_remedy(entry)}"
    if one.verdict == UNKNOWN:
        return f"{_unknown(one)}. Use a metric that every query has a value of."
    if one.verdict == "undecided: failed queries":
        return f"{_failed(one)}. {_fix(one)}"
    found = _evidence(one, entry)
    return "" if found is None else f"{_shares(one, found)}. {_judge_first(entry)}"


def _unknown(one: Comparison) -> str:
    return f"{one.metric} of {queries_of(one.left_out)} is known for only one system"


def _failed(one: Comparison) -> str:
    if one.left_out:
        verb = "has" if one.left_out == 1 else "have"
        return f"{queries_of(one.left_out)} {verb} no scores from one or both systems"
    if one.unranked == 1:
        return "1 query has a ranking from only one system and counts as 0 for the other"
    return f"{one.unranked} queries have a ranking from only one system and count as 0 for the other"


def _tested(one: Comparison, how: str) -> str:
    """Return that a test with these queries shows nothing; of a corrected difference there is no such test."""
    if one.corrected is None:
        return f", and the result is not significant {how}"
    return ", and a corrected difference has no test that counts them"


def _once(one: Comparison) -> str:
    return "if they count against it" if one.left_out else "without them"


def _fix(one: Comparison) -> str:
    if one.left_out:
        return "Fix the cause in failures.jsonl and resume the run."
    return "Add the missing rankings, or leave these queries out of the judgments."


def _evidence(one: Comparison, entry: DatasetComparisons) -> Sensitivity | None:
    return next((row for row in entry.sensitivity if row.contender == one.contender), None)


def _shares(one: Comparison, found: Sensitivity) -> str:
    return (
        f"Of the first {found.cutoff} documents, {found.judged_contender:.0%} are judged for {one.contender} and"
        f" {found.judged_baseline:.0%} for {one.baseline}"
    )


def _consequence(one: Comparison, found: Sensitivity) -> str:
    """Return what makes the verdict unsure, as the rest of a sentence."""
    if found.reversal is None:
        return ". With such different shares, the systems may differ although no difference is significant."
    if shares_apart(found) and not confirmed(one, found):
        return (
            ". If unjudged documents are relevant as often as judged ones, the ranking reverses with probability"
            f" {found.reversal:.2f}."
        )
    return ". The judged documents alone do not confirm the result."


def _judge_first(entry: DatasetComparisons) -> str:
    first = ", ".join(f"{row.query_id}/{row.doc_id}" for row in entry.to_judge[:NAMED])
    left = len(entry.to_judge) - NAMED
    more = f", and {left} more in the table of documents to judge" if left > 0 else ""
    return f"Judge first (query/document): {first}{more}."


def assumption(entry: DatasetComparisons) -> str:
    """Return a sentence on judgments that list relevant documents only; empty for others."""
    if not entry.relevant_only:
        return ""
    return " The judgments list relevant documents only: this holds if all others are not relevant."


def to_judge_tables(compared: Comparisons) -> list[Table]:
    """Return the documents to judge for each dataset with an undecided comparison."""
    return [_to_judge(entry) for entry in compared.datasets if entry.to_judge]


def _to_judge(entry: DatasetComparisons) -> Table:
    rows = tuple(
        (row.query_id, short_text(row.text), row.doc_id, ", ".join(row.systems), str(row.rank))
        for row in entry.to_judge[:_LISTED]
    )
    left = len(entry.to_judge) - len(rows)
    note = (
        "Unjudged documents of the undecided comparisons, best rank first. Add their judgments to the dataset and run"
        " again: stored scores are reused."
    )
    if left:
        note += f" {left} more are in comparisons.json."
    columns = ("query", "query text", "document", "ranked by", "best rank")
    table = Table(f"{entry.dataset}: documents to judge", columns, rows, note, left=4, dataset=entry.dataset)
    return table.without_empty_columns()
