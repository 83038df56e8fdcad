"""Clients, identified by their API keys, which are compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.config import LimitSettings, ServiceSettings, load_keys
from evalkit.dialects import WireError


@dataclass(frozen=True, slots=True)
class Client:
    """A client that may send requests.

    Attributes
    ----------
    name
        Shown in logs and metrics; never the key.
    limits
        Its requests and tokens per minute.
    """

    name: str
    limits: LimitSettings


class Keyring:
    """Finds the client of an API key.

    Parameters
    ----------
    clients
        Each with the SHA-256 of its key; if empty, no key is required.
    default
        Limits of every client if no key is required.
    """

    def __init__(self, clients: Sequence[tuple[Client, bytes]], default: LimitSettings) -> None:
        self._clients = tuple(clients)
        self._default = default

    @classmethod
    def of(cls, settings: ServiceSettings, api_key: str | None) -> Keyring:
        """Return the keys of ``keys_file``, and `api_key` as the key of a client named ``default``.

        Raises
        ------
        ConfigError, InputError
            If the file cannot be read, or is invalid.
        """
        clients = []
        if api_key is not None:
            clients.append((Client("default", settings), _hash(api_key)))
        if settings.keys_file is not None:
            for name, key in load_keys(settings.keys_file).keys.items():
                own = LimitSettings(
                    requests_per_minute=key.requests_per_minute or settings.requests_per_minute,
                    tokens_per_minute=key.tokens_per_minute or settings.tokens_per_minute,
                )
                clients.append((Client(name, own), bytes.fromhex(key.sha256)))
        return cls(clients, settings)

    @property
    def are_required(self) -> bool:
        """Whether a request needs a key."""
        return bool(self._clients)

    def client_of(self, given: str | None, address: str) -> Client:
        """Return the client of a key; if no key is required, a client named after its address.

        Raises
        ------
        WireError
            401, if the key is missing or unknown.
        """
        if not self._clients:
            return Client(address, self._default)
        digest = _hash(given or "")
        found = None
        for client, known in self._clients:  # no early exit: the duration must not depend on the key
            if hmac.compare_digest(digest, known):
                found = client
        if found is None:
            raise WireError(401, "invalid_api_key", "the API key is missing or invalid")
        return found


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
