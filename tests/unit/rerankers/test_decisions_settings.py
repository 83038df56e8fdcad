"""Settings of `decisions`: what is refused, the wording as part of the identity, limits and weights of a call."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.config import reranker_settings
from evalkit.errors import ConfigError
from evalkit.records import Usage
from evalkit.rerankers.decisions_settings import DecisionsSettings, keys_of


def settings_of(**more: Any) -> DecisionsSettings:
    """Return settings with what they cannot do without."""
    settings = reranker_settings(
        {"backend": "decisions", "contract": "openai", "shape": "list", "model": "gpt-6-luna", **more}
    )
    assert isinstance(settings, DecisionsSettings)
    return settings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"contract": "jev"}, "'openai' or 'system_one'"), ({"contract": None}, "contract"),
        ({"shape": "pairs"}, "'list' or 'single'"), ({"shape": None}, "shape"), ({"model": None}, "model"),
        ({"question": "Is it relevant?"}, "must contain {document} exactly once"),
        ({"question": "{document} {document}"}, "exactly once (found: 2)"),
        ({"question": "Does {document} answer {query}?"}, "must not contain {query}"),
        ({"options": {"questions": []}}, "must not set option 'questions'"),
        ({"url": "localhost:1"}, "must start with http"), ({"max_tokens": 0}, "max_tokens"),
        ({"headers": {"api-key": "k"}}, "must not contain a key"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any], said: str) -> None:
    """A contract and a shape are named, never guessed, and a question names its document."""
    kept = {key: value for key, value in wrong.items() if value is not None}
    block: dict[str, Any] = {
        "backend": "decisions",
        "contract": "openai",
        "shape": "list",
        "model": "m",
        **kept,
    }
    with pytest.raises(ConfigError) as raised:
        reranker_settings({key: value for key, value in block.items() if key not in wrong or key in kept})
    assert said in raised.value.message


def test_the_public_address_follows_from_the_contract() -> None:
    """A configuration that names the contract needs no url; a base is completed."""
    assert settings_of().url == "https://api.openai.com/v1/decisions"
    assert settings_of(contract="system_one").url == "https://api.typesafe.ai/v1/systemone"
    assert settings_of(contract="system_one", url="http://h:1/v1").url == "http://h:1/v1/systemone"


def test_the_wording_is_part_of_the_identity() -> None:
    """Another question, another description or another shape has other scores; limits have none."""
    assert not {"question", "true", "false", "shape", "contract", "model"} & DecisionsSettings.immaterial
    assert {"max_documents", "max_tokens", "price", "retries"} <= DecisionsSettings.immaterial


def test_limits_are_those_of_the_contract_or_lower() -> None:
    """OpenAI takes 400 questions; System One has a limit of tokens only; `single` sends one document."""
    assert (settings_of().most_documents(), settings_of(max_documents=9).most_documents()) == (400, 9)
    assert settings_of(max_documents=1000).most_documents() == 400
    system_one = settings_of(contract="system_one")
    assert (system_one.most_documents(), system_one.traffic().max_tokens) == (None, 32_000)
    assert settings_of(contract="system_one", max_tokens=9).traffic().max_tokens == 9
    single = settings_of(shape="single")
    assert (single.most_documents(), single.is_pointwise, settings_of().is_pointwise) == (1, True, False)


def test_a_question_names_the_field_of_its_document() -> None:
    """With an instruction of the query, the question refers to its field, too."""
    settings = settings_of(question="Good: {document}?", true="yes", false="")
    asked = settings.ask_about("D07", instructed=False)
    assert (asked.name, asked.instructions, asked.true, asked.false) == (
        "D07",
        "Good: documents.D07?",
        "yes",
        "",
    )
    assert settings.ask_about("", instructed=False).instructions == "Good: document?"
    assert "`instruction`" in settings.ask_about("", instructed=True).instructions


@given(documents=st.lists(st.text(max_size=20), max_size=5), query=st.text(max_size=20))
def test_a_list_has_the_query_once_and_single_has_it_every_time(documents: list[str], query: str) -> None:
    """The weights differ by the repeated query alone."""
    texts = tuple(documents)
    listed, single = (settings_of(shape=shape).weigh(query, texts) for shape in ("list", "single"))
    assert single.characters - listed.characters == len(query) * (len(texts) - 1)
    assert (listed.requests, single.requests) == (1, len(texts))


def test_keys_have_as_many_digits_as_they_need() -> None:
    """No key is the beginning of another, and their order is that of the documents."""
    assert keys_of(2) == ["D00", "D01"]
    assert keys_of(101)[-1] == "D100"
    assert sorted(keys_of(250)) == keys_of(250)


@pytest.mark.parametrize(
    ("more", "usage", "cost"),
    [
        ({}, Usage(tokens=1_000_010, output_tokens=10), 0.1), ({}, Usage(tokens=1_000_000), 0.1), ({}, Usage(), None),
        ({"usd_per_million_output_tokens": 1}, Usage(tokens=2_000_000, output_tokens=1_000_000), 1.1),
        ({"usd_per_million_output_tokens": 1}, Usage(tokens=10), None),
    ],
)  # fmt: skip
def test_only_tokens_that_are_read_cost_by_default(
    more: dict[str, Any], usage: Usage, cost: float | None
) -> None:
    """Output tokens are free unless they have a price; unknown tokens have an unknown cost."""
    price = settings_of(price={"usd_per_million_tokens": 0.1, "as_of": "2026-11-28", **more}).price
    assert price is not None
    found = price.of(usage)
    assert found is None if cost is None else found == pytest.approx(cost)
