"""Check the judgments of models: few grades, one grade for everything, failures, and stale judgments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import DataFinding
from evalkit.plurals import number_of
from evalkit.records import ChosenJudgments, shown_grade

FEW_GRADES = 100
"""Below this number of grades, neither a judge's agreement with people nor its scale can be seen."""
MOST_FAILURES = 0.05
"""Share of failures above which the pairs without a grade are no small rest."""


@dataclass(slots=True)
class _Model:
    """What a model gave, under all its names.

    Attributes
    ----------
    graded, failed, stale
        Pairs; graded ones also where another rater comes first.
    counted
        Grade -> pairs where it counts.
    """

    label: str
    graded: int = 0
    failed: int = 0
    stale: int = 0
    counted: Counter[float] = field(default_factory=Counter)


def model_judgments(data: CheckInput) -> Iterator[DataFinding]:
    """Find what makes the judgments of a model doubtful; those of people are not looked at."""
    chosen = data.dataset.chosen
    for model in _models(chosen).values() if chosen else ():
        if model.graded and model.graded < FEW_GRADES:
            yield _finding(
                data,
                (
                    "judge_few_grades",
                    f"{model.label}: {number_of(model.graded, 'grade')}, fewer than {FEW_GRADES}",
                ),
                {"grades": model.graded},
                "too few to compare the judge with people, and most ranked documents are unjudged",
                "judge the pool: evalkit judge run CONFIG",
            )
        if len(model.counted) == 1 and model.counted.total() > 1:
            ((grade, pairs),) = model.counted.items()
            yield _finding(
                data,
                ("judge_one_grade", f"{model.label}: all {pairs} grades are {shown_grade(grade)}"),
                {"grades": pairs, "grade": grade},
                "one grade for everything does not show which document is better",
                "check its raw answers, its prompt and its scale",
            )
        yield from _without_grades(data, model)


def _without_grades(data: CheckInput, model: _Model) -> Iterator[DataFinding]:
    answered = model.graded + model.failed
    if model.failed > MOST_FAILURES * answered:
        yield _finding(
            data,
            (
                "judge_failures",
                f"{model.label}: {model.failed} of {number_of(answered, 'pair')} without a grade",
            ),
            {"failed": model.failed, "pairs": answered},
            "they are unjudged; if some kind of document fails more often, systems that rank it are penalised",
            "read the answers in the judge's file, and judge again: evalkit judge run CONFIG --retry-failed",
        )
    if model.stale:
        every = answered + model.stale
        yield _finding(
            data,
            ("judge_stale", f"{model.label}: {model.stale} of {number_of(every, 'judgment')} are stale"),
            {"stale": model.stale, "pairs": every},
            "the text of the query or of the document has changed since, so that they do not count",
            "judge these pairs again: evalkit judge run CONFIG",
        )


def _finding(
    data: CheckInput, said: tuple[str, str], counts: dict[str, int | float | None], effect: str, remedy: str
) -> DataFinding:
    code, what = said
    return DataFinding(data.name, code, "warning", what, counts, (), effect, remedy)


def _models(chosen: ChosenJudgments) -> dict[str, _Model]:
    """Return the models by what identifies them without their names; those that were changed since are left out."""
    found: dict[str, _Model] = {}
    for share in chosen.shares:
        graded = share.counted + share.superseded
        if share.rater.kind == "model" and graded + share.failed + share.stale:
            one = found.setdefault(share.rater.form, _Model(share.rater.label))
            one.graded += graded
            one.failed += share.failed
            one.stale += share.stale
    for query_id, docs in chosen.grades.items():
        for doc_id, grade in docs.items():
            rater = chosen.rater_of(query_id, doc_id)
            if rater is not None and rater.kind == "model":
                found[rater.form].counted[grade] += 1
    return found
