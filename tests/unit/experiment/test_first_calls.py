"""The first calls: one test call to each reranker that will be asked, and checks of what must be pointwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.checked import Backend
from support.experiments import api, config_for, eval_set, started, use_backends
from support.faulty import hashed_score
from support.inspected import candidates, dataset

from evalkit.backend_checks import DependenceCheck, PointwiseCheck
from evalkit.config import Config
from evalkit.errors import CallError, InputError
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.first_calls import (
    FirstCalls,
    first_request,
    is_split,
    make_first_calls,
    needs_dependence,
)
from evalkit.experiment.journal import from_entry
from evalkit.experiment.quality_pass import quality_pass
from evalkit.experiment.recorder import Recorder
from evalkit.records import RerankRequest
from evalkit.reranking import Caps

DATA = eval_set(queries=4, documents=6)
LATENCY = {"batch_sizes": [1], "calls": 2}


def by_list(request: RerankRequest) -> list[float]:
    """Score a document by its place in the list: not pointwise."""
    return [float(place) for place in range(len(request.documents))]


def refuse(_request: RerankRequest) -> CallError:
    """Fail like a server with a wrong key."""
    return CallError("http", "bad key", "set the key", http_status=401)


def asked(
    patch: pytest.MonkeyPatch, into: Path, config: Config, *sets: EvalSet, **backends: Backend
) -> FirstCalls:
    """Make the first calls of an experiment with these backends."""
    use_backends(patch, **backends)
    with started(config, into, *sets) as run:
        return make_first_calls(run, run.sessions)


def sizes(backend: Backend) -> list[int]:
    """Return the number of documents of each request."""
    return [len(request.documents) for request in backend.asked]


def test_a_test_call_has_the_first_query_with_its_first_candidate() -> None:
    """One document: a wrong key is found at the price of one pair."""
    request = first_request(eval_set(without=["q0"])).request
    assert (request.query_id, request.doc_ids) == ("q1", ("d0",))


@given(
    longest=st.integers(0, 8),
    depths=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True).map(sorted),
    size=st.none() | st.integers(1, 9),
)
def test_a_list_is_split_if_it_serves_two_depths_or_takes_two_calls(
    longest: int, depths: list[int], size: int | None
) -> None:
    """A list of one document never is: it has no other documents."""
    config = config_for({"a": api()}, depths=depths, retriever={"depth": 9})
    data = eval_set(queries=1, documents=longest) if longest else eval_set(queries=1, without=["q0"])
    calls = -(-min(longest, depths[-1]) // (size or 99))
    assert is_split(config, data, Caps(size)) is (longest > 1 and (len(depths) > 1 or calls > 1))


def test_every_reranker_is_called_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one document of the first dataset that has candidates, however many datasets there are."""
    empty = eval_set(queries=1, name="empty", without=["q0"])
    one, two = Backend(), Backend()
    config = config_for({"a": api("one"), "b": api("two")})
    found = asked(monkeypatch, tmp_path, config, empty, DATA, eval_set(name="more"), one=one, two=two)
    assert sizes(one) == sizes(two) == [1]
    assert {outcome.call.dataset for _, outcome in found.made} == {"tiny"}
    assert not found.checks


@pytest.mark.parametrize("more", [{"depths": [2, 5]}, {"batch_size": 4}], ids=str)
def test_what_must_be_pointwise_is_checked_on_every_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    """Several depths or lists in parts; each of three queries with its first list and with half of it."""
    backend = Backend()
    config = config_for(
        {"a": api(**{k: v for k, v in more.items() if k == "batch_size"})}, depths=more.get("depths", [5])
    )
    found = asked(monkeypatch, tmp_path, config, DATA, eval_set(name="more"), m=backend)
    assert [(check.reranker, check.dataset, check.verdict) for check in found.checks] == [
        ("a", "tiny", "kept"),
        ("a", "more", "kept"),
    ]
    assert len(backend.asked) == 1 + 2 * 3 * 2


def test_scores_that_depend_on_the_list_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they must not; declared listwise, or with whole lists at one depth, the same backend is no error."""
    config = config_for({"a": api()}, depths=[2, 5])
    with pytest.raises(InputError, match="'a' is not pointwise: the score") as raised:
        asked(monkeypatch, tmp_path, config, DATA, m=Backend(by_list))
    assert raised.value.hint is not None
    assert "rerankers.a.pointwise: false" in raised.value.hint
    assert asked(monkeypatch, tmp_path, config_for({"a": api()}), DATA, m=Backend(by_list)).made
    listwise = config_for({"a": api(pointwise=False)}, depths=[2, 5])
    assert not asked(monkeypatch, tmp_path, listwise, DATA, m=Backend(by_list, pointwise=False)).checks


def test_a_check_whose_calls_fail_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the test call must succeed; what could not be compared is not testable."""

    def answer(request: RerankRequest) -> Any:
        return [1.0] if len(request.documents) == 1 else refuse(request)

    found = asked(monkeypatch, tmp_path, config_for({"a": api()}, depths=[2, 5]), DATA, m=Backend(answer))
    (check,) = found.checks
    assert (check.verdict, check.queries, check.again) == ("not testable", 0, None)


