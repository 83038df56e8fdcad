"""The parts of `listwise` that need no server: settings, questions, replies, weights, prices, sums."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stand_in_chat import Question, chat_reply

from evalkit.config import reranker_settings
from evalkit.errors import CallError, ConfigError
from evalkit.records import RerankRequest, ServerTime, Timeline, Usage
from evalkit.rerankers.answers import (
    MOST_UNFINISHED,
    Answer,
    UnfinishedCalls,
    end_to_end,
    total_times,
    total_usage,
)
from evalkit.rerankers.chat import chat_address, chat_request, read_chat
from evalkit.rerankers.listwise_settings import ChatPrice, ListwiseSettings, ask_for_order, one_line
from evalkit.rerankers.permutations import Permutation
from evalkit.reranking.rate_limits import RateLimiter
from evalkit.reranking.token_estimates import TokenEstimate

LEAST = {"backend": "listwise", "url": "http://127.0.0.1:8000", "model": "m"}


def settings_of(**more: Any) -> ListwiseSettings:
    """Return settings with what they cannot do without."""
    settings = reranker_settings({**LEAST, **more})
    assert isinstance(settings, ListwiseSettings)
    return settings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
        ("http://localhost:11434/", "http://localhost:11434/v1/chat/completions"),
        ("https://api.example/v1", "https://api.example/v1/chat/completions"),
        ("https://api.example/v1/", "https://api.example/v1/chat/completions"),
        ("https://api.example/v1/chat", "https://api.example/v1/chat/completions"),
        ("https://api.example/api/v1/chat/completions", "https://api.example/api/v1/chat/completions"),
        ("https://x.example/deployments/d/chat/completions?api-version=1",
         "https://x.example/deployments/d/chat/completions?api-version=1"),
    ],
)  # fmt: skip
def test_an_address_is_completed_once(url: str, address: str) -> None:
    """Host, base and endpoint are one address, it is what the settings show, and nothing is added twice."""
    assert chat_address(url) == chat_address(address) == settings_of(url=url).url == address


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"step": 20}, "step 20 is not below window 20"), ({"window": 1}, "greater than or equal to 2"),
        ({"url": "localhost:8000"}, "must start with http"), ({"temperature": 3}, "less than or equal to 2"),
        ({"options": {"stream": True}}, "option 'stream' is a key that the listwise backend fills itself"),
        ({"options": {"max_tokens": 5}}, "option 'max_tokens'"), ({"unreadable": "skip"}, "'fail' or 'keep'"),
        ({"price": {"usd_per_thousand_requests": 1, "as_of": "2026-11-22"}}, "a chat API bills tokens"),
        ({"pointwise": True}, "unknown key 'pointwise'"), ({"headers": {"api-key": "k"}}, "looks like a key"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any], said: str) -> None:
    """What would give no order, another reply or a wrong price is told before anything is sent."""
    with pytest.raises(ConfigError) as told:
        settings_of(**wrong)
    assert said in told.value.message


def test_url_and_model_are_asked_for() -> None:
    """There is no public address to fall back on, and no model that every server has."""
    with pytest.raises(ConfigError) as told:
        reranker_settings({"backend": "listwise"})
    assert "key 'url' is missing" in told.value.message
    assert "key 'model' is missing" in told.value.message


def test_it_is_never_pointwise_and_its_name_may_move() -> None:
    """The settings say so as the reranker does, and a model's moving name is told."""
    assert not settings_of().is_pointwise
    assert settings_of(model="gpt-latest").moving_name() is not None
    assert settings_of().moving_name() is None


@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=12), query=st.text(max_size=60))
def test_a_question_can_be_taken_apart_again(texts: list[str], query: str) -> None:
    """No text, with whatever lines and numbers in it, begins a line or passes for a document's number."""
    clean = [one_line(text) for text in texts]
    question = ask_for_order(one_line(query), clean, "Judge.")
    asked = Question.of(chat_request("m", question, 0.0, 10, {}))
    assert asked.documents == tuple(clean)
    assert asked.query == one_line(query)


