"""What is learned from refused lists, with a server that limits the length of lists and refuses some texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import CONTEXT, Scripted

from evalkit.errors import CallError, RefusedFor, Remedy
from evalkit.records import RerankRequest, Usage
from evalkit.reranking import Batch, Outcome, RerankerSession, RetryingCaller
from evalkit.reranking.list_limits import suspect, with_evidence

BAD = "bad"
"""Begins a text that the server refuses."""


@dataclass
class Server:
    """A server that takes lists of a limited length, and refuses every list with a bad text.

    Attributes
    ----------
    limit
        Most documents of a list; None for any number.
    status
        Of every refusal.
    words
        Whether it says what is refused.
    refused
        Number of refused requests.
    """

    limit: int | None = None
    status: int = 422
    words: bool = False
    refused: int = 0
    session: RerankerSession = field(init=False)

    def __post_init__(self) -> None:
        self.backend = Scripted(self.answer)
        self.session = RerankerSession("r", self.backend)

    def answer(self, request: RerankRequest) -> Usage:
        """Accept a request, or refuse it."""
        too_long = self.limit is not None and len(request.documents) > self.limit
        if too_long or any(text.startswith(BAD) for text in request.documents):
            self.refused += 1
            cause: RefusedFor = "documents" if too_long else "text"
            remedy = Remedy(too_large=True)
            if self.words:
                remedy = Remedy(
                    too_large=too_long, refused_for=cause, most_documents=self.limit if too_long else None
                )
            raise CallError("http", "refused", http_status=self.status, remedy=remedy)
        return Usage()

    def deliver(self, texts: Sequence[str], query_id: str = "q") -> tuple[list[Outcome], int]:
        """Send one list; return its outcomes and the number of calls."""
        before = len(self.backend.sizes)
        ids = tuple(f"d{place}" for place in range(len(texts)))
        item = Batch(RerankRequest(query_id, "query", tuple(texts), ids), tuple(range(1, len(texts) + 1)))
        outcomes = list(RetryingCaller(self.session).deliver(item, CONTEXT))
        return outcomes, len(self.backend.sizes) - before


GOOD_TEXTS = ["a", "bb", "ccc", "a longer text"]
LISTS = st.lists(
    st.lists(st.sampled_from([*GOOD_TEXTS, BAD, BAD + " and long" * 3]), min_size=1, max_size=24)
    | st.lists(st.sampled_from(GOOD_TEXTS), min_size=1, max_size=24),
    min_size=1,
    max_size=8,
)


@given(
    lists=LISTS,
    limit=st.none() | st.integers(1, 24),
    status=st.sampled_from([413, 422]),
    words=st.booleans(),
)
def test_every_list_without_a_refused_text_is_scored_and_no_wrong_limit_is_learned(
    lists: list[list[str]], limit: int | None, status: int, words: bool
) -> None:
    """Every document is in one outcome, a list with a refused text has a failure, and a learned size is right.

    It is at most the server's limit, and at least half of it, for a size of which every part of a list was scored.
    After it is learned, a list without a refused text takes as few calls as it allows.
    """
    server = Server(limit, status, words=words)
    for texts in lists:
        learned = server.session.learned_documents
        outcomes, calls = server.deliver(texts)
        ranks = Counter(rank for one in outcomes for rank in one.batch.ranks)
        assert ranks == Counter(range(1, len(texts) + 1))
        is_bad = any(text.startswith(BAD) for text in texts)
        assert is_bad == any(one.failure is not None for one in outcomes)
        assert calls <= 2 * len(texts) + 2
        if learned is not None and not is_bad:
            assert calls == math.ceil(len(texts) / learned)
    found = server.session.learned_documents
    if found is not None:
        assert limit is not None
        assert (limit + 1) // 2 <= found <= limit
    elif limit is not None:
        assert all(len(texts) <= limit or any(text.startswith(BAD) for text in texts) for texts in lists)


@given(size=st.integers(2, 100), place=st.integers(0, 99), status=st.sampled_from([413, 422]))
def test_a_list_whose_longest_text_is_refused_takes_two_calls(size: int, place: int, status: int) -> None:
    """The list, and this document alone: also in the thousandth list, and the next list is sent as one."""
    server = Server(status=status)
    texts = ["short"] * size
    texts[place % size] = BAD + " filler" * 9
    for _ in range(3):
        (outcome,), calls = server.deliver(texts)
        assert calls <= 2
        assert outcome.failure is not None
        assert outcome.failure.remedy.refused_for == "text"
    assert server.deliver(["short"] * size)[1] == 1


@given(size=st.integers(2, 64), places=st.lists(st.integers(0, 63), min_size=2, max_size=12))
def test_what_is_wrong_with_a_text_that_is_not_the_longest_is_searched_once(
    size: int, places: list[int]
) -> None:
    """After a document was refused alone, a list no longer than a scored one is refused for its content: one call."""
    server = Server()
    server.deliver(["a longer text"] * size)
    calls = []
    for place in places:
        texts = ["a longer text"] * size
        texts[place % size] = BAD
        calls.append(server.deliver(texts)[1])
    assert calls[0] <= 3 + 2 * math.ceil(math.log2(size))
    assert calls[1:] == [1] * (len(places) - 1)


@given(limit=st.integers(1, 16), status=st.sampled_from([413, 422]), words=st.booleans())
def test_a_limit_and_a_refused_text_are_both_found(limit: int, status: int, words: bool) -> None:
    """The first list has a refused text and is too long; the second one is only too long."""
    server = Server(limit, status, words=words)
    server.deliver([*["short"] * 19, BAD + " and long"])
    outcomes, _ = server.deliver(["short"] * 20)
    assert all(one.response is not None for one in outcomes)
    found = server.session.learned_documents
    assert found is not None
    assert found == limit if words else (limit + 1) // 2 <= found <= limit


@pytest.mark.parametrize("cause", ["text", "request"])
def test_what_a_server_says_about_its_refusal_saves_calls(cause: RefusedFor) -> None:
    """A text or a request that is refused is refused in every list: nothing else of it is sent."""

    def refuse(_request: RerankRequest) -> Usage:
        raise CallError("http", "no", http_status=422, remedy=Remedy(refused_for=cause))

    session = RerankerSession("r", backend := Scripted(refuse))
    item = Batch(RerankRequest("q", "query", ("a", "b", "c"), ("1", "2", "3")), (1, 2, 3))
    (outcome,) = RetryingCaller(session).deliver(item, CONTEXT)
    assert (backend.sizes, outcome.batch) == ([3], item)


def test_a_list_in_parts_is_not_sent_further_after_a_refused_text() -> None:
    """The query has no result without it; what was scored before is kept, and the outcome has the rest."""
    server = Server(limit=2)
    server.deliver(["short"] * 6)
    assert server.session.learned_documents == 2
    outcomes, calls = server.deliver(["short", "short", "short", BAD + " and long", "short", "short"])
    assert [one.batch.ranks for one in outcomes] == [(1, 2), (3, 4, 5, 6)]
    assert calls == 3, "a part that is scored, one that is refused, and its document alone"


@pytest.mark.parametrize(("status", "learned"), [(413, 4), (422, None)])
def test_a_list_of_longer_texts_is_halved_and_a_body_that_is_too_large_shows_a_limit(
    status: int, learned: int | None
) -> None:
    """Although a list of its length was scored: with status 413 lists of that length are no longer sent.

    A total that is too large for one list is no limit for others: no length is learned from it.
    """

    def answer(request: RerankRequest) -> Usage:
        if sum(map(len, request.documents)) > 100:
            raise CallError("http", "too large", http_status=status, remedy=Remedy(too_large=True))
        return Usage()

    session = RerankerSession("r", Scripted(answer))
    caller = RetryingCaller(session)
    for text in ("x", "x" * 20):
        item = Batch(RerankRequest("q", "query", (text,) * 8, tuple("12345678")), tuple(range(1, 9)))
        assert all(one.response is not None for one in caller.deliver(item, CONTEXT))
    assert session.learned_documents == learned


def test_the_failure_names_the_query_and_the_document_that_was_refused_alone() -> None:
    """Also in the record of the call; the failure of the whole list is a retried attempt before it."""
    server = Server()
    (outcome,), _ = server.deliver(["short", BAD + " and long", "short"], "q7")
    assert outcome.failure is not None
    message = "query 'q7': refused; document 'd1' (12 characters) was refused alone"
    assert outcome.failure.message == message
    assert outcome.call.error == f"http: {message}"
    assert [one.call.status for one in outcome.attempts] == ["retried", "failed"]


def failure(cause: RefusedFor | None = None) -> CallError:
    """Return a refusal."""
    return CallError("http", "no.", "a hint", http_status=422, body="{}", remedy=Remedy(refused_for=cause))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", "b" * 2114, "c"], "query 'q': no; the longest of its 3 documents is 'd1' (2,114 characters)"),
        (["a", "", "c"], "query 'q': no; documents without text: 'd1'"),
        ([" ", "", "\n", "c", "", ""], "query 'q': no; documents without text: 'd0', 'd1', 'd2' and 2 more"),
        (["a"], "no."),
    ],
)
def test_evidence_is_the_longest_document_or_the_empty_ones(texts: list[str], message: str) -> None:
    """For a list of one document there is none, unless it is empty; the rest of the failure is kept."""
    ids = tuple(f"d{place}" for place in range(len(texts)))
    found = with_evidence(failure("text"), RerankRequest("q", "query", tuple(texts), ids))
    assert found.message == message
    assert (found.hint, found.body, found.http_status) == ("a hint", "{}", 422)


def test_a_wrong_request_has_no_evidence_in_its_texts() -> None:
    """The documents are not the reason."""
    assert (
        with_evidence(failure("request"), RerankRequest("q", "query", ("a", "b"), ("1", "2"))).message
        == "no."
    )


@pytest.mark.parametrize(
    ("texts", "place"),
    [(("a", "", "long"), 1), (("a", "long", "b"), 1), (("abcd", "文文文"), 1), (("a", " "), 1)],
)
def test_the_suspect_is_empty_or_has_the_most_bytes(texts: tuple[str, ...], place: int) -> None:
    """A Chinese text has more tokens than an English one with as many characters."""
    assert suspect(RerankRequest("q", "query", texts, texts)) == place


@pytest.mark.parametrize(
    ("cause", "texts", "proven", "has_hint"),
    [
        (None, ("a", "b"), False, True),
        (None, ("a", "b"), True, False),
        (None, ("a",), False, False),
        ("text", ("a", "b"), False, False),
    ],
)
def test_a_list_that_is_refused_for_an_unknown_reason_gets_a_hint_at_both(
    cause: RefusedFor | None, texts: tuple[str, ...], proven: bool, has_hint: bool
) -> None:
    """The text or the number of documents may be the reason; a hint of the API's own words comes first."""
    refused = CallError("http", "no", http_status=400, remedy=Remedy(refused_for=cause))
    request = RerankRequest("q", "query", texts, texts)
    hint = "shorten that document, or set max_documents if the API takes fewer documents"
    assert with_evidence(refused, request, proven=proven).hint == (hint if has_hint else None)
