"""Which judgments count, where several raters and files judged the same pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from evalkit.errors import DataFormatError
from evalkit.records.combined_people import combined, different_scales, last_of_each, people_of
from evalkit.records.judgments import JudgedBy, Judgment, Rater, current_rater, is_current, judged_by

QRELS = Rater("human", "qrels")
"""The rater of the judgments that a dataset has itself: people, as far as anybody knows."""

Pair = tuple[str, str]
RatersOfPairs = Mapping[str, Mapping[str, Rater]]
"""Query id -> document id -> who gave the grade."""
HashOf = Callable[[str], str | None]
"""Identifier -> `text_sha256` of the current text; None if there is no text."""
_Key = tuple[Rater, Pair]
_Found = tuple[dict[str, dict[str, float]], dict[str, dict[str, Rater]], dict[Rater, Counter[str]]]
"""The grades, who gave them, and the counts of each rater, so far."""


@dataclass(frozen=True, slots=True)
class JudgmentsOfSource:
    """The judgments of one item of ``judgments:``.

    Attributes
    ----------
    name
        The file, for messages.
    judgments
        The judgments in the order of the file.
    rater
        Name or label of the only rater that counts; None for all raters.
    of_judge
        Whether they are those of a judge of the configuration, of which only the current prompt, scale and
        settings count; see `current_judgments`.
    """

    name: str
    judgments: Iterable[Judgment]
    rater: str | None = None
    of_judge: bool = False


@dataclass(frozen=True, slots=True)
class RaterShare:
    """What one rater contributes to the judgments that count. Every number counts pairs.

    Attributes
    ----------
    rater
        The rater; `QRELS` for the judgments of the dataset itself.
    counted
        Grades that count.
    superseded
        Grades that do not count because an earlier source has a grade of the pair.
    stale
        Pairs that the rater judged only with another text of the query or of the document.
    failed
        Pairs without a grade: failures, skipped and withdrawn judgments.
    earlier
        Pairs of a judge with an earlier prompt, scale or settings, which do not count.
    """

    rater: Rater
    counted: int = 0
    superseded: int = 0
    stale: int = 0
    failed: int = 0
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class ChosenJudgments:
    """The judgments that count.

    Attributes
    ----------
    grades
        Query id -> document id -> grade, in the order of the queries; without the queries that have none.
    raters
        Query id -> document id -> who gave the grade, for grades of files; a pair of `grades` that is not in here is
        one of the dataset's own.
    own_raters
        The same for the dataset's own, as far as their file names raters.
    shares
        The raters in order of preference.
    other_queries
        Number of judgments in files of queries that the dataset does not have.
    by_several
        Number of pairs whose grade is the mean of several people's.
    differing
        Of these, pairs to which they gave different grades.
    """

    grades: Mapping[str, Mapping[str, float]]
    raters: RatersOfPairs = field(default_factory=dict)
    own_raters: RatersOfPairs = field(default_factory=dict)
    shares: tuple[RaterShare, ...] = ()
    other_queries: int = 0
    by_several: int = 0
    differing: int = 0

    @property
    def judged_by(self) -> JudgedBy:
        """Whose grades count."""
        return judged_by(share.rater for share in self.shares if share.counted)

    def rater_of(self, query_id: str, doc_id: str) -> Rater | None:
        """Return who gave the grade that counts; None if the pair is unjudged."""
        if doc_id not in self.grades.get(query_id, {}):
            return None
        own = self.own_raters.get(query_id, {}).get(doc_id, QRELS)
        return self.raters.get(query_id, {}).get(doc_id, own)


def choose_judgments(
    own: Mapping[str, Mapping[str, float]],
    sources: Iterable[JudgmentsOfSource],
    query_ids: Iterable[str],
    query_hash: HashOf,
    doc_hash: HashOf,
    own_raters: RatersOfPairs | None = None,
) -> ChosenJudgments:
    """Return the judgments that count: for each pair the grade of the first source that has one.

    Of several judgments of a pair by one rater the last one counts, so a later failure withdraws an earlier grade. In
    the file of a judge, all raters with the current prompt, scale and settings are one rater. A judgment of another
    text than the current one is stale: it does not count, and withdraws nothing.

    Of several people in one source the mean of their last grades counts, as that of one rater named after them.

    Parameters
    ----------
    own
        Query id -> document id -> grade: the judgments of the dataset itself, which come first.
    sources
        The files in order of preference.
    query_ids
        The queries of the dataset, in order; judgments of others are counted only.
    query_hash, doc_hash
        Hash of the current text by id. A document whose text is gone makes a judgment with a hash stale.
    own_raters
        Who gave the judgments of the dataset itself, as far as that is known; others are those of `QRELS`.

    Raises
    ------
    DataFormatError
        If models of one source, a model and people, or people on scales of different sizes, give different grades.
    """
    order = tuple(query_ids)
    known, query_hash, doc_hash = frozenset(order), cache(query_hash), cache(doc_hash)
    other_queries, shared = 0, list[bool]()
    grades = {query_id: dict(own[query_id]) for query_id in order if query_id in own}
    raters: dict[str, dict[str, Rater]] = {}
    tally = _own_counts(grades, own_raters or {})
    for source in sources:
        read = _Read()
        for judgment in _of_rater(source):
            if judgment.query_id in known:
                read.add(judgment, is_stale=_is_stale(judgment, query_hash, doc_hash))
            else:
                other_queries += 1
                read.see(judgment.rater)
        shared += _add(source, read.of_judge() if source.of_judge else read, (grades, raters, tally))
    return ChosenJudgments(
        {query_id: grades[query_id] for query_id in order if query_id in grades},
        {query_id: raters[query_id] for query_id in order if query_id in raters},
        own_raters or {},
        tuple(RaterShare(rater, **counts) for rater, counts in tally.items()),
        other_queries,
        len(shared),
        sum(shared),
    )


def _own_counts(
    grades: Mapping[str, Mapping[str, float]], raters: RatersOfPairs
) -> dict[Rater, Counter[str]]:
    """Return the counts of the raters of a dataset's own judgments."""
    tally: dict[Rater, Counter[str]] = {}
    for query_id, docs in grades.items():
        named = raters.get(query_id, {})
        for doc_id in docs:
            tally.setdefault(named.get(doc_id, QRELS), Counter())["counted"] += 1
    return tally


