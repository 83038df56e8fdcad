"""The draw and the grades of a result with which its comparisons are corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.comparison import ComparisonSet
from evalkit.comparison.correction import Correction
from evalkit.records.withheld_correction import ALONE
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import Manifest
from evalkit.results.rater_files import read_correction_grades

OF_SUBTOPICS = (
    "Some of the dataset's own judgments are by subtopic and those of the judge are not, so that people's grades of the"
    f" draw correct nothing. {ALONE}, or remove the subtopics (the second column of the file)."
)
"""Why people's grades of a draw correct nothing where the dataset's own judgments have subtopics."""


def with_corrections(
    comparison_sets: Sequence[ComparisonSet], folder: ResultFolder, manifest: Manifest
) -> list[ComparisonSet]:
    """Return comparison sets with what corrects them, where people judged a random draw and a judge all queries.

    Each also has what the manifest says of its judgments: whether they are of records, and a draw that is to decide.

    Raises
    ------
    InputError
        If a file of grades is missing, damaged or not that of the run.
    """
    by_name = {facts.name: facts for facts in manifest.datasets}
    found = []
    for plain in comparison_sets:
        facts = by_name.get(plain.dataset)
        judgments = None if facts is None else facts.judgments
        drawn = None if judgments is None else judgments.human_sample
        one = replace(
            plain,
            from_records=judgments is not None and judgments.has_records,
            to_decide=0 if drawn is None or drawn.judge is None else len(drawn.query_ids),
        )
        stored = None if facts is None else facts.correction
        if drawn is not None and drawn.withheld is not None and one.judged_by != "human":
            found.append(replace(one, withheld=drawn.withheld.text))
            continue
        raters = None
        if drawn is not None:
            sha256 = None if stored is None else stored.sha256
            raters = read_correction_grades(folder, one.dataset, sha256)
        if drawn is None or raters is None or one.judged_by not in {"mixed", "judge only"}:
            found.append(one)
            continue
        if one.qrels.subtopics:
            found.append(replace(one, withheld=OF_SUBTOPICS))
            continue
        ids, tokens = set(drawn.query_ids), one.qrels.tokens
        people, judge = raters
        correction = Correction(
            judge=judge.name,
            drawn=drawn.query_ids,
            others=tuple(sorted(query_id for query_id in one.queries if query_id not in ids)),
            people=people.qrels.with_tokens(tokens),
            judged=judge.qrels.with_tokens(tokens),
            declared=drawn.declared is not None,
            failed=judge.failed,
            tag="" if stored is None else stored.judge,
            enlarged=drawn.enlarged or 0,
        )
        found.append(replace(one, correction=correction, judged_by="corrected"))
    return found
