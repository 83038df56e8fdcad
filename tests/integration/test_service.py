"""``evalkit serve`` as a process: several rerankers, many clients, and its end."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest
from support.command import evalkit, serving, start_evalkit

BODY = {"model": "any", "query": "cat mat", "documents": ["the cat sat on the mat", "dogs bark"]}
CLIENTS = 8


@contextmanager
def service(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``evalkit serve --backend lexical``; yield the process and the address of its endpoint."""
    process = start_evalkit("serve", "--backend", "lexical", "--port", "0", *words)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().rpartition(" at ")[2].strip()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.long
def test_sigterm_under_load_loses_no_request() -> None:
    """Clients that ask on while the service ends get an answer to all that was taken; then no one is let in."""
    reported: Counter[str] = Counter()
    with service("--set", "service.notice_s=0.5") as (process, address):
        warm = threading.Barrier(CLIENTS + 1)

        def ask() -> None:
            with httpx.Client() as client:
                client.post(address, json=BODY).raise_for_status()
                warm.wait()
                while True:
                    try:
                        reply = client.post(address, json=BODY)
                    except httpx.ConnectError:
                        reported["refused"] += 1
                        return
                    except httpx.TransportError as error:
                        reported[f"lost: {error!r}"] += 1
                        return
                    reported[str(reply.status_code)] += 1
                    reported["sent elsewhere"] += reply.headers.get("connection") == "close"

        threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        warm.wait()
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        assert process.wait(30) == 0
    assert set(reported) == {"200", "refused", "sent elsewhere"}
    assert reported["refused"] == CLIENTS
    assert reported["sent elsewhere"] > 0


@pytest.mark.long
def test_a_service_that_no_one_asks_ends_at_once() -> None:
    """SIGTERM without a connection is the end: exit code 0, no word on stderr."""
    with service("--set", "service.notice_s=600") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration of two rerankers."""
    file = tmp_path / "two.yaml"
    file.write_text(
        "name: two\ndatasets: [demo]\nrerankers:\n  plain: {backend: lexical}\n"
        "  titled: {backend: http, dialect: assisters, serve: {backend: lexical, title_weight: 9}}\n"
        "service: {access_log: true, notice_s: 0}\n",
        encoding="utf-8",
    )
    return file


@pytest.mark.long
def test_all_rerankers_of_a_configuration_are_served(config: Path) -> None:
    """Each by its tag; what a ``serve:`` block would serve is served here; --reranker names those that are."""
    body = {**BODY, "documents": ["cat\nnothing else", "a dog and a cat on a mat"]}
    with serving(str(config)) as address:
        scores = {
            tag: [r["relevance_score"] for r in httpx.post(address, json={**body, "model": tag}).json()["results"]]
            for tag in ("plain", "titled")
        }  # fmt: skip
        assert scores["plain"] != scores["titled"]
        assert httpx.post(address, json={**body, "model": "other"}).status_code == 400
    with serving(str(config), "--reranker", "plain") as address:
        models = httpx.get(address.replace("/rerank", "/models")).json()["data"]
        assert [one["id"] for one in models] == ["plain"]
    refused = evalkit("serve", config, "--reranker", "plane")
    assert refused.returncode == 2
    assert "unknown reranker 'plane'\n  hint: did you mean 'plain'?" in refused.stderr


def test_the_log_of_requests_holds_counts_and_no_text() -> None:
    """With ``access_log`` each request is a line of JSON; neither query, document nor key stands in it."""
    with service("--set", "service.access_log=true") as (process, address):
        httpx.post(address, json=BODY, headers={"Authorization": "Bearer s3cret"})
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    line = orjson.loads(said.strip())
    assert {key: line[key] for key in ("dialect", "model", "documents", "status")} == {
        "dialect": "assisters",
        "model": "lexical",
        "documents": 2,
        "status": 200,
    }
    assert not any(word in said for word in ("cat", "dogs", "s3cret"))


def test_a_wrong_setting_of_the_service_is_reported_before_it_starts() -> None:
    """An unknown key of the ``service:`` block is exit 2 with the nearest one."""
    refused = evalkit("serve", "--backend", "lexical", "--set", "service.max_waiting_pair=1")
    assert refused.returncode == 2
    assert "unknown key 'max_waiting_pair'\n  hint: did you mean 'max_waiting_pairs'?" in refused.stderr


def test_a_name_given_is_the_only_one() -> None:
    """``--model`` names a backend that takes no model; then every other name is 400, and ``any`` is still its own."""
    with serving("--backend", "lexical", "--model", "ours-v1") as address:
        replies = {
            name: httpx.post(address, json={**BODY, "model": name}) for name in ("ours-v1", "any", "gpt")
        }
    assert [reply.status_code for reply in replies.values()] == [200, 200, 400]
    assert replies["any"].json()["model"] == "ours-v1"
