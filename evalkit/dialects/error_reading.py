"""Read the errors that replies contain: the message of an error body, and an error inside a reply with status 200.

One reader for all dialects, because a gateway in front of an API has error formats of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_DEEPEST = 4
"""Levels of objects in which a message is looked for."""
_MOST_PARTS = 3
"""Messages of a list of errors that are joined."""
_MOST_LINES = 1000
"""Lines of a body that are read as events."""
_INNER = ("error", "fault", "baseresp", "responsemetadata", "response", "status")
"""Keys whose objects contain an error; names in lower case and without underscores, as in the next ones."""
_SENTENCES = (
    "message", "msg", "errormessage", "errormsg", "errmsg", "statusmsg", "statusmessage", "errordescription",
    "reason", "faultstring", "detail", "errors", "error", "title",
)  # fmt: skip
"""Keys of sentences, the best first."""
_CODES = (
    "code", "errorcode", "errcode", "errno", "statuscode", "httpstatus", "httpcode", "status", "type", "errortype",
    "error",
)  # fmt: skip
"""Keys of codes, the best first. ``__type``, as AWS writes it, is ``type`` here."""
_GOOD_WORDS = re.compile(
    r"(ok(ay)?|success(ful|fully|ed)?|succeed(ed)?|completed?|done|true|none|no error|normal|list|rerank)\W*|"
    r"(the )?request (was |has been )?(successful\w*|succeeded|processed).*",
    re.IGNORECASE,
)
_BAD_STATES = {"error", "errored", "fail", "failed", "failure", "exception"}
_SUCCESS = {0, 200}
"""Numbers that mean success everywhere."""
_OFTEN_SUCCESS = {*_SUCCESS, 1, *range(100, 400), 1000, 10000, 20000}
"""Numbers that mean success under some API's ``code`` or ``status``."""
_FAULT_TYPE = re.compile(r"[\w.#:/-]*(error|exception)", re.IGNORECASE)
_MOST_CHARACTERS = 10_000
"""Characters of a sentence in which words are looked for."""

_MONEY = re.compile(
    r"insufficient|balance|arrear|billing|payment|out of credit|no credit|overdue|欠费|余额", re.IGNORECASE
)
_WORDS = {
    429: r"rate.{0,3}limit|throttl|too.?many.?requests|requestlimit|concurren|resource.?exhausted|qps|限流|频率|并发",
    401: r"unauthori[sz]|unauthenticated|authenticat|not logged in|login fail|access.?token"
    r"|(invalid|incorrect|wrong|missing|expired|no).{0,12}(api.?key|token|credential)"
    r"|(api.?key|token|credential)s?.{0,20}(invalid|expired|incorrect|missing|wrong|not valid)",
    403: r"forbidden|permission|access.?denied|not allowed to",
    503: r"overload|temporar|try.{0,12}again|retry|loading|capacity|unavailable|busy|繁忙|稍后|过载",
    402: r"quota|spending limit|credits",
    504: r"time.?out|timed.out|deadline|超时",
    500: r"internal.{0,8}error|server.?error|upstream.{0,12}error|bad.?gateway",
    404: r"(model|route|endpoint|page|resource).{0,60}(not.{0,4}found|does not exist|not exist|unknown)"
    r"|no such model|unknown.?model|not.?found",
}
_TWINS = tuple((status, re.compile(words, re.IGNORECASE)) for status, words in _WORDS.items())
"""The status that an API sends for such an error where it uses statuses, the first match first."""
_NAMED_WAIT = re.compile(
    r"(?:again|retry|wait)\D{0,30}?(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|sec|seconds?|m|min|minutes?)\b", re.IGNORECASE
)  # fmt: skip
_WAITS = ("retryafter", "estimatedtime", "retrydelay")
"""Keys of seconds to wait."""


@dataclass(frozen=True, slots=True)
class ReplyError:
    """An error inside a reply with status 200.

    Attributes
    ----------
    message
        Its code, if it has one, and its sentence.
    status
        The HTTP status that belongs to such an error.
    wait_s
        Seconds after which a retry may succeed; None if the reply names none.
    """

    message: str
    status: int
    wait_s: float | None


