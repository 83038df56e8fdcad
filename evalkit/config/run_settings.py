"""``runs:``: systems that are compared and never called, each a TREC run file for one or more datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from evalkit.config.blocks import DatasetSettings, RetrieverSettings
from evalkit.config.input_paths import InputFile
from evalkit.config.settings import Settings, Slug
from evalkit.config.source import Path, Problem, Source
from evalkit.errors import nearest_name_hint


class RunSettings(Settings):
    """A TREC run of any engine on one dataset. It is compared as it is, with candidates of its own and no depth.

    Attributes
    ----------
    path
        TREC run file, plain or compressed (``.gz``, ``.zst``). Its own tag is ignored in favour of the key.
    dataset
        Name of its dataset. Required if the configuration has several datasets.
    latencies
        Latency of each query as the engine measured it: a table (``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``) with
        the columns ``query_id`` and ``seconds``, one row per query. An empty cell is unknown.
    missing_queries
        What is known of the judged queries that the file lacks: each counts as 0. ``withhold``: the file may be cut
        off, so that verdicts that rest on them are withheld. ``zero``: the engine returned nothing for them.
    """

    path: InputFile
    dataset: str | None = None
    latencies: InputFile | None = None
    missing_queries: Literal["withhold", "zero"] = "withhold"


Runs = Annotated[tuple[RunSettings, ...], Field(min_length=1)]
"""The files of one system, one for each dataset."""


def expand_runs(source: Source) -> None:
    """Replace each run that is written as one mapping by a list with this mapping; positions stay."""
    runs = source.data.get("runs") if isinstance(source.data, dict) else None
    if not isinstance(runs, dict):
        return
    for tag, block in runs.items():
        if not isinstance(block, dict):
            continue
        runs[tag] = [block]
        for positions in (source.keys, source.values):
            inner = {
                path: at for path, at in positions.items() if path[:2] == ("runs", tag) and len(path) > 2
            }
            for path, position in inner.items():
                positions[(*path[:2], 0, *path[2:])] = position


def with_datasets(
    runs: Mapping[str, Sequence[RunSettings]], datasets: Sequence[DatasetSettings]
) -> dict[str, tuple[RunSettings, ...]]:
    """Return the runs with their datasets; one without a dataset belongs to the only one."""
    return {
        tag: tuple(one.model_copy(update={"dataset": one.dataset or datasets[0].label}) for one in files)
        for tag, files in runs.items()
    }


def check_runs(
    runs: Mapping[Slug, Sequence[RunSettings]],
    baseline: str | None,
    datasets: Sequence[DatasetSettings],
    retriever: RetrieverSettings | None,
    rerankers: Mapping[str, object],
) -> Iterator[Problem]:
    """Yield the problems of runs that are valid by themselves: tags, datasets, and what they are compared with."""
    yield from _tags(runs, retriever, rerankers)
    labels = [dataset.label for dataset in datasets]
    for tag, files in runs.items() if labels else ():
        yield from _datasets(tag, files, labels)
    of_baseline = runs.get(baseline or "")
    if of_baseline is not None and len(labels) > 1:
        for label in labels:
            if label not in {one.dataset for one in of_baseline}:
                yield Problem(
                    ("compare", "baseline"),
                    f"the baseline {baseline!r} has no run for the dataset {label!r}",
                    f"add one under runs.{baseline}, or choose another baseline",
                )
    if runs and not rerankers:
        yield from _nothing_to_compare(runs, labels)


def _tags(
    runs: Mapping[str, object], retriever: RetrieverSettings | None, rerankers: Mapping[str, object]
) -> Iterator[Problem]:
    for tag in runs:
        taken = "a reranker" if tag in rerankers else None
        if retriever is not None and tag == retriever.label:
            taken = "the retriever"
        if taken:
            yield Problem(("runs", tag), f"the tag {tag!r} is already the tag of {taken}", "rename this run")


def _datasets(tag: str, files: Sequence[RunSettings], labels: Sequence[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, one in enumerate(files):
        path: Path = ("runs", tag, index)
        if one.dataset is None and len(labels) > 1:
            yield Problem(
                path, "the configuration has several datasets", f"add 'dataset:', one of: {', '.join(labels)}"
            )
            continue
        if one.dataset is not None and one.dataset not in labels:
            hint = nearest_name_hint(one.dataset, labels)
            yield Problem((*path, "dataset"), f"unknown dataset {one.dataset!r}", hint)
            continue
        label = one.dataset or labels[0]
        if label in seen:
            yield Problem(path, f"{tag!r} has two runs for the dataset {label!r}", "remove one of them")
        seen.add(label)


def _nothing_to_compare(
    runs: Mapping[str, Sequence[RunSettings]], labels: Sequence[str]
) -> Iterator[Problem]:
    named = {one.dataset for files in runs.values() for one in files}
    for index, label in enumerate(labels if len(labels) > 1 else ()):
        if label not in named:
            yield Problem(
                ("datasets", index),
                f"the dataset {label!r} has neither a run nor a reranker to compare",
                "add a run for it, or remove the dataset",
            )
