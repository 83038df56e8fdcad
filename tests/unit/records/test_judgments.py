"""Raters: which ones are equal, and which ones are what a configuration describes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from evalkit.records import Rater, seconds_of, time_order, utc_text


def rater(name: str = "m", prompt: str | None = "p", scale: str | None = "s", **settings: Any) -> Rater:
    """Return a model."""
    return Rater("model", name, prompt, scale, settings)


@pytest.mark.parametrize(
    ("one", "known", "alike"),
    [
        (rater("m-2026-01-01", t=0), rater(t=0), True), (rater(t=1), rater(t=0), False),
        (rater(prompt="q"), rater(), False), (rater(scale="r"), rater(), False), (rater(t=0), rater(), False),
        (rater(t=0, form="json"), rater(t=0, form="auto"), True), (rater(form="off"), rater(form="auto"), True),
        (rater(form="auto"), rater(form="off"), False), (rater(), rater(form="auto"), False),
        (rater("a", None), rater("b", None), False), (rater("a", None), rater("a", None), True),
        (Rater("human", "m", "p", "s"), rater(), False), (rater(seed="refused"), rater(seed=0), True),
        (rater(seed=0), rater(seed="refused"), True), (rater(seed="refused"), rater(), False),
    ],
)  # fmt: skip
def test_a_rater_is_as_configured_whatever_its_replies_call_it(
    one: Rater, known: Rater, *, alike: bool
) -> None:
    """The name is that of the replies; prompt, scale and settings are equal, but for what is ``auto``."""
    assert one.is_as_configured(known) is alike


def test_raters_with_equal_parts_are_equal() -> None:
    """The order of settings does not matter; another value does."""
    assert rater(a=1, b=2) == rater(b=2, a=1)
    assert hash(rater(a=1, b=2)) == hash(rater(b=2, a=1))
    assert rater(a=1) != rater(a=2)


def test_times_have_one_form_and_the_order_of_their_moments() -> None:
    """Another zone and another form are the same moment; a text that is no time comes first."""
    moment = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert utc_text(moment) == "2026-11-30T12:00:00+00:00"
    assert utc_text(moment.astimezone(timezone(timedelta(hours=2)))) == utc_text(moment)
    assert seconds_of(utc_text()) is not None
    times = ["2026-11-30T12:00:01+00:00", "2026-11-30T12:00:00Z", "2026-11-30T13:59:59+02:00", "once"]
    assert sorted(times, key=time_order) == times[::-1]
    assert seconds_of("2026-11-30T12:00:00Z") == seconds_of("2026-11-30T12:00:00") == moment.timestamp()
