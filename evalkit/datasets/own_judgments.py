"""The judgments that the source of a dataset has, and what people have judged in all its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evalkit.config import DatasetSettings, JudgmentSource
from evalkit.formats import read_judgment_lines
from evalkit.records import Dataset, Judgment, Qrels, Rater
from evalkit.records.chosen_judgments import QRELS
from evalkit.records.judgments import seconds_of

Pair = tuple[str, str]


def own_judgments(dataset: Dataset) -> dict[Rater, Qrels]:
    """Return rater -> judgments of the dataset's source, without those of the files of ``judgments:``."""
    chosen = dataset.chosen
    if chosen is None:
        return {QRELS: dataset.qrels} if dataset.qrels.grades else {}
    own: dict[Rater, dict[str, dict[str, float]]] = {}
    for query_id, docs in chosen.grades.items():
        of_files = chosen.raters.get(query_id, {})
        for doc_id, grade in docs.items():
            if doc_id not in of_files:
                rater = chosen.own_raters.get(query_id, {}).get(doc_id, QRELS)
                own.setdefault(rater, {}).setdefault(query_id, {})[doc_id] = grade
    return {rater: Qrels(grades) for rater, grades in own.items()}


@dataclass(frozen=True, slots=True)
class JudgedSoFar:
    """What people have judged of a dataset, and who wrote the file of a judge.

    Attributes
    ----------
    people
        Pairs with a grade by a person, in the dataset's own judgments or a file of ``judgments:``.
    raters
        Raters of the lines of the judge's files, in their order.
    seconds
        Pair -> when a person's first dated line of it was written, in seconds since 1970. The dataset's own judgments
        have no date, and a line may have a text in its place: nothing says that they were made before a draw.
    """

    people: frozenset[Pair]
    raters: tuple[Rater, ...] = ()
    seconds: Mapping[Pair, float] = field(default_factory=dict)

    def of(self, query_ids: tuple[str, ...]) -> int:
        """Return the number of pairs of some queries that people judged."""
        wanted = set(query_ids)
        return sum(query_id in wanted for query_id, _ in self.people)

    def before(self, at: str, query_ids: Sequence[str]) -> int:
        """Return the number of pairs of some queries that people judged before a time, by the dates of their lines."""
        moment, wanted = seconds_of(at), set(query_ids)
        if moment is None:
            return 0
        return sum(seconds < moment and pair[0] in wanted for pair, seconds in self.seconds.items())


def judged_so_far(settings: DatasetSettings, dataset: Dataset, judge: str | None = None) -> JudgedSoFar:
    """Return what people have judged of a dataset; `judge` is the tag of a judge whose raters are wanted, too.

    Every grade counts that a person may have read: also one of another text than the current one, and of another person
    than the `rater` of an entry.
    """
    known = {query.query_id for query in dataset.queries}
    people = {
        (query_id, doc_id)
        for rater, qrels in own_judgments(dataset).items()
        if rater.kind == "human"
        for query_id, docs in qrels.grades.items()
        for doc_id in docs
    }
    raters: list[Rater] = []
    first: dict[Pair, float] = {}
    for source, line in _lines(settings):
        if line.rater.kind == "human" and line.grade is not None:
            people.add(line.pair)
            seconds = seconds_of(line.at)
            if seconds is not None:
                first[line.pair] = min(seconds, first.get(line.pair, seconds))
        counts = source.rater is None or source.rater in {line.rater.name, line.rater.label}
        if judge is not None and source.judge == judge and counts:
            raters.append(line.rater)
    return JudgedSoFar(frozenset(pair for pair in people if pair[0] in known), tuple(raters), first)


def _lines(settings: DatasetSettings) -> Iterator[tuple[JudgmentSource, Judgment]]:
    """Yield all lines of the files of ``judgments:`` with their entry."""
    for one in settings.judgments:
        if one.path is not None and one.path.is_file():
            for line in read_judgment_lines(one.path):
                yield one, line
