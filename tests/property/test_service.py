"""Laws of the service that need no server: whose turn it is, what a client may ask, who a client is."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from evalkit import registry
from evalkit.config import LimitSettings
from evalkit.dialects import WireError, WireRequest
from evalkit.rerankers import load_reranker
from evalkit.server.api_keys import Client, Keyring
from evalkit.server.app import build_app
from evalkit.server.fair_queue import TURN, FairQueue, FullError
from evalkit.server.limits import Limits
from evalkit.server.routes import dialects_by_path


@dataclass(eq=False)
class Work:
    """A request that waits."""

    client: str
    size: int
    divisible: bool = True


works = st.builds(Work, st.sampled_from("abc"), st.integers(1, 100), st.booleans())


def drained(queue: FairQueue[Work], pairs: int) -> list[list[tuple[Work, int, int]]]:
    """Return every batch that a queue gives until it is empty."""
    batches = []
    while queue.pairs:
        batches.append([(piece.job, piece.start, piece.stop) for piece in queue.take(pairs)])
    return batches


@given(waiting=st.lists(works, max_size=12), pairs=st.integers(1, 80))
def test_every_pair_is_given_out_once_and_in_order(waiting: list[Work], pairs: int) -> None:
    """Pieces of a request follow each other without gap or repeat; what cannot be divided comes whole."""
    queue: FairQueue[Work] = FairQueue(10_000)
    for work in waiting:
        queue.put(work)
    reached: Counter[Work] = Counter()
    for batch in drained(queue, pairs):
        assert batch
        for work, start, stop in batch:
            assert start == reached[work] < stop
            assert work.divisible or (start, stop) == (0, work.size)
            reached[work] = stop
        cuttable = sum(stop - start for _, start, stop in batch)
        assert cuttable <= pairs or (len(batch) == 1 and not batch[0][0].divisible)
    assert reached == Counter({work: work.size for work in waiting})


@given(long=st.integers(200, 2_000), short=st.integers(1, TURN), clients=st.integers(1, 4))
def test_a_short_request_passes_a_long_one(long: int, short: int, clients: int) -> None:
    """However much one client sent before, the next batch with room for all clients has the others' in it."""
    queue: FairQueue[Work] = FairQueue(10_000)
    queue.put(Work("greedy", long))
    others = [Work(f"c{i}", short) for i in range(clients)]
    for work in others:
        queue.put(work)
    first = {piece.job for piece in queue.take(TURN * (clients + 1))}
    assert first >= set(others)


@given(waiting=st.lists(works, min_size=1, max_size=12), pairs=st.integers(1, 80), data=st.data())
def test_what_was_dropped_never_comes(waiting: list[Work], pairs: int, data: st.DataObject) -> None:
    """A request whose client left is given out no further; the others are, and the count of pairs stays true."""
    queue: FairQueue[Work] = FairQueue(10_000)
    for work in waiting:
        queue.put(work)
    started = [piece.job for piece in queue.take(pairs)]
    gone = data.draw(st.sampled_from(waiting))
    queue.drop(gone)
    queue.drop(gone)
    assert gone not in {work for batch in drained(queue, pairs) for work, _, _ in batch}
    assert queue.pairs == 0
    assert started


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=20), most=st.integers(1, 100))
def test_a_queue_never_holds_more_than_it_may(sizes: list[int], most: int) -> None:
    """Beyond its bound only a lone request waits that is larger by itself."""
    queue: FairQueue[Work] = FairQueue(most)
    held: list[int] = []
    for size in sizes:
        if held and sum(held) + size > most:
            with pytest.raises(FullError):
                queue.put(Work("a", size))
        else:
            queue.put(Work("a", size))
            held.append(size)
        assert queue.pairs == sum(held)
        assert queue.pairs <= most or len(held) == 1


def test_a_closed_queue_gives_out_what_it_holds_and_then_nothing() -> None:
    """No one new is let in; a thread that waits for work is let go."""
    queue: FairQueue[Work] = FairQueue(100)
    queue.put(Work("a", 3))
    queue.close()
    with pytest.raises(FullError):
        queue.put(Work("a", 1))
    assert [piece.stop for piece in queue.take(10)] == [3]
    assert queue.take(10) == []
    idle: FairQueue[Work] = FairQueue(100)
    thread = threading.Thread(target=idle.take, args=(10,))
    thread.start()
    idle.close()
    thread.join(10)
    assert not thread.is_alive()


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def wait_s(limits: Limits, client: Client) -> float:
    """Return how long a client has to wait; 0 where it is admitted."""
    try:
        limits.admit(client)
    except WireError as refused:
        return refused.retry_after_s or 0.0
    return 0.0


