"""The columns of the raw tables of a result folder, and how much of the texts is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCORES = {
    "dataset": "string",
    "reranker": "string",
    "query_id": "string",
    "doc_id": "string",
    "retriever_rank": "int32",
    "score": "float64",
    "list_rank": "int32",
    "depth": "int32",
}
"""Columns of ``scores.parquet``; depth is null where one pass serves every depth. ``list_rank`` is the
rank in the backend's response to the call that scored the pair. With ``missing: last`` of the replay backend it is
null for a candidate that the run file lacks: its score is made up. The rows of a compared run have null in all three
columns: its documents are no candidates of the first stage."""

CALLS = {
    "dataset": "string",
    "reranker": "string",
    "query_id": "string",
    "pass": "string",
    "batch_size": "int32",
    "filled": "int32",
    "scenario": "string",
    "concurrency": "int32",
    "length_bucket": "int32",
    "rate_per_s": "float64",
    "round": "int32",
    "attempt": "int32",
    "scheduled_s": "float64",
    "start_s": "float64",
    "encoded_s": "float64",
    "sent_s": "float64",
    "headers_s": "float64",
    "body_s": "float64",
    "end_s": "float64",
    "status": "string",
    "error": "string",
    "http_status": "int32",
    "tokens": "int64",
    "units": "float64",
    "billed_bytes": "int64",
    "characters": "int64",
    "document_characters": "int64",
    "truncated_documents": "int64",
    "cost_usd": "float64",
    "server_s": "float64",
    "server_times": "string",
    "model": "string",
    "cached": "bool_",
    "conn_reused": "bool_",
    "list_sorted": "bool_",
}
"""Columns of ``calls.parquet``, one row for each attempt; unknown is null. ``server_times`` is a JSON
object: name -> seconds, and the part of the work that took them."""

STATIONS = ("encoded_s", "sent_s", "headers_s", "body_s")
"""Columns between start and end of a call; null without a network connection, and if the call failed."""

TEXTS = {"dataset": "string", "doc_id": "string", "text": "string"}
"""Columns of ``texts.parquet``: the beginnings of the documents that a report can show."""

RUN_LATENCIES = {"dataset": "string", "reranker": "string", "query_id": "string", "seconds": "float64"}
"""Columns of ``run_latencies.parquet``: what the files of compared runs say, without the unknown ones."""

SHOWN = 10
"""Documents of each ranked list that a report shows."""
MOST_CHARACTERS = 400
"""Most characters of a text in a result folder."""


def snippet(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the first `most` characters of a text, without lone surrogates, which UTF-8 cannot encode."""
    cut = text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return cut.encode("utf-8", "replace").decode()


def at_depth(columns: Mapping[str, NDArray[Any]], depth: int) -> dict[str, NDArray[Any]]:
    """Return the rows of one reranker's scores at a depth: of the pass at that depth, or of one for all depths."""
    chosen = np.isnan(columns["depth"]) | (columns["depth"] == depth)
    return {name: column[chosen] for name, column in columns.items()}
