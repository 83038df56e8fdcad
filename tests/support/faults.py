"""The faults of servers and of what stands between: each with what must become of the query it strikes."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from support.faulty import Fault, Visit, drip, reply_of, results_of

RECOVERS = "scored"
TWICE = 2
BLANK = b" " * 2**27


@dataclass(frozen=True)
class Case:
    """A fault, how often it strikes, and what the result must say.

    Attributes
    ----------
    outcome
        `RECOVERS`, or a part of the message under which the query is listed as failed.
    more
        Further settings of the reranker.
    long
        Whether `make test` leaves it out: it takes seconds of waiting, or is a variant of another fault.
    """

    name: str
    fault: Fault
    outcome: str
    times: int | None = None
    more: str = ""
    long: bool = False


def status(code: int, content: bytes = b'{"error": {"message": "no"}}', **headers: str) -> Fault:
    """Answer with a status."""
    return lambda visit: visit.answer(content, f"{code} Said", **headers)


def in_seconds(seconds: float) -> str:
    """Return a date of HTTP that far ahead."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def breaks_off(share: float, *, rudely: bool) -> Fault:
    """Send a part of the honest reply and hang up."""

    def fault(visit: Visit) -> None:
        whole = visit.honest()
        visit.send(whole[: min(int(len(whole) * share), len(whole) - 1)])
        visit.hang_up(rudely=rudely)

    return fault


def says(change: Callable[[list[dict[str, Any]]], Any]) -> Fault:
    """Answer 200 with changed results."""
    return lambda visit: visit.answer(
        orjson.dumps(reply_of(visit.body, results=change(results_of(visit.body))))
    )


def late_in_two_parts(visit: Visit) -> None:
    """Send head and body each in time, but not both together."""
    head, gap, body = visit.honest().partition(b"\r\n\r\n")
    for part in (head + gap, body):
        time.sleep(0.9)
        with suppress(OSError):  # the client has hung up
            visit.send(part)


def text(content: bytes, **headers: str) -> Fault:
    """Answer 200 with these bytes."""
    return lambda visit: visit.answer(content, **headers)


def replaced(old: bytes, new: bytes) -> Fault:
    """Answer the honest body with some bytes replaced."""
    return lambda visit: visit.answer(orjson.dumps(reply_of(visit.body)).replace(old, new, 1))


def first(key: str, value: Any) -> Fault:
    """Answer with one key of the first result changed."""
    return says(lambda results: [{**results[0], key: value}, *results[1:]])


def too_many(limit: int, code: int) -> Fault:
    """Refuse more than `limit` documents."""

    def fault(visit: Visit) -> None:
        if len(visit.body["documents"]) > limit:
            visit.answer(b'{"detail": "too many"}', f"{code} Said")
        else:
            visit.send(visit.honest())

    return fault


def silent(visit: Visit) -> None:
    """Say nothing until the client has gone."""
    visit.line.recv(1)
    visit.open = False


def no_number(word: bytes) -> Fault:
    """Answer with a score that JSON does not know."""

    def fault(visit: Visit) -> None:
        results = results_of(visit.body)
        whole = orjson.dumps(reply_of(visit.body))
        visit.answer(whole.replace(orjson.dumps(results[0]["relevance_score"]), word, 1))

    return fault


def chunked(*chunks: bytes) -> Fault:
    """Answer with a chunked body, sent as it is."""

    def fault(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(chunks))
        visit.hang_up()

    return fault


