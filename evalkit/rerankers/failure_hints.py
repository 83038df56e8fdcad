"""Derive what to change from the evidence of a failed call: the request, the status and the reply.

Each kind of evidence is one function in `HINTS`. A function returns a hint only if the evidence supports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from evalkit.errors import CallError
from evalkit.http_client import Exchange
from evalkit.rerankers import address_hints, rate_hints, request_hints
from evalkit.rerankers.failure_evidence import MOST_CHARACTERS, Evidence, listed, status_of
from evalkit.rerankers.http_failures import error_sentence
from evalkit.rerankers.reply_shapes import (
    cut_list,
    fitting_dialects,
    fitting_shape,
    has_results,
    open_dialects,
    sends_alike,
)
from evalkit.rerankers.token_probabilities import NO_LOGPROBS

_LOGPROB_STATUSES = {400, 403, 404, 415, 422, 501}
_LOGPROBS = re.compile(r"log.?prob", re.IGNORECASE)
_LIMIT_OF_LOGPROBS = re.compile(
    r"(?:top|max|sample).{0,3}log.?probs.*(?:max|less|greater|at most|between|exceed|above|<=|range).*[0-9]",
    re.IGNORECASE | re.DOTALL,
)
"""vLLM: *Requested sample logprobs of 20, which is greater than max allowed: 5*; OpenAI names a maximum, too."""


def advise(error: CallError, evidence: Evidence) -> CallError:
    """Return an error with the hint that the evidence of its call supports, or with the hint that it has."""
    found = (hint(evidence) for hint in HINTS)
    error.hint = next((one for one in found if one is not None), error.hint)
    return error


def advise_chat(
    error: CallError, exchange: Exchange, requests_per_minute: float | None, shorten: str
) -> CallError:
    """Return an error of a chat API with the hint that its reply supports, or with the hint that it has.

    Parameters
    ----------
    error, exchange
        The failed call and its reply.
    requests_per_minute
        The configured rate; None without one.
    shorten
        What to do if the question is too long, in the imperative.
    """
    status, sentence = status_of(exchange), error_sentence(exchange)[:MOST_CHARACTERS]
    if status == 429:
        error.hint = rate_hints.slower_calls(sentence, exchange.headers, requests_per_minute)
    elif status in request_hints.LENGTH_STATUSES and request_hints.says_too_long(sentence):
        error.hint = shorten
    elif status in {400, 404} and address_hints.says_unknown_model(sentence):
        error.hint = "set model to a name that the server knows"
    elif status in request_hints.LENGTH_STATUSES and "max_completion_tokens" in sentence:
        error.hint = "set options: {max_completion_tokens: 4000}"
    elif status in request_hints.LENGTH_STATUSES and "temperature" in sentence:
        error.hint = "set temperature to a value that the model accepts, such as 1"
    elif status in _LOGPROB_STATUSES and _LOGPROBS.search(sentence):
        limited = _LIMIT_OF_LOGPROBS.search(sentence)
        error.hint = "lower top_logprobs to what the server allows" if limited else NO_LOGPROBS
    return error


def other_format(evidence: Evidence) -> str | None:
    """Name the dialects that fit a reply with results in another form, or the settings that read it."""
    if evidence.status != 200 or not has_results(evidence.body, evidence.dialect):
        return None
    body, mine = evidence.body, evidence.dialect
    dialects = open_dialects()
    fits = [
        name
        for name in fitting_dialects(body, evidence.exchange.headers, evidence.wire)
        if name != evidence.name
    ]
    alike = [name for name in fits if sends_alike(dialects[name], mine, evidence.wire.model)]
    shape = fitting_shape(mine, body, evidence.wire)
    described = f"dialect: generic with shape: {_as_yaml(shape)}" if shape else ""
    if alike:
        return f"this reply fits dialect: {listed(alike)}{f'; or set {described}' if described else ''}"
    if fits:
        first = f"this reply fits dialect: {listed(fits)}, whose requests differ"
        return f"{first}; for the same request set {described}" if described else first
    return f"set {described}" if described else None


def cut_results(evidence: Evidence) -> str | None:
    """Say how many results are missing, and how to get them."""
    cut = (
        cut_list(evidence.body, evidence.dialect, len(evidence.wire.documents))
        if evidence.status == 200
        else None
    )
    if cut is None:
        return None
    blank = [place for place in cut.missing if not evidence.wire.documents[place].strip()]
    if len(blank) == len(cut.missing):
        return f"the server drops empty documents: {request_hints.fill_in(evidence, blank)}"
    more = "send_top_n: true or " if evidence.dialect.shape.top_n else ""
    return (
        f"the server returned {cut.returned} of {cut.sent} results: set {more}max_documents: {cut.returned}"
    )


def _as_yaml(settings: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value or chr(34) * 2}" for key, value in settings.items()) + "}"


HINTS: tuple[Callable[[Evidence], str | None], ...] = (
    cut_results,
    other_format,
    address_hints.redirected,
    address_hints.page_at_url,
    address_hints.plain_http,
    address_hints.web_page,
    address_hints.other_key_header,
    address_hints.no_credit,
    rate_hints.slower,
    address_hints.unknown_model,
    address_hints.base_address,
    address_hints.last_slash,
    address_hints.not_a_route,
    request_hints.top_n_required,
    request_hints.empty_text,
    request_hints.too_many,
    request_hints.too_long,
    request_hints.out_of_memory,
    request_hints.too_large_alone,
    request_hints.missing_key,
    request_hints.unknown_key,
)
"""Kinds of evidence, the most specific first."""
