"""The data of a configuration under inspection: quickly before every run, closely on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

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
from evalkit.datasets.loading import read_parts
from evalkit.errors import DataFormatError, DatasetError
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.token_readings import read_pairs
from evalkit.metrics import parse_metrics
from evalkit.records import Dataset, Query
from evalkit.retrievers import open_retriever, retrieve_candidates


def preflight(config: Config, eval_sets: Sequence[EvalSet]) -> list[dict[str, Any]]:
    """Return what the quick checks find in every dataset, as the manifest holds it; nothing without a quality pass."""
    return [_preflight(config, eval_set) for eval_set in eval_sets if config.quality]


def _preflight(config: Config, eval_set: EvalSet) -> dict[str, Any]:
    data = CheckInput.of(
        eval_set.dataset, parse_metrics(config.metrics), config.retriever.depth, eval_set.candidates
    )
    findings = [asdict(finding) for finding in by_severity(run_quick_checks(data))]
    return {"dataset": eval_set.dataset.name, "findings": findings, "left_out": list(LEFT_OUT)}


def inspect(config: Config) -> Iterator[DataFinding]:
    """Yield what all checks find in every dataset of a configuration, one dataset in memory at a time.

    Raises
    ------
    InputError
        If a dataset or the first stage cannot be opened.
    """
    for settings in config.datasets:
        train = _train_queries(settings)
        data = replace(_material(config, settings), train=train)
        yield from run_all_checks(data)
        for reading in read_pairs(config, data):
            yield from truncation(data.name, reading)


def _material(config: Config, settings: DatasetSettings) -> CheckInput:
    dataset = open_dataset(settings)
    retriever = open_retriever(config.retriever, dataset)
    depth = config.retriever.depth
    candidates = retrieve_candidates(retriever, dataset, depth)
    data = CheckInput.of(dataset, parse_metrics(config.metrics), depth, candidates)
    if any(query.query_id in dataset.corpus for query in dataset.queries):
        alternative_candidates = retrieve_candidates(retriever, _the_other_way(dataset), depth)
        data = replace(data, alternative_candidates=alternative_candidates)
    return data


def _the_other_way(dataset: Dataset) -> Dataset:
    """Return a dataset that bars documents with the query's id where it did not, and the other way round."""
    return replace(
        dataset, origin=replace(dataset.origin, exclude_same_id=not dataset.origin.exclude_same_id)
    )


def _train_queries(settings: DatasetSettings) -> tuple[Query, ...] | None:
    """Return the queries of the train split, where the source has one and another is looked at."""
    if getattr(settings, "split", None) in {None, "train"}:
        return None
    try:
        parts = read_parts(settings.model_copy(update={"split": "train"}))
    except (DataFormatError, DatasetError):  # there is no such split
        return None
    return tuple(query for query in parts.queries if query.query_id in parts.qrels.grades)
