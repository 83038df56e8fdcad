"""The systems whose documents are judged: those that results rank, or the first stage and runs of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evalkit.config import Config
from evalkit.errors import InputError
from evalkit.experiment.compared_runs import read_runs
from evalkit.judging.pools import RankedSystem
from evalkit.records import Dataset, DatasetOrigin, Run
from evalkit.results import ResultFolder
from evalkit.results.manifest import Manifest
from evalkit.retrievers import retrieve_candidates, retriever_context
from evalkit.summaries.quality_cells import derive_cells


def ranked_systems(results: Sequence[ResultFolder], dataset: Dataset) -> Iterator[RankedSystem]:
    """Yield the systems of all results on a dataset, each once.

    A system of a later result that has the name of an earlier one and ranks otherwise gets the name of its folder, too.

    Raises
    ------
    InputError
        If a result lacks the dataset, or has other queries or documents under its name.
    """
    earlier: dict[tuple[str, int | None], Run] = {}
    for folder in results:
        manifest, config = folder.read_manifest(), folder.read_config()
        _check_same(folder, manifest, dataset)
        qrels = {dataset.name: folder.read_judged(manifest)[0][dataset.name]}
        names = {name for name, _ in earlier}
        for cell in derive_cells(folder, manifest, qrels, (), config.depths, config.below_depth):
            known = earlier.get((cell.reranker, cell.depth))
            if known is not None and _ranks_alike(known, cell.run):
                continue
            name = f"{cell.reranker} ({folder.path.name})" if cell.reranker in names else cell.reranker
            earlier[name, cell.depth] = cell.run
            yield RankedSystem(name, cell.depth, cell.run, cell.scores)


def _ranks_alike(one: Run, other: Run) -> bool:
    return (one.query_ids, one.doc_ids) == (other.query_ids, other.doc_ids) and bool(
        np.array_equal(one.offsets, other.offsets) and np.array_equal(one.scores, other.scores)
    )


def unranked_systems(config: Config, dataset: Dataset) -> Iterator[RankedSystem]:
    """Yield the first stage and the runs of a configuration."""
    with retriever_context(config.retriever, dataset, None) as retriever:
        candidates = retrieve_candidates(retriever, dataset, config.retriever.depth)
    yield RankedSystem(config.retriever.label, max(config.depths), candidates, candidates)
    for compared in read_runs(config, dataset):
        yield RankedSystem(compared.facts.tag, None, compared.run, compared.run)


def _check_same(folder: ResultFolder, manifest: Manifest, dataset: Dataset) -> None:
    origin = manifest.origins.get(dataset.name)
    remedy = "name results of this configuration, or run it: evalkit run CONFIG"
    if origin is None:
        raise InputError(f"{folder.path} has no dataset {dataset.name!r}", remedy)
    if origin.content_hash == dataset.origin.content_hash:
        return
    mine = {query.query_id: query.instructed_text for query in dataset.queries}
    theirs = {
        query_id: query.instructed_text for query_id, query in folder.read_queries(dataset.name).items()
    }
    if mine != theirs or _documents_of(origin) != _documents_of(
        dataset.origin, by_hash=origin.documents_sha256 is not None
    ):
        what = "queries" if mine != theirs else "documents"
        raise InputError(
            f"{folder.path} has other {what} in {dataset.name!r} than the configuration has now", remedy
        )


def _documents_of(origin: DatasetOrigin, *, by_hash: bool = True) -> object:
    """Return what is compared of the documents: their hash, or only their number in results of earlier versions."""
    if by_hash and origin.documents_sha256 is not None:
        return origin.documents_sha256
    return origin.counts.get("documents")
