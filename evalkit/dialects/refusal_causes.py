"""Read from an error reply what an API refused: too many documents, too large a request, a text, or any request.

The same words are read for every dialect, because a proxy may be in front of any API. They are only a help: where they
say nothing, or two things, the cause is None, and `evalkit.reranking` finds it out with smaller requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from evalkit.dialects.error_reading import read_error_message
from evalkit.dialects.shape import dig
from evalkit.errors import RefusedFor

REFUSING = {400, 413, 422}
"""Statuses of a request that is refused for what it contains."""
_MOST_ITEMS = 5
"""Items of a list of errors that are read: some APIs return one for each document."""
_MOST_CHARACTERS = 2000
"""Characters that are read: some APIs return the whole request in an error."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_ITEMS = (
    r"(?:documents|texts|passages|inputs|records|sources|items|pairs|contexts|elements|sentences|candidates)"
)
_ITEM = (
    r"(?:document|text|passage|input|record|source|item|pair|content|string|query|prompt|sequence|sentence)"
)
_PAST = (
    r"(?:exceed|too (?:many|large|big|long)|more than|larger|longer|greater|above|beyond|at most|maximum|max\b|limit"
    r"|the most)"
)

_EMPTY_LIST = _any(
    rf"\b(?:list|array)(?: of {_ITEMS})? (?:must|can|may|should|is|was)\b[^.]{{0,20}}\bempty",
    r"\btoo_short\b",
    r"\bat least (?:1|one) (?!character|char\b|letter|word|token)\w+",
)
_EMPTY_TEXT = _any(
    r"\bstring_too_short\b",
    r"\bempty (?:strings?|texts?|documents?|passages?|queries|query)\b",
    rf"\b{_ITEM}s?\b[^.]{{0,40}}\b(?:must|should|may|can)(?: ?not|'t)(?: \w+)? be (?:empty|blank)",
    rf"\b{_ITEM}s?\b[^.]{{0,40}}\b(?:is|are|was|were) (?:empty|blank)\b",
    rf"\b{_ITEM}s?\b[^.]{{0,40}}\bmust be non-?(?:empty|blank)",
)
_LONG_TEXT = _any(
    r"\bstring_too_long\b",
    r"(?:\b|_)context[ _](?:length|window|size)",
    r"\b(?:context of|maximum context)\b",
    r"\btoo large to process\b",
    r"\bmust have less than \d+ tokens",
    r"\bmax_seq_len|\bmaximum sequence length",
    r"\bn_(?:ctx|u?batch)\b",
    r"\b(?:prompt|input|sequence|text|document|passage|pair)\b[^.]{0,30}\b(?:is|was)\b[^.]{0,20}"
    r"\b(?:too long|longer than)",
)
"""Words that are read with status 500, too: no transient failure has them."""
_WRONG_REQUEST = _any(
    r"\b(?:missing|extra_forbidden|json_invalid)\b(?=.*\bbody\b)",
    r"\bmissing (?:required |mandatory )?(?:field|parameter|property|key|argument)",
    r"\bmissing_parameter\b|\bextra_forbidden\b|\binvalid_model\b|\bmodel_not_found\b",
    r"\b(?:field|parameter|property|key|argument)\b[^.]{0,40}\b(?:is|was) (?:missing|unknown)\b",
    r"\b(?:field|parameter|property|key|argument)\b[^.]{0,40}\b(?:is|was) not (?:allowed|known|permitted|supported)",
    r"\bfield required\b|\bis (?:a )?required\b",
    r"\bmust be (?:given|provided|specified|set|present)\b|\bmust not be null\b",
    r"\b(?:unknown|unrecogni[sz]ed|unexpected|unsupported|no) (?:field|parameter|property|key|argument|keyword)",
    r"\bextra (?:inputs|fields) (?:are )?not (?:permitted|allowed)|\badditional ?propert",
    r"\bmodel\b[^.]{0,80}\b(?:not found|does not exist|is not (?:available|supported)|is unknown)",
)
_MEASURED = _any(r"\btokens?\b|\bcharacters?\b|\bchars\b")
_TOO_MANY = _any(_PAST)
_PAIR = _any(r"\bpair\b")
_IN_ALL = _any(r"\b(?:total|sum|combined|altogether|in all|batch)\b|\bper (?:request|call)\b")
_BODY = _any(
    r"\b(?:payload|body|request|entity|content|message)\b[^.]{0,40}\b(?:too large|too big|larger than|exceeds?)\b",
    r"\blength limit exceeded\b",
    rf"\b(?:bytes|[kmg]i?b)\b[^.]{{0,60}}{_PAST}|{_PAST}[^.]{{0,60}}\b(?:bytes|[kmg]i?b)\b",
)
_DOCUMENTS = _any(
    r"(?<!string)(?<!string_)\btoo_long\b",
    r"\bbatch size\b[^.]{0,80}(?:>|exceed|too (?:large|big)|larger|greater|at most|maximum|limit)",
    rf"\b{_ITEMS}\b[^.]{{0,60}}\b{_PAST}",
    rf"\b{_PAST}[^.]{{0,60}}\b{_ITEMS}\b",
    r"\b(?:list|array)\b[^.]{0,40}\btoo long\b",
)
_LONG = _any(
    rf"\b{_ITEM}\b[^.]{{0,60}}\b(?:too long|too large|larger than|longer than|exceeds?)\b",
    r"\bmax(?:imum)?[_ ](?:input[_ ])?length\b",
)
_NUMBER = re.compile(
    r"(?:maximum allowed batch size|maximum(?: number)?(?: of(?: [a-z]+)?)?(?: is)?|at most|no more than|up to"
    r"|limit(?: of| is)?|larger than|more than|exceed(?:s|ed)?(?: the)?(?: [a-z]+){0,3}?)[ :=]*(\d[\d,]*)",
    re.IGNORECASE,
)


