"""How long a server asks to be left alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_EPOCH = 1_000_000_000
"""A reset "time" beyond this is a date in seconds since 1970, not a wait."""


def asked_wait_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that a reply asks to wait before the next request; None where it does not.

    ``retry-after-ms`` comes first, then ``Retry-After`` (seconds or a date, RFC 9110 10.2.3), then
    the resets that ``X-RateLimit-*`` headers name.

    Parameters
    ----------
    headers
        Of the reply, names in lower case.
    now
        The client's time, used where the reply has no ``Date``.
    """
    told = _date(headers.get("date")) or now or datetime.now(UTC)
    wait = _number(headers.get("retry-after-ms"))
    if wait is not None:
        return wait / 1000
    after = headers.get("retry-after")
    wait = _number(after)
    if wait is None and after is not None:
        date = _date(after)
        wait = None if date is None else max((date - told).total_seconds(), 0.0)
    return wait if wait is not None else _reset_s(headers, told)


def used_up_wait_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a limit that a good reply says is used up is renewed; None if none is."""
    left = [
        _number(value)
        for name, value in headers.items()
        if name.startswith(("x-ratelimit-remaining", "ratelimit-remaining"))
    ]
    if 0.0 not in left:
        return None
    return _reset_s(headers, _date(headers.get("date")) or datetime.now(UTC))


def _reset_s(headers: Mapping[str, str], now: datetime) -> float | None:
    waits = []
    for name, value in headers.items():
        if name.startswith(("x-ratelimit-reset", "ratelimit-reset")):
            wait = _number(value)
            if wait is None:
                wait = _duration(value)
            elif wait > _EPOCH:
                wait = max(wait - now.timestamp(), 0.0)
            if wait is not None:
                waits.append(wait)
    return max(waits, default=None)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _duration(text: str) -> float | None:
    """Read ``1m30s``, ``250ms`` and the like."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds, thousandths = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date is not None and date.tzinfo is None else date
