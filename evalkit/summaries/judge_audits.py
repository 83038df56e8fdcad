"""The audits of a result's judges: of every model on the pairs that people judged, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.judging.audit import Audit, AuditPlan, audit_judge
from evalkit.judging.rater_grades import choose_reference, has_both_kinds
from evalkit.records import Qrels
from evalkit.results import ResultFolder
from evalkit.results.manifest import Manifest
from evalkit.results.rater_files import read_rater_grades
from evalkit.summaries.quality_cells import QualityCell


def judge_audits(
    folder: ResultFolder,
    manifest: Manifest,
    cells: Sequence[QualityCell],
    metric: str,
    judgments: Mapping[str, Qrels],
) -> tuple[Audit, ...]:
    """Return an audit for each dataset and model; none where no model and person judged the same pair.

    Parameters
    ----------
    folder, manifest
        The result.
    cells
        The systems, at every depth.
    metric
        Metric that ranks them.
    judgments
        Dataset -> its judgments, with the lengths of documents for a metric at a budget of tokens.
    """
    found: list[Audit] = []
    for facts in manifest.datasets:
        raters = read_rater_grades(folder, facts.name)
        if not has_both_kinds(raters):
            continue
        people = choose_reference(raters, None, facts.name)
        own = [cell for cell in cells if cell.dataset == facts.name]
        several = len({cell.depth for cell in own if cell.depth is not None}) > 1
        runs = [
            replace(cell.run, tag=f"{cell.reranker} at {cell.depth}")
            if several and cell.depth is not None
            else replace(cell.run, tag=cell.reranker)
            for cell in own
        ]
        left_out = frozenset(query_id for cell in own for query_id in cell.not_scored)
        audits = [
            audit_judge(
                judge,
                people,
                AuditPlan(metric, tokens=judgments[facts.name].tokens),
                runs,
                dataset=facts.name,
                left_out=left_out,
            )
            for judge in raters
            if judge.kind == "model"
        ]
        found += [one for one in audits if one.agreement.pairs]
    return tuple(found)
