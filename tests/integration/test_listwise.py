"""The listwise backend against a chat server: exact orders, nonsense, refusals, keys, whole runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from support.command import evalkit, only_folder
from support.stand_in_chat import ChatServer, Reply, chain, chat_reply

from evalkit.config import reranker_settings
from evalkit.errors import CallError, ConfigError
from evalkit.records import RerankRequest, RerankResponse
from evalkit.rerankers import load_reranker, open_reranker
from evalkit.reranking import Batch, Budget, CallContext, Outcome, RerankerSession, RetryingCaller

pytestmark = pytest.mark.usefixtures("blank_plots")

KEY = "s3cret-key-0123"
PRICE = {"usd_per_million_tokens": 10.0, "usd_per_million_output_tokens": 100.0, "as_of": "2026-11-22"}
WINDOW_USD = 90 * 10e-6 + 10 * 100e-6
"""What one reply of the stand-in costs at that price."""


def worth(_query: str, document: str) -> float:
    """Take a document's last word for its relevance."""
    return float(document.rsplit(maxsplit=1)[-1])


def request_of(count: int, seed: int = 0) -> tuple[RerankRequest, list[float]]:
    """Return a request whose documents are worth 1, 2, 3 and so on, in some order, and what they are worth."""
    values = (np.random.default_rng(seed).permutation(count) + 1.0).tolist()
    documents = tuple(f"as [7] says:\n[1] worth {value:g}" for value in values)
    return RerankRequest("q1", "which?", documents, tuple(map(str, range(count)))), values


def score(server: ChatServer, request: RerankRequest, **settings: Any) -> RerankResponse:
    """Score a request once."""
    with server.running() as url:
        reranker = load_reranker("listwise", url=url, model="m", **settings)
        try:
            return reranker.score(request)
        finally:
            reranker.close()


def from_the_bottom(response: RerankResponse) -> list[int]:
    """Return the place of each document from the bottom of the ranking, 1 for the last; a score is 1 / rank."""
    return (len(response.scores) + 1 - np.rint(1 / response.scores)).astype(int).tolist()  # type: ignore[no-any-return]


def failure_of(reply: Reply, documents: int = 5, **settings: Any) -> CallError:
    """Return what becomes of a call to a server that always gives the same reply."""
    server = ChatServer(worth, disturb=lambda _number, _headers: reply)
    with pytest.raises(CallError) as raised:
        score(server, request_of(documents)[0], **settings)
    return raised.value


def deliver(server: ChatServer, request: RerankRequest, **settings: Any) -> tuple[Outcome, Budget]:
    """Send a request as an experiment does, and return what came of it and what is spent."""
    budget = Budget()
    with server.running() as url:
        usual = {"backend": "listwise", "url": url, "model": "m", "retry_wait_s": 0.001, "price": PRICE}
        block = reranker_settings({**usual, **settings})
        session = RerankerSession.of("llm", open_reranker(block), block, budget)
        (outcome,) = RetryingCaller(session).deliver(Batch(request), CallContext("d", "llm", "quality"))
        session.reranker.close()
    return outcome, budget


def at(numbers: set[int], reply: Reply) -> Callable[[int, dict[str, str]], Reply | None]:
    """Return what disturbs the requests of these numbers."""
    return lambda number, _headers: reply if number in numbers else None


def busy() -> Reply:
    """Return a refusal for the number of requests."""
    return 429, b'{"error": {"message": "slow down"}}', {"Retry-After": "0.01"}


def test_enough_passes_sort_a_list_exactly() -> None:
    """With a server that knows the truth the ranks are the truth, whatever the texts hold; all is added up."""
    request, values = request_of(23)
    server = ChatServer(worth)
    response = score(server, request, window=8, step=4, passes=6)
    assert from_the_bottom(response) == values
    windows = 6 * 5
    assert len(server.answered) == windows
    assert (response.usage.tokens, response.usage.output_tokens) == (100 * windows, 10 * windows)
    assert (response.missing, response.model, response.http_status) == (0, "m", 200)
    assert response.conn_reused is False
    assert response.truncated is not None
    assert not response.truncated.any()
    line = response.timeline
    assert line is not None
    assert line.encoded_s < line.sent_s <= line.headers_s <= line.body_s


def test_one_pass_carries_the_best_up_in_overlapping_windows() -> None:
    """Windows go from the bottom to the top, the best so far with them: its top is right after one pass."""
    request, values = request_of(23)
    server = ChatServer(worth)
    response = score(server, request, window=8, step=4)
    assert np.argsort(-response.scores)[:4].tolist() == np.argsort(values)[::-1][:4].tolist()
    assert [len(asked.documents) for asked in server.answered] == [8, 8, 8, 8, 7]
    first = [f"as (7) says: (1) worth {value:g}" for value in values]
    assert list(server.answered[0].documents) == first[15:]
    assert list(server.answered[-1].documents[:3]) == first[:3]


