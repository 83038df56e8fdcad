"""``evalkit judge audit``: a judge compared with people, from files, a configuration or a result."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.config import Config, JudgmentSource, is_config_file
from evalkit.datasets import one_dataset, open_dataset
from evalkit.errors import InputError, UnknownNameError, tell
from evalkit.formats import names_raters, read_judgment_lines, read_judgments, read_run
from evalkit.judging.audit import DEFAULT_CUTOFF, Audit, AuditPlan, audit_judge
from evalkit.judging.common_grades import CommonGrades
from evalkit.judging.dataset_raters import Source, dataset_raters
from evalkit.judging.judge_bias import PairTexts, pair_texts
from evalkit.judging.judge_worth import WorthPlan
from evalkit.judging.rater_grades import (
    MissingRatersError,
    RaterGrades,
    choose_judges,
    choose_reference,
    grades_by_rater,
    names_of,
    raters_named,
    raters_of,
)
from evalkit.metrics import parse_metric, proper_name
from evalkit.records import Dataset, Run, check_overlap
from evalkit.store import JudgmentFile
from evalkit.summaries.system_names import distinct_tags
from evalkit.text_analysis.content_words import content_words
from evalkit.workflows.judge_next import known_pair
from evalkit.workflows.judging_input import open_judging_input
from evalkit.workflows.pooled_dataset import PooledDataset

DEFAULT_METRIC = "nDCG@10"


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What to audit, and how.

    Attributes
    ----------
    judge, against
        Names of the two raters; None for all models, and for all people together.
    runs
        Files of runs, for the agreement on systems; of files of judgments only.
    binary
        Grades of the reference from here on count as relevant; None for the grades as they are.
    metric
        Metric that ranks the systems; None for the primary one of the configuration, or nDCG@10.
    dataset
        Dataset that has the texts of the pairs; of files of judgments only.
    overrides
        ``path=value`` settings that replace those of the configuration.
    """

    judge: str | None = None
    against: str | None = None
    runs: Sequence[Path] = ()
    binary: float | None = None
    metric: str | None = None
    dataset: str | None = None
    overrides: Sequence[str] = ()


def audit(paths: Sequence[Path], options: AuditOptions) -> list[Audit]:
    """Audit judges.

    Parameters
    ----------
    paths
        A configuration, a result or both; or one or two files of judgments.
    options
        What to audit, and how.

    Raises
    ------
    InputError
        If a file cannot be read, a rater is missing, or a run has none of the queries.
    """
    if options.metric is not None:
        options = replace(options, metric=proper_name(options.metric))
        parse_metric(options.metric or DEFAULT_METRIC)
    first = paths[0]
    if first.is_dir() or str(first) == "latest" or is_config_file(first):
        return _audit_configured(paths, options)
    if len(paths) > 2:
        raise InputError(f"got {len(paths)} files of judgments", "give the judge's and the people's")
    return _audit_files(paths, options)


def next_command(paths: Sequence[Path], audits: Sequence[Audit] = ()) -> str | None:
    """Return the command that uses the audited judgments, or that makes the raters judge the same documents.

    None for files, of which no configuration is known.
    """
    file = next((path for path in paths if is_config_file(path)), None)
    if audits and not any(one.agreement.pairs for one in audits):
        if file is None and paths[0].is_file():
            return None
        between_people = all(one.between_people for one in audits)
        verb, flags = ("rate", ("--overlap", "0.1")) if between_people else ("run", ("--all",))
        return shlex.join(["evalkit", "judge", verb, str(file or paths[0]), *flags])
    if file is not None:
        return shlex.join(["evalkit", "run", str(file)])
    return None if paths[0].is_file() else shlex.join(["evalkit", "report", str(paths[0])])


def _audit_files(paths: Sequence[Path], options: AuditOptions) -> list[Audit]:
    raters = [_raters_of_file(path) for path in paths]
    dataset = _named_dataset(options)
    judges = _judges_of_file(raters[0], paths, options)
    reference = _reference_of_file(raters[-1], paths, options, _audited(judges, options))
    runs = (
        distinct_tags([read_run(path) for path in options.runs], list(options.runs)) if options.runs else []
    )
    for run in runs:
        check_overlap(run, reference.qrels)
    plan = AuditPlan(options.metric or DEFAULT_METRIC, options.binary)
    if len(runs) > 1:
        cutoff = parse_metric(plan.metric).cutoff or DEFAULT_CUTOFF
        queries = len({key for one in judges for key in one.qrels.grades})
        plan = replace(plan, worth=WorthPlan(runs[0], runs[1], cutoff, queries))
    name = dataset.name if dataset is not None else ""
    texts_of = None if dataset is None else _texts_of(dataset)
    return [
        audit_judge(judge, reference, plan, runs, texts_of, name)
        for judge in judges
        if judge is not reference
    ]


def _raters_of_file(path: Path) -> list[RaterGrades]:
    """Return the raters of a file; a file that names none has one, with the file's name."""
    if names_raters(path):
        return raters_of(grades_by_rater(read_judgment_lines(path)))
    return [RaterGrades(path.stem, None, read_judgments(path).qrels)]


def _judges_of_file(
    raters: Sequence[RaterGrades], paths: Sequence[Path], options: AuditOptions
) -> list[RaterGrades]:
    alone = len(raters) == 1 and len(paths) == 2 and options.judge is None
    return list(raters) if alone else choose_judges(raters, options.judge, str(paths[0]))


