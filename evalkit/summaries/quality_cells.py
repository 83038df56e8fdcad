"""Runs at every depth from raw scores, and their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.metrics import Metric, evaluate, parse_metrics
from evalkit.records import BelowDepth, Coverage, MetricValues, Qrels, Run, append_below
from evalkit.results import ResultFolder
from evalkit.results.manifest import Manifest
from evalkit.results.table_columns import DAMAGED
from evalkit.summaries.candidate_runs import best_order
from evalkit.summaries.ranked_scores import RankedScores, ScoreRows
from evalkit.summaries.side_by_side import side_by_side


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
    for dataset, judged in qrels.items():
        first = ScoreRows.read(folder, dataset, manifest.first_stage)
        yield from _ranked_cells(first, manifest, dataset, judged, parsed, depths, below_depth)
        for facts in manifest.runs:
            if facts.dataset == dataset:
                run = ScoreRows.read(folder, dataset, facts.tag, first).ranked().run
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


def _ranked_cells(
    first: ScoreRows,
    manifest: Manifest,
    dataset: str,
    judged: Qrels,
    metrics: Sequence[Metric],
    depths: Sequence[int],
    below_depth: BelowDepth,
) -> Iterator[QualityCell]:
    """Yield the cells of the first stage and the rerankers on one dataset."""
    first.check_ranks()
    top = first.ranked()
    tails = top.run if below_depth == "kept" else Run.from_rows("", [], [], [])
    lists = {depth: top.within(depth) for depth in depths}

    def cells_of(tag: str) -> list[QualityCell]:
        rows = first if tag == manifest.first_stage else ScoreRows.read(first.folder, dataset, tag, first)
        rows.check_ranks()
        whole = None if rows is first or rows.has_passes else rows.ranked(top)
        cells = []
        for depth in depths:
            of_pass = rows if whole or rows is first else rows.of_pass(depth)
            found = lists[depth] if rows is first else (whole or of_pass.ranked(top)).within(depth)
            all_of_them = not _is_cascade(manifest, tag)
            _check_candidates(first.folder, found, lists[depth].run, depth, whole=all_of_them)
            run = append_below(found.run, tails, depth)
            scored = set(run.query_ids)
            missing = tuple([q for q in top.run.query_ids if q not in scored])
            kept = _averaged(judged, missing, any_scored=bool(scored) or not len(top.run))
            values = evaluate(run, kept, metrics)
            made_up = _made_up(manifest, dataset, tag, depth)
            last = placed_last(of_pass.named() if made_up else {}, made_up)
            cells.append(QualityCell(dataset, tag, depth, run, values, missing, last, found.run))
        return cells

    yield from chain.from_iterable(side_by_side(cells_of, (manifest.first_stage, *manifest.rerankers)))


def _check_candidates(
    folder: ResultFolder, found: RankedScores, candidates: Run, depth: int, *, whole: bool
) -> None:
    """Check that a reranker ranks the candidates of the first stage.

    Parameters
    ----------
    folder
        For the message.
    found, candidates
        Both at one depth.
    depth
        The depth.
    whole
        Whether it ranks all of them, and not some as a cascade may.

    Raises
    ------
    InputError
        If it does not.
    """
    run = found.run
    outside = (found.candidate_ranks == 0) | (found.candidate_ranks > depth)
    unknown = np.bincount(run.owners[outside], minlength=len(run.query_ids)) > 0
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
    if not missing:
        return judged  # with its columns, which all cells share
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