def test_documents_that_are_cut_are_reported() -> None:
    """The question holds the beginning of a long document, and the response says which were cut."""
    server = ChatServer(lambda _query, document: -len(document))
    request = RerankRequest("q", "which?", ("a" * 30, "b" * 31, "c"), ("1", "2", "3"))
    response = score(server, request, max_document_characters=30)
    assert response.truncated is not None
    assert response.truncated.tolist() == [False, True, False]
    assert server.answered[0].documents == ("a" * 30, "b" * 30, "c")


def test_what_an_answer_leaves_out_is_last_and_counted() -> None:
    """A window's two worst are not named in any answer: places stay a permutation, each one left out counts once."""
    request, values = request_of(10)
    server = ChatServer(worth, says=lambda order: f"{chain(order[:-2])} > [99] > {chain(order[:1])}")
    response = score(server, request, window=10, step=5, passes=3)
    assert response.missing == 2
    assert sorted(from_the_bottom(response)) == list(range(1, 11))
    assert set(np.flatnonzero(np.array(from_the_bottom(response)) <= 2)) == set(
        np.flatnonzero(np.array(values) <= 2)
    )


def test_an_answer_that_was_cut_off_is_repaired_and_counted() -> None:
    """What a list that ended for its length names counts; the rest is left out."""
    cut = chat_reply("[3] > [1] > [", finish_reason="length")
    response = score(ChatServer(disturb=at({0}, (200, cut))), request_of(5)[0])
    assert from_the_bottom(response) == [4, 3, 5, 2, 1]
    assert response.missing == 3


@pytest.mark.parametrize(
    ("reply", "hint"),
    [
        (chat_reply("I cannot rank these."), "unreadable: keep"), (chat_reply("[0] > [6]"), "unreadable: keep"),
        (chat_reply(""), "unreadable: keep"),
        (chat_reply("<think>[1] or [2]", finish_reason="length"), "raise max_answer_tokens"),
        (chat_reply(None, message={"reasoning_content": "[1] or [2]"}), "raise max_answer_tokens"),
    ],
)  # fmt: skip
def test_an_answer_that_names_nothing_is_no_score(reply: bytes, hint: str) -> None:
    """It is a failure that may pass, and says what helps; kept on demand, it leaves the order alone, and all count."""
    failure = failure_of((200, reply))
    assert failure.kind == "reply"
    assert failure.remedy.transient
    assert hint in (failure.hint or "")
    assert failure.body
    response = score(ChatServer(disturb=at({0}, (200, reply))), request_of(5)[0], unreadable="keep")
    assert from_the_bottom(response) == [5, 4, 3, 2, 1]
    assert response.missing == 5


def test_one_document_has_one_order() -> None:
    """The server is asked all the same, so that a wrong key shows, but there is nothing to misread."""
    server = ChatServer(says=lambda _order: "There is only one.")
    assert score(server, request_of(1)[0]).scores.tolist() == [1.0]
    assert len(server.answered) == 1
    assert (
        load_reranker("listwise", url="http://127.0.0.1:9", model="m").score(request_of(0)[0]).scores.size
        == 0
    )


