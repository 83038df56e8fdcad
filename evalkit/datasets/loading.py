"""Load a `Dataset` from a name or settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from evalkit import registry
from evalkit.config import DatasetSettings, validate_block
from evalkit.config.load import dataset_block
from evalkit.datasets.assemble import Parts, assemble
from evalkit.records import Dataset, grade_text


class Source(Protocol):
    """A dataset source. It only reads data; `assemble` joins texts, samples and counts."""

    @staticmethod
    def read(settings: Any) -> Parts:
        """Read the dataset that the settings describe."""
        ...


def read_parts(settings: DatasetSettings) -> Parts:
    """Read the dataset that checked settings describe, without processing.

    Raises
    ------
    DataFormatError
        If a file is missing or invalid; the message names file and line.
    DatasetError
        If a hub cannot be reached or lacks the dataset.
    """
    source: Source = registry.lookup("dataset source", settings.source)
    return source.read(settings)


def open_dataset(settings: DatasetSettings) -> Dataset:
    """Load the dataset that checked settings describe; see `read_parts`."""
    return assemble(settings, read_parts(settings))


def dataset_settings(spec: str | dict[str, Any]) -> DatasetSettings:
    """Check an item of a configuration's ``datasets:`` list.

    Raises
    ------
    ConfigError
        If the item is invalid; it contains every problem.
    """
    settings = validate_block("dataset source", dataset_block(spec))
    if not isinstance(settings, DatasetSettings):
        raise TypeError(f"{type(settings).__name__} is not a DatasetSettings")
    return settings


def load_dataset(spec: str | dict[str, Any]) -> Dataset:
    """Load a dataset from an item of a configuration's ``datasets:`` list.

    Parameters
    ----------
    spec
        ``"demo"``, a hub name such as ``"beir/scifact"``, or a mapping with ``source``.
    """
    return open_dataset(dataset_settings(spec))


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return counts, text lengths and origin of a dataset as JSON values; unknown values are None."""
    origin, candidates = dataset.origin, dataset.candidates
    grades = Counter(grade for docs in dataset.qrels.grades.values() for grade in docs.values())
    return {
        "dataset": dataset.name,
        "source": origin.source,
        "location": origin.location,
        "split": origin.split,
        "revision": origin.revision,
        "licence": origin.licence,
        "language": origin.language,
        **origin.counts,
        "grades": {grade_text(grade): grades[grade] for grade in sorted(grades)},
        "listed_candidates": None if candidates is None else len(candidates),
        "document_characters": _lengths(dataset.corpus.texts),
        "query_characters": _lengths(query.text for query in dataset.queries),
        "content_hash": origin.content_hash,
    }


def _lengths(texts: Iterable[str]) -> dict[str, int]:
    """Return the median, the 95th percentile and the maximum of text lengths in characters."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64)
    median, p95 = np.quantile(lengths, [0.5, 0.95], method="inverted_cdf")
    return {"p50": int(median), "p95": int(p95), "longest": int(lengths.max())}
