"""What the commands of ``evalkit judge`` work on: datasets, the documents to judge, and the files of judgments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.comparison.counted_lists import counted_depth
from evalkit.config import Config, DatasetSettings, load_config
from evalkit.config.judgment_settings import JudgmentSource
from evalkit.config.secrets_check import KeyCheck
from evalkit.datasets import open_dataset
from evalkit.datasets.human_sample import human_sample_of
from evalkit.errors import InputError, tell
from evalkit.judging.pools import RankedSystem, pool_of
from evalkit.metrics import parse_metric
from evalkit.records import Dataset, DocumentTokens
from evalkit.report.manifest_command import overrides_in
from evalkit.results import ResultFolder
from evalkit.results.folder import results_folder
from evalkit.results.locate import LATEST, locate_result, locate_results
from evalkit.store import JudgmentFile
from evalkit.workflows.judged_systems import ranked_systems, unranked_systems
from evalkit.workflows.pooled_dataset import PooledDataset, ReadSource

NO_CUTOFF = 10
"""Number of ranks that are judged if the primary metric has no cutoff."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgingInput:
    """What is judged.

    Attributes
    ----------
    config
        The configuration.
    datasets
        In the order of the configuration.
    results
        The results whose rankings are judged; empty if nothing was reranked yet.
    file
        The file of the configuration.
    """

    config: Config
    datasets: tuple[PooledDataset, ...]
    results: tuple[ResultFolder, ...]
    file: Path

    @property
    def folder(self) -> Path:
        """The folder of the configuration."""
        return self.file.parent

    @property
    def has_people(self) -> bool:
        """Whether a person has judged a dataset."""
        return any(one.has_judgments("human") for one in self.datasets)

    @property
    def has_models(self) -> bool:
        """Whether a model has judged a dataset."""
        return any(one.has_judgments("model") for one in self.datasets)


def open_judging_input(
    paths: Sequence[str | Path],
    overrides: Sequence[str] = (),
    *,
    cutoff: int | None = None,
    keys: KeyCheck = "ignored",
    draws: bool = True,
) -> JudgingInput:
    """Open what ``CONFIG|RESULT...`` names.

    Parameters
    ----------
    paths
        A configuration, results (see `locate_result`), or both. The configuration of results is the file that they were
        run with, as it is now, with the settings of its ``--set``. A configuration alone means its newest complete
        result; if there is none, its first stage and its ``runs:``.
    overrides
        ``path=value`` settings that replace those of the configuration.
    cutoff
        Number of ranks that are judged (default: the cutoff of the primary metric; without one, `NO_CUTOFF`, and with a
        human sample all ranks that the metric counts).
    keys
        See `load_config`.
    draws
        Whether a draw for people that is configured and not yet made is made and written now.

    Raises
    ------
    InputError
        If a result has other queries or documents than the configuration, or its configuration is not found.
    """
    file, named = _split(paths)
    results = [ResultFolder.open(path) for path in locate_results(named, allow_incomplete=True, scores=True)]
    if file is None:
        file, overrides = _config_file(results[0]), (*_overrides_of(results), *overrides)
    config = load_config(file, overrides, keys=keys)
    results = results or _newest(config, file)
    opened = [(one, _with_lengths(open_dataset(one), results)) for one in config.datasets]
    first_stages = frozenset([one.read_manifest().first_stage for one in results] or [config.retriever.label])
    datasets: list[PooledDataset] = []
    for settings, dataset in opened:
        systems = tuple(ranked_systems(results, dataset) if results else unranked_systems(config, dataset))
        ranks = cutoff or _counted_ranks(config, settings, systems, dataset.qrels.tokens)
        datasets.append(
            PooledDataset(
                settings=settings,
                dataset=dataset,
                systems=systems,
                cutoff=ranks,
                pool=pool_of(systems, ranks, [query.query_id for query in dataset.queries], dataset.corpus),
                sources=tuple(map(_read_source, settings.judgments)),
                draw=human_sample_of(settings, dataset, config.judges, draws=draws),
                folder=file.parent,
                first_stages=first_stages,
            )
        )
    return JudgingInput(config, tuple(datasets), tuple(results), file)


