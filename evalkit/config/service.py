"""Settings of ``evalkit serve``: the ``service:`` block and the file with the keys of its clients."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from evalkit.config.input_paths import InputFile
from evalkit.config.settings import Concurrency, PositiveInt, Seconds, Settings, Slug
from evalkit.config.text_templates import DOCUMENT, check_template
from evalkit.dialects.decision_records import RelevanceWording

MIB = 1024 * 1024


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address or a network such as 10.0.0.0/8") from None


def _origin(text: str) -> str:
    origin = text.removesuffix("/").lower()
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s]{1,300}", origin):
        raise ValueError(f"{text!r} is not an origin such as https://app.example")
    return origin


Bytes = Annotated[int, Field(ge=1, le=2**40)]
Network = Annotated[str, AfterValidator(_network)]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._\[\]:-]+$", max_length=253)]
Origin = Annotated[str, AfterValidator(_origin)]


class LimitSettings(Settings):
    """Rate limits of a client.

    Attributes
    ----------
    requests_per_minute, tokens_per_minute
        Limits of the client (default: no limit).
    """

    requests_per_minute: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None


class DecisionQuestion(Settings):
    """A wording of the question whether a document is relevant to the query.

    Attributes
    ----------
    question
        The question, with ``{document}`` where it names the document or contains it.
    true, false
        What counts as yes, and as no, if requests say so; these are the two levels of a score question, too.
    """

    question: Annotated[str, AfterValidator(lambda text: check_template(text, DOCUMENT))]
    true: str = ""
    false: str = ""

    @property
    def wording(self) -> RelevanceWording:
        """The question in two parts."""
        before, _, after = self.question.partition(DOCUMENT)
        return RelevanceWording(before, after, self.true, self.false)


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
    max_total_body_bytes
        Maximum size of all request bodies together that are being received or wait for their answer. Beyond it the
        largest body that is still being received is rejected with 503. At least ``max_body_bytes`` are allowed.
    max_connections
        Maximum number of open connections; reduced to fit the limit of open files (``ulimit -n``). At the maximum the
        connection that has waited longest without a complete request is closed for a new one.
    head_timeout_s
        Timeout for receiving the request line and headers (408). Together they may have 16 KiB and 100 headers (431).
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
        After that: new connections are refused; maximum wait for pending requests, which are then rejected with 503.
        The process ends even if a backend does not return.
    trusted_proxies
        IP addresses and networks of proxies whose ``X-Forwarded-For`` names the client (default: none, the client is
        the peer of the connection). ``Forwarded`` is not read.
    allowed_hosts
        Further names that the ``Host`` header may have if the service listens on a loopback address, which otherwise
        accepts only ``localhost`` and loopback addresses (421). If it listens elsewhere, any name is accepted unless
        this list has one.
    allowed_origins
        Origins such as ``https://app.example`` whose web pages may use the service from a browser; the others are
        rejected with 403. Checked on loopback addresses, elsewhere only if this list or ``allowed_hosts`` is set.
    decision_questions
        Wordings in which ``/v1/decisions`` and ``/v1/systemone`` answer the question whether a document is relevant,
        in addition to the default of the backend ``decisions``. Questions in other words are refused, because a
        reranker cannot read them.
    access_log
        ``true``: write one JSON line per request to stderr, with client, model, counts and times, but no text.
    """

    keys_file: InputFile | None = None
    max_body_bytes: Bytes = 16 * MIB
    max_total_body_bytes: Bytes = 64 * MIB
    max_connections: PositiveInt = 1000
    head_timeout_s: Seconds = 10.0
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
    trusted_proxies: tuple[Network, ...] = ()
    allowed_hosts: tuple[HostName, ...] = ()
    allowed_origins: tuple[Origin, ...] = ()
    decision_questions: tuple[DecisionQuestion, ...] = ()
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
