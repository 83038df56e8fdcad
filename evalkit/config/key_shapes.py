"""Recognise API keys and passwords by their values and by the names that they are given."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_PREFIXES = (
    "sk-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "hf_", "ghp_", "gho_", "ghs_", "ghu_", "ghr_",
    "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", "nvapi-", "gsk_", "pcsk_",
    "jina_", "pa-", "fw_", "r8_", "npm_", "pypi-", "tgp_v1_", "rpa_", "dop_v1_", "ya29.", "AIza",
)  # fmt: skip
_PREFIXED = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, _PREFIXES))})([\w-]{{8,}})")
_CERTAIN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{16,}"
)
_SCHEME = re.compile(r"\b(bearer|basic|apikey|token)[ \t]+([\w.~+/=-]{6,})", re.IGNORECASE)
_REPLACEMENT = "[key]"
_AMBIGUOUS = ("pa-", "fw_", "r8_", "npm_", "hf_", "jina_", "rpa_", "pypi-")
"""Prefixes that names of models and folders have, too: a key is longer than their words."""
_WORD_AND_DATE = re.compile(r"[A-Za-z]+(19|20)\d\d(\d{4})?[a-z]?")

_SECRET_WORDS = frozenset(
    {"auth", "authentication", "authorization", "bearer", "cookie", "credential", "credentials", "jwt", "pass",
     "passphrase", "passwd", "password", "pwd", "sas", "secret", "sig", "signature"}
)  # fmt: skip
"""Words of the name of a header or of a URL's parameter whose value is a key."""
_JOINED = re.compile(r"(api|access|auth|client|secret|session|subscription|x)(key|token)")
_OTHER_KEYS = frozenset({"cache", "foreign", "idempotency", "partition", "primary", "routing", "sort"})
"""Words before ``key`` in names whose value is none of a password's kind."""
_SETTING = re.compile(r"\d{1,6}|true|false|yes|no|on|off|none|null", re.IGNORECASE)
_SECRET_ENDS = frozenset(
    {"apikey", "authorization", "bearer", "credential", "credentials", "jwt", "passphrase", "passwd", "password",
     "pwd", "secret"}
)  # fmt: skip
"""Last words of settings whose value is a key."""
_SECRET_PAIRS = frozenset(
    f"{first} {last}"
    for last in ("key", "token")
    for first in ("access", "api", "auth", "bearer", "client", "private", "refresh", "secret", "session")
)
_PUBLIC_WORDS = frozenset(
    {"agent", "api-version", "date", "deployment", "hash", "id", "model", "org", "organization", "parent", "project",
     "request", "revision", "trace", "traceparent", "tenant", "type", "user", "version", "workspace"}
)  # fmt: skip
"""Words of names whose value may look random without being a key."""


def is_secret(name: str) -> bool:
    """Return whether a header or a URL's parameter with this name is likely to contain a key."""
    words = _words(name)
    if not _SECRET_WORDS.isdisjoint(words) or any(map(_JOINED.fullmatch, words)):
        return True
    return words[-1:] in (["key"], ["token"]) and _OTHER_KEYS.isdisjoint(words)


def is_secret_setting(name: str) -> bool:
    """Return whether a setting or option with this name is likely to contain a key: ``api_key``, not ``pad_token``."""
    words = _words(name)
    return bool(words) and (words[-1] in _SECRET_ENDS or " ".join(words[-2:]) in _SECRET_PAIRS)


def contains_key(text: str) -> bool:
    """Return whether any text contains what can only be a key; false for names of models, paths and prose."""
    return mask_keys(text) != text


def mask_keys(text: str) -> str:
    """Return a text with everything that can only be a key replaced by ``[key]``."""
    masked = _CERTAIN.sub(_REPLACEMENT, text)
    masked = _SCHEME.sub(_mask_credentials, masked)
    return _PREFIXED.sub(_mask_prefixed, masked)