def error_words(body: Any, text: str, message: str | None = None) -> str:
    """Return the message of an error reply with its types, codes and fields, without the request that it may repeat.

    Parameters
    ----------
    body
        The reply's JSON; None if it has none.
    text
        The reply's text, which is used if the JSON has no message.
    message
        The message that the API's dialect reads in the JSON; None for the one in the usual places.
    """
    found = [message or read_error_message(body) or text]
    for path in ("error.type", "error.code", "error_type", "code", "type", "error.status"):
        value = dig(body, path)
        found += [value] if isinstance(value, str) else []
    lists = [items for path in ("detail", "errors") if isinstance(items := dig(body, path), list)]
    items = [item for one in lists for item in one[:_MOST_ITEMS]]
    if any(isinstance(dig(item, "loc"), list) for item in items):
        # The message is that of the items, with the names of the fields at places where they mean something else.
        del found[0]
    found += map(_field_words, items)
    return " ".join("; ".join(found).split())[:_MOST_CHARACTERS]


def _field_words(item: Any) -> str:
    """Return the type, the field and the message of one error of FastAPI's list."""
    where = dig(item, "loc")
    fields = ".".join(map(str, where)) if isinstance(where, list) else dig(item, "field")
    words = (dig(item, "type"), fields, dig(item, "msg") or dig(item, "message"))
    return " ".join(word for word in words if isinstance(word, str))


def cause_in_words(status: int, words: str) -> RefusedFor | None:
    """Return what an API refused, as the words of its error reply say; None if they do not, or say two things.

    Parameters
    ----------
    status
        The HTTP status of the reply.
    words
        See `error_words`.
    """
    if status == 500:
        return "text" if _LONG_TEXT.search(words) else None
    if status not in REFUSING:
        return None
    return next((cause for read, cause in _IN_ORDER if read(words)), None)


def _measures_all(words: str) -> bool:
    """Return whether the words count the tokens of all documents together."""
    return _measures(words) and bool(_IN_ALL.search(words)) and not _PAIR.search(words)


def _measures(words: str) -> bool:
    """Return whether the words say that there are too many tokens or characters."""
    return bool(_MEASURED.search(words) and _TOO_MANY.search(words))


def _is_ambiguous(words: str) -> bool:
    return bool(_DOCUMENTS.search(words) and _LONG.search(words))


_IN_ORDER: tuple[tuple[Callable[[str], object], RefusedFor | None], ...] = (
    (_EMPTY_LIST.search, "request"),
    (_EMPTY_TEXT.search, "text"),
    (_LONG_TEXT.search, "text"),
    (_measures_all, "bytes"),
    (_measures, "text"),
    (_WRONG_REQUEST.search, "request"),
    (_BODY.search, "bytes"),
    (_is_ambiguous, None),
    (_DOCUMENTS.search, "documents"),
    (_LONG.search, "text"),
)
"""Tests of the words, each with the cause that it shows; the first one that succeeds counts."""


def most_documents(words: str) -> int | None:
    """Return the most documents of a request, as a refusal for too many says in words; None if it does not."""
    numbers = [
        int(found.replace(",", "")) for found in _NUMBER.findall(words) if len(found) <= len("1,000,000")
    ]
    return min(numbers, default=None) or None
