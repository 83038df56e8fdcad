"""Small result folders on disk: a manifest, a configuration, judgments, queries, scores and calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from evalkit.records import DatasetOrigin, Qrels, Query
from evalkit.results import ResultFolder
from evalkit.results.manifest import CandidateLists, DatasetFacts, Machine, Manifest
from evalkit.results.parquet import write_table
from evalkit.results.raw_tables import CALLS, SCORES
from evalkit.results.reranker_facts import RerankerFacts
from evalkit.results.run_facts import RunFacts
from support.systems import Scores

MANIFEST = Manifest(
    status="complete", name="test", command="evalkit run", started="2026-01-01T00:00:00+00:00", started_s=1.0,
    finished=None, resumed=0, store="scores.sqlite", seed=1, versions={"evalkit": "0.1.0"}, git=None,
    machine=Machine("Linux", None, None, None, {}, None), first_stage="bm25", datasets=(), rerankers={},
)  # fmt: skip


def reranker_facts(**changes: Any) -> RerankerFacts:
    """Return a local pointwise reranker without a price."""
    return replace(RerankerFacts("replay", True, "unknown", False, None, False, None, None), **changes)


def run_facts(tag: str, **changes: Any) -> RunFacts:
    """Return a whole run of ten queries on dataset d."""
    digest = "0123456789abcdef" * 4
    return replace(RunFacts(tag, "d", f"{tag}.trec", digest, 10, (), 0, 100, 10, 10, 90, 0, 0), **changes)


def dataset_facts(name: str, counts: Mapping[str, int] | None = None, **changes: Any) -> DatasetFacts:
    """Return a dataset of which nothing was counted."""
    origin = DatasetOrigin(
        "beir_folder", "somewhere", "english", None, "{title} {text}", "hash", counts or {}, None, False
    )
    return replace(DatasetFacts(name, origin, (), CandidateLists(0, 0, 0)), **changes)


def manifest_of(datasets: Sequence[str], rerankers: Sequence[str], **changes: Any) -> Manifest:
    """Return the manifest of some datasets and rerankers, with bm25 as the first stage."""
    return replace(
        MANIFEST,
        datasets=tuple(map(dataset_facts, datasets)),
        rerankers={tag: reranker_facts() for tag in rerankers},
        **changes,
    )


def score_rows(dataset: str, tag: str, scores: Scores, depth: int | None = None) -> list[dict[str, Any]]:
    """Return rows of ``scores.parquet``; candidates are ranked in the order of the dictionaries."""
    return [
        {
            "dataset": dataset, "reranker": tag, "query_id": query_id, "doc_id": doc_id, "retriever_rank": rank,
            "score": score, "list_rank": None, "depth": depth,
        }
        for query_id, docs in scores.items()
        for rank, (doc_id, score) in enumerate(docs.items(), start=1)
    ]  # fmt: skip


def write_result(
    path: Path,
    judged: Mapping[str, Mapping[str, Mapping[str, int]]],
    scores: Sequence[dict[str, Any]],
    *,
    manifest: Manifest | None = None,
    calls: Sequence[dict[str, Any]] = (),
    queries: Mapping[str, Sequence[Query]] | None = None,
    config: Mapping[str, Any] | None = None,
) -> ResultFolder:
    """Write a result folder and return it.

    Parameters
    ----------
    path
        The folder.
    judged
        Dataset -> query -> document -> grade.
    scores, calls
        Rows of both tables.
    manifest
        One with the rerankers of `scores` where None.
    queries
        Dataset -> its queries; none where absent.
    config
        Keys that differ from metrics nDCG@10 at depth 3.
    """
    path.mkdir(parents=True)
    folder = ResultFolder(path)
    tags = [tag for tag in dict.fromkeys(row["reranker"] for row in scores) if tag != "bm25"]
    folder.write_manifest(manifest or manifest_of(list(judged), tags))
    plain = {"name": "test", "seed": 1, "metrics": ["nDCG@10"], "depths": [3], "compare": {}} | dict(
        config or {}
    )
    folder.resolved_config_file.write_bytes(orjson.dumps(plain))  # JSON is YAML
    for name, grades in judged.items():
        folder.qrels_file(name).parent.mkdir(exist_ok=True)
        folder.write_qrels(name, Qrels(grades))
        folder.queries_file(name).parent.mkdir(exist_ok=True)
        folder.write_queries(name, (queries or {}).get(name, ()))
    write_table(folder.scores_file, SCORES, {name: [row[name] for row in scores] for name in SCORES})
    write_table(folder.calls_file, CALLS, {name: [row[name] for row in calls] for name in CALLS})
    return folder
