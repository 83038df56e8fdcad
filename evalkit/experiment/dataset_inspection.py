"""Data checks of a configuration: the quick ones before every run, all of them on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from evalkit.config import Config, DatasetSettings
from evalkit.dataset_checks import (
    LEFT_OUT,
    CheckInput,
    DataFinding,
    by_severity,
    run_all_checks,
    run_quick_checks,
    truncation,
)
from evalkit.datasets import open_dataset
from evalkit.datasets.human_sample import check_size, too_few_text
from evalkit.datasets.loading import read_parts
from evalkit.errors import DataFormatError, DatasetError, EvalkitError, tell
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.passage_view import PassageView, make_passages
from evalkit.experiment.token_readings import read_pairs
from evalkit.metrics import parse_metrics
from evalkit.plurals import number_of
from evalkit.records import Dataset, Query
from evalkit.results.manifest import Preflight
from evalkit.retrievers import open_retriever, retrieve_candidates


def preflight(config: Config, eval_sets: Sequence[EvalSet]) -> tuple[Preflight, ...]:
    """Return the findings of the quick checks for every dataset; none without a quality pass."""
    return tuple(_preflight(config, eval_set) for eval_set in eval_sets if config.quality)


def _preflight(config: Config, eval_set: EvalSet) -> Preflight:
    data = CheckInput.of(
        eval_set.dataset, parse_metrics(config.metrics), config.retriever.depth, eval_set.candidates
    )
    return Preflight(eval_set.dataset.name, tuple(by_severity(run_quick_checks(data))), LEFT_OUT)


_ON_DISK = frozenset({"demo", "tables", "trec_files", "beir_folder"})
"""Sources that are read without a download."""


def check_draws(config: Config) -> None:
    """Check that no draw for people asks for more queries than its dataset has; a note says which ask for too few.

    Datasets that are not on this machine, or cannot be read, are left to a run.

    Raises
    ------
    InputError
        If one does.
    """
    for settings in config.datasets:
        sample = settings.human_sample
        if sample is None or sample.queries is None:
            continue
        if (few := too_few_text(settings.label, sample.queries)) is not None:
            tell(few)
        if settings.source not in _ON_DISK:
            continue
        try:
            dataset = open_dataset(settings)
        except EvalkitError:
            continue
        check_size(sample.queries, dataset)


def inspect(config: Config) -> Iterator[DataFinding]:
    """Yield the findings of all checks for every dataset; one dataset is in memory at a time.

    Raises
    ------
    InputError
        If a dataset or the first stage cannot be opened.
    """
    for settings in config.datasets:
        train = _train_queries(settings)
        data = replace(_check_input(config, settings), train=train)
        yield from run_all_checks(data)
        yield from _too_large_a_draw(settings, data)
        for reading in read_pairs(config, data, _passages(config, settings, data)):
            yield from truncation(data.name, reading, passages=settings.passages is not None)


def _too_large_a_draw(settings: DatasetSettings, data: CheckInput) -> Iterator[DataFinding]:
    """Yield that a draw for people asks for more queries than the dataset has: a run would refuse it."""
    asked = 0 if settings.human_sample is None else settings.human_sample.queries or 0
    known = len(data.dataset.queries)
    if asked > known:
        yield DataFinding(
            data.name,
            "human_sample_too_large",
            "error",
            f"human_sample asks for {number_of(asked, 'query', 'queries')}, and the dataset has {known}",
            {"asked": asked, "queries": known},
            (),
            "a run refuses to draw them",
            f"set human_sample.queries to {known} or less",
        )


def _passages(config: Config, settings: DatasetSettings, data: CheckInput) -> PassageView | None:
    """Return the passages of the candidates and of the relevant documents; None where documents are scored."""
    if settings.passages is None or data.candidates is None:
        return None
    relevant = (doc for docs in data.qrels.grades.values() for doc, grade in docs.items() if grade > 0)
    known = (doc for doc in relevant if doc in data.dataset.corpus)
    candidates = data.candidates.cut(max(config.depths)).doc_ids
    return make_passages(settings.passages, data.dataset, (*candidates, *known))


def _check_input(config: Config, settings: DatasetSettings) -> CheckInput:
    dataset = open_dataset(settings)
    retriever = open_retriever(config.retriever, dataset)
    depth = config.retriever.depth
    candidates = retrieve_candidates(retriever, dataset, depth)
    data = CheckInput.of(dataset, parse_metrics(config.metrics), depth, candidates)
    if any(query.query_id in dataset.corpus for query in dataset.queries):
        alternative_candidates = retrieve_candidates(retriever, _with_opposite_id_rule(dataset), depth)
        data = replace(data, alternative_candidates=alternative_candidates)
    return data


def _with_opposite_id_rule(dataset: Dataset) -> Dataset:
    """Return a copy of the dataset with `exclude_same_id` inverted."""
    return replace(
        dataset, origin=replace(dataset.origin, exclude_same_id=not dataset.origin.exclude_same_id)
    )


def _train_queries(settings: DatasetSettings) -> tuple[Query, ...] | None:
    """Return the queries of the train split; None where the source has none or it is the evaluated split."""
    if getattr(settings, "split", None) in {None, "train"}:
        return None
    try:
        parts = read_parts(settings.model_copy(update={"split": "train"}))
    except (DataFormatError, DatasetError):  # the source has no train split
        return None
    return tuple(query for query in parts.queries if query.query_id in parts.qrels.grades)
