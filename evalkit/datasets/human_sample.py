"""The random draw of queries that people judge: drawn once, written down, and never drawn again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.config import DatasetSettings
from evalkit.config.judge_settings import JudgeSettings
from evalkit.datasets.declared_sample import (
    check_only_draw,
    declared_sample,
    population_sha256,
    record_of,
    recorded_sample,
)
from evalkit.datasets.human_sample_file import (
    Extension,
    HumanSample,
    read_human_sample,
    write_first,
    write_human_sample,
)
from evalkit.datasets.own_judgments import JudgedSoFar, judged_so_far
from evalkit.datasets.sample_judge import (
    NamedJudge,
    change_ahead,
    change_of,
    is_as_settings_name,
    judge_tag,
    named_judge,
)
from evalkit.errors import InputError, tell
from evalkit.query_clusters import QueryClusters
from evalkit.records import Dataset, texts_digest, utc_text
from evalkit.records.withheld_correction import (
    WithheldCorrection,
    drawn_late,
    judge_changed,
    judge_named_late,
    judged_early,
)
from evalkit.stats import MIN_QUERIES

_KEEP = "a random draw is only random if it is made once; to start over, move the file and the judgments away"


@dataclass(frozen=True, slots=True)
class DrawState:
    """A draw, and what became of it.

    Attributes
    ----------
    sample
        The draw.
    judged
        Pairs of its queries that people have judged so far.
    withheld
        Why people's grades of it correct nothing; None if nothing speaks against it so far.
    ahead
        Why they will correct nothing once the judge grades as it is configured now; None if nothing speaks against it.
    """

    sample: HumanSample
    judged: int
    withheld: WithheldCorrection | None = None
    ahead: str | None = None


def human_sample_of(
    settings: DatasetSettings,
    dataset: Dataset,
    judges: Mapping[str, JudgeSettings] | None = None,
    *,
    draws: bool = True,
) -> DrawState | None:
    """Return the draw that the settings of a dataset ask for; None if they ask for none. See `human_sample`.

    Parameters
    ----------
    settings, dataset
        The dataset.
    judges
        The judges of the configuration.
    draws
        Whether a draw, an enlargement and the name of the judge are written; else what is written is read, and None is
        returned where nothing is.
    """
    asked, tag = settings.human_sample, judge_tag(settings)
    if asked is None:
        return None
    if asked.path is None:
        raise InputError(
            f"human_sample of {dataset.name} names no file", "load the configuration, or add path:"
        )
    withheld, file = None, asked.path
    judged = judged_so_far(settings, dataset, tag)
    judge = named_judge(tag, judges or {}, judged.raters)
    if asked.drawn is not None or asked.queries is None:
        check_only_draw(asked.path, settings)
        declared, file = replace(declared_sample(asked.path, dataset), judge=judge), record_of(asked.path)
        sample, withheld = recorded_sample(asked.path, declared, judged, writes=draws)
    elif draws:
        sample = human_sample(asked.path, dataset, asked.queries, asked.seed, judged, judge)
    else:
        found = read_human_sample(asked.path)
        if found is None:
            return None
        sample = found
    named, changed = _with_judge(file, sample, judge, judges or {}, judged.of(sample.query_ids))
    if named != sample and draws and withheld is None:
        write_human_sample(file, named)
    named = _with_looks(named, judged)
    late = None if named.is_declared else _drawn_late(file, named, judged)
    withheld = withheld or late or changed
    of_draw = judged.of(named.query_ids)
    ahead = None if withheld or not of_draw else change_ahead(named.judge, judge, judges or {})
    return DrawState(named, of_draw, withheld, ahead)


def _with_looks(sample: HumanSample, judged: JudgedSoFar) -> HumanSample:
    """Return a draw with the looks that the dates of people's lines show: their file was not listed at the time."""
    found = tuple(
        replace(one, judged_before=judged.before(one.drawn_at, sample.query_ids[: one.drawn_before]))
        if one.judged_before == 0 and one.drawn_before is not None
        else one
        for one in sample.extensions
    )
    return sample if found == sample.extensions else replace(sample, extensions=found)


