"""Finished results of scripted rerankers, made within a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from evalkit.records import RerankRequest
from evalkit.workflows.run import run
from support.checked import Backend, by_pair
from support.configs import config_of
from support.experiments import api, use_backends

DEPTH = 6
"""Candidates of each query of `support.api_runs.write_collection`."""


def relevant(query_id: str) -> str:
    """Return the relevant document of a query of `support.api_runs.write_collection`."""
    number = int(query_id[1:])
    return f"d{number}.{number % DEPTH}"


def lifted(lift: float) -> Callable[[RerankRequest], list[float]]:
    """Score pairs by their hash, between 0 and 1, and the relevant ones higher by `lift`."""

    def answer(request: RerankRequest) -> list[float]:
        best = relevant(request.query_id)
        return [
            score + lift * (doc == best) for score, doc in zip(by_pair(request), request.doc_ids, strict=True)
        ]

    return answer


def finished(
    small: Path,
    into: Path,
    backends: Mapping[str, Backend],
    blocks: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> Path:
    """Run an experiment on a collection; return its result folder.

    Parameters
    ----------
    small, into
        The collection, and the parent of the result folder.
    backends
        Tag -> scripted reranker.
    blocks
        Tag -> further settings of it.
    more
        Further keys of the configuration.
    """
    rerankers = {
        tag: api(tag, pointwise=backend.pointwise, **(blocks or {}).get(tag, {}))
        for tag, backend in backends.items()
    }
    config = config_of(
        small, rerankers, **{"retriever": {"depth": DEPTH}, "metrics": ["nDCG@10", "MRR@10"], **more}
    )
    with pytest.MonkeyPatch.context() as patch:
        use_backends(patch, **backends)
        return run(config, into).path


def edit_json(file: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a JSON file in place."""
    data = orjson.loads(file.read_bytes())
    change(data)
    file.write_bytes(orjson.dumps(data))