def is_credential(value: str, name: str = "") -> bool:
    """Return whether the value of a header, a URL's parameter or an option is likely to be a key.

    Parameters
    ----------
    value
        The value.
    name
        Its name; a value that looks random is none if the name says what it is, such as an ID.
    """
    text = value.strip()
    if contains_key(text) or re.match(r"(?i)(bearer|basic|apikey|token)\s+\S|sk-\w|eyJ\w{6}", text):
        return True
    return _PUBLIC_WORDS.isdisjoint(_words(name)) and looks_random(text)


def looks_random(text: str) -> bool:
    """Return whether a text of 20 characters or more has the letters and digits of a generated key."""
    if not re.fullmatch(r"[\w+/=.~-]{20,}", text) or re.fullmatch(r"[\w.-]*\.[a-z]{2,5}", text):
        return False
    pieces = re.split(r"[-_./+=~]", text)
    return any(len(piece) >= 16 and _mixed(piece) and not _has_words(piece) for piece in pieces) and (
        _entropy_bits(text) >= 3
    )


def key_in_url(url: str) -> bool:
    """Return whether a URL contains a key: as user or password, in a parameter, its path or its fragment."""
    parts = _split(url)
    if parts is None:
        return False
    if parts.password or (parts.username and parts.scheme in {"http", "https"}):
        return True
    if any(_is_secret_parameter(name, value) for name, value in _parameters(parts)):
        return True
    return any(contains_key(segment) or _is_secret_segment(segment) for segment in _segments(parts.path))


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url.strip())
    except ValueError:
        return None


def _parameters(parts: SplitResult) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a URL, decoded once more than its syntax asks for: proxies decode twice."""
    of_path = ";".join(segment.partition(";")[2] for segment in parts.path.split("/"))
    for text in (parts.query, of_path.replace(";", "&"), parts.fragment):
        for name, value in parse_qsl(text.replace(";", "&"), keep_blank_values=True):
            # A query without '=' is a value without a name.
            yield (name, unquote(value)) if value or "=" in text else ("", unquote(name))


def _is_secret_parameter(name: str, value: str) -> bool:
    if not value or _SETTING.fullmatch(value):
        return False
    if _words(name) == ["code"] and len(value) >= 8 and any(map(str.isdigit, value)):
        return True
    return is_secret(name) or is_credential(value, name)


def _segments(path: str) -> list[str]:
    return [unquote(unquote(segment.partition(";")[0])) for segment in path.split("/")]


def _is_secret_segment(segment: str) -> bool:
    """Return whether a part of a path looks generated; hexadecimal IDs of accounts and projects do not count."""
    return (
        looks_random(segment) and not re.fullmatch(r"[0-9a-fA-F-]+", segment) and segment != segment.lower()
    )


def _words(name: str) -> list[str]:
    """Return the words of a name: ``X-ApiKey`` has the words x, api and key."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", parted) if word]


def _mask_prefixed(found: re.Match[str]) -> str:
    is_key = _is_random(found[1])
    if is_key and found[0].startswith(_AMBIGUOUS):
        pieces = re.split(r"[-_]", found[1])
        is_key = any(len(piece) >= 24 or (len(piece) >= 16 and _mixed(piece)) for piece in pieces)
    return _REPLACEMENT if is_key else found[0]


def _mask_credentials(found: re.Match[str]) -> str:
    scheme, value = found[1].lower(), found[2]
    is_key = _names_user_and_password(value) if scheme == "basic" else _is_random(value)
    return _REPLACEMENT if is_key else found[0]


def _names_user_and_password(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _is_random(text: str) -> bool:
    """Return whether a part of a text is no word, number of a version or date: long, with digits."""
    pieces = re.split(r"[-_./+=~]", text)
    return any(
        (len(piece) >= 8 and _mixed(piece)) or (len(piece) >= 10 and piece.isdigit()) or len(piece) >= 24
        for piece in pieces
        if not _WORD_AND_DATE.fullmatch(piece)
    )


def _has_words(text: str) -> bool:
    """Return whether a text has a lower-case word, as ``Qwen3Reranker0p6B`` has, which few generated keys do."""
    return re.search(r"[a-z]{6}", text) is not None


def _mixed(text: str) -> bool:
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def _entropy_bits(text: str) -> float:
    """Return Shannon's entropy of the characters, in bits for each of them."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
