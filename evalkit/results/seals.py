"""Seals: only what this user's evalkit wrote on this machine is trusted without being computed again."""

from __future__ import annotations

import hmac
from typing import Any

import orjson

from evalkit.cache import user_secret

_FILE = "seal.key"


def seal(values: Any) -> str | None:
    """Return the seal of JSON values: their HMAC-SHA-256 with a random key in the cache folder.

    A result folder may come from someone else: its files could claim to be derived from its scores. Other users cannot
    make a seal, and a deleted key makes every earlier seal invalid.

    Returns
    -------
    str or None
        None if the key can be neither read nor created, or if others can read it.
    """
    key = user_secret(_FILE)
    if key is None:
        return None
    return hmac.digest(key, orjson.dumps(values, option=orjson.OPT_SORT_KEYS), "sha256").hex()