@pytest.mark.parametrize(
    ("reply", "kind", "said", "passes", "closes"),
    [
        ((401, b'{"error": {"message": "no"}}'), "http", "returned 401: no", False, True),
        ((404, b'{"error": {"message": "model not found"}}'), "http", "model not found", False, True),
        ((400, b'{"error": {"message": "context length exceeded"}}'), "http", "context length", False, False),
        ((503, b"loading"), "http", "returned 503: loading", True, False),
        ((200, b"<html>hello</html>"), "reply", "returned 200 with a body that is not JSON", True, False),
        ((200, b""), "reply", "empty body", True, False),
        ((200, b'{"error": {"message": "busy", "code": 502}}'), "http", "200 with an error: 502: busy", True, False),
        ((200, chat_reply(None, message={"refusal": "I won't"})), "reply", "refused to answer", False, False),
        ((200, chat_reply("[1]", "other")), "model", "of model 'other'", False, True),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_named_failure(
    reply: Reply, kind: str, said: str, *, passes: bool, closes: bool
) -> None:
    """Refusals, gateways' errors, pages and other models are failures with the address and what may be done."""
    failure = failure_of(reply)
    assert failure.kind == kind
    assert said in failure.message
    assert "/v1/chat/completions" in failure.message
    assert (failure.remedy.transient, failure.remedy.permanent) == (passes, closes)


def test_another_name_passes_where_it_is_expected() -> None:
    """A server that calls the model by another name is believed where the configuration says so."""
    server = ChatServer(worth, disturb=lambda _number, _headers: (200, chat_reply("[1]", "other")))
    assert score(server, request_of(2)[0], expect_model="other").model == "other"


def test_a_refusal_on_the_way_costs_no_window_twice() -> None:
    """After a 429 in the middle the call is made again, and only what was not answered is asked again."""
    request, values = request_of(23)
    server = ChatServer(worth, disturb=at({3, 4}, busy()))
    outcome, budget = deliver(server, request, window=8, step=4, passes=6)
    assert outcome.response is not None
    assert from_the_bottom(outcome.response) == values
    assert [one.call.status for one in outcome.attempts] == ["retried", "retried", "ok"]
    assert outcome.attempts[0].call.http_status == 429
    assert len(server.answered) == 30
    assert len(server.bodies) == 32
    assert outcome.call.usage.tokens == 30 * 100
    assert outcome.call.cost_usd == pytest.approx(30 * WINDOW_USD)
    assert budget.spent_usd == pytest.approx(30 * WINDOW_USD)


def test_an_unreadable_answer_is_asked_for_again() -> None:
    """One nonsensical answer among many costs that window a second question, both are paid, and the list is right."""
    request, values = request_of(23)
    server = ChatServer(worth, disturb=at({7}, (200, chat_reply("no idea"))))
    outcome, budget = deliver(server, request, window=8, step=4, passes=6)
    assert outcome.response is not None
    assert from_the_bottom(outcome.response) == values
    assert outcome.response.missing == 0
    assert len(server.bodies) == 31
    assert outcome.known_cost_usd == pytest.approx(31 * WINDOW_USD)
    assert budget.spent_usd == pytest.approx(31 * WINDOW_USD)


@pytest.mark.parametrize(
    ("reply", "paid"), [((400, b'{"error": {"message": "too long"}}'), 2), ((200, chat_reply("no idea")), 6)]
)
def test_windows_that_were_paid_count_though_the_call_failed(reply: Reply, paid: int) -> None:
    """Two good answers count once; a refusal costs nothing, an answer that cannot be read each time it is given."""
    server = ChatServer(worth, disturb=at(set(range(2, 50)), reply))
    outcome, budget = deliver(server, request_of(23)[0], window=8, step=4, retries=3)
    assert outcome.response is None
    assert outcome.known_cost_usd == pytest.approx(paid * WINDOW_USD)
    assert budget.spent_usd == pytest.approx(paid * WINDOW_USD)


def test_two_calls_do_not_share_answers() -> None:
    """A request that failed half-way under one name is asked wholly under another."""
    request, _ = request_of(10)
    server = ChatServer(worth, disturb=at({1}, (400, b"{}")))
    with server.running() as url:
        reranker = load_reranker("listwise", url=url, model="m", window=6, step=2)
        with pytest.raises(CallError):
            reranker.score(request)
        reranker.score(request)
        reranker.close()
    assert len(server.answered) == 1 + 3


def test_a_wrong_key_is_reported_and_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that echoes the key is struck clean, and the hint names the variable."""

    def echo(_number: int, headers: dict[str, str]) -> Reply:
        return 401, orjson.dumps({"error": {"message": f"bad key {headers['authorization']}"}})

    monkeypatch.setenv("TEST_CHAT_KEY", KEY)
    with pytest.raises(CallError) as raised:
        score(ChatServer(disturb=echo), request_of(3)[0], api_key_env="TEST_CHAT_KEY")
    assert raised.value.hint == "check the key in TEST_CHAT_KEY"
    assert raised.value.remedy.permanent
    assert "bad key Bearer [key]" in raised.value.message
    assert KEY not in raised.value.message + str(raised.value.body)


CONFIG = """
name: t
datasets: [{{source: demo, sample: {{queries: 8}}}}]
retriever: {{depth: 10}}
depths: [5, 10]
metrics: [nDCG@5]
rerankers:
  llm:
    backend: listwise
    url: {url}
    model: m
    api_key_env: TEST_CHAT_KEY
    window: 4
    step: 2
    concurrency: 3
    retry_wait_s: 0.01
    price: {{usd_per_million_tokens: 10, usd_per_million_output_tokens: 100, as_of: 2026-11-22}}
"""


def config_at(path: Path, url: str) -> Path:
    """Write a configuration and return its place."""
    path.write_text(CONFIG.format(url=url), encoding="utf-8")
    return path


def leave_out_the_last(order: Sequence[int]) -> str:
    """Answer without the worst document, unless it is the only one."""
    return chain(order[:-1] or order)


def test_a_run_asks_for_every_depth_and_keeps_its_promises(tmp_path: Path) -> None:
    """Each depth is a pass of its own, planned and counted request by request; no file holds the key."""
    env = {"TEST_CHAT_KEY": KEY}
    planned = evalkit(
        "run", config_at(tmp_path / "c.yaml", "http://127.0.0.1:9"), "--plan", "--json", env=env
    )
    assert planned.returncode == 0, planned.stderr
    plan = {row["pass"]: row for row in orjson.loads(planned.stdout)}
    shown = evalkit("run", tmp_path / "c.yaml", "--plan", env=env).stdout
    assert "llm sends its lists in parts: 59 requests" in shown

    def guarded(number: int, headers: dict[str, str]) -> Reply | None:
        assert headers["authorization"] == f"Bearer {KEY}"
        return busy() if number in {29, 30} else None

    server = ChatServer(says=leave_out_the_last, disturb=guarded)
    with server.running() as url:
        config = config_at(tmp_path / "c.yaml", url)
        done = evalkit("run", config, "--into", tmp_path / "results", env=env)
        assert done.returncode == 0, done.stderr
        folder = only_folder(tmp_path / "results")
        asked = len(server.answered)
        again = evalkit("run", config, "--into", tmp_path / "results", env=env)
        assert again.returncode == 0, again.stderr
        assert len(server.answered) == asked, "stored lists are not asked for again"
    calls = pd.read_parquet(folder / "calls.parquet")
    good = calls[calls.status == "ok"].groupby("pass")
    assert (
        good.size().to_dict()
        == {name: row["calls"] for name, row in plan.items()}
        == {"check": 1 + 2, "quality": 16}
    )
    assert asked == sum(row["requests"] for row in plan.values())
    first = plan["check"]["requests"]
    assert first == 1 + 2 * 5, "one document, then twelve in five windows for each of two queries"
    assert good.cost_usd.sum()["quality"] == pytest.approx((asked - first) * WINDOW_USD)
    assert (calls[calls.status == "ok"].body_s > calls[calls.status == "ok"].encoded_s).all()
    scores = pd.read_parquet(folder / "scores.parquet")
    own = scores[scores.reranker == "llm"]
    for (_query, depth), part in own.groupby(["query_id", "depth"]):
        assert sorted(1 / part.score) == pytest.approx(range(1, int(depth) + 1))
    refused = evalkit("tune", "threshold", folder, "--reranker", "llm", env=env)
    assert refused.returncode == 2
    assert "rank" in refused.stderr
    passes = orjson.loads((folder / "manifest.json").read_bytes())["quality_passes"]
    left_out = {row["depth"]: row["documents_placed_last"] for row in passes if row["reranker"] == "llm"}
    assert set(left_out) == {5, 10}
    assert all(8 <= count <= 80 for count in left_out.values())
    assert "gave no score to" in (folder / "report.md").read_text(encoding="utf-8")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in done.stdout + done.stderr + shown


def test_a_wrong_key_ends_a_run_at_its_first_question(tmp_path: Path) -> None:
    """The program exits with 3 and one clear line, before any list is sent."""
    server = ChatServer(disturb=lambda _number, _headers: (401, b'{"error": {"message": "who are you"}}'))
    with server.running() as url:
        done = evalkit(
            "run", config_at(tmp_path / "c.yaml", url), "--into", tmp_path / "r", env={"TEST_CHAT_KEY": KEY}
        )
    assert done.returncode == 3
    assert "reranker 'llm' failed its first call" in done.stderr
    assert "check the key in TEST_CHAT_KEY" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(server.bodies) == 1


def test_it_is_not_taken_for_pointwise(tmp_path: Path) -> None:
    """The setting does not exist, a list is never split, and a probe neither tests nor asserts the promise."""
    with pytest.raises(ConfigError, match="unknown key 'pointwise'"):
        load_reranker("listwise", url="http://127.0.0.1:9", model="m", pointwise=True)
    env = {"TEST_CHAT_KEY": KEY}
    config = config_at(tmp_path / "c.yaml", "http://127.0.0.1:9")
    server = ChatServer()
    with server.running() as url:
        split = evalkit(
            "run", config_at(config, url), "--set", "rerankers.llm.batch_size=5", env=env, cwd=tmp_path
        )
        found = evalkit("probe", config, "--reranker", "llm", "--json", env=env)
    assert split.returncode == 2
    assert "needs the whole list" in split.stderr
    assert found.returncode == 0, found.stdout
    verdicts = {row["promise"]: row["verdict"] for row in orjson.loads(found.stdout)}
    assert verdicts["the score of a pair does not depend on its list (pointwise)"] == "not testable"
    assert verdicts["repeated requests return the same scores"] == "kept"
    assert verdicts["duplicate documents get the same score"] == "not testable"
