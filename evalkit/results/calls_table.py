"""Read ``calls.parquet``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.results.parquet import read_columns
from evalkit.results.raw_tables import CALL_COLUMNS
from evalkit.results.rows import Rows
from evalkit.results.table_columns import DAMAGED


def read_calls(file: Path) -> Rows:
    """Return every attempt of a call, with ``latency_s``, as `Call` defines it.

    Columns that an earlier version did not write are null.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    columns = read_columns(file, CALL_COLUMNS, {})
    calls = with_latency(Rows(columns))
    backwards = (calls["latency_s"] < 0) | (calls["end_s"] < calls["start_s"])
    if backwards.any():
        raise InputError(
            f"{file.resolve()} is damaged: row {int(backwards.argmax()) + 1} ends before it starts", DAMAGED
        )
    return calls


def with_latency(calls: Rows) -> Rows:
    """Return calls with the column ``latency_s``, as `Call` defines it."""
    sent = np.where(calls.known("encoded_s"), calls["encoded_s"], calls["start_s"])
    return Rows({**calls.columns, "latency_s": received_s(calls) - sent})


def received_s(calls: Rows) -> NDArray[np.float64]:
    """Return ``(r,)`` when each reply was received; without a network connection, when the call ended."""
    return np.where(calls.known("body_s"), calls["body_s"], calls["end_s"])
