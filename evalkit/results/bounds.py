"""Ranges of the numbers in the files of a result folder, which somebody else may have written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

Count = Annotated[int, Field(ge=0)]
"""A number of queries, calls, documents."""

AtLeastOne = Annotated[int, Field(ge=1, le=100_000_000)]
"""A depth, a batch size, a number of calls in flight; a configuration accepts the same range."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole."""

Level = Annotated[float, Field(gt=0, lt=1)]
"""Level of an interval, or a quantile."""

Amount = Annotated[float, Field(ge=0, le=1e15)]
"""Seconds or US dollars: sums and products of them stay finite."""


def _checked_date(text: str) -> str:
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a date and time in ISO format") from None
    return text


Date = Annotated[str, AfterValidator(_checked_date)]
"""A date with a time, as ISO 8601 writes it."""

Moment = Annotated[float, Field(ge=0, lt=32_503_680_000)]
"""A time in seconds since 1970, before the year 3000."""
