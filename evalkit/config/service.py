"""How a service behaves: the ``service:`` block, and the file of its keys."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated

from pydantic import Field

from evalkit.config.settings import PositiveInt, Settings, Slug

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class LimitSettings(Settings):
    """What a client may ask in a minute; no limit where absent."""

    requests_per_minute: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None


class ServiceSettings(LimitSettings):
    """Limits, waiting and batching of ``evalkit serve``.

    Attributes
    ----------
    requests_per_minute, tokens_per_minute
        Of each client that has no limits of its own: a key, or an address where no key is demanded.
    keys_file
        Clients by the SHA-256 of their keys (`KeysFile`).
    max_body_bytes
        Larger bodies are refused before they are read.
    max_waiting_pairs
        Query-document pairs that wait for a model; beyond them requests are refused.
    longest_queue_s
        They are refused, too, where those that wait would take longer than this, by what was measured so far.
    merging
        Whether requests of several clients are scored as one batch.
    batch_pairs
        Pairs scored together; what suits the model where absent.
    linger_s
        How long a model that is idle waits for a second request.
    concurrency
        Calls in flight of a reranker that does not score the pairs of many requests together.
    body_timeout_s, answer_timeout_s
        Longest wait for a whole request, and for its answer.
    notice_s
        On SIGTERM, how long new requests are still taken while replies ask clients to connect elsewhere.
    drain_s
        After that, longest wait for the answers that are due.
    access_log
        Whether each request is a line on stderr: no text of it, only counts.
    """

    keys_file: FilePath | None = None
    max_body_bytes: PositiveInt = 16 * 1024 * 1024
    max_waiting_pairs: PositiveInt = 10_000
    longest_queue_s: Seconds = 10.0
    merging: bool = True
    batch_pairs: PositiveInt | None = None
    linger_s: Annotated[float, Field(ge=0, le=1)] = 0.002
    concurrency: PositiveInt = 4
    body_timeout_s: Seconds = 30.0
    answer_timeout_s: Seconds = 120.0
    notice_s: Annotated[float, Field(ge=0, le=600)] = 1.0
    drain_s: Seconds = 60.0
    access_log: bool = False


class KeySettings(LimitSettings):
    """One client's key.

    Attributes
    ----------
    sha256
        Of the key, as 64 hexadecimal digits: ``printf %s "$KEY" | sha256sum``.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]


class KeysFile(Settings):
    """The clients of a service by name; the keys themselves stand nowhere."""

    keys: Annotated[dict[Slug, KeySettings], Field(min_length=1)]