def test_a_test_call_that_fails_names_the_reranker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of the failure follows, with its hint."""
    with pytest.raises(CallError) as raised:
        asked(monkeypatch, tmp_path, config_for({"a": api()}), DATA, m=Backend(refuse))
    assert str(raised.value) == raised.value.message == "reranker 'a' failed its first call: bad key"
    assert raised.value.hint == "set the key"


@pytest.mark.parametrize("limit", [1, 4])
def test_a_list_that_needs_two_calls_of_a_listwise_reranker_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Reported before anything is sent, with the limit and the depth."""
    backend = Backend(by_list, pointwise=False)
    config = config_for({"a": api(pointwise=False, batch_size=limit)})
    with pytest.raises(InputError, match=f"at most {limit} documents, but a list has 5"):
        asked(monkeypatch, tmp_path, config, DATA, m=backend)
    assert not backend.asked


def test_a_list_that_is_too_long_for_one_call_in_bytes_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of documents is not the only limit of a call."""
    backend = Backend(by_list, pointwise=False)
    config = config_for({"a": api(pointwise=False, max_bytes=60)})
    with pytest.raises(InputError, match="this reranker needs the whole list"):
        asked(monkeypatch, tmp_path, config, DATA, m=backend)
    assert not backend.asked


def scored(run: StartedExperiment) -> None:
    """Score everything."""
    for session in run.sessions:
        for one in run.eval_sets:
            quality_pass(run, session, one)


@pytest.mark.parametrize(
    ("more", "calls"), [({}, 0), ({"latency": LATENCY}, 1), ({"depths": [1, 2, 3, 4, 5]}, 0)], ids=str
)
def test_a_reranker_whose_scores_are_known_is_only_called_to_be_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], calls: int
) -> None:
    """No test call and no check is made for scores that the store holds."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        scored(run)
    backend.asked.clear()
    asked(monkeypatch, tmp_path, config_for({"a": api()}, **more), DATA, m=backend)
    assert sizes(backend) == [1] * calls


def test_without_a_quality_pass_only_what_is_timed_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lookup is not timed, so a bench has nothing to ask of it; no list is checked either."""
    one = Backend(pointwise=False)
    config = config_for(
        {"a": api("one", pointwise=False, batch_size=1), "same": {"backend": "identity"}},
        quality=False,
        latency=LATENCY,
    )
    found = asked(monkeypatch, tmp_path, config, DATA, one=one)
    assert [session.tag for session, _ in found.made] == ["a"]


def test_a_resumed_experiment_repeats_no_first_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the journal holds was asked and checked before."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    with started(config_for({"a": api()}, depths=[2, 5]), tmp_path, DATA) as run:
        make_first_calls(run, run.sessions).record(run)
        before = len(backend.asked)
        again = make_first_calls(run, run.sessions)
    assert not again.made
    assert not again.checks
    assert len(backend.asked) == before == 1 + 3 * 2


def test_first_calls_are_recorded_in_memory_and_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call and check, in the pass that they belong to; only scores of the quality pass are stored."""
    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api()}, depths=[2, 5]), tmp_path, DATA) as run:
        found = make_first_calls(run, run.sessions)
        assert not run.recorder.calls
        found.record(run)
        journal: Sequence[Any] = run.store.scores.journal(run.store.run)
        assert Counter(call.pass_ for call in run.recorder.calls) == {"check": 1 + 3, "quality": 3}
        assert isinstance(run.recorder.pointwise_checks[0], PointwiseCheck)
        assert [entry.kind for entry in journal] == ["call"] * 7 + ["check"]
        rows = run.store.rows("a", DATA, DATA.candidates, pointwise=True)
        sampled = {call.query_id for call in run.recorder.calls if call.pass_ == "quality"}
        assert {query_id: sorted(row.known_ranks) for query_id, row in rows.items()} == {
            query_id: [1, 2, 3, 4, 5] for query_id in sampled
        }


SIX = replace(
    dataset(
        {f"d{n}": f"{word} text" for n, word in enumerate(["oak", "ash", "elm", "fir", "yew", "box"])},
        {f"q{n}": f"the {word} tree" for n, word in enumerate(["red", "blue", "green", "white", "black"])},
        {f"q{n}": {"d0": 1} for n in range(5)},
    ),
    name="six",
)
WORDS = EvalSet(SIX, candidates({query.query_id: list(SIX.corpus.doc_ids) for query in SIX.queries}))
GUARDED = {"a": api(score_check=True)}


