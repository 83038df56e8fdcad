"""Keys of a request that not every server accepts: they are sent until the server refuses them by name."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from evalkit.errors import CallError

T = TypeVar("T")
_REFUSED = {400, 404, 415, 422, 501}
_NAMES = {
    "response_format": re.compile(r"response.?format|json.?schema|structured.?output|guided", re.IGNORECASE),
    "seed": re.compile(r"\bseed\b", re.IGNORECASE),
}
"""Key -> how servers name it in a refusal."""


class OptionalKeys:
    """Remembers which optional keys a server refused. Thread-safe.

    Parameters
    ----------
    keys
        The keys with their values.
    """

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._lock = threading.Lock()
        self._keys = dict(keys)
        self._answered = False

    @property
    def answered(self) -> dict[str, Any] | None:
        """The keys of the calls that were answered; None if none was."""
        with self._lock:
            return dict(self._keys) if self._answered else None

    @property
    def accepted(self) -> dict[str, Any]:
        """The keys that no call has shown to be refused."""
        with self._lock:
            return dict(self._keys)

    def call(self, made: Callable[[Mapping[str, Any]], T]) -> tuple[T, Mapping[str, Any]]:
        """Return the result of a call, and the keys that it was made with.

        A refusal that names a key is followed by a call without it. The key is left out of all later calls if this
        one succeeds, since only then was it the reason.

        Parameters
        ----------
        made
            Makes the call with some keys.

        Raises
        ------
        CallError
            If the call fails for another reason.
        """
        keys, dropped = self.accepted, []
        while True:
            try:
                result = made(keys)
            except CallError as error:
                name = refused_key(error, keys)
                if name is None:
                    raise
                dropped.append(name)
                keys = {key: value for key, value in keys.items() if key != name}
                continue
            with self._lock:
                self._answered = True
                for name in dropped:
                    self._keys.pop(name, None)
            return result, keys


def refused_key(error: CallError, keys: Mapping[str, Any]) -> str | None:
    """Return the first of the keys that the refusal of a call names; None if it names none or is no refusal.

    The server's sentence counts, and the rest of its reply only if the sentence names no key.
    """
    if error.http_status not in _REFUSED:
        return None
    for text in (error.message, error.body or ""):
        for key in keys:
            if _NAMES[key].search(text):
                return key
    return None
