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
    from datasets.exceptions import DatasetsError

    with hub_access() as unreachable:
        try:
            return request()
        except (ValueError, OSError, RuntimeError, DatasetsError) as error:
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
    return (
        _of_tables(text, what)
        or _of_columns(error, what)
        or _of_status(error, path)
        or (
            DataFormatError(f"cannot read the hub dataset {what}: {_first_line(error)}")
            if isinstance(error, ValueError)
            else DatasetError(f"cannot download the hub dataset {what}: {_first_line(error)}", _WITHOUT_HUB)
        )
    )


def _of_columns(error: Exception, what: str) -> EvalkitError | None:
    """Return the error of files that do not have the same columns; None for other errors."""
    from datasets.exceptions import DatasetGenerationError
    from datasets.table import CastError

    for cause in _causes(error):
        if isinstance(cause, CastError) or "column names don't match" in str(cause):
            return DataFormatError(
                f"the files of the hub dataset {what} have different columns, and the `datasets` package reads only"
                " files with the same columns as one configuration",
                "download the files and use source: tables",
            )
    if isinstance(error, DatasetGenerationError):
        cause = _causes(error)[-1]
        return DataFormatError(
            f"cannot read the hub dataset {what}: {_first_line(cause)}",
            "download its files and use source: tables",
        )
    return None


def _of_status(error: Exception, path: str) -> EvalkitError | None:
    """Return the error of an HTTP status that the hub answered with; None if there is none."""
    responses = (getattr(cause, "response", None) for cause in _causes(error))
    status = next((response.status_code for response in responses if response is not None), None)
    if status in {401, 403}:
        return DatasetError(
            f"the hub refuses access to the dataset {path!r} (HTTP {status})",
            f"check the name; if it is private or gated, ask for access on https://huggingface.co/datasets/{path}"
            " and set HF_TOKEN",
        )
    if status == 404:
        return DatasetError(
            f"dataset {path!r} not found on the hub", "check the name; a private dataset needs HF_TOKEN"
        )
    if status is not None and (status == 429 or status >= 500):
        reason = "limits the number of requests" if status == 429 else "has a fault"
        return DatasetError(
            f"cannot download the hub dataset {path!r}: the hub {reason} (HTTP {status})", "try again later"
        )
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error with the errors that caused it, the first cause last."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found


def _of_tables(text: str, what: str) -> EvalkitError | None:
    """Return the error of a configuration or a split that must be chosen; None for other errors."""
    names = ", ".join(re.findall(r"'([^']*)'", text.partition("[")[2].partition("]")[0]))
    if text.startswith("Config name is missing"):
        return DataFormatError(
            f"the hub dataset {what} has several configurations: {names}",
            "set subset to one of them, or config in corpus:, queries: and qrels: if each is one of the tables",
        )
    if match := re.match(r"BuilderConfig '(.*)' not found", text):
        return DataFormatError(
            f"the hub dataset {what} has no configuration {match[1]!r}",
            f"use one of the configurations: {names}",
        )
    if text.startswith("Unknown split"):
        return DataFormatError(f"the hub dataset {what} has no such split", f"use one of the splits: {names}")
    return None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