def _counted_ranks(
    config: Config, settings: DatasetSettings, systems: Sequence[RankedSystem], tokens: DocumentTokens | None
) -> int:
    """Return the number of ranks that are judged for the primary metric.

    Grades that correct others have to be complete: for a metric without a cutoff they reach as far as it counts, or to
    the end of the lists where the lengths of documents are not known before a run.
    """
    metric = config.primary
    parsed = parse_metric(metric)
    if parsed.cutoff is not None or settings.human_sample is None:
        return parsed.cutoff or NO_CUTOFF
    if parsed.budget_tokens is not None and tokens is not None:
        ranks = max((counted_depth(one.run, metric, tokens) for one in systems), default=0)
    else:
        ranks = max((len(docs) for one in systems for _, docs, _ in one.run), default=0)
    if ranks > NO_CUTOFF:
        tell(
            f"{settings.label}: {metric} has no cutoff, so that with human_sample the first {ranks} documents of each"
            f" system are judged; for fewer, compare by a metric with a cutoff, such as nDCG@{NO_CUTOFF}"
        )
    return max(ranks, 1)


def _with_lengths(dataset: Dataset, results: Sequence[ResultFolder]) -> Dataset:
    """Return a dataset whose judgments have the lengths of documents that a result counted for a metric at a budget."""
    found = (one.read_judged(one.read_manifest())[0].get(dataset.name) for one in results)
    known = (qrels.tokens for qrels in found if qrels is not None and qrels.tokens is not None)
    return replace(dataset, qrels=dataset.qrels.with_tokens(next(known, None)))


def _overrides_of(results: Sequence[ResultFolder]) -> tuple[str, ...]:
    """Return the settings that all results were run with in place of those of their file; others are named."""
    given = [overrides_in(one.read_manifest().command) for one in results]
    shared = tuple(one for one in given[0] if all(one in other for other in given))
    differing = sorted({one for settings in given for one in settings} - set(shared))
    if differing:
        tell(f"the results were run with different settings, which are not used: {', '.join(differing)}")
    return shared


def _split(paths: Sequence[str | Path]) -> tuple[Path | None, list[str | Path]]:
    """Return the configuration among the arguments, if there is one, and the results."""
    files = [Path(one) for one in paths if Path(one).is_file()]
    if len(files) > 1:
        raise InputError(f"got {len(files)} configurations: {files[0]} and {files[1]}", "give one of them")
    named = [one for one in paths if not Path(one).is_file()]
    for one in named:
        if not Path(one).is_dir() and str(one) != LATEST:
            raise InputError(
                f"neither a configuration nor a result: {Path(one).absolute()}", "check the path"
            )
    return (files[0] if files else None), named


def _config_file(result: ResultFolder) -> Path:
    """Return the file of a result's configuration.

    Raises
    ------
    InputError
        If the result does not name it, or it is not there.
    """
    recorded = result.read_manifest().config_file
    hint = f"name the configuration, too: CONFIG {result.path}"
    if recorded is None:
        raise InputError(f"{result.path} does not say which file its configuration is from", hint)
    if not Path(recorded).is_file():
        raise InputError(
            f"the configuration of {result.path} is not found: {Path(recorded).absolute()}", hint
        )
    return Path(recorded)


def _newest(config: Config, file: Path) -> list[ResultFolder]:
    """Return the newest complete result of a configuration; none, with a note, if there is none."""
    parent = results_folder(config.name, None)
    try:
        return [ResultFolder.open(locate_result(parent, scores=True))]
    except InputError:
        if config.rerankers:
            tell(
                f"{parent} contains no complete result, so only what the first stage and `runs:` rank is judged; to"
                f" judge what rerankers rank, run first: evalkit run {file}"
            )
        return []


def _read_source(settings: JudgmentSource) -> ReadSource:
    if settings.path is None:
        raise AssertionError("a loaded configuration names the files of all judgments")
    return ReadSource(settings, settings.path, tuple(JudgmentFile(settings.path).read()))
