"""Runs at every depth from raw scores, and their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError, InputError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.candidate_ranks import ranks_in
from evalkit.records import BelowDepth, Coverage, MetricValues, Qrels, Run, append_below
from evalkit.reranking import scored_run
from evalkit.results import ResultFolder
from evalkit.results.manifest import Manifest
from evalkit.results.raw_tables import at_depth
from evalkit.results.table_columns import DAMAGED
from evalkit.summaries.candidate_runs import best_order


@dataclass(frozen=True, slots=True)
class QualityCell:
    """One reranker on one dataset at one depth, with its run and its values.

    Attributes
    ----------
    depth
        Candidates per query; None for a compared run, which has candidates of its own.
    run
        The ranked lists of the queries that were scored, with the candidates below the depth where these are kept.
    values
        Per averaged query; a query that was not scored has no row.
    not_scored
        Queries with candidates and without scores: their call failed, or was never made. They
        are in no mean; a query without candidates has the value 0.
    placed_last
        Query id -> documents without a score of their own; None if unknown. See `placed_last`.
    reranked
        The part of `run` that the reranker was given; None if that is all of it.
    coverage, missing_as_zero
        See `System`; only of a compared run.
    """

    dataset: str
    reranker: str
    depth: int | None
    run: Run
    values: MetricValues
    not_scored: tuple[str, ...]
    placed_last: Mapping[str, frozenset[str]] | None = field(default_factory=dict)
    reranked: Run | None = None
    coverage: Coverage | None = None
    missing_as_zero: bool = False

    @property
    def scores(self) -> Run:
        """The run without candidates below the depth."""
        return self.run if self.reranked is None else self.reranked


@dataclass(frozen=True, slots=True)
class CandidateCeiling:
    """The best quality that the candidates allow at one depth.

    Attributes
    ----------
    recall
        ``(q,)`` share of each query's relevant documents that are among the candidates.
    best
        The values with the reranked candidates in the order of their grades.
    pairs
        Candidates over all queries.
    """

    dataset: str
    depth: int
    recall: NDArray[np.float64]
    best: MetricValues
    pairs: int = 0


def derive_cells(
    folder: ResultFolder,
    manifest: Manifest,
    qrels: Mapping[str, Qrels],
    metrics: Sequence[str],
    depths: Sequence[int],
    below_depth: BelowDepth,
) -> Iterator[QualityCell]:
    """Yield every cell of each dataset: the first stage and each reranker at each depth, then each compared run."""
    parsed = parse_metrics(metrics)
    with_candidates: list[str] = []
    candidates = Run.from_rows("", [], [], [])
    for dataset, judged in qrels.items():
        lists: dict[int, Run] = {}
        for tag in (manifest.first_stage, *manifest.rerankers):
            part = _ranked_scores(folder, dataset, tag)
            if tag == manifest.first_stage:
                with_candidates = list(dict.fromkeys(part["query_id"].tolist()))
                longest = int(part["retriever_rank"].max(initial=0))
                if below_depth == "kept" and longest > min(depths):
                    candidates = _run(folder, part, tag, longest)
            for depth in depths:
                columns = at_depth(part, depth)
                reranked = _run(folder, columns, tag, depth)
                if tag == manifest.first_stage:
                    lists[depth] = reranked
                _check_candidates(folder, reranked, lists[depth], whole=not _is_cascade(manifest, tag))
                run = append_below(reranked, candidates, depth)
                scored = set(run.query_ids)
                missing = tuple(q for q in with_candidates if q not in scored)
                kept = _averaged(judged, missing, any_scored=bool(scored) or not with_candidates)
                values = evaluate(run, kept, parsed)
                last = placed_last(columns, _made_up(manifest, dataset, tag, depth))
                yield QualityCell(dataset, tag, depth, run, values, missing, last, reranked)
        for facts in manifest.runs:
            if facts.dataset == dataset:
                run = _run(folder, folder.read_scores_of(dataset, facts.tag), facts.tag, None)
                # A query that the file lacks counts as 0; verdicts that rest on many such queries are withheld.
                yield QualityCell(
                    dataset,
                    facts.tag,
                    None,
                    run,
                    evaluate(run, judged, parsed),
                    (),
                    coverage=Coverage.of(run, judged),
                    missing_as_zero=facts.missing_as_zero,
                )


def _ranked_scores(folder: ResultFolder, dataset: str, tag: str) -> dict[str, NDArray[Any]]:
    """Return the scores of a first stage or a reranker, whose documents all have a rank of the first stage."""
    columns = folder.read_scores_of(dataset, tag)
    if np.isnan(columns["retriever_rank"].astype(np.float64)).any():
        raise InputError(
            f"{folder.scores_file.resolve()} is damaged: column 'retriever_rank': a rank of {tag!r} is missing",
            DAMAGED,
        )
    return columns


def _run(folder: ResultFolder, columns: Mapping[str, NDArray[Any]], tag: str, depth: int | None) -> Run:
    try:
        return scored_run(columns, tag, depth)
    except DataFormatError as error:
        raise DataFormatError(
            f"{folder.scores_file.resolve()} is damaged: {tag!r}: {error}", error.hint
        ) from None


def _check_candidates(folder: ResultFolder, run: Run, candidates: Run, *, whole: bool) -> None:
    """Check that a reranker ranks the candidates of the first stage.

    Parameters
    ----------
    folder
        For the message.
    run, candidates
        Both at one depth.
    whole
        Whether it ranks all of them, and not some as a cascade may.

    Raises
    ------
    InputError
        If it does not.
    """
    unknown = np.bincount(run.owners[ranks_in(candidates, run) == 0], minlength=len(run.query_ids)) > 0
    starts, stops = candidates.spans(run.query_ids)
    fewer = np.diff(run.offsets) < stops - starts
    wrong = np.flatnonzero(unknown | fewer if whole else unknown)
    if len(wrong):
        raise InputError(
            f"{folder.scores_file.resolve()} is damaged: {run.tag!r} does not rank the candidates of query"
            f" {run.query_ids[wrong[0]]!r}",
            DAMAGED,
        )


def _is_cascade(manifest: Manifest, tag: str) -> bool:
    facts = manifest.rerankers.get(tag)
    return facts is not None and facts.cascade is not None


def placed_last(columns: Mapping[str, NDArray[Any]], made_up: int) -> dict[str, frozenset[str]] | None:
    """Return query id -> documents that have no score of their own: they have no rank in the replayed list.

    Parameters
    ----------
    columns
        ``query_id``, ``doc_id`` and ``list_rank`` of the scores of one pass.
    made_up
        Number of such documents. Results of evalkit 0.1 hold this number alone and no rank: None if it is neither 0
        nor the number of all documents.
    """
    if not made_up:
        return {}
    unranked = np.isnan(columns["list_rank"].astype(np.float64))
    if unranked.all() and made_up < len(unranked):
        return None
    found: dict[str, set[str]] = {}
    for query_id, doc_id in zip(columns["query_id"][unranked], columns["doc_id"][unranked], strict=True):
        found.setdefault(query_id, set()).add(doc_id)
    return {query_id: frozenset(docs) for query_id, docs in found.items()}


def _made_up(manifest: Manifest, dataset: str, tag: str, depth: int) -> int:
    """Return how many scores of a pass the replay backend made up (``missing: last``)."""
    facts = manifest.rerankers.get(tag)
    if facts is None or facts.backend != "replay":
        return 0
    return sum(
        one.documents_placed_last
        for one in manifest.quality_passes
        if (one.dataset, one.reranker) == (dataset, tag) and one.depth in {None, depth}
    )


def _averaged(judged: Qrels, missing: Sequence[str], *, any_scored: bool) -> Qrels:
    """Return the judgments of the queries that have a value.

    Missing scores are derived from the scores and not from recorded failures: a query without scores never has a
    value, whatever the cause. A reranker that scored no query has no value either, not even the 0 of the queries
    without candidates.
    """
    if not any_scored:
        return Qrels({})
    left_out = frozenset(missing)
    return judged.restricted_to(q for q in judged.grades if q not in left_out)


def derive_ceilings(
    first_stage: Sequence[QualityCell], qrels: Mapping[str, Qrels], metrics: Sequence[str]
) -> Iterator[CandidateCeiling]:
    """Yield, per dataset and depth, the recall of the candidates and the values of their best order."""
    parsed = parse_metrics(metrics)
    for cell in first_stage:
        if cell.depth is None:
            continue
        judged = qrels[cell.dataset]
        recall = evaluate(cell.scores, judged, parse_metrics([f"R@{cell.depth}"])).values[:, 0]
        best = append_below(best_order(cell.scores, judged), cell.run, cell.depth)
        yield CandidateCeiling(
            cell.dataset, cell.depth, recall, evaluate(best, judged, parsed), len(cell.scores)
        )
