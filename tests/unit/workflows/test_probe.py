"""One backend probed on a configuration's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import Counting, write_collection
from support.configs import config_of
from support.stand_in import stand_in

from evalkit.backend_checks import wire_checks
from evalkit.errors import CallError, InputError, UnknownNameError
from evalkit.workflows.probe import PROMISES, prepare_probe, probe_reranker


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collection of four queries with six candidates each."""
    return write_collection(tmp_path_factory.mktemp("probe") / "small", 4)


def test_a_local_backend_is_probed_without_a_server(folder: Path) -> None:
    """Its scores alone; the lexical one keeps its promises."""
    found = list(probe_reranker(config_of(folder), "words"))
    assert "broken" not in {one.verdict for one in found}
    assert not {one.promise for one in found} & set(wire_checks.PROMISES)


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ({"backend": "identity"}, "this backend only looks scores up"),
        ({"backend": "lexical", "score_check": False}, "score_check is false"),
    ],
    ids=["identity", "switched off"],
)
def test_a_backend_that_may_ignore_the_query_breaks_no_promise_of_it(
    folder: Path, block: dict[str, Any], why: str
) -> None:
    """The reason is the evidence."""
    found = {one.promise: one for one in probe_reranker(config_of(folder, {"a": block}), "a")}
    for name in ("query", "document"):
        assert found[f"scores depend on the {name}"].verdict == "not testable"
        assert found[f"scores depend on the {name}"].evidence == why


def test_an_api_is_asked_with_the_collections_own_texts(folder: Path) -> None:
    """Queries and candidates of the configuration; both kinds of promises."""
    server = Counting()
    with stand_in(server) as url:
        found = {
            one.promise
            for one in probe_reranker(
                config_of(folder, {"api": {"backend": "http", "url": url, "model": "m"}}), "api"
            )
        }
    assert set(wire_checks.PROMISES) < found
    assert {f"topic{number}" for number in range(4)} & {query for query, _ in server.pairs}


def test_the_same_queries_are_sent_for_the_same_seed(folder: Path) -> None:
    """A probe can be repeated; another seed may draw others."""

    def first(**more: Any) -> list[tuple[str, str]]:
        server = Counting()
        with stand_in(server) as url:
            list(
                probe_reranker(
                    config_of(folder, {"api": {"backend": "http", "url": url, "model": "m"}}, **more), "api"
                )
            )
        return list(server.pairs)

    assert first(seed=5) == first(seed=5)


def test_lists_of_one_document_cannot_be_probed(folder: Path) -> None:
    """Nothing can be compared within them."""
    api = {"api": {"backend": "http", "url": "http://127.0.0.1:9/x", "model": "m", "batch_size": 1}}
    with pytest.raises(InputError, match="no query has two candidates that fit in one call") as raised:
        list(probe_reranker(config_of(folder, api), "api"))
    assert raised.value.hint == "use a dataset with more candidates, or raise batch_size"


def test_a_server_that_is_gone_is_reported(folder: Path) -> None:
    """The failure of the first plain call."""
    api = {"api": {"backend": "http", "url": "http://127.0.0.1:9/x", "model": "m", "retries": 0}}
    with pytest.raises(CallError, match="cannot reach"):
        next(probe_reranker(config_of(folder, api), "api"))


def test_an_unknown_reranker_is_reported(folder: Path) -> None:
    """With the nearest name."""
    with pytest.raises(UnknownNameError, match="unknown reranker 'wrds'"):
        next(probe_reranker(config_of(folder), "wrds"))


@pytest.mark.parametrize("more", [{}, {"dialect": "jina"}, {"max_documents": 7, "pointwise": False}])
def test_an_api_is_sent_no_more_than_is_planned(more: dict[str, Any], folder: Path) -> None:
    """The plan is an upper bound of all calls of a probe, and near enough to be of use; planning sends nothing."""
    server = Counting()
    with stand_in(server) as url:
        block = {"backend": "http", "url": url, "model": "m", "retries": 0, **more}
        prepared = prepare_probe(config_of(folder, {"api": block}), "api", queries=3)
        planned = prepared.plan()
        assert server.calls == 0
        list(prepared.run())
    most = sum(one.requests for one in planned)
    assert 0.5 * most <= server.calls <= most
    assert [one.pass_ for one in planned] == [PROMISES] + ["lists"] * ("pointwise" in more)
    assert planned[0].at_most
    assert not any(one.at_most for one in planned[1:])


def test_duplicates_are_no_promise_of_a_reranker_that_reads_the_list(folder: Path) -> None:
    """Scores by place break the promise of a pointwise reranker; another one does not make it."""

    def by_place(body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        results = [{"index": i, "relevance_score": 1 - i / 100} for i in range(len(body["documents"]))]
        return 200, orjson.dumps({"model": "m", "results": results})

    verdicts = []
    for pointwise in (True, False):
        with stand_in(by_place) as url:
            block = {"backend": "http", "url": url, "model": "m", "retries": 0, "pointwise": pointwise}
            found = probe_reranker(config_of(folder, {"api": block}), "api")
            verdicts += [one.verdict for one in found if one.promise.startswith("duplicate")]
    assert verdicts == ["broken", "not met"]