def _reference_of_file(
    raters: Sequence[RaterGrades],
    paths: Sequence[Path],
    options: AuditOptions,
    audited: Collection[str],
) -> RaterGrades:
    alone = len(raters) == 1 and len(paths) == 2 and options.against is None
    if alone and raters[0].name not in audited:
        return raters[0]
    return choose_reference(raters, options.against, str(paths[-1]), audited)


def _audited(judges: Sequence[RaterGrades], options: AuditOptions) -> frozenset[str]:
    """Return the names that the reference may not have: of people, and of a model that is named.

    A file without raters has one with the name of the file, which is no name of a person.
    """
    kinds = {"human", "model"} if options.judge is not None else {"human"}
    return frozenset(one.name for one in judges if one.kind in kinds)


def _named_dataset(options: AuditOptions) -> Dataset | None:
    if options.dataset is None:
        return None
    return open_dataset(one_dataset(options.dataset, overrides=options.overrides))


def _audit_configured(paths: Sequence[Path], options: AuditOptions) -> list[Audit]:
    if options.runs or options.dataset is not None:
        flag = "--run" if options.runs else "--dataset"
        raise InputError(f"{flag} is for files of judgments; {paths[0]} names its own", f"remove {flag}")
    opened = open_judging_input([str(path) for path in paths], options.overrides, draws=False)
    metric = options.metric or opened.config.primary
    plan = AuditPlan(metric, options.binary)
    found: list[Audit] = []
    without: list[MissingRatersError] = []
    raters = [dataset_raters(one.dataset, judgments_of(one, opened.config.judges)) for one in opened.datasets]
    _check_names(raters, options, opened.config.judges)
    for pooled, of_dataset in zip(opened.datasets, raters, strict=True):
        try:
            worth = _worth_plan(pooled, opened.config, metric)
            found += _audit_dataset(pooled, of_dataset, replace(plan, worth=worth), options)
        except MissingRatersError as error:
            without.append(error)
    if without and not found:
        raise without[0]
    for reason in without:
        tell(f"not audited: {reason.message}")
    return found


def _worth_plan(pooled: PooledDataset, config: Config, metric: str) -> WorthPlan | None:
    """Return the two systems that a comparison of the dataset is about; None where there are none."""
    try:
        systems = known_pair(pooled, config)
    except UnknownNameError:
        return None
    if systems is None:
        return None
    first, second = (replace(one.run, tag=one.name) for one in systems)
    cutoff = parse_metric(metric).cutoff or pooled.cutoff
    return WorthPlan(first, second, cutoff, len(pooled.pool), pooled.human_sample)


def judgments_of(pooled: PooledDataset, tags: Collection[str]) -> list[Source]:
    """Return the judgments of a dataset, also those of judges that do not count."""
    return [*((one.settings, one.judgments) for one in pooled.sources), *_uncounted(pooled, tags)]


def _check_names(
    raters: Sequence[Sequence[RaterGrades]], options: AuditOptions, tags: Collection[str]
) -> None:
    """Check that some dataset has each rater that is named.

    Raises
    ------
    InputError
        If a judge of the configuration is named that has judged nothing.
    UnknownNameError
        If another name is unknown.
    """
    every = [one for of_dataset in raters for one in of_dataset]
    for name in filter(None, (options.judge, options.against)):
        if raters_named(every, name):
            continue
        if name in tags:
            raise InputError(
                f"judge {name!r} has judged nothing", f"run first: evalkit judge run CONFIG --judge {name}"
            )
        raise UnknownNameError("rater", name, names_of(every))


def _audit_dataset(
    pooled: PooledDataset, raters: Sequence[RaterGrades], plan: AuditPlan, options: AuditOptions
) -> list[Audit]:
    for name in filter(None, (options.judge, options.against)):
        if not raters_named(raters, name):
            raise MissingRatersError(f"{pooled.name}: {name!r} has not judged", "name another rater")
    judges = choose_judges(raters, options.judge, pooled.name)
    reference = choose_reference(raters, options.against, pooled.name, _audited(judges, options))
    texts_of, plan = _texts_of(pooled.dataset), replace(plan, tokens=pooled.dataset.qrels.tokens)
    runs = _systems(pooled)
    return [
        audit_judge(judge, reference, plan, runs, texts_of, pooled.name, _not_scored(pooled))
        for judge in judges
        if judge is not reference
    ]


def _uncounted(pooled: PooledDataset, tags: Collection[str]) -> Iterator[Source]:
    """Yield the judgments of judges that do not count: they are audited before they are used."""
    counted = {one.settings.judge for one in pooled.sources}
    for tag in tags:
        file = JudgmentFile(pooled.file_of(tag))
        if tag not in counted and file.path.is_file():
            yield JudgmentSource(judge=tag, path=file.path), file.read()


def _not_scored(pooled: PooledDataset) -> frozenset[str]:
    """Return the queries that one reranker scored and another one did not: their calls failed."""
    scored = [frozenset(one.run.query_ids) for one in pooled.systems if one.depth is not None]
    return frozenset().union(*scored) - frozenset.intersection(*scored) if scored else frozenset()


def _systems(pooled: PooledDataset) -> list[Run]:
    """Return the ranked lists, with tags that name the depth where a system has several."""
    names = [system.name for system in pooled.systems]
    return [
        replace(
            system.run,
            tag=f"{system.name} at {system.depth}" if names.count(system.name) > 1 else system.name,
        )
        for system in pooled.systems
    ]


def _texts_of(dataset: Dataset) -> Callable[[CommonGrades], PairTexts]:
    def document(doc_id: str) -> str | None:
        return dataset.corpus.text(doc_id) if doc_id in dataset.corpus else None

    queries = {query.query_id: query.text for query in dataset.queries}
    return lambda pairs: pair_texts(pairs, queries, document, content_words)