@given(limit=st.integers(1, 50), steps=st.lists(st.floats(0, 20), max_size=100))
def test_no_client_gets_more_than_its_minute(limit: int, steps: list[float]) -> None:
    """In no minute are more than twice its requests admitted (a full minute's and those that came back meanwhile)."""
    clock = Clock()
    limits = Limits(clock)
    client = Client("a", LimitSettings(requests_per_minute=limit))
    admitted = []
    for step in steps:
        clock.now_s += step
        if reported := wait_s(limits, client):
            clock.now_s += reported * (1 + 1e-9) + 1e-6
            assert wait_s(limits, client) == 0  # a client that waits as long as the error says is served
        admitted.append(clock.now_s)
    for start in admitted:
        assert sum(start <= at < start + 60 for at in admitted) <= 2 * limit


def test_tokens_are_counted_when_they_are_known() -> None:
    """A request may take more tokens than are left; the next one waits until the debt is paid."""
    clock = Clock()
    limits = Limits(clock)
    client = Client("a", LimitSettings(tokens_per_minute=600))
    limits.admit(client)
    limits.charge(client, 1_200)
    assert limits.headers(client) == {"X-RateLimit-Limit-TPM": "600", "X-RateLimit-Remaining-TPM": "0"}
    with pytest.raises(WireError, match="rate limit exceeded: 600 tokens per minute") as refused:
        limits.admit(client)
    assert refused.value.retry_after_s == pytest.approx(60.1)
    clock.now_s = 60.2
    limits.admit(client)


@given(key=st.text(min_size=1), other=st.text())
def test_a_client_is_known_by_its_key_alone(key: str, other: str) -> None:
    """The right key is its client, any other is 401; without any key everyone is a client by address."""
    hashed = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    client = Client("team", LimitSettings())
    ring = Keyring([(client, hashed)], LimitSettings())
    assert ring.client_of(key, "1.2.3.4") == client
    for wrong in {other, None} - {key}:
        with pytest.raises(WireError) as refused:
            ring.client_of(wrong, "1.2.3.4")
        assert refused.value.status == 401
    assert Keyring([], LimitSettings()).client_of(None, "1.2.3.4").name == "1.2.3.4"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
PATHS = dialects_by_path("assisters")


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[str, bytes], Response]]:
    """Return what posts a body to the service."""
    app = build_app({"m": load_reranker("lexical")}, any_name=True)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield lambda path, body: client.post(path, content=body)


@given(path=st.sampled_from(sorted(PATHS)), body=anything, data=st.data())
def test_no_body_breaks_the_service(
    ask: Callable[[str, bytes], Response], path: str, body: object, data: st.DataObject
) -> None:
    """Whatever JSON comes, and a good request with any part replaced by anything: an answer or a refusal, never 500."""
    dialect = registry.lookup("dialect", PATHS[path][0])()
    good = dialect.encode_request(WireRequest("m", "q", ("a", "b"), 1, return_documents=True))
    where = data.draw(st.sampled_from(sorted(places(good), key=str)))
    replace_at(good, where, body)
    url = path.replace("{model}", "m").replace("{project}", "p").replace("{location}", "l")
    for sent in (body, good):
        reply = ask(url, as_json(sent))
        assert reply.status_code < 500, reply.text
        assert reply.headers["x-request-id"]


def places(value: object, so_far: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Return where everything stands in a body."""
    found = {so_far} if so_far else set()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found |= places(inner, (*so_far, key))
    return found


def replace_at(body: Any, where: tuple[str | int, ...], value: object) -> None:
    """Put something else at a place."""
    for key in where[:-1]:
        body = body[key]
    body[where[-1]] = value


def as_json(value: object) -> bytes:
    """Write JSON, numbers that are none included."""
    return json.dumps(value).encode("utf-8", "surrogatepass")