def cut_short(visit: Visit) -> None:
    """Promise fewer bytes than the reply has: its JSON ends in the middle."""
    content = orjson.dumps(reply_of(visit.body))
    visit.answer(content[: len(content) // 2])


def raw(content: bytes) -> Fault:
    """Send bytes and hang up."""

    def fault(visit: Visit) -> None:
        visit.send(content)
        visit.hang_up()

    return fault


def unsorted(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return results worst first."""
    return results[::-1]


CASES = [
    # Statuses that may pass.
    *(Case(f"{code} twice, then good", status(code), RECOVERS, TWICE, long=code not in {408, 503})
      for code in (408, 409, 425, 429, 500, 502, 503, 504, 520, 529)),
    Case("429 with Retry-After: 0", status(429, Retry_After="0"), RECOVERS, TWICE),
    Case("429 with Retry-After: 0.05", status(429, Retry_After="0.05"), RECOVERS, TWICE, long=True),
    Case("429 with Retry-After as a date", status(429, Retry_After=in_seconds(-5)), RECOVERS, TWICE),
    Case("429 with retry-after-ms: 20", status(429, retry_after_ms="20"), RECOVERS, TWICE),
    Case("429 with X-RateLimit-Reset", status(429, X_RateLimit_Reset="0.02"), RECOVERS, TWICE),
    Case("429 with a Retry-After that is no time", status(429, Retry_After="soon"), RECOVERS, TWICE, long=True),
    Case("503 with Retry-After: 0", status(503, Retry_After="0"), RECOVERS, TWICE, long=True),
    Case("502 with an HTML page", status(502, b"<html>Bad gateway</html>"), RECOVERS, TWICE),
    Case("400 with x-should-retry: true", status(400, x_should_retry="true"), RECOVERS, TWICE),
    # Statuses that do not.
    *(Case(f"{code} for ever", status(code), f"returned {code}", long=code not in {400, 402, 501})
      for code in (400, 402, 405, 415, 418, 451, 501, 505)),
    Case("401 in the middle of a run", status(401), "returned 401"),
    Case("500 for ever", status(500), "returned 500"),
    Case("500 with x-should-retry: false", status(500, x_should_retry="false"), "returned 500"),
    Case("429 with Retry-After: 3600", status(429, Retry_After="3600"), "asks to wait 3600 s"),
    Case("429 with a Retry-After date in an hour", status(429, Retry_After=in_seconds(3600)), "asks to wait ",
         long=True),
    Case("llama.cpp's 'too large' 500", status(500, b'{"error": {"message": "input is too large to process"}}'),
         "too large to process", more=", dialect: llamacpp"),
    Case("202 accepted", status(202), "returned 202"),
    Case("204 no content", status(204, b"", Content_Length=""), "returned 204", long=True),
    Case("301 elsewhere", status(301, Location="http://example.invalid/"), "returned 301", long=True),
    Case("307 to itself", status(307, Location="/v1/rerank"), "returned 307"),
    # Too large: a pointwise list is halved.
    Case("413 beyond 2 documents", too_many(2, 413), RECOVERS),
    Case("422 beyond 1 document", too_many(1, 422), RECOVERS, long=True),
    Case("422 for any number", status(422), RECOVERS),
    # Lines that break.
    *(Case(f"{'reset' if rudely else 'closed'} after {share:.0%} of the reply", breaks_off(share, rudely=rudely),
           RECOVERS, TWICE, long=share not in {0.0, 0.5})
      for share in (0.0, 0.02, 0.1, 0.5, 1.0) for rudely in (False, True)),
    Case("closed in the middle for ever", breaks_off(0.5, rudely=False), "was cut off"),
    Case("says nothing, once", silent, RECOVERS, 1),
    Case("a byte at a time, too slow, once", lambda visit: drip(visit, visit.honest(), 0.05), RECOVERS, 1, long=True),
    Case("a late head, then a late body, for ever", late_in_two_parts, "timed out after 1.5 s", long=True),
    Case("a byte at a time, in time", lambda visit: drip(visit, visit.honest(), 0.0005), RECOVERS),
    # Lengths that lie.
    Case("Content-Length too long", lambda v: (v.answer(b"{}", Content_Length="999"), v.hang_up())[0], RECOVERS, TWICE),
    Case("Content-Length cuts the JSON", cut_short, RECOVERS, TWICE),
    Case("a length that is no number", raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"), RECOVERS, TWICE,
         long=True),
    Case("chunks without an end", chunked(b'5\r\n{"mod\r\n'), RECOVERS, TWICE),
    Case("a chunk of no size", chunked(b"zz\r\n{}\r\n"), RECOVERS, TWICE, long=True),
    Case("not HTTP at all", raw(b"SSH-2.0-OpenSSH_9.2\r\n"), RECOVERS, TWICE),
    Case("a header without an end", raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 300_000), RECOVERS, TWICE),
    # Bodies that lie.
    Case("NaN", no_number(b"NaN"), "not finite"),
    Case("Infinity", no_number(b"Infinity"), "not finite", long=True),
    Case("1e999", no_number(b"1e999"), "not JSON"),
    Case("a score of null", first("relevance_score", None), "not a finite number"),
    Case("a score as text", first("relevance_score", "0.9"), "not a finite number", long=True),
    Case("a score of true", first("relevance_score", True), "not a finite number", long=True),
    Case("an index as text", first("index", "0"), "has the index '0'"),
    Case("an index as a fraction", first("index", 0.5), "has the index 0.5", long=True),
    Case("a negative index", first("index", -1), "has the index -1", long=True),
    Case("an index beyond the list", first("index", 99), "has the index 99"),
    Case("an index twice", says(lambda r: [r[0], *r[:-1]]), "twice"),
    Case("a document missing", says(lambda r: r[:-1]), "have no score", long=True),
    Case("no documents", says(lambda r: r[:0]), "have no score"),
    Case("a document too many", says(lambda r: [*r, {"index": len(r), "relevance_score": 0.5}]), "has the index"),
    Case("results of null", says(lambda _: None), "no list of results"),
    Case("results as an object", says(lambda r: {str(i): e for i, e in enumerate(r)}), "no list of results", long=True),
    Case("a bare list", lambda v: v.answer(orjson.dumps(results_of(v.body))), "not a JSON object"),
    Case("another model", lambda v: v.answer(orjson.dumps(reply_of(v.body, model="other"))), "of model 'other'"),
    Case("unsorted", says(unsorted), RECOVERS),
    Case("documents echoed, wrongly", says(lambda r: [{**e, "document": "another"} for e in r]), RECOVERS),
    Case("keys nobody knows", says(lambda r: [{**e, "\u2028": {"\u0000": []}} for e in r]), RECOVERS),
    # Bodies that cannot be read.
    Case("an empty body, twice", text(b""), RECOVERS, TWICE, long=True),
    Case("an HTML page with 200, twice", text(b"<html>Please log in</html>"), RECOVERS, TWICE),
    Case("an HTML page with 200, for ever", text(b"<html>Please log in</html>"), "not JSON: '<html>Please log in",
         long=True),
    Case("truncated JSON, for ever", text(b'{"results": [{"index": 0'), "not JSON"),
    Case("rubbish behind the JSON", lambda v: v.answer(orjson.dumps(reply_of(v.body)) + b"}"), "not JSON"),
    Case("UTF-16", lambda v: v.answer(orjson.dumps(reply_of(v.body)).decode().encode("utf-16")), "not JSON", long=True),
    Case("bytes that are no text", text(b"\xff\xfe\x00\x80"), "not JSON", long=True),
    Case("a hundred thousand brackets", text(b"[" * 100_000), "not JSON"),
    Case("gzip", lambda v: v.answer(gzip.compress(orjson.dumps(reply_of(v.body))), Content_Encoding="gzip"), RECOVERS),
    Case("gzip that is not", text(b"not gzip", Content_Encoding="gzip"), RECOVERS, TWICE),
    Case("a gzip bomb of 128 MiB", text(gzip.compress(BLANK, 9), Content_Encoding="gzip"), "exceeds 64 MiB"),
    Case("a deflate bomb of 128 MiB", text(zlib.compress(BLANK, 9), Content_Encoding="deflate"), "exceeds 64 MiB",
         long=True),
]  # fmt: skip
