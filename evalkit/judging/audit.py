"""The audit of a judge: its agreement with another rater, where it is biased, and whether it ranks systems alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.judging.agreement import Agreement, agreement
from evalkit.judging.common_grades import CommonGrades, at_least, common_grades
from evalkit.judging.judge_bias import BiasRow, PairTexts, bias_rows
from evalkit.judging.judge_worth import JudgeWorth, WorthPlan, judge_worth
from evalkit.judging.rater_grades import RaterGrades
from evalkit.judging.system_agreement import SystemAgreement, system_agreement
from evalkit.metrics import parse_metric
from evalkit.records import DocumentTokens, Run

DEFAULT_CUTOFF = 10
"""Documents of a query that a system brings, where the metric has no cutoff."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A judge compared with another rater on the pairs that both judged.

    Attributes
    ----------
    dataset
        Name of the dataset; empty for files alone.
    judge, reference
        Names of the raters.
    binary
        Grades of the reference from here on count as 1, others as 0, for the agreement and the bias; None for the
        grades as they are.
    only_judge, only_reference
        Pairs that one of them alone judged; they are left out.
    without_text
        Pairs whose document's text is not known; None without texts.
    agreement
        On the grades of pairs.
    cutoff
        Documents of a query that a system brings, for the bias by system.
    bias
        Mean differences, judge less reference.
    systems
        Agreement on systems, under each rater's own grades; None without runs.
    worth
        How much narrower an interval is with the judge; None where it is not asked for, or between two people.
    between_people
        Whether both raters are people.
    """

    dataset: str
    judge: str
    reference: str
    binary: float | None
    only_judge: int
    only_reference: int
    without_text: int | None
    agreement: Agreement
    cutoff: int
    bias: tuple[BiasRow, ...]
    systems: SystemAgreement | None
    worth: JudgeWorth | None = None
    between_people: bool = False


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """How to audit.

    Attributes
    ----------
    metric
        Metric that ranks the systems.
    binary
        See `Audit`.
    confidence
        Two-sided confidence level of the intervals.
    seed
        Seed of the bootstrap.
    tokens
        Lengths of documents, for a metric at a budget of tokens; None where they are unknown.
    worth
        What a judge's worth is about; None where it is not asked for.
    """

    metric: str = "nDCG@10"
    binary: float | None = None
    confidence: float = 0.95
    seed: int = 0
    tokens: DocumentTokens | None = None
    worth: WorthPlan | None = None


def audit_judge(
    judge: RaterGrades,
    reference: RaterGrades,
    plan: AuditPlan,
    runs: Sequence[Run] = (),
    texts_of: Callable[[CommonGrades], PairTexts | None] | None = None,
    dataset: str = "",
    left_out: Collection[str] = (),
) -> Audit:
    """Audit a judge.

    Parameters
    ----------
    judge, reference
        The two raters.
    plan
        How to audit.
    runs
        Systems, with different tags.
    texts_of
        Returns what is known of the texts of pairs; None without texts.
    dataset
        Name of the dataset.
    left_out
        Queries for which a system has no value.
    """
    own = replace(common_grades(judge.qrels, reference.qrels), tokens=plan.tokens)
    pairs = own
    if plan.binary is not None:
        pairs = replace(own, reference=at_least(own.reference, plan.binary))
        if (own.judge > 1).any():
            pairs = replace(pairs, judge=at_least(own.judge, plan.binary))
    cutoff = parse_metric(plan.metric).cutoff or DEFAULT_CUTOFF
    texts = texts_of(own) if texts_of is not None else None
    kinds = (judge.kind, reference.kind)
    worth = None
    if plan.worth is not None and kinds[0] != "human" and kinds[1] != "model":
        graded, known = (one.qrels.with_tokens(plan.tokens) for one in (judge, reference))
        worth = judge_worth(graded, known, plan.metric, plan.worth)
    return Audit(
        dataset,
        judge.name,
        reference.name,
        plan.binary,
        own.only_judge,
        own.only_reference,
        None if texts is None else int(np.isnan(texts.lengths).sum()),
        agreement(pairs, plan.confidence, plan.seed),
        cutoff,
        bias_rows(pairs, texts, runs, cutoff, plan.confidence),
        system_agreement(own, runs, plan.metric, plan.confidence, left_out) if runs else None,
        worth,
        kinds == ("human", "human"),
    )
