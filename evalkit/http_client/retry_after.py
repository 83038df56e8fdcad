"""Wait times that a server requests in response headers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_MIN_TIMESTAMP = 1_000_000_000
"""A larger reset value is a time in seconds since 1970, not a wait in seconds."""


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds to wait before the next request, as a response requests; None if it requests no wait.

    The order of precedence is ``retry-after-ms``, ``Retry-After`` (seconds or a date, RFC 9110 10.2.3), and the resets
    in ``X-RateLimit-*`` headers.

    Parameters
    ----------
    headers
        Response headers, names in lower case.
    now
        Time of the client, used if the response has no ``Date``.
    """
    server_time = _date(headers.get("date")) or now or datetime.now(UTC)
    wait = _number(headers.get("retry-after-ms"))
    if wait is not None:
        return wait / 1000
    retry_after = headers.get("retry-after")
    wait = _number(retry_after)
    if wait is None and retry_after is not None:
        date = _date(retry_after)
        wait = None if date is None else max((date - server_time).total_seconds(), 0.0)
    return wait if wait is not None else _reset_s(headers, server_time)


def rate_limit_reset_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a used-up rate limit is renewed; None if no limit is used up."""
    remaining = [
        _number(value)
        for name, value in headers.items()
        if name.startswith(("x-ratelimit-remaining", "ratelimit-remaining"))
    ]
    if 0.0 not in remaining:
        return None
    return _reset_s(headers, _date(headers.get("date")) or datetime.now(UTC))


def _reset_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the longest wait in seconds of all rate limit reset headers; None if there is none."""
    waits = []
    for name, value in headers.items():
        if name.startswith(("x-ratelimit-reset", "ratelimit-reset")):
            wait = _number(value)
            if wait is None:
                wait = _duration(value)
            elif wait > _MIN_TIMESTAMP:
                wait = max(wait - now.timestamp(), 0.0)
            if wait is not None:
                waits.append(wait)
    return max(waits, default=None)


def _number(text: str | None) -> float | None:
    """Return text as a finite number of at least 0; None if it is anything else."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _duration(text: str) -> float | None:
    """Return the seconds of a duration such as ``1m30s`` or ``250ms``; None if text is not a duration."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _date(text: str | None) -> datetime | None:
    """Return an HTTP date; None if text is not a date."""
    try:
        date = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date is not None and date.tzinfo is None else date
