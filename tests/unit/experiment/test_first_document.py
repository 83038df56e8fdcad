"""The test call to a reranker that refuses the first document of the first query, or everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.checked import Backend
from support.experiments import api, config_for, eval_set, started, use_backends
from support.faulty import hashed_score

from evalkit.errors import NOT_RETRYABLE, CallError, InputNote, Remedy
from evalkit.experiment.first_calls import FirstCalls, make_first_calls
from evalkit.records import RerankRequest

DATA = eval_set(queries=4, documents=6)


def asked(patch: pytest.MonkeyPatch, into: Path, backend: Backend) -> FirstCalls:
    """Make the first calls of an experiment with this backend."""
    use_backends(patch, m=backend)
    with started(config_for({"a": api()}), into, DATA) as run:
        return make_first_calls(run, run.sessions)


def refuse_text(status: int, remedy: Remedy = NOT_RETRYABLE) -> Callable[[RerankRequest], Any]:
    """Refuse the first candidate, and every list with it."""

    def answer(request: RerankRequest) -> Any:
        if any(doc_id == "d0" for doc_id in request.doc_ids):
            return CallError("http", f"returned {status}: no.", http_status=status, remedy=remedy)
        return [hashed_score(request.query, text) for text in request.documents]

    return answer


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, NOT_RETRYABLE),
        (413, Remedy(too_large=True)),
        (422, Remedy(too_large=True)),
        (500, Remedy(refused_for="text")),
        (500, NOT_RETRYABLE),
    ],
)
def test_a_first_document_that_is_refused_does_not_stop_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, remedy: Remedy
) -> None:
    """A short fixed text is scored, a note says what was refused, and both calls are recorded as checks."""
    backend = Backend(refuse_text(status, remedy))
    with pytest.warns(
        InputNote, match=rf"document 'd0'\): returned {status}: no; it scored a short test text"
    ):
        found = asked(monkeypatch, tmp_path, backend)
    calls = [outcome.call for _, outcome in found.made]
    assert [(call.status, call.pass_, call.batch_size) for call in calls] == [
        ("failed", "check", 1),
        ("ok", "check", 1),
    ]
    assert calls[1].query_id not in DATA.candidates.query_ids


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_reranker_that_refuses_every_text_fails_its_first_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The short fixed text is refused, too: the error is that refusal."""
    backend = Backend(lambda _one: CallError("http", f"returned {status}: no", http_status=status))
    with pytest.raises(CallError) as raised:
        asked(monkeypatch, tmp_path, backend)
    assert raised.value.message == f"reranker 'a' failed its first call: returned {status}: no"
    assert [len(request.documents) for request in backend.asked] == [1, 1]


@pytest.mark.parametrize(
    "failure",
    [
        CallError("http", "field required", http_status=422, remedy=Remedy(refused_for="request")),
        CallError("http", "bad key", http_status=401),
        CallError("connect", "no server"),
    ],
    ids=str,
)
def test_a_failure_for_another_reason_than_a_text_takes_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: CallError
) -> None:
    """Another text would not change it."""
    backend = Backend(lambda _one: failure)
    with pytest.raises(CallError, match="failed its first call"):
        asked(monkeypatch, tmp_path, backend)
    assert [len(request.documents) for request in backend.asked] == [1]
