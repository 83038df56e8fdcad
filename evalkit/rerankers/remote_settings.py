"""Settings of every reranker that is reached over HTTP."""

from __future__ import annotations

from typing import ClassVar

from evalkit.config import RerankerSettings
from evalkit.rerankers.remote_access import RemoteAccess


class RemoteSettings(RemoteAccess, RerankerSettings):
    """Address, limits and price of a remote API."""

    immaterial: ClassVar[frozenset[str]] = RerankerSettings.immaterial | RemoteAccess.without_effect
