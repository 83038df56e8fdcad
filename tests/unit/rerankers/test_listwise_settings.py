"""Settings of `listwise`: what is refused, the question, the weight of a call, prices."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.listwise import settings_of
from support.stand_in_chat import Question

from evalkit.config import reranker_settings
from evalkit.errors import ConfigError
from evalkit.records import Usage
from evalkit.rerankers.chat import chat_request
from evalkit.rerankers.chat_access import ChatPrice
from evalkit.rerankers.list_questions import ask_for_order, one_line


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"step": 20}, "needs a step below window 20"), ({"window": 1}, "greater than or equal to 2"),
        ({"url": "localhost:8000"}, "must start with http"), ({"temperature": 3}, "less than or equal to 2"),
        ({"options": {"stream": True}}, "must not set option 'stream': the listwise backend sets it"),
        ({"options": {"max_tokens": 5}}, "option 'max_tokens'"), ({"unreadable": "skip"}, "'fail' or 'keep'"),
        ({"price": {"usd_per_thousand_requests": 1, "as_of": "2026-11-22"}}, "a chat API bills tokens"),
        ({"pointwise": True}, "unknown key 'pointwise'"), ({"headers": {"api-key": "k"}}, "must not contain a key"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any], said: str) -> None:
    """What would give no order, another reply or a wrong price is reported before anything is sent."""
    with pytest.raises(ConfigError) as raised:
        settings_of(**wrong)
    assert said in raised.value.message


def test_url_and_model_are_asked_for() -> None:
    """There is no public address to fall back on, and no model that every server has."""
    with pytest.raises(ConfigError) as raised:
        reranker_settings({"backend": "listwise"})
    assert "key 'url' is missing" in raised.value.message
    assert "key 'model' is missing" in raised.value.message


def test_it_is_never_pointwise_and_its_name_may_move() -> None:
    """The settings say so as the reranker does, and a model's moving name is reported."""
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
    """A cost is reported where the reply holds what it takes, and unknown otherwise."""
    price = ChatPrice(
        usd_per_million_tokens=rates[0], usd_per_million_output_tokens=rates[1], as_of=date(2026, 11, 22)
    )
    assert price.of(usage) == (None if cost is None else pytest.approx(cost))
