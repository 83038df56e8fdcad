"""Check that the files of a result folder name the same datasets, systems and queries: each alone may look whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError
from evalkit.metrics import parse_metrics
from evalkit.records import Qrels, Query
from evalkit.results.manifest import Manifest
from evalkit.results.parquet import distinct_rows
from evalkit.results.raw_tables import CALL_COLUMNS, PASSAGE_COLUMNS, SCORE_COLUMNS, precise_tag
from evalkit.results.recorded_config import RecordedConfig

if TYPE_CHECKING:
    from evalkit.results.folder import ResultFolder

_REMEDY = "check that all files of the folder are of one run, and that none was edited"


def check_manifest(manifest: Manifest, file: Path) -> None:
    """Check that a manifest names every dataset and system once, and no others in its records.

    Raises
    ------
    InputError
        If it does not.
    """
    datasets = [facts.name for facts in manifest.datasets]
    runs = [(facts.dataset, facts.tag) for facts in manifest.runs]
    systems = [manifest.first_stage, *manifest.rerankers, *manifest.run_tags]
    for what, names in (("dataset", datasets), ("system", systems), ("run", runs)):
        repeated = [name for name, count in Counter[Any](names).items() if count > 1]
        if repeated:
            raise _damaged(file, f"two entries of the same {what}: {repeated[0]!r}")
    known = {*systems, *_called(manifest)}
    for dataset, system in _named(manifest):
        if dataset is not None and dataset not in datasets:
            raise _damaged(file, f"unknown dataset {dataset!r}")
        if system is not None and system not in known:
            raise _damaged(file, f"unknown system {system!r}")


def _named(manifest: Manifest) -> Iterator[tuple[str | None, str | None]]:
    """Yield datasets and systems that the records of a manifest name."""
    yield from ((facts.dataset, facts.tag) for facts in manifest.runs)
    yield from ((facts.dataset, None) for facts in manifest.preflight)
    yield from ((facts.dataset, facts.reranker) for facts in manifest.pairs)
    yield from ((facts.dataset, facts.reranker) for facts in manifest.quality_passes)
    for tags in (manifest.calls, manifest.endpoints):
        yield from ((None, tag) for tag in tags)
    for facts in manifest.rerankers.values():
        if facts.cascade is not None:
            yield from ((None, stage.reranker) for stage in facts.cascade.stages)


def check_consistent(folder: ResultFolder, manifest: Manifest, config: RecordedConfig) -> None:
    """Check that the configuration and the raw tables name only what the manifest names.

    Raises
    ------
    InputError
        If they do not, or a table is damaged.
    """
    baseline = config.compare.baseline
    systems = {manifest.first_stage, *manifest.rerankers, *manifest.run_tags}
    if baseline is not None and baseline not in systems:
        raise _damaged(folder.resolved_config_file, f"compare.baseline: unknown system {baseline!r}")
    if config.quality:
        _check_scores(folder, manifest, config)
        _check_passages(folder, manifest)
        _check_tokenizer(folder, manifest, config)
    for dataset, tag in _distinct(folder.calls_file, CALL_COLUMNS, ("dataset", "reranker")):
        _check_names(folder.calls_file, manifest, dataset, tag, _called(manifest))


def _check_tokenizer(folder: ResultFolder, manifest: Manifest, config: RecordedConfig) -> None:
    budget = next((one.label for one in parse_metrics(config.metrics) if one.budget_tokens is not None), None)
    if budget is not None and manifest.tokenizer is None:
        raise _damaged(folder.manifest_file, f"no tokenizer is named that counted the tokens of {budget!r}")


def _called(manifest: Manifest) -> set[str]:
    """Return the tags of the rerankers, and those of their scores in fp32."""
    return {*manifest.rerankers, *map(precise_tag, manifest.rerankers)}


def _check_scores(folder: ResultFolder, manifest: Manifest, config: RecordedConfig) -> None:
    ranked = {manifest.first_stage, *_called(manifest)}
    runs = {(facts.dataset, facts.tag) for facts in manifest.runs}
    names = ("dataset", "reranker", "depth", "query_id")
    queries = Counter(key[:3] for key in _distinct(folder.scores_file, SCORE_COLUMNS, names))
    for dataset, tag, depth in queries:
        if (dataset, tag) in runs:
            continue
        _check_names(folder.scores_file, manifest, dataset, tag, ranked)
        if depth is not None and depth not in config.depths:
            raise _damaged(
                folder.scores_file, f"{tag!r} has scores at depth {depth}, which is not configured"
            )
    # The table must have as many queries of each pass as were scored: a mean of fewer would be another one.
    for one in manifest.quality_passes:
        found = queries[one.dataset, one.reranker, one.depth]
        if found != one.scored:
            raise _damaged(
                folder.scores_file,
                f"{one.reranker!r} has scores of {found} queries of {one.dataset!r}, not of {one.scored}",
            )


def _check_passages(folder: ResultFolder, manifest: Manifest) -> None:
    """Check that the table of passages is of datasets whose documents were split, and of rerankers."""
    with_passages = {facts.name for facts in manifest.datasets if facts.passages is not None}
    if not folder.passages_file.is_file():
        return
    for dataset, tag in _distinct(folder.passages_file, PASSAGE_COLUMNS, ("dataset", "reranker")):
        _check_names(folder.passages_file, manifest, dataset, tag, manifest.rerankers)
        if dataset not in with_passages:
            raise _damaged(folder.passages_file, f"the manifest has no passages of dataset {dataset!r}")


def _check_names(file: Path, manifest: Manifest, dataset: str, tag: str, systems: Iterable[str]) -> None:
    if dataset not in manifest.origins:
        raise _damaged(file, f"the manifest has no dataset {dataset!r}")
    if tag not in systems:
        raise _damaged(file, f"the manifest has no system {tag!r} on dataset {dataset!r}")


def _distinct(file: Path, columns: Mapping[str, Any], names: Iterable[str]) -> list[tuple[Any, ...]]:
    return distinct_rows(file, {name: columns[name] for name in names})


def check_judged(qrels: Qrels, queries: Mapping[str, Query], file: Path) -> None:
    """Check that the queries with a relevant document are known; results of earlier versions have no file of queries.

    Raises
    ------
    InputError
        If the file has queries, and one that is averaged is not among them.
    """
    unknown = next((query_id for query_id in qrels.answerable if query_id not in queries), None)
    if queries and unknown is not None:
        raise _damaged(file, f"the query {unknown!r} is judged and is not in the file of queries")


def _damaged(file: Path, what: str) -> InputError:
    return InputError(f"{file.resolve()} is damaged: {what[:200]}", _REMEDY)