@dataclass(slots=True)
class _Read:
    """The judgments of a source by rater and pair.

    Attributes
    ----------
    last
        Rater and pair -> line and grade of the last judgment of the current texts, None for a failure.
    stale
        Rater and pair of judgments of other texts.
    earlier
        Rater and pair of grades that do not count because the judge was changed since.
    lines
        Rater -> its last line.
    """

    last: dict[_Key, tuple[int, float | None]] = field(default_factory=dict)
    stale: dict[_Key, None] = field(default_factory=dict)
    earlier: list[_Key] = field(default_factory=list)
    lines: dict[Rater, int] = field(default_factory=dict)
    count: int = 0

    def see(self, rater: Rater) -> None:
        """Note the next line of a rater."""
        self.count += 1
        self.lines[rater] = self.count

    def add(self, one: Judgment, *, is_stale: bool) -> None:
        """Add the next line."""
        self.see(one.rater)
        if is_stale:
            self.stale[one.rater, one.pair] = None
        else:
            self.last[one.rater, one.pair] = self.count, one.grade

    def of_judge(self) -> _Read:
        """Return what counts in the file of a judge: its current raters together, the last judgment of each pair."""
        latest = current_rater(sorted(self.lines, key=self.lines.__getitem__))
        found = _Read()
        latest_of_pair: dict[Pair, tuple[int, _Key]] = {}
        for key, (line, grade) in self.last.items():
            if not is_current(key[0], latest):
                found.earlier += [key] if grade is not None else []
            elif line > latest_of_pair.get(key[1], (0, key))[0]:
                latest_of_pair[key[1]] = line, key
        found.last = {key: self.last[key] for _, key in latest_of_pair.values()}
        stale = {pair: rater for rater, pair in self.stale if is_current(rater, latest)}
        found.stale = {(rater, pair): None for pair, rater in stale.items() if pair not in latest_of_pair}
        return found


