"""The secret part of a page's address: who does not know it can neither read nor change anything."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from evalkit.cache import user_secret

_DIGITS = 32


def page_token(files: Iterable[Path]) -> str:
    """Return 32 hexadecimal digits that only this user can compute; the same ones for the same files.

    An open page still works after a restart, so it can send a click that was not saved before. The secret behind the
    token is in the cache folder, readable by the user alone; where that folder cannot be written, or another user made
    the file or can read it, every start has another token.
    """
    secret = user_secret("page-secret") or secrets.token_bytes(32)
    names = "\0".join(sorted(str(file.absolute()) for file in files))
    return hmac.new(secret, names.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_DIGITS]
