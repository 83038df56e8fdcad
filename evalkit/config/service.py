"""Settings of ``evalkit serve``: the ``service:`` block and the file with the keys of its clients."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evalkit.config.input_paths import InputFile
from evalkit.config.settings import PositiveInt, Settings, Slug

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class LimitSettings(Settings):
    """What a client may ask in a minute.

    Attributes
    ----------
    requests_per_minute, tokens_per_minute
        No limit where absent.
    """

    requests_per_minute: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None


class ServiceSettings(LimitSettings):
    """Limits, waiting and batching of ``evalkit serve``.

    Attributes
    ----------
    requests_per_minute, tokens_per_minute
        Of each client that has no limits of its own: a key, or an address where no key is demanded; told in
        ``X-RateLimit-*``. No limit where absent.
    keys_file
        A file with the clients, by the hashes of their keys.
    max_body_bytes
        Larger bodies are 413 before they are read.
    max_waiting_pairs
        Query-document pairs that may wait for a model; beyond them requests are 429.
    longest_queue_s
        They are refused, too, where those that wait would take longer than this, by what was measured so far.
    merging
        Whether requests of several clients are scored as one batch.
    batch_pairs
        Pairs scored together; a 32nd of what the model pools where absent: 16 on a processor.
    linger_s
        How long an idle model waits for a second request.
    concurrency
        Calls in flight of a backend that does not score many requests together.
    body_timeout_s
        Longest wait for a whole request (408).
    answer_timeout_s
        Longest wait for its answer (503).
    notice_s
        After SIGTERM, how long replies send clients elsewhere; not at all where nobody is connected.
    drain_s
        After that, the longest wait for answers that are due.
    access_log
        ``true``: one line of JSON a request on stderr: client, model, counts, times; no text.
    """

    keys_file: InputFile | None = None
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
    """The clients of a service by name; the keys themselves stand nowhere.

    Attributes
    ----------
    keys
        Name -> its hash and limits.
    """

    keys: Annotated[dict[Slug, KeySettings], Field(min_length=1)]