def read_error_message(body: Any) -> str | None:
    """Return the message of an error body; None if there is none.

    Among others ``{"error": {"message"}}``, ``{"message"}``, ``{"detail"}`` as text or as FastAPI's list with the names
    of the keys, ``{"error"}``, ``{"errors": [...]}``, RFC 7807's ``detail`` or ``title``, or plain text.
    """
    return body if isinstance(body, str) else _sentence(body, 0)


def read_reply_error(
    body: Any, *, has_results: bool, message: str | None = None, code: int | str | None = None
) -> ReplyError | None:
    """Return the error that a reply with status 200 contains; None if it contains none.

    Parameters
    ----------
    body
        Parsed JSON. It is not a reply that is complete.
    has_results
        Whether there are some results: then only an explicit error counts, and no sentence alone.
    message, code
        What the reply has where this API puts the message and the code of an error; None for the usual places.
    """
    if message and not (has_results or _is_good(message)):
        stated = _codes_in(body) if isinstance(body, dict) else []
        return _described(message, [*_codes_of({"code": code}), *stated])
    if isinstance(body, list):
        body = body[0] if len(body) == 1 and isinstance(body[0], dict) and "error" in body[0] else None
    if isinstance(body, str) and body.strip() and not _is_good(body):
        return _described(body, [])
    if not isinstance(body, dict):
        return None
    parts, codes = list(_parts(body, 0)), list(_codes_in(body))
    message = next((found for part in parts if (found := _sentence_of(part, 0))), None)
    denied = body.get("error") is False or body.get("success") is True
    sentence_alone = message is not None and not (has_results or denied or _is_good(message))
    if not (any(map(_states_error, parts)) or sentence_alone):
        return None
    wait_s = next((wait for part in parts if (wait := _wait_of(part)) is not None), None)
    return _described(message, codes, wait_s)


def read_events(text: str) -> list[Any]:
    """Return the objects of a body of server-sent events or JSON lines; empty if it is neither."""
    found = []
    for line in text.splitlines()[:_MOST_LINES]:
        data = line.strip().removeprefix("data:").strip()
        if data.startswith(("{", "[{")):
            try:
                found.append(orjson.loads(data))
            except orjson.JSONDecodeError:
                return []
        elif data and data != "[DONE]" and not data.startswith((":", "event:", "id:", "retry:")):
            return []
    return found


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its keys in lower case and without underscores."""
    return {key.replace("_", "").lower(): value for key, value in reversed(dict(part).items())}


def _sentence(value: Any, depth: int) -> str | None:
    """Return the sentence in a value, at most `_DEEPEST` levels down; None if there is none."""
    if isinstance(value, str):
        return value if value.strip() else None
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        parts = [found for entry in value[:_MOST_PARTS] if (found := _sentence(entry, depth + 1))]
        return "; ".join(dict.fromkeys(parts)) or None
    return _sentence_of(_plain(value), depth) if isinstance(value, dict) else None


def _sentence_of(part: Mapping[str, Any], depth: int) -> str | None:
    inner = [part[key] for key in _INNER if isinstance(part.get(key), dict | list)]
    for candidate in (*inner, *(part.get(key) for key in _SENTENCES)):
        found = _sentence(candidate, depth + 1)
        if found is not None:
            return found + _more(part)
    return None


def _more(part: Mapping[str, Any]) -> str:
    """Return what an error object says besides its sentence: the key that is wrong, or the provider's own error."""
    place = part.get("loc")
    names = [str(name) for name in place if name != "body"] if isinstance(place, list) else []
    if names:
        return f": {'.'.join(names)}"
    metadata = part.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f": {raw}" if isinstance(raw, str) and raw else ""


