"""Calls, failures and checks as JSON: what a journal holds, and `failures.jsonl`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from evalkit.backend_checks import PointwiseCheck
from evalkit.errors import CallError
from evalkit.latency import RoundState
from evalkit.records import Call, ServerTime, Timeline, Usage
from evalkit.reranking import Outcome


def failure_row(outcome: Outcome, failure: CallError, call: Call | None) -> dict[str, Any]:
    """Return a failed attempt, or a batch that was not sent, as a line of ``failures.jsonl``."""
    request = outcome.batch.request
    return {
        "dataset": call.dataset if call else None,
        "reranker": call.reranker if call else None,
        "query_id": request.query_id,
        "pass": call.pass_ if call else None,
        "batch_size": call.batch_size if call else len(request.documents),
        "attempt": call.attempt if call else None,
        "status": call.status if call else "not sent",
        "kind": failure.kind,
        "message": failure.message,
        "hint": failure.hint,
        "http_status": failure.http_status,
        "body": failure.body,
    }


def note(thing: Call | PointwiseCheck | RoundState | dict[str, Any]) -> bytes:
    """Return something as JSON."""
    return orjson.dumps(thing if isinstance(thing, dict) else asdict(thing))


def read_call(content: bytes) -> Call:
    """Return the call of a note."""
    fields = orjson.loads(content)
    times = tuple(ServerTime(**time) for time in fields.pop("server_times"))
    stations = fields.pop("timeline", None)
    return Call(
        **fields | {"usage": Usage(**fields["usage"])},
        server_times=times,
        timeline=Timeline(**stations) if stations else None,
    )


def read_check(content: bytes) -> PointwiseCheck:
    """Return the check of a note."""
    return PointwiseCheck(**orjson.loads(content))


def read_round(content: bytes) -> RoundState:
    """Return the round of a note."""
    return RoundState(**orjson.loads(content))