def test_scores_of_pairs_pass_with_two_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the test call; two queries get the same documents, once for all datasets, before anything else."""
    backend = Backend()
    found = asked(monkeypatch, tmp_path, config_for(GUARDED), WORDS, replace(WORDS), m=backend)
    (check,) = found.dependence_checks
    assert (check.reranker, check.dataset, check.found) == ("a", "six", "dependent")
    assert sizes(backend) == [1, 9, 9]
    assert len({one.documents for one in backend.asked[1:]}) == 1
    assert len({one.query for one in backend.asked[1:]}) == 2


@pytest.mark.parametrize("latency", [None, LATENCY], ids=["quality", "bench"])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda one: [0.5] * len(one.documents), "returns the same score for every query and document"),
        (
            lambda one: [float(len(text)) + hashed_score("", text) for text in one.documents],
            "ignores the query",
        ),
        (lambda one: [hashed_score(one.query, "")] * len(one.documents), "ignores the documents"),
        (by_list, "ignores the query"),
    ],
    ids=["constant", "by document", "by query", "by list"],
)
def test_scores_that_ignore_a_text_stop_the_run(
    answer: Any, says: str, latency: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a quality pass and before a bench; the message has the figures, the hint the cause and the way on."""
    more = {} if latency is None else {"quality": False, "latency": latency}
    with pytest.raises(
        InputError, match=f"reranker 'a' {says}.* [(]4 queries with the same 9 documents"
    ) as raised:
        asked(monkeypatch, tmp_path, config_for(GUARDED, **more), WORDS, m=Backend(answer))
    assert raised.value.hint == (
        "check url and dialect: the server must read the query and the documents from the keys that the dialect sends;"
        " if this is intended, set rerankers.a.score_check: false"
    )
    switched_off = config_for({"a": api(score_check=False)}, **more)
    assert not asked(monkeypatch, tmp_path, switched_off, WORDS, m=Backend(answer)).dependence_checks


def test_an_order_that_is_kept_stops_a_listwise_reranker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that answers with the list as it was sent ranks nothing; one that sorts by the pair does."""
    listwise = config_for({"a": api(pointwise=False, score_check=True)})

    def kept(one: RerankRequest) -> list[float]:
        return [float(-place) for place in range(len(one.documents))]

    def sorts(one: RerankRequest) -> list[float]:
        scores = [hashed_score(one.query, text) for text in one.documents]
        return [float(sorted(scores).index(score)) for score in scores]

    with pytest.raises(InputError, match="returns documents in the order of the request"):
        asked(monkeypatch, tmp_path, listwise, WORDS, m=Backend(kept, pointwise=False))
    assert asked(monkeypatch, tmp_path, listwise, WORDS, m=Backend(sorts, pointwise=False)).dependence_checks


def test_a_call_that_fails_leaves_the_dependence_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No further call of this check is made, and the run goes on; the failure is recorded with the others."""

    def answer(one: RerankRequest) -> Any:
        return [0.5] if len(one.documents) == 1 else refuse(one)

    backend = Backend(answer)
    found = asked(monkeypatch, tmp_path, config_for(GUARDED), WORDS, m=backend)
    (check,) = found.dependence_checks
    assert (check.found, check.untested) == (None, "a call failed after 0 of 4 queries: bad key")
    assert check.failed, "a resumed run checks again"
    assert sizes(backend) == [1, 9]
    assert [outcome.failure is None for _, outcome in found.made] == [True, False]


def test_a_budget_leaves_the_dependence_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run stops later, when there is a folder that records what was spent."""
    cent = {"usd_per_thousand_requests": 10, "as_of": "2026-11-22"}
    backend = Backend()
    config = config_for({"a": api(score_check=True, price=cent)}, budget={"usd": 0.025})
    found = asked(monkeypatch, tmp_path, config, WORDS, m=backend)
    assert len(backend.asked) == len(found.made) == 2
    assert found.dependence_checks[0].untested == "a call failed after 1 of 4 queries"


def test_the_dependence_check_is_kept_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its calls, in memory and in the journal, from which a resumed run is restored."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    with started(config_for(GUARDED), tmp_path, WORDS) as run:
        make_first_calls(run, run.sessions).record(run)
        journal: Sequence[Any] = run.store.scores.journal(run.store.run)
        assert [entry.kind for entry in journal] == ["call"] * 3 + ["dependence"]
        restored = Recorder.restored(from_entry(entry, tmp_path) for entry in journal)
        assert restored.dependence_checks == run.recorder.dependence_checks
        assert isinstance(restored.dependence_checks[0], DependenceCheck)
        assert restored.has_checked_dependence("a")
        assert not restored.has_checked_dependence("b")
        assert not make_first_calls(run, run.sessions).made
    assert len(backend.asked) == 3


@pytest.mark.parametrize(
    "block",
    [{"backend": "identity"}, {"backend": "http", "url": "http://127.0.0.1:9/x", "score_check": False}],
    ids=["identity", "switched off"],
)
def test_what_computes_no_score_is_not_asked(block: dict[str, Any], tmp_path: Path) -> None:
    """A lookup keeps an order by design; so may a baseline that is meant to ignore the query."""
    with started(config_for({"a": block}), tmp_path, WORDS) as run:
        assert not needs_dependence(run, "a")