def _of_rater(source: JudgmentsOfSource) -> Iterator[Judgment]:
    wanted = source.rater
    for judgment in source.judgments:
        if wanted is None or wanted in (judgment.rater.name, judgment.rater.label):
            yield judgment


def _is_stale(judgment: Judgment, query_hash: HashOf, doc_hash: HashOf) -> bool:
    query, document = judgment.query_sha256, judgment.doc_sha256
    return (query is not None and query != query_hash(judgment.query_id)) or (
        document is not None and document != doc_hash(judgment.doc_id)
    )


def _add(source: JudgmentsOfSource, read: _Read, found: _Found) -> list[bool]:
    """Add the grades of one source for pairs that have none, in an order that does not depend on that of lines.

    Returns
    -------
    list
        For each added pair that several people judged, whether their grades differ.
    """
    grades, raters, tally = found
    for key in sorted(read.earlier, key=_position):
        tally.setdefault(key[0], Counter())["earlier"] += 1
    for key in sorted(read.stale.keys() - read.last.keys(), key=_position):
        tally.setdefault(key[0], Counter())["stale"] += 1
    graded: dict[Pair, tuple[float, Rater]] = {}
    last, shared = _with_people_combined(source, read, grades)
    for rater, pair in sorted(last, key=_position):
        counts = tally.setdefault(rater, Counter())
        grade = last[rater, pair]
        if grade is None:
            counts["failed"] += 1
        elif pair in graded:
            _check_agreement(source, pair, graded[pair], (grade, rater))
            counts["superseded"] += 1
        elif pair[1] in grades.get(pair[0], {}):
            counts["superseded"] += 1
        else:
            graded[pair] = (grade, rater)
            counts["counted"] += 1
    for (query_id, doc_id), (grade, rater) in graded.items():
        grades.setdefault(query_id, {})[doc_id] = grade
        raters.setdefault(query_id, {})[doc_id] = rater
    return [differ for pair, differ in shared.items() if pair in graded]


def _with_people_combined(
    source: JudgmentsOfSource, read: _Read, counted: Mapping[str, Mapping[str, float]]
) -> tuple[dict[_Key, float | None], dict[Pair, bool]]:
    """Return rater and pair -> grade, and the pairs that several people graded with whether their grades differ."""
    found: dict[_Key, float | None] = {}
    people: dict[Pair, dict[Rater, tuple[int, float | None]]] = {}
    for (rater, pair), (line, grade) in read.last.items():
        if rater.kind == "human":
            people.setdefault(pair, {})[rater] = line, grade
        else:
            found[rater, pair] = grade
    shared: dict[Pair, bool] = {}
    for pair, lines in people.items():
        last = last_of_each(lines)
        grades = {rater: grade for rater, grade in last.items() if grade is not None}
        if len(grades) < 2:
            found.update({(rater, pair): grade for rater, grade in last.items()})
            continue
        apart = different_scales(list(grades))
        if apart is not None and pair[1] not in counted.get(pair[0], {}):
            one, other = apart
            _check_agreement(source, pair, (grades[one], one), (grades[other], other))
        who, mean = combined(grades)
        found[who, pair] = mean
        found.update({(rater, pair): None for rater in last.keys() - grades.keys()})
        shared[pair] = len(set(grades.values())) > 1
    return found, shared


def _position(judged: _Key) -> tuple[Any, ...]:
    rater, pair = judged
    return rater.kind, rater.name, rater.key, pair


def _check_agreement(
    source: JudgmentsOfSource, pair: Pair, first: tuple[float, Rater], second: tuple[float, Rater]
) -> None:
    """Raise DataFormatError if two raters of a source disagree: nothing says whose grade counts."""
    if first[0] == second[0]:
        return
    one, other = first[1].label, second[1].label
    entries = [
        f"{{path: {source.name}, rater: {label}}}" for label in (*(people_of(first[1]) or (one,)), other)
    ]
    hint = (
        f"list the file once for each rater, the preferred one first: {', '.join(entries)}"
        if one != other
        else "keep the judgments of different settings in files of their own"
    )
    raise DataFormatError(
        f"{source.name}: {one!r} and {other!r} give different grades, {first[0]:g} and {second[0]:g},"
        f" to document {pair[1]!r} of query {pair[0]!r}",
        hint,
    )
