"""Log-probabilities of first tokens: which are read, what they mean, and which are no probabilities."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import CallError
from evalkit.rerankers.token_probabilities import answer_shares, first_token

WORDS = {"yes": True, "no": False}


def entry(token: str, *tops: tuple[str, float | None], logprob: float = -0.1) -> dict[str, Any]:
    """Return an entry as servers write it."""
    listed = [{"token": one, "logprob": value, "bytes": None} for one, value in tops]
    return {"token": token, "logprob": logprob, "top_logprobs": listed}


def meant(tokens: dict[str, float]) -> dict[bool, float]:
    """Return the shares of yes and no."""
    return answer_shares(tokens, (True, False), lambda word: WORDS.get(word.lower()))


def test_spellings_of_a_word_add_up() -> None:
    """Case, spaces, marks of raw tokens and punctuation make no other word; a longer word is another one."""
    tokens = {
        "Yes": 0.3,
        " yes": 0.1,
        "\u2581YES": 0.1,
        "\u0120Yes": 0.1,
        "**No": 0.2,
        "no.": 0.1,
        "Not": 0.1,
    }
    shares = meant(tokens)
    assert shares[True] == pytest.approx(0.6)
    assert shares[False] == pytest.approx(0.3)


def test_white_space_before_the_answer_is_skipped() -> None:
    """A line break is no answer: the next token is the first."""
    blank = entry("\n\n", ("\n\n", -0.1), ("Yes", -3.0))
    first = entry("No", ("No", math.log(0.7)), ("Yes", math.log(0.2)))
    assert first_token({"content": [blank, first]}) == pytest.approx({"No": 0.7, "Yes": 0.2})


def test_the_written_token_counts_though_it_is_not_listed() -> None:
    """A sampled token may be outside of the most probable ones."""
    found = first_token({"content": [entry("No", ("Yes", -0.1), ("The", -5.0), logprob=-4.0)]})
    assert found["No"] == pytest.approx(math.exp(-4.0))


def test_a_probability_of_0_has_no_logarithm() -> None:
    """Servers write null or -9999 for it."""
    found = first_token({"content": [entry("Yes", ("Yes", 0.0005), ("No", None), ("The", -9999.0))]})
    assert found == {"Yes": 1.0, "No": 0.0, "The": 0.0}


@pytest.mark.parametrize(
    ("logprobs", "said"),
    [
        (None, "no log-probabilities"), ({}, "no log-probabilities"), ({"content": []}, "no log-probabilities"),
        ({"content": "Yes"}, "no log-probabilities"), ([], "no log-probabilities"),
        ({"tokens": ["Yes"], "token_logprobs": [-0.1]}, "no log-probabilities"),
        ({"content": [{"token": " ", "logprob": 0}]}, "no log-probabilities"),
        ({"content": [{"token": "Yes", "logprob": -0.1}]}, "written token only"),
        ({"content": [entry("Yes", ("Yes", -0.1))]}, "written token only"),
        ({"content": [entry("Yes", ("Yes", 0.9), ("No", 0.1))]}, "0.9 is none"),
        ({"content": [entry("Yes", ("Yes", True), ("No", -1.0))]}, "True is none"),
        ({"content": [entry("Yes", ("Yes", float("nan")), ("No", -1.0))]}, "nan is none"),
        ({"content": [entry("Yes", ("Yes", -0.1), ("yes", -0.1))]}, "the sum 1.81"),
    ],
)  # fmt: skip
def test_what_is_no_probability_is_refused(logprobs: Any, said: str) -> None:
    """No form of a reply is guessed: a missing alternative, a probability in place of its logarithm, or too much."""
    with pytest.raises(CallError, match=said):
        first_token(logprobs)


@given(st.floats(0, 1), st.floats(0, 1))
def test_less_than_half_of_the_probability_is_no_answer(yes: float, share: float) -> None:
    """Where the model mostly says something else, the ratio of the rest is no answer."""
    tokens = {"Yes": yes * share, "No": (1 - yes) * share, "The": 1 - share}
    if math.fsum(list(tokens.values())[:2]) >= 0.5:
        assert set(meant(tokens)) == {True, False}
    else:
        with pytest.raises(CallError, match="one of the answers with probability"):
            meant(tokens)
