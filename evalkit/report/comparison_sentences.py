"""Comparisons as sentences: findings, the power of a test, and cautions."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.comparison import Comparison, Plan
from evalkit.comparison.looks import confidence_at
from evalkit.comparison.plan import INCOMPLETE, JUDGE_INCOMPLETE, JUDGE_ONLY, MIXED, SYNTHETIC
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.comparison.unjudged_documents import SHARES_APART
from evalkit.plurals import queries_of
from evalkit.report.cautions import Caution
from evalkit.report.manifest_command import PLACEHOLDER
from evalkit.report.numbers import Figure, change_text, difference_text, level_text, p_text
from evalkit.report.run_coverage import coverage_cautions
from evalkit.report.undecided import reason
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.stats import MIN_QUERIES

FEW_JUDGED = 0.8
"""Share of judged documents below which a warning is given."""
VERDICT_WORDS = {
    "better": "better",
    "worse": "worse",
    "not told apart": "not significant",
    "identical": "identical",
    "too few queries": "too few queries",
    "undecided: failed queries": "undecided",
    "undecided: missing queries": "undecided",
    "undecided: unknown values": "undecided",
    "undecided: unjudged documents": "undecided",
    "undecided: cached scores": "undecided",
    JUDGE_ONLY: "undecided: judge only",
    MIXED: "undecided: mixed judgments",
    INCOMPLETE: "undecided: human sample incomplete",
    JUDGE_INCOMPLETE: "undecided: judge incomplete",
    SYNTHETIC: "undecided: synthetic queries",
}
"""Verdict in ``comparisons.json`` -> the words that people read."""
_CLAUSES = {
    "better": "ranks better than {baseline}",
    "worse": "ranks worse than {baseline}",
    "not told apart": "shows no significant difference from {baseline}",
    "identical": "equals {baseline} on every query",
    "too few queries": f"against {{baseline}}, without a verdict as it has fewer than {MIN_QUERIES} queries",
    "undecided: failed queries": "against {baseline}, undecided because of failed queries",
    "undecided: missing queries": "against {baseline}, undecided because of missing queries",
    "undecided: unknown values": "against {baseline}, undecided because of unknown values",
    "undecided: unjudged documents": "against {baseline}, undecided because of unjudged documents",
    "undecided: cached scores": "against {baseline}, undecided because of cached scores",
    JUDGE_ONLY: "against {baseline}, undecided because models gave all judgments",
    MIXED: "against {baseline}, undecided because models gave some of the judgments",
    INCOMPLETE: "against {baseline}, undecided because the human sample is incomplete",
    JUDGE_INCOMPLETE: "against {baseline}, undecided because the judge's grades are incomplete",
    SYNTHETIC: "against {baseline}, undecided because a model wrote most of the queries",
}


def findings(compared: Comparisons, config: str = PLACEHOLDER) -> list[str]:
    """Return a sentence for each dataset and contender, and one for all datasets together.

    Parameters
    ----------
    compared
        Content of ``comparisons.json``.
    config
        The configuration, as the commands in sentences name it.
    """
    sentences = []
    for entry in compared.datasets:
        sentences += [
            _sentence(one, compared) + (f" {reason(one, entry, config)}" if one.undecided else "")
            for one in entry.comparisons
            if one.n
        ]
    return sentences + [_sentence(one, compared) for one in compared.pooled]


def _sentence(one: Comparison, compared: Comparisons) -> str:
    clause = _CLAUSES[one.verdict].format(baseline=one.baseline)
    several = sum(row.is_tested for entry in compared.datasets for row in entry.comparisons) > 1
    adjusted = f", {'adjusted ' if several else ''}{_p_equals(one.p_adjusted)}"
    if one.undecided or one.verdict in {"identical", "too few queries"}:
        adjusted = ""
    if not one.has_evidence:
        return f"{one.dataset}: {one.contender} {clause}, {queries_text(one)}."
    gain = gain_text(one, compared.plan)
    sentence = f"{one.dataset}: {one.contender} {clause}: {gain}, {queries_text(one)}{adjusted}."
    if one.verdict == "not told apart" and one.detectable is not None:
        sentence += f" {detectable_text(one)}"
    if one.fragile:
        sentence += " The sign-flip test and Student's t test disagree, so treat it as uncertain."
    return sentence


def _p_equals(p: float | None) -> str:
    text = p_text(p)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def gain_text(one: Comparison, plan: Plan) -> str:
    """Return the difference with its simultaneous interval, such as ``+0.09 nDCG@10 (95 % CI 0.03 to 0.15)``."""
    text = difference_text(one.joint_change)
    enlarged = 0 if one.corrected is None else one.corrected.enlarged
    level = f"{level_text(confidence_at(plan.confidence, enlarged))} CI"
    if not isinstance(text, Figure) or not text.bounds:
        return f"{text} {one.metric}"
    return f"{text.alone} {one.metric} ({level} {text.bounds})"


def queries_text(one: Comparison) -> str:
    """Return the number of queries, and of clusters where they are not independent."""
    basis = "" if one.corrected is None else f" judged by people, {one.corrected.text}"
    return f"{_counted(one)}{basis}"


def _counted(one: Comparison) -> str:
    clusters = "" if one.clusters is None else f" in {one.clusters} clusters"
    return f"{queries_of(one.n)}{clusters}"


def detectable_text(one: Comparison) -> str:
    """Return a sentence on the power of the test."""
    return f"With {_counted(one)} this test detects a difference of {one.detectable:.3f} with 80 % power."


def cautions(compared: Comparisons, named: Mapping[tuple[str, str], str] | None = None) -> list[Caution]:
    """Return warnings on unjudged documents, on queries that one system does not rank, and on ties.

    `named` has, for dataset and system, the first queries that its file lacks, where they are known.
    """
    found: list[Caution] = []
    for entry in compared.datasets:
        found += _relevant_only(entry)
        found += coverage_cautions(entry, named)
        found += [_unranked(entry, one) for one in entry.comparisons if _unexplained(one)]
        found += [*_unjudged(entry), *_tie_ranges(entry, compared.plan.margin)]
    return found


def _relevant_only(entry: DatasetComparisons) -> list[Caution]:
    if not entry.relevant_only:
        return []
    text = f"{entry.dataset}: the judgments list relevant documents only. Verdicts hold if all others are not relevant."
    hint = "Judge a sample of the unjudged documents"
    if not entry.of_files:
        hint += ", or set `unjudged: not_relevant` if all others are not relevant"
    return [Caution("verdict", text, f"{hint}.")]


def _unexplained(one: Comparison) -> int:
    """Return how many queries have a ranking from only one system, without those that a file lacks."""
    return max(0, one.unranked - one.baseline_missing - one.contender_missing)


def _unranked(entry: DatasetComparisons, one: Comparison) -> Caution:
    count = _unexplained(one)
    text = (
        f"{entry.dataset}: {queries_of(count)} {'has' if count == 1 else 'have'} a ranking from only one of"
        f" {one.contender} and {one.baseline}, and {'counts' if count == 1 else 'count'} as 0 for the other."
    )
    return Caution("verdict", text, "Add the missing rankings, or remove these queries from the judgments.")


def _unjudged(entry: DatasetComparisons) -> list[Caution]:
    """Return one warning on the systems of a dataset of which few documents are judged, or shares differ."""
    few = [one for one in entry.sensitivity if _is_unjudged(one)]
    if not few or entry.unjudged != "unknown":
        return []
    shares = {one.contender: one.judged_contender for one in few} | {few[0].baseline: few[0].judged_baseline}
    text = (
        f"{entry.dataset}: few of the first {few[0].cutoff} documents are judged, or shares differ:"
        f" {', '.join(f'{name} {share:.0%}' for name, share in shares.items())}."
    )
    if len(few) == 1 and few[0].tipping_of:
        text += f" {reversal_sentence(few[0])}"
    if not min(shares.values()):
        return [
            Caution("verdict", text, "Check that the judgments and all systems have the same document ids.")
        ]
    return [Caution("verdict", text, "Judge more of these documents, then rerun.")]


def _is_unjudged(one: Sensitivity) -> bool:
    shares = one.judged_baseline, one.judged_contender
    return abs(shares[0] - shares[1]) > SHARES_APART or min(shares) < FEW_JUDGED


def reversal_sentence(one: Sensitivity) -> str:
    """Return how many unjudged documents would reverse the ranking if they were relevant."""
    if one.tipping is None:
        return f"The ranking would not reverse even if all {one.tipping_of} unjudged documents were relevant."
    return f"The ranking would reverse if {one.tipping} of {one.tipping_of} unjudged documents were relevant."


def _tie_ranges(entry: DatasetComparisons, margin: float) -> list[Caution]:
    """Return one warning on the differences of a dataset that depend on the order of equal scores."""
    ranges = [
        f"{one.contender} {change_text(one.tied_low)} to {change_text(one.tied_high)}"
        for one in entry.sensitivity
        if one.tied_low is not None
        and one.tied_high is not None
        and one.tied_high - one.tied_low > margin / 2
    ]
    if not ranges:
        return []
    baseline = entry.sensitivity[0].baseline
    text = (
        f"{entry.dataset}: many scores are equal. Depending on the order of equal scores, differences to {baseline}"
        " are:"
        f" {', '.join(ranges)}."
    )
    return [Caution("verdict", text, "If an API gave these scores, check whether it rounds them.")]