def test_numbers_in_texts_lose_their_brackets_and_nothing_else_changes() -> None:
    """Words stay what they are; only white space and bracketed numbers are others afterwards."""
    assert one_line("a [12]\n[ 3 ] > [x] \u2028[7]") == "a (12) ( 3 ) > [x] (7)"
    assert one_line("list[0][1] = 2") == "list(0)(1) = 2"


def test_a_request_holds_what_every_server_knows() -> None:
    """Model, messages, temperature and a limit, under the name the API wants it by; options come on top."""
    body = chat_request("m", "?", 0.0, 10, {"seed": 1})
    assert body == {
        "model": "m", "messages": [{"role": "user", "content": "?"}], "temperature": 0.0, "max_tokens": 10, "seed": 1,
    }  # fmt: skip
    renamed = chat_request("m", "?", 0.0, 10, {"max_completion_tokens": 500})
    assert "max_tokens" not in renamed
    assert renamed["max_completion_tokens"] == 500


@pytest.mark.parametrize(
    ("content", "message", "text", "reasoned"),
    [
        ("[1]", {}, "[1]", False), ([{"type": "text", "text": "[2]"}, {"text": " > [1]"}], {}, "[2] > [1]", False),
        (None, {"reasoning_content": "hm"}, "", True), ("", {"reasoning": "hm"}, "", True), (None, {}, "", False),
        ([{"type": "image"}, "x", None], {}, "", False), ("[1]", {"refusal": "no"}, "[1]", False), (5, {}, "", False),
    ],
)  # fmt: skip
def test_an_answer_is_found_in_every_form(
    content: Any, message: dict[str, Any], text: str, *, reasoned: bool
) -> None:
    """Text, parts, nothing: reasoning beside an answer is told, and is no answer."""
    reply = read_chat(orjson.loads(chat_reply(content, message=message)))
    assert (reply.text, reply.reasoned, reply.cut, reply.model) == (text, reasoned, False, "m")


