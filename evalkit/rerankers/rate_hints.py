"""Hints at the rate of calls, from the refusal of a call."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evalkit.rerankers.failure_evidence import Evidence

_NUMBER = r"(\d[\d,]{0,11})"
_A_MINUTE = (
    r"(?:/|per|a|in a|in one|in 1|each|every|per 1)\s*min(?:ute)?\b"
    r"|(?:per|in|every|/)\s*60\s*s(?:ec|econds)?\b"
)
_CALLS = re.compile(
    rf"{_NUMBER}\s*(?:api\s+)?(?:calls?|requests?|req)?\s*(?:{_A_MINUTE})|{_NUMBER}\s*rpm\b|rpm\D{{0,12}}{_NUMBER}",
    re.IGNORECASE,
)
_TOKENS = re.compile(
    rf"{_NUMBER}\s*tokens?\s*(?:{_A_MINUTE})|{_NUMBER}\s*tpm\b|tpm\D{{0,12}}{_NUMBER}", re.IGNORECASE
)
_LIMIT_HEADERS = (
    "x-trial-endpoint-call-limit", "x-ratelimit-limit-rpm", "x-ratelimit-limit-requests-per-minute",
)  # fmt: skip
"""Headers with the calls that an account may make in a minute."""


def slower(evidence: Evidence) -> str | None:
    """Name the rate that the server allows, or the settings that limit it."""
    if evidence.status != 429:
        return None
    return slower_calls(evidence.sentence, evidence.exchange.headers, evidence.requests_per_minute)


def slower_calls(sentence: str, headers: Mapping[str, str], configured: float | None) -> str | None:
    """Return the settings that keep the calls within the limits that a refusal names; None if it is no such refusal.

    Parameters
    ----------
    sentence, headers
        The server's sentence, and the headers of its reply.
    configured
        The configured `requests_per_minute`.
    """
    tokens = _number_in(_TOKENS.search(sentence))
    calls = None if tokens else _stated_calls(sentence, headers)
    if tokens:
        return f"set tokens_per_minute: {tokens}"
    if calls and (configured is None or configured > calls):
        return f"set requests_per_minute: {calls}"
    return (
        "set requests_per_minute and tokens_per_minute to the limits of the account"
        if configured is None
        else f"lower requests_per_minute (now {configured:g}) or concurrency: other calls may use the same key"
    )


def _stated_calls(sentence: str, headers: Mapping[str, str]) -> int | None:
    stated = [headers[name] for name in _LIMIT_HEADERS if headers.get(name, "").isdigit()]
    return int(stated[0]) if stated and int(stated[0]) else _number_in(_CALLS.search(sentence))


def _number_in(found: re.Match[str] | None) -> int | None:
    if found is None:
        return None
    return int(next(group for group in found.groups() if group).replace(",", "")) or None