def _drawn_late(path: Path, sample: HumanSample, judged: JudgedSoFar) -> WithheldCorrection | None:
    """Return that people had judged when a draw was made, by its file or by the dates of their lines; None if not."""
    if sample.judged_before:
        return drawn_late(path, sample.judged_before)
    earlier = judged.before(sample.drawn_at, sample.query_ids)
    return judged_early(path, sample.drawn_at, earlier) if earlier else None


def _with_judge(
    path: Path,
    sample: HumanSample,
    now: NamedJudge | None,
    judges: Mapping[str, JudgeSettings],
    judged: int,
) -> tuple[HumanSample, WithheldCorrection | None]:
    """Return a draw with its judge, and why that may not be: it is named or changed after people have judged.

    The first grades of a judge change it, too, unless they are of the rater that its settings name.
    """
    earlier = sample.judge
    if now is None or now == earlier:
        return sample, None
    if earlier is None:
        late = judge_named_late(path, now.tag, judged)
        return (sample, late) if judged else (replace(sample, judge=now), None)
    how = change_of(earlier, now)
    if how is not None and judged:
        return sample, judge_changed(path, how, judged)
    first = now.rater if earlier.rater is None else None
    if first is not None and judged and not is_as_settings_name(first, now.tag, judges):
        how = (
            f"The first grades of judge {now.tag!r} are of {first.label}, which its settings do not name with this"
            " model, prompt, scale and settings"
        )
        return sample, judge_changed(path, how, judged)
    return (sample if how is None and first is None else replace(sample, judge=now)), None


def too_few_text(dataset: str, queries: int) -> str | None:
    """Return that a draw of so many queries gives no corrected verdict, and what to do; None if it can."""
    if queries >= MIN_QUERIES:
        return None
    return (
        f"{dataset}: human_sample has {queries} queries: too few for a corrected verdict, which needs {MIN_QUERIES}"
        " with a relevant document. Set a larger number now: it costs nothing before people judge, and halves the level"
        f" of corrected verdicts afterwards. Even 40 leave little room: {40 - MIN_QUERIES + 1} queries without a"
        " relevant document are too many; 'evalkit judge plan' says how many a margin needs"
    )


def check_size(queries: int, dataset: Dataset) -> None:
    """Raise InputError if a draw asks for more queries than a dataset has."""
    known = len(dataset.queries)
    if queries > known:
        raise InputError(
            f"human_sample.queries is {queries}, but the dataset {dataset.name!r} has {known} queries",
            f"set it to {known} or less",
        )


def human_sample(
    path: Path,
    dataset: Dataset,
    queries: int,
    seed: int,
    judged: JudgedSoFar | None = None,
    judge: NamedJudge | None = None,
) -> HumanSample:
    """Return the draw of a dataset: that of the file, extended if more queries are asked for, else a new one.

    What is drawn is on the disk when this returns.

    Parameters
    ----------
    path
        The file; see `evalkit.config.HumanSampleSettings`.
    dataset
        The dataset, with all queries that are evaluated.
    queries, seed
        Of ``human_sample:`` in the configuration.
    judged
        What people have judged so far, for the record of a new draw or an enlargement; with any, a note says so.
    judge
        The judge that people's grades correct, for the record of a new draw.

    Raises
    ------
    InputError
        If the file is of another seed or number of queries, or the dataset has other queries now, or fewer than are
        asked for.
    DataFormatError
        If the file is no draw.
    StorageError
        If the draw cannot be written.
    """
    check_size(queries, dataset)
    query_ids, judged = [query.query_id for query in dataset.queries], judged or JudgedSoFar(frozenset())
    clusters = QueryClusters.of_queries(
        {query.query_id: query for query in dataset.queries}, dataset.origin.cluster_field
    )
    order = _random_order(clusters.groups(query_ids), seed)
    drawn = HumanSample(
        dataset=dataset.name,
        seed=seed,
        queries=queries,
        population=len(query_ids),
        population_sha256=population_sha256(query_ids),
        drawn_at=utc_text(),
        query_ids=_beginning(order, queries),
        judged_before=len(judged.people),
        judge=judge,
    )
    earlier = read_human_sample(path) or _first(path, drawn)
    _check_same(path, earlier, drawn, order)
    return earlier if earlier.queries == queries else _enlarged(path, earlier, drawn, judged)


