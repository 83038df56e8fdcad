"""Keep API keys out of files, logs and messages."""

from __future__ import annotations

import base64
import os
from urllib.parse import quote

import orjson

from evalkit.errors import InputError

_MIN_KEY_LENGTH = 4
"""Shorter keys are not redacted: a string that short occurs in ordinary text."""
_REPLACEMENT = "[key]"


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
        forms: set[str] = set()
        for key in keys:
            if key and len(key) >= _MIN_KEY_LENGTH:
                in_base64 = base64.b64encode(key.encode()).decode()
                forms |= {
                    key,
                    quote(key, safe=""),
                    orjson.dumps(key).decode()[1:-1],
                    in_base64,
                    in_base64.rstrip("="),
                }
        # Longest first, because one form may contain another.
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text with all keys replaced by ``[key]``."""
        for form in self._forms:
            text = text.replace(form, _REPLACEMENT)
        return text

    def content(self, content: bytes) -> bytes:
        """Return a body with all keys replaced by ``[key]``."""
        for form in self._forms:
            content = content.replace(form.encode(), _REPLACEMENT.encode())
        return content
