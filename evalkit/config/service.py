"""Settings of ``evalkit serve``: the ``service:`` block and the file with the keys of its clients."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evalkit.config.input_paths import InputFile
from evalkit.config.settings import Concurrency, PositiveInt, Seconds, Settings, Slug


class LimitSettings(Settings):
    """Rate limits of a client.

    Attributes
    ----------
    requests_per_minute, tokens_per_minute
        Limits of the client (default: no limit).
    """

    requests_per_minute: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None


class ServiceSettings(LimitSettings):
    """Limits, queue and batching of ``evalkit serve``.

    Attributes
    ----------
    requests_per_minute, tokens_per_minute
        Limits of each client without its own limits (default: no limit). A client is an API key, or an IP address if
        no key is required. Replies report the limits in ``X-RateLimit-*`` headers.
    keys_file
        File with the clients and the hashes of their keys.
    max_body_bytes
        Maximum size of a request body; larger ones are rejected with 413.
    max_waiting_pairs
        Maximum query-document pairs in the queue of a model; further requests are rejected with 429.
    longest_queue_s
        Maximum estimated waiting time; requests that would wait longer are rejected with 429.
    merging
        ``true``: requests of several clients are scored in one batch.
    batch_pairs
        Pairs per batch (default: 16 on a CPU, in general 1/32 of the pairs that the model sorts together).
    linger_s
        Time that an idle model waits for further requests before it starts a batch.
    concurrency
        Concurrent calls of a backend without batching.
    body_timeout_s
        Timeout for receiving a request (408).
    answer_timeout_s
        Timeout for the answer of the model (503).
    notice_s
        After SIGTERM: time during which ``/ready`` returns 503 and replies close their connections. Skipped if no
        client is connected.
    drain_s
        After that: new connections are refused; maximum wait for pending requests.
    access_log
        ``true``: write one JSON line per request to stderr, with client, model, counts and times, but no text.
    """

    keys_file: InputFile | None = None
    max_body_bytes: PositiveInt = 16 * 1024 * 1024
    max_waiting_pairs: PositiveInt = 10_000
    longest_queue_s: Seconds = 10.0
    merging: bool = True
    batch_pairs: PositiveInt | None = None
    linger_s: Annotated[float, Field(ge=0, le=1)] = 0.002
    concurrency: Concurrency = 4
    body_timeout_s: Seconds = 30.0
    answer_timeout_s: Seconds = 120.0
    notice_s: Annotated[float, Field(ge=0, le=600)] = 1.0
    drain_s: Seconds = 60.0
    access_log: bool = False


class KeySettings(LimitSettings):
    """The key of a client.

    Attributes
    ----------
    sha256
        SHA-256 hash of the key, 64 hexadecimal digits: ``printf %s "$KEY" | sha256sum``.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]


class KeysFile(Settings):
    """The clients of a server. The file contains hashes, never keys.

    Attributes
    ----------
    keys
        Client name -> hash of its key, and its limits.
    """

    keys: Annotated[dict[Slug, KeySettings], Field(min_length=1)]
