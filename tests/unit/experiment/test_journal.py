"""Journal entries: the JSON of earlier versions is read, and the same JSON is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.experiments import call
from support.scripted import item

from evalkit.backend_checks import PointwiseCheck
from evalkit.errors import CallError, InputError
from evalkit.experiment.journal import JournalRecord, failure_of, from_entry, to_entry
from evalkit.experiment.recorder import Recorder
from evalkit.latency import RoundState
from evalkit.records import Call, ServerTime, Timeline, Usage
from evalkit.reranking import Outcome
from evalkit.results.manifest import Failure
from evalkit.store import JournalEntry

STORE = Path("scores.sqlite")
RECORDS: dict[str, tuple[JournalRecord, bytes]] = {
    "call": (
        Call(
            "d", "r", "q", "latency", 2, 0, 1, 3, 1, 0.5, 1.0, 2.0, "ok", None, 200, Usage(tokens=7), 0.25, 0.5,
            (ServerTime("x-time", 0.5, "request"),), "m", True, None, Timeline(1.0, 1.1, 1.2, 1.3),
        ),
        (
            b'{"dataset":"d","reranker":"r","query_id":"q","pass_":"latency","batch_size":2,"filled":0,"concurrency":1,'
            b'"round":3,"attempt":1,"scheduled_s":0.5,"start_s":1.0,"end_s":2.0,"status":"ok","error":null,'
            b'"http_status":200,"usage":{"tokens":7,"units":null,"billed_bytes":null,"characters":null,"cost_usd":null,'
            b'"output_tokens":null},"cost_usd":0.25,"server_s":0.5,"server_times":[{"name":"x-time","seconds":0.5,'
            b'"meaning":"request"}],"model":"m","conn_reused":true,"list_sorted":null,"timeline":{"encoded_s":1.0,'
            b'"sent_s":1.1,"headers_s":1.2,"body_s":1.3},"length_bucket":null,"rate_per_s":null,'
            b'"document_characters":null,"truncated_documents":null,"harness_delay_s":null,"harness_cpu":null}'
        ),
    ),
    "failure": (
        Failure(
            dataset="d", reranker="r", query_id="q", pass_="quality", batch_size=2, attempt=1, status="failed",  # noqa: S106 - no password
            kind="http", message="no", hint=None, http_status=400, body="{}",
        ),
        (
            b'{"dataset":"d","reranker":"r","query_id":"q","pass":"quality","batch_size":2,"attempt":1,'
            b'"status":"failed","kind":"http","message":"no","hint":null,"http_status":400,"body":"{}"}'
        ),
    ),
    "check": (
        PointwiseCheck("r", "d", 3, 6, 1.5, 0.0, None, 0.25),
        (
            b'{"reranker":"r","dataset":"d","queries":3,"pairs":6,"spread":1.5,"again":0.0,"order":null,"batch":0.25,'
            b'"rounding":0.0}'
        ),
    ),
    "round": (
        RoundState("d", 0, 0.001, None, 0.0, 1.5),
        b'{"dataset":"d","round":0,"reference_s":0.001,"stolen":null,"throttled_s":0.0,"load":1.5}',
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RECORDS)
def test_an_entry_is_written_and_read_as_before(kind: str) -> None:
    """Kind, keys and their order are those of earlier versions, and the record is restored from them."""
    record, content = RECORDS[kind]
    assert to_entry(record) == JournalEntry(kind, content)
    assert from_entry(JournalEntry(kind, content), STORE) == record


@pytest.mark.parametrize(
    ("kind", "added"),
    [("call", b',"harness_delay_s":null,"harness_cpu":null'), ("check", b',"rounding":0.0')],
)
def test_an_entry_of_an_earlier_version_is_read(kind: str, added: bytes) -> None:
    """It lacks what is measured since then: what the load generator costs, what is rounding."""
    record, content = RECORDS[kind]
    older = content.replace(added, b"")
    assert older != content
    assert from_entry(JournalEntry(kind, older), STORE) == record


def test_a_recorder_is_restored_from_a_journal() -> None:
    """Every record is in the list of its kind."""
    recorder = Recorder.restored(record for record, _ in RECORDS.values())
    restored = (recorder.calls, recorder.failures, recorder.pointwise_checks, recorder.rounds)
    assert [len(records) for records in restored] == [1, 1, 1, 1]
    assert recorder.timed("d")
    assert recorder.has_checked("r", "d")


def test_a_damaged_entry_names_the_store_and_the_key() -> None:
    """A missing key is one clear error."""
    with pytest.raises(InputError, match=r"scores\.sqlite is damaged: reference_s"):
        from_entry(JournalEntry("round", b'{"dataset": "d", "round": 0}'), STORE)


def test_amounts_of_an_older_journal_that_no_table_holds_are_unknown() -> None:
    """2**63 tokens, an infinite time and an absurd cost: the call is restored, so that its scores can be reported."""
    record, content = RECORDS["call"]
    assert isinstance(record, Call)
    changes = {
        b'"tokens":7': b'"tokens":9223372036854775808', b'"cost_usd":0.25': b'"cost_usd":1e308',
        b'"server_s":0.5': b'"server_s":-1.0', b'"seconds":0.5': b'"seconds":null',
    }  # fmt: skip
    for old, new in changes.items():
        assert old in content
        content = content.replace(old, new)
    restored = from_entry(JournalEntry("call", content), STORE)
    assert restored == replace(record, usage=Usage(), cost_usd=None, server_s=None, server_times=())


def test_a_failure_has_the_facts_of_its_call() -> None:
    """Size and status are those of the call, which may have had fewer documents than the batch that was given."""
    failure = CallError("http", "too large", "halve it", http_status=413, body="no")
    made = failure_of(Outcome(item(6), ()), failure, call(batch_size=3, status="retried", attempt=2))
    assert (made.dataset, made.reranker, made.pass_) == ("d", "r", "quality")
    assert (made.batch_size, made.attempt, made.status) == (3, 2, "retried")
    assert (made.kind, made.message, made.hint, made.http_status, made.body) == (
        "http", "too large", "halve it", 413, "no",
    )  # fmt: skip


def test_a_batch_that_was_not_sent_has_unknown_facts() -> None:
    """Not those of a call, which was never made; its query and its size are known."""
    made = failure_of(Outcome(item(6), ()), CallError("http", "given up"), None)
    assert (made.dataset, made.reranker, made.pass_, made.attempt) == (None, None, None, None)
    assert (made.query_id, made.batch_size, made.status, made.http_status) == ("q", 6, "not sent", None)
