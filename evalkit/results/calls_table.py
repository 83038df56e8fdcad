"""Read ``calls.parquet``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import InputError
from evalkit.results.parquet import read_table
from evalkit.results.raw_tables import CALL_COLUMNS
from evalkit.results.table_columns import DAMAGED

if TYPE_CHECKING:
    import pandas as pd


def read_calls(file: Path) -> pd.DataFrame:
    """Return every attempt of a call, with ``latency_s``, as `Call` defines it.

    Columns that an earlier version did not write are null.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    calls = read_table(file, CALL_COLUMNS)
    calls["latency_s"] = calls["body_s"].fillna(calls["end_s"]) - calls["encoded_s"].fillna(calls["start_s"])
    backwards = (calls["latency_s"] < 0) | (calls["end_s"] < calls["start_s"])
    if backwards.any():
        row = int(backwards.to_numpy().argmax()) + 1
        raise InputError(f"{file.resolve()} is damaged: row {row} ends before it starts", DAMAGED)
    return calls
