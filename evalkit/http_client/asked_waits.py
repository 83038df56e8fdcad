"""What the body of a refusal says about time: when to come again, whether a model is starting, what a limit counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNIT = r"(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)"
_AMOUNT = rf"\d+(?:\.\d+)?\s*{_UNIT}(?![a-z])"
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT})(?![a-z])", re.IGNORECASE)
_DURATION = re.compile(rf"\s*(?:{_AMOUNT}\s*)+", re.IGNORECASE)
_ASKED = re.compile(
    rf"\b(?:try again|retry|retrying|wait|available again|ready)\b[^\d.]{{0,30}}((?:{_AMOUNT}[\s,]*)+)",
    re.IGNORECASE,
)
_WAIT_KEYS = {
    "estimatedtime": 1.0,
    "retryafter": 1.0,
    "retryafterseconds": 1.0,
    "retryafters": 1.0,
    "retryafterms": 0.001,
    "retrydelay": 1.0,
    "waitseconds": 1.0,
}
"""Keys of waits, without underscores and hyphens -> the unit of their numbers in seconds."""
_STARTING = re.compile(
    r"\b(?:loading|starting|warming|booting|initiali[sz]ing|launching|deploying|provisioning|waking|spinning up"
    r"|scaling (?:up|from)|cold start|not (?:\w+ )?ready|(?:being|to be) (?:loaded|deployed|started|launched))\b",
    re.IGNORECASE,
)
_NOT_STARTED = re.compile(
    r"\b(?:error|fail\w*|unable|cannot|could not|problem)\b[^.]{0,30}\b(?:loading|starting|launching|deploying)\b",
    re.IGNORECASE,
)
_STARTING_STATUS = {200, 409, 425, 429, 502, 503, 504}
_RATE = re.compile(r"throttl|rate[\s_-]?limit|too[\s_-]?many[\s_-]?requests", re.IGNORECASE)
_RATE_STATUS = {200, 400, 403, 503}
"""Statuses that are a refusal for the rate only where the message says so."""
_PER = re.compile(
    r"(?:/|\bper|\b(?:calls|requests|queries)\b.{0,20}\b(?:in an?|every|each))\s*(s|secs?|seconds?|m|mins?|minutes?)\b"
    r"|\b(?:RP([SM])|TP([SM]))\b",
    re.IGNORECASE,
)
_MOST_READ = 2000
_DEEPEST = 4


def asked_wait_s(text: str) -> float | None:
    """Return the seconds to wait that a body asks for; None if it asks for no wait.

    As a key, such as ``estimated_time`` or ``retry_after``, or in words, such as "try again in 7m12s".

    Parameters
    ----------
    text
        The body of the reply, or its beginning.
    """
    for key, value in _entries(_parsed(text)):
        unit = _WAIT_KEYS.get(key.lower().replace("_", "").replace("-", ""))
        if unit is not None and (seconds := _seconds(value, unit)) is not None:
            return seconds
    found = _ASKED.search(_message(text))
    return None if found is None else _duration(found[1])


def is_starting(status: int | None, text: str) -> bool:
    """Return whether a reply says that a model is being loaded, so that it will be there later.

    Parameters
    ----------
    status, text
        The HTTP status and the body.
    """
    if status not in _STARTING_STATUS:
        return False
    body = _parsed(text)
    if status == 200 and not (isinstance(body, Mapping) and ({"error", "estimated_time"} & body.keys())):
        return False
    message = _message(text)
    if _NOT_STARTED.search(message):
        return False
    timed = status not in {200, 429} and asked_wait_s(text) is not None
    return (
        timed
        or _STARTING.search(message) is not None
        or any(k == "estimated_time" for k, _ in _entries(body))
    )


def is_rate_refusal(status: int | None, text: str) -> bool:
    """Return whether a reply refuses a call because there were too many before it.

    Parameters
    ----------
    status, text
        The HTTP status and the body.
    """
    if status in _RATE_STATUS:
        body = _parsed(text)
        if status == 200 and not (isinstance(body, Mapping) and "error" in body):
            return False
        return _RATE.search(_message(text)) is not None
    return status == 429


def named_window_s(text: str) -> float | None:
    """Return the window of a rate limit that a text names, a second or a minute; None if it names none or both."""
    units = {(a or b or c)[0].lower() for a, b, c in _PER.findall(_message(text))}
    return {"s": 1.0, "m": 60.0}[units.pop()] if len(units) == 1 else None


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _entries(body: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the keys of objects in a body with their values, down to a few levels."""
    if depth >= _DEEPEST:
        return
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield key, value
            yield from _entries(value, depth + 1)
    elif isinstance(body, list):
        for value in body[:8]:
            yield from _entries(value, depth + 1)


def _message(text: str) -> str:
    """Return the messages in an error body, without the request that it may repeat; plain text unchanged."""
    body = _parsed(text)
    if not isinstance(body, Mapping | list):
        return text[:_MOST_READ]
    texts = [
        value
        for key, value in _entries(body)
        if isinstance(value, str)
        and key.lower()
        in {"message", "error", "detail", "msg", "title", "code", "type", "__type", "status", "reason"}
    ]
    return ". ".join(texts)[:_MOST_READ]


def _seconds(value: Any, unit: float) -> float | None:
    """Return a number of this unit, or a duration as text, in seconds; None if it is neither."""
    if isinstance(value, str):
        if (seconds := _duration(value)) is not None:
            return seconds
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) * unit if math.isfinite(value) and value >= 0 else None


def _duration(text: str) -> float | None:
    """Return the seconds of a duration such as ``7m12s`` or ``20 seconds``; None if text does not begin with one."""
    if _DURATION.match(text) is None:
        return None
    return sum(float(amount) * _unit(unit.lower()) for amount, unit in _PART.findall(text))


def _unit(name: str) -> float:
    return _SECONDS["ms" if name.startswith(("ms", "milli")) else name[0]]
