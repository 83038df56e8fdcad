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
_REPLACEMENT = "[key]"
_ESCAPED_BYTE = re.compile("%[0-9A-F]{2}")


def read_key(variable: str | None) -> str | None:
    """Return the key in an environment variable; None if `variable` is None, or the variable is unset or empty."""
    return os.environ.get(variable, "").strip() or None if variable else None


def require_key(variable: str | None) -> str | None:
    """Return the key in an environment variable; None if `variable` is None.

    Raises
    ------
    InputError
        If the variable is unset or empty.
    """
    key = read_key(variable)
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
        self._keys = tuple(key for key in keys if key and len(key) >= _MIN_KEY_LENGTH)
        # Longest first, because one form may contain another.
        self._forms = sorted({form for key in self._keys for form in _forms(key)}, key=len, reverse=True)
        self._encoded_forms = [form.encode() for form in self._forms]

    def plus(self, *keys: str | None) -> Redactor:
        """Return a redactor of further keys, too."""
        return Redactor(*self._keys, *keys)

    def text(self, text: str) -> str:
        """Return a text with all keys replaced by ``[key]``."""
        for form in self._forms:
            text = text.replace(form, _REPLACEMENT)
        return text

    def content(self, content: bytes) -> bytes:
        """Return a body with all keys replaced by ``[key]``."""
        for form in self._encoded_forms:
            content = content.replace(form, _REPLACEMENT.encode())
        return content


def _forms(key: str) -> set[str]:
    """Return the encodings of a key that servers echo,."""
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
