"""``evalkit judge list``: who judged what, and whose judgments count."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.config import Config, DatasetSettings, JudgmentSource
from evalkit.config.judgment_paths import JUDGMENTS, judge_file
from evalkit.datasets import open_dataset
from evalkit.datasets.human_sample import human_sample_of
from evalkit.datasets.own_judgments import own_judgments
from evalkit.file_names import file_part
from evalkit.judging.rater_counts import count_raters
from evalkit.plurals import number_of
from evalkit.records import Dataset, Judgment, Rater, current_rater, is_current, text_sha256
from evalkit.records.combined_people import people_of
from evalkit.store import JudgmentFile
from evalkit.workflows.draw_text import draw_text


@dataclass(frozen=True, slots=True)
class ListedRater:
    """One rater in one file, or the judgments that the dataset has itself.

    Attributes
    ----------
    order
        Place among the sources whose judgments count, from 1: the first one that has a grade of a pair counts. None if
        the configuration does not name the file or this rater of it.
    rater, kind
        Label of the rater, and ``human`` or ``model``.
    file
        The file; None for the judgments of the dataset itself.
    pairs
        Pairs with a grade.
    counted
        Pairs whose grade counts; None for a rater that does not count.
    earlier
        Whether it is a judge with an earlier prompt, scale or settings than its last one, so that it does not count.
    grades
        Grade -> pairs.
    failed, stale, tokens, cost_usd, first, last
        See `RaterCounts`; None where unknown.
    """

    dataset: str
    order: int | None
    rater: str
    kind: str
    file: str | None
    pairs: int
    counted: int | None
    grades: Mapping[str, int]
    failed: int
    stale: int
    tokens: int | None
    cost_usd: float | None
    first: str | None
    last: str | None
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """Who judged the datasets of a configuration.

    Attributes
    ----------
    raters
        The raters of every dataset, those that count first and in their order.
    notes
        In words: judgments of queries that a dataset lacks, and the state of each random draw of queries for people.
    """

    raters: list[ListedRater]
    notes: list[str]


def list_raters(config: Config, folder: Path) -> Listed:
    """Return the raters of every dataset, and the state of its draw for people.

    Parameters
    ----------
    config
        The configuration.
    folder
        The folder of its file.
    """
    raters: list[ListedRater] = []
    notes: list[str] = []
    for settings in config.datasets:
        dataset = open_dataset(settings)
        raters += _listed(settings, dataset, config, folder)
        others = dataset.chosen.other_queries if dataset.chosen else 0
        if others:
            given = number_of(others, "judgment")
            notes.append(
                f"{dataset.name}: {given} of queries that the dataset does not have; they do not count"
            )
        state = human_sample_of(settings, dataset, config.judges, draws=False)
        if state is not None:
            notes.append(draw_text(dataset.name, state))
    return Listed(raters, notes)


def next_command(config: Config, found: Sequence[ListedRater], file: str) -> str:
    """Return the next command: a judge that has not judged, else people, else their comparison.

    Parameters
    ----------
    found
        The raters.
    file
        The file of the configuration.
    """
    name = shlex.quote(file)
    judged = {one.file for one in found}
    for tag in config.judges:
        files = [str(path) for one in config.datasets for path in _files_of(one, tag, Path(file).parent)]
        if judged.isdisjoint(files):
            return f"evalkit judge run {name} --judge {tag}"
    kinds = {one.kind for one in found}
    if "human" not in kinds:
        return f"evalkit judge rate {name}"
    return f"evalkit judge audit {name}" if "model" in kinds else f"evalkit run {name}"


def _files_of(dataset: DatasetSettings, judge: str, folder: Path) -> list[Path]:
    """Return where a judge's judgments of a dataset may be: the file of ``judgments:``, and the default one."""
    configured = [one.path for one in dataset.judgments if one.judge == judge and one.path is not None]
    return [*configured, judge_file(folder, dataset.label, judge)]


