"""Calls, failures, checks and round states as journal entries: JSON that an unfinished run is restored from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from evalkit.backend_checks import DependenceCheck, PointwiseCheck
from evalkit.dialects.shape import dig
from evalkit.errors import CallError, InputError
from evalkit.latency import RoundState
from evalkit.records import Call
from evalkit.reranking import Outcome
from evalkit.results.json_shapes import from_plain, to_plain
from evalkit.results.manifest import Failure
from evalkit.store import JournalEntry

JournalRecord = Call | Failure | PointwiseCheck | DependenceCheck | RoundState

_KINDS: dict[str, type[JournalRecord]] = {
    "call": Call,
    "failure": Failure,
    "round": RoundState,
    "check": PointwiseCheck,
    "dependence": DependenceCheck,
}
_MOST_BITS = 63
"""Of a whole number in a table."""
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_entry(record: JournalRecord) -> JournalEntry:
    """Return a record as an entry of the journal."""
    return JournalEntry(_NAMES[type(record)], orjson.dumps(to_plain(record)))


def from_entry(entry: JournalEntry, store: Path) -> JournalRecord:
    """Return the record of a journal entry.

    Parameters
    ----------
    entry
        One entry.
    store
        The score store that contains it, for the error message.

    Raises
    ------
    InputError
        If the entry is no JSON, of another kind, or a key is missing or has the wrong type.
    """
    remedy = "start a new run with --refresh, or set another store.path"
    try:
        kind, data = _KINDS[entry.kind], orjson.loads(entry.content)
    except (KeyError, orjson.JSONDecodeError):
        raise InputError(
            f"{store.resolve()} is damaged: an entry of the journal cannot be read", remedy
        ) from None
    if kind is not Call:
        return from_plain(kind, data, store, remedy)
    return from_plain(Call, _without_absurd_amounts(data), store, remedy).with_known_amounts()


def _without_absurd_amounts(data: Any) -> Any:
    """Return a call without amounts that no column can hold: earlier versions stored what a server reported."""
    if not isinstance(data, dict):
        return data
    known = dict(data)
    if isinstance(times := data.get("server_times"), list):
        # JSON has no infinity: a time that was infinite when it was written is null.
        known["server_times"] = [time for time in times if dig(time, "seconds") is not None]
    if isinstance(usage := data.get("usage"), dict):
        known["usage"] = {
            name: None if isinstance(amount, int) and amount.bit_length() > _MOST_BITS else amount
            for name, amount in usage.items()
        }
    return known


def failure_of(outcome: Outcome, failure: CallError, call: Call | None) -> Failure:
    """Return the record of a failed attempt; `call` is None where the batch was not sent."""
    request = outcome.batch.request
    facts = call or outcome.context
    return Failure(
        dataset=facts.dataset if facts else None,
        reranker=facts.reranker if facts else None,
        query_id=request.query_id,
        pass_=facts.pass_ if facts else None,
        batch_size=call.batch_size if call else len(request.documents),
        attempt=call.attempt if call else None,
        status=call.status if call else "not sent",
        kind=failure.kind,
        message=failure.message,
        hint=failure.hint,
        http_status=failure.http_status,
        body=failure.body,
    )
