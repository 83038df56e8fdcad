"""Who gave the judgments of a dataset, in the words of a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from evalkit.comparison.indications import ENLARGED, is_indication, names_cause, names_remedy, why_indication
from evalkit.comparison.rests_on import RestsOn, rests_on
from evalkit.records import JudgedBy
from evalkit.report.cautions import Caution
from evalkit.report.table import Table
from evalkit.results.judgment_facts import JudgmentFacts, RaterFacts
from evalkit.results.summary_document import DatasetSummary, Summary
from evalkit.stats import MIN_QUERIES

RESTS_ON: Mapping[RestsOn, str] = {
    "human": "human",
    "corrected": "corrected (people's grades of a random sample correct those of the judge)",
    "corrected in part": "corrected for some systems, human and judge (indication) for the others",
    "human sample incomplete": "human and judge (indication), until people have judged the whole human sample",
    "judge incomplete": "human and judge (indication), until the judge has graded all ranked documents of all queries",
    "mixed judgments": "human and judge (indication)",
    "judge only": "judge only (indication)",
}
"""What a verdict rests on -> the words that people read."""
CORRECTED: frozenset[RestsOn] = frozenset({"corrected", "corrected in part"})
"""What a verdict rests on where a correction took place."""
JUDGE_BY_PEOPLE = (
    "Judge a random sample of queries by people (human_sample), count only their judgments (no judge under"
    " `judgments:`), and rerun."
)
"""What to do where figures are an indication, whether people have judged or not."""
RAISE_SAMPLE = (
    f"Raise human_sample until {MIN_QUERIES} of its queries have a relevant document (those that were drawn stay), let"
    " people judge the added ones, and rerun."
)
"""What to do where people have judged a whole draw that is too small for a verdict."""
COMPLETE_JUDGMENTS = "Complete the judgments with the command that the reason names, and rerun."
"""What to do where judgments are missing that would make a recommendation or a guarantee of an indication."""
DO_AS_REASONED = "Do what the reason says, and rerun."
"""What to do where people's grades of the human sample correct nothing, for a reason that the sentence has."""
GUARANTEES_ALONE = (
    "Choose the number of candidates (evalkit tune depth) and a threshold with a guaranteed recall (evalkit tune"
    " threshold): both allow for a human sample that was enlarged."
)
"""What to do where the human sample was enlarged after people had judged."""


def why_without_verdict(judged_by: JudgedBy) -> str:
    """Return that figures are an indication, and why, with a capital letter; empty where people judged."""
    return capital(why_indication(judged_by) or "")


def capital(sentence: str) -> str:
    """Return a sentence with a capital letter at its start."""
    return sentence[:1].upper() + sentence[1:]


class _Found(Protocol):
    @property
    def why_not(self) -> str | None: ...


def without_people(found: Iterable[_Found]) -> str | None:
    """Return what to do if nothing is recommended because models judged; None where they did not."""
    reasons = [one.why_not for one in found]
    if any(map(names_remedy, reasons)):
        return COMPLETE_JUDGMENTS
    if any(map(names_cause, reasons)):
        return DO_AS_REASONED
    if any(ENLARGED in why for why in reasons if why is not None):
        return GUARANTEES_ALONE
    return JUDGE_BY_PEOPLE if any(map(is_indication, reasons)) else None


def rests_on_text(rests_on: str | None) -> str:
    """Return a sentence on whose grades a setting rests; empty where all count."""
    return "" if rests_on is None else f" It rests on {rests_on} alone; no grade of a model takes part."


def judged_lines(summary: Summary) -> list[str]:
    """Return a sentence for each dataset whose configuration names files of judgments."""
    return [
        f"{facts.name}: {judged_text(facts.judgments, facts.rests_on)}."
        for facts in summary.datasets
        if facts.judgments is not None
    ]


