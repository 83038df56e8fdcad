"""Keep API keys out of files, logs and messages."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from urllib.parse import quote, quote_plus

import orjson

from evalkit.errors import InputError

_MIN_KEY_LENGTH = 4
"""Shorter keys are not redacted: a string that short occurs in ordinary text."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_MIN_PART_LENGTH = 8
_REPLACEMENT = b"[key]"
_ESCAPED_BYTE = re.compile("%[0-9A-F]{2}")
_ESCAPE = re.compile(
    rb"\\(?:/|u00([0-7][0-9a-fA-F])|x([0-7][0-9a-fA-F]))|%([0-7][0-9a-fA-F])|&#0*([0-9]{2,3});"
)
"""An escaped ASCII character of JSON, of a Python literal, of a URL, of HTML."""


def read_key(variable: str | None) -> str | None:
    """Return the key in an environment variable; None if `variable` is None, or the variable is unset or empty."""
    return os.environ.get(variable, "").strip() or None if variable else None


def require_key(variable: str | None) -> str | None:
    """Return the key in an environment variable; None if `variable` is None.

    Raises
    ------
    InputError
        If the variable is unset or empty, or the name is none.
    """
    key = read_key(variable)
    if variable and not _VARIABLE.fullmatch(variable):
        # The value may be the key itself, so the message must not contain it.
        raise InputError(
            "the name of an environment variable is expected, not the key itself",
            "run export MY_KEY=... first and give the name MY_KEY",
        )
    if variable and not key:
        raise InputError(
            f"the environment variable {variable!r} is not set", f"run export {variable}=... first"
        )
    return key


class Redactor:
    """Removes keys from text that a server returns, in every encoding in which it may echo them.

    Parameters
    ----------
    keys
        The keys; None and keys of fewer than 4 characters are ignored.
    """

    def __init__(self, *keys: str | None) -> None:
        given = [key for key in keys if key]
        # "Bearer KEY" in the variable is sent as it is, but a server may echo the key alone.
        given += [part for key in given for part in key.split()[1:] if len(part) >= _MIN_PART_LENGTH]
        self._keys = tuple(key for key in given if len(key) >= _MIN_KEY_LENGTH)
        # Longest first, because one form may contain another.
        forms = {form.encode() for key in self._keys for form in _forms(key)}
        self._forms = sorted(forms, key=len, reverse=True)

    def plus(self, *keys: str | None) -> Redactor:
        """Return a redactor of further keys, too."""
        return Redactor(*self._keys, *keys)

    def text(self, text: str) -> str:
        """Return a text with all keys replaced by ``[key]``."""
        return self.content(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def content(self, content: bytes) -> bytes:
        """Return a body with all keys replaced by ``[key]``.

        A server may escape any character of a key, and who parses the body gets the key back. If the body contains a
        key once escapes are undone, they are undone in the returned body, too; it stays valid JSON.
        """
        content = self._without_forms(content)
        if self._forms and any(sign in content for sign in (b"\\", b"%", b"&#")):
            plain = _unescaped(content)
            if any(form in plain for form in self._forms):
                return self._without_forms(plain)
        return content

    def _without_forms(self, content: bytes) -> bytes:
        for form in self._forms:
            content = content.replace(form, _REPLACEMENT)
        return content


def _unescaped(content: bytes) -> bytes:
    """Return a body with the escapes of JSON, URLs and HTML undone, some of them twice: proxies escape again."""
    for _ in range(2):
        content = _ESCAPE.sub(_character, content)
    return content


def _character(escape: re.Match[bytes]) -> bytes:
    if escape[0] == b"\\/":
        return b"/"
    digits = escape[1] or escape[2] or escape[3]
    code = int(digits, 16) if digits else int(escape[4])
    # A quote, a backslash or a control character would end the text of JSON that contains the escape.
    return bytes([code]) if 0x20 <= code < 0x7F and code not in b'"\\' else escape[0]


def _forms(key: str) -> set[str]:
    """Return the encodings of a key in which servers may echo it."""
    raw = key.encode()
    in_url = {quote(key, safe=""), quote(key), quote_plus(key)}
    in_json = {orjson.dumps(key).decode()[1:-1], json.dumps(key)[1:-1]}
    in_base64 = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {
        key,
        html.escape(key),
        repr(key)[1:-1],
        raw.hex(),
        *in_url,
        *(_ESCAPED_BYTE.sub(lambda match: match[0].lower(), text) for text in in_url),
        *in_json,
        *(text.replace("/", "\\/") for text in in_json),
        *in_base64,
        *(text.rstrip("=") for text in in_base64),
    }