@pytest.mark.parametrize(
    ("usage", "tokens", "written"),
    [
        ({"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}, 100, 10),
        ({"prompt_tokens": 90, "completion_tokens": 10}, 100, 10),
        ({"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 300}, 300, 210),  # reasoning, untold
        ({"total_tokens": 100}, 100, None), ({"prompt_tokens": 90}, None, None), ({}, None, None), (None, None, None),
    ],
)  # fmt: skip
def test_tokens_are_told_or_unknown(usage: Any, tokens: int | None, written: int | None) -> None:
    """What was not read was written; what is not told is None and never 0."""
    found = read_chat(orjson.loads(chat_reply("[1]", usage=usage))).usage
    assert (found.tokens, found.output_tokens) == (tokens, written)


@pytest.mark.parametrize(
    ("body", "said", "passes"),
    [
        ({"error": {"message": "upstream is busy"}}, "holds no message: upstream is busy", True),
        ({"choices": []}, "holds no message", True), ([], "holds no message", True), (None, "holds no message", True),
        ({"choices": [{"message": {"content": None, "refusal": "I won't"}}]}, "refuses to answer: I won't", False),
    ],
)  # fmt: skip
def test_a_reply_without_a_message_is_a_failure(body: Any, said: str, *, passes: bool) -> None:
    """An error in a good reply may pass; a model that refuses, refuses again."""
    with pytest.raises(CallError, match=said) as told:
        read_chat(body)
    assert told.value.kind == "reply"
    assert told.value.remedy.transient is passes


def test_a_call_weighs_all_its_windows() -> None:
    """Requests, characters and answers are those of every window of every pass; long documents count as cut."""
    settings = settings_of(passes=2, max_document_characters=100, max_answer_tokens=50)
    documents = ("x" * 300,) * 45
    weight = settings.weigh("query", documents)
    asked = [
        len(ask_for_order("query", ["x" * 100] * (end - start), settings.instruction))
        for start, end in settings.spans(45)
    ]
    assert weight.requests == len(asked) == 8
    assert weight.characters == pytest.approx(sum(asked), rel=0.01)
    assert weight.answer_tokens == 2 * (20 + 20 + 20 + 15) * 5
    assert weight.most_answer_tokens == 8 * 50
    assert settings_of(options={"max_completion_tokens": 7}).weigh("q", ("d",)).most_answer_tokens == 7


def test_a_budget_reserves_all_windows_and_learns_from_all() -> None:
    """Before a reply the estimate is cautious; after it, for other lists, too, what was seen and a quarter more."""
    settings = settings_of(max_answer_tokens=50)
    estimate = TokenEstimate(settings.traffic())

    def request(count: int) -> RerankRequest:
        return RerankRequest("q", "query", ("document",) * count, tuple(map(str, range(count))))

    sent = {count: settings.weigh("query", ("document",) * count).characters for count in (10, 100)}
    before = estimate.usage(request(10))
    assert before.tokens == pytest.approx(sent[10] * 0.4 + 50, abs=1)
    assert before.output_tokens == 50
    estimate.learn(request(10), round(sent[10] * 0.3))
    assert estimate.usage(request(100)).tokens == pytest.approx(sent[100] * 0.3 * 1.25 + 9 * 50, rel=0.01)
    assert estimate.requests(request(100)) == 9


def test_a_call_of_several_requests_counts_as_several() -> None:
    """Limits per minute are those of requests: two calls of four fit under ten, and a third waits."""
    now = [0.0]
    pace = RateLimiter(10, None, lambda: now[0])
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    for _ in range(3):
        pace.wait_turn(0, sleep, 4)
    assert waits == [60.0]


@pytest.mark.parametrize(
    ("rates", "usage", "cost"),
    [
        ((2.0, None), Usage(tokens=1000, output_tokens=100), 0.002),
        ((2.0, 12.0), Usage(tokens=1000, output_tokens=100), 0.003),
        ((0.0, 12.0), Usage(tokens=1000, output_tokens=100), 0.0012),
        ((2.0, 12.0), Usage(tokens=1000), None),
        ((2.0, 12.0), Usage(), None),
        ((0.0, 0.0), Usage(), 0.0),
    ],
)
def test_tokens_read_and_written_have_their_own_rates(
    rates: tuple[float, float | None], usage: Usage, cost: float | None
) -> None:
    """A cost is told where the reply tells what it takes, and unknown otherwise."""
    price = ChatPrice(
        usd_per_million_tokens=rates[0], usd_per_million_output_tokens=rates[1], as_of=date(2026, 11, 22)
    )
    assert price.of(usage) == (None if cost is None else pytest.approx(cost))


def answer(start_s: float, usage: Usage, *times: ServerTime) -> Answer:
    """Return an answer whose stations are 1, 2 and 4 seconds apart."""
    line = Timeline(start_s, start_s + 1, start_s + 3, start_s + 7)
    return Answer(Permutation((0,), 1), usage, times, "m", False, None, line)


def test_windows_add_up_and_what_one_does_not_tell_is_unknown() -> None:
    """Tokens, times and stations are sums; a gap between two windows is in none of them."""
    work = ServerTime("x", 0.5, "request")
    both = [
        answer(0.0, Usage(tokens=5, output_tokens=2, cost_usd=0.25), work),
        answer(100.0, Usage(tokens=7), work),
    ]
    assert total_usage(both) == Usage(tokens=12)
    assert total_usage(both[:1]) == both[0].usage
    assert total_times(both) == (ServerTime("x", 1.0, "request"),)
    assert total_times([*both, answer(0.0, Usage())]) == ()
    assert end_to_end(both) == Timeline(93.0, 95.0, 99.0, 107.0)
    assert end_to_end(both[:1]) == both[0].timeline


def test_unfinished_calls_are_kept_by_name_and_not_without_end() -> None:
    """Answers come back once, to the call they are of; the oldest go first, and nameless calls keep nothing."""
    unfinished = UnfinishedCalls()
    one = [answer(0.0, Usage())]
    unfinished.keep("", one)
    unfinished.keep("a", one)
    assert unfinished.take("") == unfinished.take("b") == []
    assert unfinished.take("a") is one
    assert unfinished.take("a") == []
    for number in range(MOST_UNFINISHED + 1):
        unfinished.keep(f"call {number}", one)
    assert unfinished.take("call 0") == []
    assert unfinished.take("call 1") is one