def _listed(
    settings: DatasetSettings, dataset: Dataset, config: Config, folder: Path
) -> Iterator[ListedRater]:
    own = list(_own(dataset))
    counted = {share.rater: share.counted for share in dataset.chosen.shares} if dataset.chosen else {}
    yield from own
    first = 2 if own else 1
    orders: dict[Path, list[tuple[int, JudgmentSource]]] = {}
    for number, source in enumerate(settings.judgments, start=first):
        if source.path is not None:
            orders.setdefault(source.path, []).append((number, source))
    rows = [
        row
        for path in _each_once([*orders, *_other_files(dataset.name, config, folder)])
        for row in _of_file(dataset, path, orders.get(path, []), counted)
    ]
    yield from sorted(rows, key=lambda row: (row.order is None, row.order or 0))


def _own(dataset: Dataset) -> Iterator[ListedRater]:
    """Yield the raters of the judgments of the dataset itself."""
    for rater, qrels in own_judgments(dataset).items():
        grades = Counter(float(grade) for docs in qrels.grades.values() for grade in docs.values())
        yield ListedRater(
            dataset=dataset.name,
            order=1,
            rater=rater.label,
            kind=rater.kind,
            file=None,
            pairs=grades.total(),
            counted=grades.total(),
            grades=_texts(dict(sorted(grades.items()))),
            failed=0,
            stale=0,
            tokens=None,
            cost_usd=None,
            first=None,
            last=None,
        )


def _each_once(paths: Iterable[Path]) -> list[Path]:
    """Return paths without those of files that an earlier one names."""
    found: dict[Path, Path] = {}
    for path in paths:
        found.setdefault(path.resolve(), path)
    return list(found.values())


def _of_file(
    dataset: Dataset, path: Path, orders: list[tuple[int, JudgmentSource]], counted: Mapping[Rater, int]
) -> Iterator[ListedRater]:
    judgments = JudgmentFile(path).read()
    texts = {query.query_id: query.instructed_text for query in dataset.queries}
    corpus = dataset.corpus
    found = count_raters(
        judgments,
        lambda query_id: text_sha256(texts[query_id]) if query_id in texts else None,
        lambda doc_id: text_sha256(corpus.text(doc_id)) if doc_id in corpus else None,
    )
    for one in found:
        named = [(number, source) for number, source in orders if _names(source, one.rater)]
        order = next((number for number, source in named if _is_current(source, one.rater, judgments)), None)
        yield ListedRater(
            dataset=dataset.name,
            order=order,
            rater=one.rater.label,
            kind=one.rater.kind,
            file=str(path),
            pairs=one.pairs,
            counted=None if order is None else _counted(one.rater, counted),
            grades=_texts(one.grades),
            failed=one.failed,
            stale=one.stale,
            tokens=one.tokens,
            cost_usd=one.cost_usd,
            first=one.first,
            last=one.last,
            earlier=order is None and bool(named),
        )


def _counted(rater: Rater, counted: Mapping[Rater, int]) -> int:
    """Return the number of a rater's pairs that count, those with several people included."""
    shared = (
        pairs for one, pairs in counted.items() if rater.kind == "human" and rater.name in people_of(one)
    )
    return counted.get(rater, 0) + sum(shared)


def _names(source: JudgmentSource, rater: Rater) -> bool:
    return source.rater in {None, rater.name, rater.label}


def _is_current(source: JudgmentSource, rater: Rater, judgments: Sequence[Judgment]) -> bool:
    """Return whether a rater has the prompt, scale and settings of the last judgment, as a judge must."""
    current = current_rater([one.rater for one in judgments if _names(source, one.rater)])
    return source.judge is None or is_current(rater, current)


def _other_files(dataset: str, config: Config, folder: Path) -> list[Path]:
    """Return the files of the configuration's judges, and other files of the dataset in the folder of judgments."""
    judges = [judge_file(folder, dataset, tag) for tag in config.judges]
    found = sorted((folder / JUDGMENTS).glob(f"{file_part(dataset)}.*.jsonl"))
    return [path for path in [*judges, *found] if path.is_file()]


def _texts(grades: Mapping[float, int]) -> dict[str, int]:
    return {f"{grade:g}": pairs for grade, pairs in grades.items()}
