"""The waits that servers ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from evalkit.http_client import rate_limit_reset_s, retry_after_s

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, 30.0),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=30), usegmt=True)}, 0.0),
        ({"retry-after": format_datetime(NOW, usegmt=True),
          "date": format_datetime(NOW - timedelta(seconds=7), usegmt=True)}, 7.0),
        ({"x-ratelimit-reset": "3"}, 3.0),
        ({"x-ratelimit-reset": str(NOW.timestamp() + 12)}, 12.0),
        ({"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-reset-tokens": "250ms"}, 90.0),
        ({"retry-after": "soon", "x-ratelimit-reset": "4"}, 4.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_server_is_left_alone_as_long_as_it_asks(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, dates by the server's own clock, milliseconds and resets are all understood; nonsense is not."""
    reported = retry_after_s(headers, NOW)
    assert reported == (None if seconds is None else pytest.approx(seconds, abs=1e-3))


def test_a_limit_that_is_used_up_is_waited_for_before_it_is_hit() -> None:
    """A good reply that says nothing is left gives the wait until the reset; any left, or no reset, gives none."""
    assert (
        rate_limit_reset_s({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}) == 2
    )
    assert (
        rate_limit_reset_s({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "2s"})
        is None
    )
    assert rate_limit_reset_s({"x-ratelimit-remaining-rpm": "0"}) is None
