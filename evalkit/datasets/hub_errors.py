"""Turn the errors of the `datasets` package into messages that say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from evalkit.errors import DataFormatError, DatasetError, EvalkitError
from evalkit.http_client import hub_access

T = TypeVar("T")
CONVERTED = "refs/convert/parquet"
"""The branch with the Parquet copy that the hub makes of a dataset."""
_WITHOUT_HUB = "check the network and HF_ENDPOINT, or download the dataset and use source: beir_folder"


def translate_errors(request: Callable[[], T], path: str, what: str) -> T:
    """Return the result of a request to the hub.

    Parameters
    ----------
    request
        Calls the `datasets` or the `huggingface_hub` package.
    path
        Name of the repository.
    what
        Repository, configuration and split, for errors.

    Raises
    ------
    DatasetError
        If the hub cannot be reached, or does not give access to the repository.
    DataFormatError
        If the repository is not a dataset that the package can read.
    """
    with hub_access() as unreachable:
        try:
            return request()
        except (ValueError, OSError, RuntimeError) as error:
            if unreachable:
                raise DatasetError(
                    f"the hub dataset {what} is not in the cache, and {unreachable}", _WITHOUT_HUB
                ) from None
            raise _translated(error, path, what) from None


def _translated(error: Exception, path: str, what: str) -> EvalkitError:
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError
    from huggingface_hub.errors import GatedRepoError

    text = str(error).strip()
    if isinstance(error, GatedRepoError) or "is a gated dataset" in text:
        return DatasetError(
            f"the hub dataset {path!r} is gated",
            f"open its page https://huggingface.co/datasets/{path}, accept the terms, and set HF_TOKEN",
        )
    if isinstance(error, DatasetNotFoundError):
        if text.startswith("Revision"):
            return DatasetError(f"the hub dataset {what} has no such revision: {text}", "check the revision")
        return DatasetError(
            f"dataset {path!r} not found on the hub", "check the name; a private dataset needs HF_TOKEN"
        )
    if script := re.match(r"Dataset scripts are no longer supported, but found (\S+)", text):
        return DataFormatError(
            f"the hub dataset {path!r} contains a loading script ({script[1]}), which the `datasets` package no longer"
            " runs",
            f"set revision: {CONVERTED} to read the hub's Parquet copy of it, if the hub has made one",
        )
    if isinstance(error, DataFilesNotFoundError | EmptyDatasetError):
        return DataFormatError(
            f"the hub dataset {path!r} contains no tables",
            "download its files and use a source that reads them",
        )
    return _of_tables(text, what) or (
        DataFormatError(f"cannot read the hub dataset {what}: {_first_line(error)}")
        if isinstance(error, ValueError)
        else DatasetError(f"cannot download the hub dataset {what}: {_first_line(error)}", _WITHOUT_HUB)
    )


def _of_tables(text: str, what: str) -> EvalkitError | None:
    """Return the error of a configuration or a split that must be chosen; None for other errors."""
    names = ", ".join(re.findall(r"'([^']*)'", text.partition("[")[2].partition("]")[0]))
    if text.startswith("Config name is missing"):
        return DataFormatError(
            f"the hub dataset {what} has several configurations: {names}",
            "set config in pairs: for one table, or in corpus:, queries: and qrels: for three",
        )
    if match := re.match(r"BuilderConfig '(.*)' not found", text):
        return DataFormatError(
            f"the hub dataset {what} has no configuration {match[1]!r}",
            f"use one of the configurations: {names}",
        )
    if text.startswith("Unknown split"):
        return DataFormatError(f"the hub dataset {what} has no such split", f"use one of the splits: {names}")
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
