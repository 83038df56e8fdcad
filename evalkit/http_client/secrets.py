"""Keeps API keys out of everything that is written, printed or raised."""

from __future__ import annotations

import base64
import os
from urllib.parse import quote

import orjson

_SHORTEST = 4
"""A shorter key is no secret, and striking it out would strike out half of every sentence."""
STRUCK = "[key]"


def read_key(variable: str | None) -> str | None:
    """Return the key that an environment variable holds; None where none is named."""
    return os.environ.get(variable, "").strip() or None if variable else None


class Redactor:
    """Strikes keys out of what a server sends back, in any form it may have echoed them.

    Parameters
    ----------
    keys
        The keys; None and what is too short to be one are left alone.
    """

    def __init__(self, *keys: str | None) -> None:
        forms: set[str] = set()
        for key in keys:
            if key and len(key) >= _SHORTEST:
                coded = base64.b64encode(key.encode()).decode()
                forms |= {
                    key,
                    quote(key, safe=""),
                    orjson.dumps(key).decode()[1:-1],
                    coded,
                    coded.rstrip("="),
                }
        # The longest first: one form may hold another.
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text without a key."""
        for form in self._forms:
            text = text.replace(form, STRUCK)
        return text

    def content(self, content: bytes) -> bytes:
        """Return a body without a key."""
        for form in self._forms:
            content = content.replace(form.encode(), STRUCK.encode())
        return content
