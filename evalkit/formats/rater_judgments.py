"""Turn the judgments of raters into one grade for each pair: what is computed with when no configuration chooses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from evalkit.errors import DataFormatError, tell
from evalkit.formats.text_files import File
from evalkit.records import Judgment, Qrels, Rater, RatersOfPairs, grade_text, plain_grade


@dataclass(frozen=True, slots=True)
class AgreedJudgments:
    """The grades on which the raters of a file agree.

    Attributes
    ----------
    qrels
        The grade of each pair, in the order of the file.
    failures
        Pairs for which a rater's last judgment is a failure, and no other rater has a grade: they are unjudged.
    raters
        Who gave each grade: a person where several raters agree and one of them is a person.
    """

    qrels: Qrels
    failures: int
    raters: RatersOfPairs


def agreed_judgments(judgments: Iterable[Judgment], path: File) -> AgreedJudgments:
    """Return the grade of each pair; of several judgments of a pair by one rater the last one counts.

    A note says how many pairs are unjudged because of failures.

    Parameters
    ----------
    judgments
        The judgments in the order of the file.
    path
        The file, for messages.

    Raises
    ------
    DataFormatError
        If two raters have different grades for a pair, or no judgment has a grade.
    """
    last: dict[tuple[str, str], dict[Rater, Judgment]] = {}
    for one in judgments:
        last.setdefault(one.pair, {})[one.rater] = one
    found = {
        pair: {rater: one.grade for rater, one in of_pair.items() if one.grade is not None}
        for pair, of_pair in last.items()
    }
    different = [pair for pair, grades in found.items() if len(set(grades.values())) > 1]
    if different:
        raise _disagreement(path, different[0], found[different[0]], len(different))
    raters: dict[str, dict[str, Rater]] = {}
    rows = []
    for pair, grades in found.items():
        if grades:
            rows.append((pair, plain_grade(next(iter(grades.values())))))
            raters.setdefault(pair[0], {})[pair[1]] = min(grades, key=lambda rater: rater.kind != "human")
    if not rows:
        failed = f": all {len(found)} are failures without a grade" if found else ""
        raise DataFormatError(f"{path} contains no judgments{failed}", "judge documents first")
    failures = len(found) - len(rows)
    if failures:
        tell(f"{path}: {failures} of {len(found)} pairs have a failure instead of a grade; they are unjudged")
    qrels = Qrels.from_rows((query_id, doc_id, grade) for (query_id, doc_id), grade in rows)
    return AgreedJudgments(qrels, failures, raters)


def _disagreement(
    path: File, pair: tuple[str, str], grades: Mapping[Rater, float], number: int
) -> DataFormatError:
    """Return the error for raters with different grades of a pair."""
    shown = [next(same) for _, same in groupby(grades.items(), key=lambda one: one[1])][:2]
    first, second = (f"{rater.label!r} with {grade_text(grade)}" for rater, grade in shown)
    raters = ", ".join(repr(rater.label) for rater in grades)
    return DataFormatError(
        f"{path}: raters disagree on {number} {'pair' if number == 1 else 'pairs'} (first: query {pair[0]!r},"
        f" document {pair[1]!r}: {first}, {second})",
        f"name one of them ({raters}) as the rater that counts, with judgments: [{{path: ..., rater: ...}}] of the"
        " dataset in a configuration, or keep the lines of one rater in the file",
    )
