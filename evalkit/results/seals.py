"""Seals: only what this user's evalkit wrote on this machine is trusted without being computed again."""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from typing import Any

import orjson

from evalkit.cache import cache_folder
from evalkit.files import create_file, make_folder

_FILE = "seal.key"
_BYTES = 32


def seal(values: Any) -> str | None:
    """Return the seal of JSON values: their HMAC-SHA-256 with a random key in the cache folder.

    A result folder may come from someone else: its files could claim to be derived from its scores. Other users cannot
    make a seal, and a deleted key makes every earlier seal invalid.

    Returns
    -------
    str or None
        None if the key can be neither read nor created, or if others can read it.
    """
    key = _key()
    if key is None:
        return None
    return hmac.digest(key, orjson.dumps(values, option=orjson.OPT_SORT_KEYS), "sha256").hex()


def _key() -> bytes | None:
    file = cache_folder() / _FILE
    try:
        if not file.exists():
            make_folder(file.parent)
            with suppress(FileExistsError):  # another process was faster
                create_file(file, secrets.token_hex(_BYTES), private=True)
        state, key = file.stat(), file.read_bytes()
    except OSError:
        return None
    # Who else can read the key could make seals.
    is_private = os.name != "posix" or (state.st_uid == os.getuid() and not state.st_mode & 0o077)
    return key if is_private and len(key) == 2 * _BYTES else None