def judged_text(judgments: JudgmentFacts, basis: RestsOn | None = None) -> str:
    """Return the shares of the raters in order of preference, such as ``judged by: human 61 %, gpt-4o (1a2b) 39 %``.

    Parameters
    ----------
    judgments
        Who judged.
    basis
        What the comparisons rest on; None where nothing was compared.
    """
    total = sum(rater.counted for rater in judgments.raters)
    if not total:
        return "no judgment counts"
    shares: dict[str, int] = {}
    for rater in judgments.raters:
        if rater.counted:
            name = "human" if rater.kind == "human" else rater.label
            shares[name] = shares.get(name, 0) + rater.counted
    listed = ", ".join(f"{name} {_percent(count, total)}" for name, count in shares.items())
    several = (
        f" (judged by several people: {judgments.by_several}, of which {judgments.differing} differ)"
        if judgments.by_several
        else ""
    )
    drawn = judgments.human_sample
    basis = basis or rests_on(judgments.judged_by, ())
    rests = RESTS_ON[basis]
    if basis in CORRECTED:
        declared = "" if drawn is None or drawn.declared is None else f" ({drawn.declared})"
        rests += f"{declared}. Other figures are an indication"
    elif drawn is not None and drawn.withheld is not None:
        rests += f". {drawn.withheld.text.removesuffix('.')}"
    return f"judged by: {listed}{several}; a verdict rests on: {rests}"


def _percent(count: int, total: int) -> str:
    """Return a share in per cent that is 0 or 100 only if it is all or nothing."""
    share = 100 * count / total
    if 0 < share < 1 or 99 < share < 100:
        return "< 1 %" if share < 1 else "> 99 %"
    return f"{share:.0f} %"


_FOR_A_VERDICT: Mapping[RestsOn, str] = {
    "judge only": "Judge a random sample of queries by people (human_sample).",
    "mixed judgments": "Have people judge a random sample of queries (human_sample), or count their judgments only (no"
    " judge listed).",
    "human sample incomplete": "Have people judge the rest of the human sample: evalkit judge rate CONFIG"
    " --sample-only",
    "judge incomplete": "Let the judge grade the rest: evalkit judge run CONFIG --all",
    "corrected in part": "Have people judge the human sample for all systems: evalkit judge rate CONFIG --sample-only",
}
"""What a verdict rests on -> what to do for one."""
_ALL_BY_PEOPLE = "To decide by another figure, count people's judgments only (no judge listed)."


def judge_cautions(facts: DatasetSummary) -> list[Caution]:
    """Return a warning on a dataset whose judgments are those of models, too; none if people gave all."""
    judged = facts.judgments
    if judged is None or judged.judged_by == "human":
        return []
    basis = facts.rests_on or rests_on(judged.judged_by, ())
    remedy = _FOR_A_VERDICT.get(basis, _ALL_BY_PEOPLE)
    if basis == "mixed judgments" and judged.human_sample is not None:
        remedy = remedy.replace("a random sample of queries (", "the human sample (")
    if basis == "judge only" and judged.human_sample is not None:
        remedy = "Have people judge the human sample: evalkit judge rate CONFIG --sample-only"
    who = "all" if judged.judged_by == "judge only" else "some"
    given = f"{facts.name}: models gave {who} judgments."
    if basis == "corrected":
        text = f"{given} People's grades of a random sample correct means and differences in the comparison with the"
        return [Caution("figures", f"{text} baseline. All other figures are an indication.", remedy)]
    if basis == "corrected in part":
        text = f"{given} People's grades correct the differences of some systems. All other figures are an indication."
    else:
        text = f"{given} Its figures are an indication: no verdict rests on them."
    return [Caution("verdict", text, remedy)]


def rater_tables(summary: Summary) -> list[Table]:
    """Return the table of raters; no table where all judgments are those of the datasets themselves."""
    cells = tuple(
        row for facts in summary.datasets if facts.judgments for row in _rows(facts.name, facts.judgments)
    )
    note = (
        "In order of preference: for a pair of query and document, the first rater with a grade counts. Superseded: an"
        " earlier rater has a grade. Stale: the text of the query or of the document has changed since. Failed: no"
        " grade was given, or it was withdrawn. Earlier: judged with an earlier prompt, scale or settings of the judge,"
        " not counted. Where several people judged a pair in one file, the mean of their grades counts."
    )
    columns = ("dataset", "rater", "kind", "judgments that count", "superseded", "stale", "failed", "earlier")
    return [Table("Raters", columns, cells, note, left=3)] if cells else []


def _rows(dataset: str, judgments: JudgmentFacts) -> Iterator[tuple[str, ...]]:
    yield from (_row(dataset, rater) for rater in judgments.raters)


def _row(dataset: str, rater: RaterFacts) -> tuple[str, ...]:
    counts = (rater.counted, rater.superseded, rater.stale, rater.failed, rater.earlier or 0)
    return dataset, rater.label, rater.kind, *map(str, counts)