def _parts(body: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """Yield the objects that may describe an error: the body, and those under the keys of errors."""
    part = _plain(body)
    yield part
    firsts = [_first(part.get(key)) for key in (*_INNER, "errors", "detail", "choices")]
    for inner in (*firsts, *(part.get(key) for key in ("output", "data", "result"))):
        if isinstance(inner, dict) and depth < _DEEPEST:
            yield from _parts(inner, depth + 1)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _states_error(part: Mapping[str, Any]) -> bool:
    """Return whether an object says that it is an error, in another way than by a sentence."""
    kind = part.get("type")
    return (
        part.get("success") is False
        or part.get("object") == "error"
        or any(_is_fault(part.get(key)) for key in ("error", "errors", "fault"))
        or any(_is_bad_code(part.get(key), _SUCCESS) for key in ("errorcode", "errcode", "errno"))
        or any(_is_bad_code(part.get(key), _OFTEN_SUCCESS) for key in ("code", "statuscode", "status"))
        or (isinstance(kind, str) and _FAULT_TYPE.fullmatch(kind) is not None)
    )


def _is_fault(value: Any) -> bool:
    """Return whether the value of a key for errors is one: neither empty nor a word or number for success."""
    if isinstance(value, dict | list):
        return any(map(_is_fault, value.values() if isinstance(value, dict) else value))
    if isinstance(value, str):
        return bool(value.strip()) and not _is_good(value) and _number(value) not in _SUCCESS
    return bool(value) and value not in _SUCCESS


def _is_good(value: str) -> bool:
    return _GOOD_WORDS.fullmatch(value.strip()) is not None


def _is_bad_code(code: Any, good: set[int]) -> bool:
    """Return whether a code says that something failed; text only if it is a number or a word for failure."""
    if isinstance(code, str) and code.strip().lower() in _BAD_STATES:
        return True
    number = _number(code)
    return number is not None and number not in good


def _codes_in(body: Mapping[str, Any]) -> dict[int | str, None]:
    """Return the codes of a body and of the objects in it that may describe an error, each once."""
    return dict.fromkeys(code for part in _parts(body, 0) for code in _codes_of(part))


def _codes_of(part: Mapping[str, Any]) -> Iterator[int | str]:
    """Yield the codes of an object that are not those of success."""
    for key in () if "loc" in part else _CODES:
        code = part.get(key)
        number = _number(code)
        if number is not None and number not in _SUCCESS:
            yield number
        elif number is None and key != "error" and isinstance(code, str) and _is_named_code(code):
            yield code


def _is_named_code(code: str) -> bool:
    return 0 < len(code) <= 80 and not _is_good(code) and code.lower() not in {*_BAD_STATES, "about:blank"}


def _number(code: Any) -> int | None:
    if isinstance(code, str) and re.fullmatch(r"-?\d{1,9}", code.strip()):
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _wait_of(part: Mapping[str, Any]) -> float | None:
    for key in _WAITS:
        value = part.get(key)
        if isinstance(value, str):
            match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*s?", value.strip())
            value = float(match[1]) if match else None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6:
            return float(value)
    return None


def _described(message: str | None, codes: list[int | str], wait_s: float | None = None) -> ReplyError:
    sentence = "" if message is None else message[:_MOST_CHARACTERS]
    code = next((str(code) for code in codes if str(code).lower() not in sentence.lower()), None)
    wait_s = _wait_in(sentence) if wait_s is None else wait_s
    shown = ": ".join(filter(None, (code, message))) or "no message"
    return ReplyError(shown, _twin(codes, " ".join([*map(str, codes), sentence])), wait_s)


def _twin(codes: list[int | str], words: str) -> int:
    """Return the HTTP status that belongs to an error: of its words if they speak of money, else of its code."""
    if _MONEY.search(words):
        return 402
    statuses = [code for code in codes if isinstance(code, int) and 400 <= code < 600]
    if statuses:
        return statuses[0]
    return next((status for status, pattern in _TWINS if pattern.search(words)), 400)


def _wait_in(message: str) -> float | None:
    """Return the seconds to wait that a sentence names, as in "try again in 20s"; None if it names none."""
    found = _NAMED_WAIT.search(message)
    if found is None:
        return None
    unit = found[2].lower()
    factor = 1e-3 if unit.startswith(("ms", "mil")) else 60.0 if unit.startswith("m") else 1.0
    return float(found[1]) * factor
