"""The columns of the raw tables of a result folder, and how much of the texts is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from evalkit.records.calls import Pass, Status
from evalkit.results.table_columns import MOST_AMOUNT, Column, kinds, optional

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DOCUMENTS = 100_000_000
"""Most documents of a call, as in a configuration."""
MOST_BUCKETS = 10
"""Most groups of documents by length, as in a configuration."""
SCORE_COLUMNS = {
    "dataset": Column("string"),
    "reranker": Column("string"),
    "query_id": Column("string"),
    "doc_id": Column("string"),
    "retriever_rank": Column("int32", nullable=True, least=1),
    "score": Column("float64"),
    "list_rank": Column("int32", nullable=True, least=1),
    "depth": Column("int32", nullable=True, least=1),
}
"""Columns of ``scores.parquet``; depth is null where one pass serves every depth. ``list_rank`` is the
rank in the backend's response to the call that scored the pair. With ``missing: last`` of the replay backend it is
null for a candidate that the run file lacks: its score is made up. The rows of a compared run have null in all three
columns: its documents are no candidates of the first stage."""

CALL_COLUMNS = {
    "dataset": Column("string"),
    "reranker": Column("string"),
    "query_id": Column("string"),
    "pass": Column("string", words=frozenset(get_args(Pass))),
    "batch_size": Column("int32", least=0, most=MOST_DOCUMENTS),
    "filled": optional("int32", least=0),
    "scenario": optional("string"),
    "concurrency": optional("int32", least=1),
    "length_bucket": optional("int32", least=0, most=MOST_BUCKETS),
    "rate_per_s": optional("float64", least=0, most=MOST_AMOUNT),
    "round": optional("int32", least=0),
    "attempt": Column("int32", least=1),
    "scheduled_s": Column("float64", least=-MOST_AMOUNT, most=MOST_AMOUNT),
    "start_s": Column("float64", least=-MOST_AMOUNT, most=MOST_AMOUNT),
    "encoded_s": optional("float64", least=-MOST_AMOUNT, most=MOST_AMOUNT),
    "sent_s": optional("float64", least=-MOST_AMOUNT, most=MOST_AMOUNT),
    "headers_s": optional("float64", least=-MOST_AMOUNT, most=MOST_AMOUNT),
    "body_s": optional("float64", least=-MOST_AMOUNT, most=MOST_AMOUNT),
    "end_s": Column("float64", least=-MOST_AMOUNT, most=MOST_AMOUNT),
    "status": Column("string", words=frozenset(get_args(Status))),
    "error": optional("string"),
    "http_status": optional("int32"),
    "tokens": optional("int64", least=0, most=MOST_AMOUNT, reported=True),
    "units": optional("float64", least=0, most=MOST_AMOUNT, reported=True),
    "billed_bytes": optional("int64", least=0, most=MOST_AMOUNT, reported=True),
    "characters": optional("int64", least=0, most=MOST_AMOUNT, reported=True),
    "document_characters": optional("int64", least=0, most=MOST_AMOUNT),
    "truncated_documents": optional("int64", least=0, most=MOST_AMOUNT, reported=True),
    "harness_delay_s": optional("float64", least=0, most=MOST_AMOUNT),
    "harness_cpu": optional("float64", least=0, most=MOST_AMOUNT),
    "cost_usd": optional("float64", least=0, most=MOST_AMOUNT, reported=True),
    "server_s": optional("float64", least=0, most=MOST_AMOUNT, reported=True),
    "server_times": optional("string"),
    "model": optional("string"),
    "cached": optional("bool_"),
    "conn_reused": optional("bool_"),
    "list_sorted": optional("bool_"),
}
"""Columns of ``calls.parquet``, one row for each attempt; unknown is null. ``server_times`` is a JSON
object: name -> seconds, and the part of the work that took them."""

STATIONS = ("encoded_s", "sent_s", "headers_s", "body_s")
"""Columns between start and end of a call; null without a network connection, and if the call failed."""

TEXT_COLUMNS = {"dataset": Column("string"), "doc_id": Column("string"), "text": Column("string")}
"""Columns of ``texts.parquet``: the beginnings of the documents that a report can show."""

RUN_LATENCY_COLUMNS = {
    "dataset": Column("string"),
    "reranker": Column("string"),
    "query_id": Column("string"),
    "seconds": Column("float64", least=0, most=MOST_AMOUNT),
}
"""Columns of ``run_latencies.parquet``: what the files of compared runs say, without the unknown ones."""

PASSAGE_COLUMNS = {
    "dataset": Column("string"),
    "reranker": Column("string"),
    "query_id": Column("string"),
    "doc_id": Column("string"),
    "passage": Column("int32", least=1),
    "score": Column("float64"),
    "depth": Column("int32", nullable=True, least=1),
}
"""Columns of ``passages.parquet``, one row for each passage of a candidate; ``passage`` is its number in the document,
from 1. Depth is null where one pass serves every depth. A result without passages has no such table."""

DOCUMENT_TOKEN_COLUMNS = {
    "dataset": Column("string"),
    "doc_id": Column("string"),
    "tokens": Column("int64", least=0, most=MOST_AMOUNT),
}
"""Columns of ``document_tokens.parquet``: the lengths of ranked and judged documents, for metrics with a budget."""

SCORES, CALLS = kinds(SCORE_COLUMNS), kinds(CALL_COLUMNS)
TEXTS, RUN_LATENCIES = kinds(TEXT_COLUMNS), kinds(RUN_LATENCY_COLUMNS)
PASSAGES = kinds(PASSAGE_COLUMNS)
DOCUMENT_TOKENS = kinds(DOCUMENT_TOKEN_COLUMNS)
"""Column -> its type, for each table."""

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


def precise_tag(tag: str) -> str:
    """Return the tag of a reranker's scores in fp32; it contains spaces, so no configured tag is equal to it."""
    return f"{tag} in fp32"
