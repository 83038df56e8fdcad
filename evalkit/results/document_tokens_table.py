"""``document_tokens.parquet``: the lengths of documents, from which metrics with a budget of tokens are computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import InputError
from evalkit.records import DocumentTokens
from evalkit.results.manifest import Manifest
from evalkit.results.parquet import read_columns, write_table
from evalkit.results.raw_tables import DOCUMENT_TOKEN_COLUMNS, DOCUMENT_TOKENS
from evalkit.results.table_columns import DAMAGED

if TYPE_CHECKING:
    from evalkit.results.folder import ResultFolder


def write_document_tokens(folder: ResultFolder, tokens: Mapping[str, DocumentTokens]) -> None:
    """Write the lengths of each dataset's documents; no file where none were counted.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    if not tokens:
        return
    columns = {
        "dataset": np.repeat(
            np.array(list(tokens), dtype=object), [len(one.counts) for one in tokens.values()]
        ),
        "doc_id": [doc_id for one in tokens.values() for doc_id in one.counts],
        "tokens": [number for one in tokens.values() for number in one.counts.values()],
    }
    with folder.writing():
        write_table(folder.document_tokens_file, DOCUMENT_TOKENS, columns, inside=folder.path)


def read_document_tokens(folder: ResultFolder, manifest: Manifest, dataset: str) -> DocumentTokens | None:
    """Return the lengths of a dataset's documents; None if the manifest names no tokenizer.

    Raises
    ------
    InputError
        If the table is missing or damaged, or has a document twice.
    """
    if manifest.tokenizer is None:
        return None
    columns = read_columns(folder.document_tokens_file, DOCUMENT_TOKEN_COLUMNS, {"dataset": dataset})
    counts = dict(zip(columns["doc_id"].tolist(), columns["tokens"].tolist(), strict=True))
    if len(counts) != len(columns["doc_id"]):
        raise _damaged(folder.document_tokens_file, f"a document of {dataset!r} occurs twice")
    return DocumentTokens(manifest.tokenizer.name, manifest.tokenizer.sha256, counts)


def _damaged(file: Path, what: str) -> InputError:
    return InputError(f"{file.resolve()} is damaged: {what}", DAMAGED)