def _enlarged(path: Path, earlier: HumanSample, drawn: HumanSample, judged: JudgedSoFar) -> HumanSample:
    """Write a larger draw in the place of an earlier one, with what people had judged of that, and return it."""
    read_before = judged.of(earlier.query_ids)
    if read_before:
        tell(
            f"{path}: enlarged to {drawn.queries} queries after people had judged {read_before} documents of the first"
            f" {len(earlier.query_ids)}: corrected verdicts are tested at half the level"
        )
    extension = Extension(drawn.queries, drawn.drawn_at, read_before, len(earlier.query_ids))
    extended = replace(
        earlier,
        queries=drawn.queries,
        query_ids=drawn.query_ids,
        extensions=(*earlier.extensions, extension),
    )
    write_human_sample(path, extended)
    return extended


def _first(path: Path, drawn: HumanSample) -> HumanSample:
    """Write a new draw and return it, or that of a process that was faster; a note says if people have judged."""
    written = write_first(path, drawn)
    if written is drawn and drawn.judged_before:
        tell(
            f"{path}: people had judged {drawn.judged_before} documents of {drawn.dataset} before this draw was made,"
            " so it may have been chosen after judging: their grades of it correct nothing"
        )
    return written


def _random_order(groups: Sequence[tuple[str, ...]], seed: int) -> list[tuple[str, ...]]:
    """Return the clusters in random order: that of the hashes of seed and smallest id, the same on every machine."""
    return sorted(groups, key=lambda members: texts_digest([str(seed), members[0]]))


def _beginning(order: Sequence[tuple[str, ...]], queries: int) -> tuple[str, ...]:
    """Return the first clusters that have at least so many queries."""
    drawn: list[str] = []
    for members in order:
        if len(drawn) >= queries:
            break
        drawn += members
    return tuple(drawn)


def _check_same(
    path: Path, earlier: HumanSample, drawn: HumanSample, order: Sequence[tuple[str, ...]]
) -> None:
    """Raise InputError if what is asked for is not the draw of the file, or an extension of it."""
    if (earlier.dataset, earlier.seed) != (drawn.dataset, drawn.seed):
        raise InputError(
            f"{path}: drawn with seed {earlier.seed} for {earlier.dataset}, but the configuration asks for seed"
            f" {drawn.seed} for {drawn.dataset}",
            f"use seed: {earlier.seed}; {_KEEP}",
        )
    if earlier.population_sha256 != drawn.population_sha256:
        raise InputError(
            f"{path}: drawn from {earlier.population} queries of {earlier.dataset}, which now has other queries"
            f" ({drawn.population})",
            f"use the queries of that time, or another name for the dataset; {_KEEP}",
        )
    if earlier.queries > drawn.queries:
        raise InputError(
            f"{path}: {earlier.queries} queries are drawn, but the configuration asks for {drawn.queries}",
            f"use queries: {earlier.queries} or more; {_KEEP}",
        )
    if earlier.query_ids != _beginning(order, earlier.queries):
        raise InputError(
            f"{path}: its queries are not those that seed {earlier.seed} draws: the file was changed, or the queries"
            " have other clusters now (cluster_field, equal texts)",
            f"restore the file and the queries; {_KEEP}",
        )
