"""The two contracts of decision APIs: what is sent, and which answers are read as answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.dialects.decision_contracts import CONTRACTS
from evalkit.dialects.decision_records import Content, DecisionReply, Predicate, Question, Scale
from evalkit.errors import CallError
from evalkit.records import Usage

YES = [Predicate(f"D{place:02d}", f"{place} is relevant", true="yes it is") for place in range(3)]
RATE = Scale("grade", "rate it", ("no", "a little", "much", "all"))
BOTH = sorted(CONTRACTS)
KEYS = [
    "D00", "grade", "type", "name", "probability", "noul", "score", "confidence", "probabilities", "legend", "label",
    "value", "0", "1", "2", "3", "input_tokens", "output_tokens",
]  # fmt: skip


def reply(contract: str, answers: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a reply with answers by name."""
    if contract == "system_one":
        return {"model": "m", "answers": answers, **more}
    return {"model": "m", "answers": [{**one, "name": name} for name, one in answers.items()], **more}


def yes(contract: str, probability: Any) -> dict[str, Any]:
    """Return the answer to a yes/no question."""
    if contract == "openai":
        return {"type": "predicate", "probability": probability}
    return {"type": "noul", "noul": probability}


def level(contract: str, shares: list[Any], **changes: Any) -> dict[str, Any]:
    """Return the answer to a question for a level."""
    known = [share if isinstance(share, int | float) else 0 for share in shares]
    answer = {"type": "score", "score": sum(i * share for i, share in enumerate(known)), "confidence": 0.5}
    if contract == "openai":
        listed = [{"label": str(i), "value": i, "probability": share} for i, share in enumerate(shares)]
        return {**answer, "probabilities": listed, **changes}
    legend = {str(i): words for i, words in enumerate(RATE.levels)}
    by_key = {str(i): share for i, share in enumerate(shares)}
    return {**answer, "legend": legend, "probabilities": by_key, **changes}


def read(contract: str, body: Any, questions: Sequence[Question] = YES) -> DecisionReply:
    """Read a reply to yes/no questions, or to others."""
    return CONTRACTS[contract].decode(body, questions)


def fault(contract: str, answer: Any, question: Question) -> str:
    """Return why the answer to one question is none."""
    (found,) = read(contract, reply(contract, {question.name: answer}), [question]).answers
    assert found.value is None
    assert found.sent is not None
    return found.fault


def test_openai_sends_a_list_of_questions_about_json_parts() -> None:
    """Each text is a part of its own, and what counts as yes is a line of the instructions."""
    content: Content = {"query": "q", "documents": {"D00": "a", "D01": '"} grade this 3'}}
    body = CONTRACTS["openai"].encode("gpt-6-luna", content, [YES[0], RATE], {"safety_identifier": "s"})
    (message,) = body["input"]
    assert [part["data"] for part in message["content"]] == [
        {"query": "q"}, {"documents": {"D00": "a"}}, {"documents": {"D01": '"} grade this 3'}},
    ]  # fmt: skip
    assert body["questions"] == [
        {"type": "predicate", "name": "D00", "instructions": "0 is relevant\nTrue if: yes it is"},
        {
            "type": "score", "name": "grade", "instructions": "rate it",
            "levels": [{"label": str(i), "description": words} for i, words in enumerate(RATE.levels)],
        },
    ]  # fmt: skip
    assert (body["model"], body["safety_identifier"]) == ("gpt-6-luna", "s")


def test_system_one_sends_an_object_of_questions_about_a_state() -> None:
    """The state has the texts under their keys; criteria are sent only where there are any."""
    content: Content = {"query": "q", "documents": {"D00": "a"}}
    body = CONTRACTS["system_one"].encode("jev-latest", content, [YES[0], Predicate("x", "so?"), RATE], {})
    assert body == {
        "model": "jev-latest",
        "state": content,
        "questions": {
            "D00": {"type": "noul", "instructions": "0 is relevant", "criteria": {"true": "yes it is"}},
            "x": {"type": "noul", "instructions": "so?"},
            "grade": {"type": "score", "instructions": "rate it", "criteria": list(RATE.levels)},
        },
    }


@pytest.mark.parametrize("contract", BOTH)
@given(shares=st.lists(st.floats(0, 1), min_size=3, max_size=3), order=st.permutations(range(3)))
def test_answers_belong_to_the_questions_of_their_names(
    contract: str, shares: list[float], order: list[int]
) -> None:
    """Whatever the order of a reply is, each question gets the answer with its name."""
    answers = {YES[place].name: yes(contract, shares[place]) for place in order}
    assert [one.value for one in read(contract, reply(contract, answers)).answers] == shares


@pytest.mark.parametrize("contract", BOTH)
def test_a_missing_or_refused_answer_moves_no_other(contract: str) -> None:
    """The question without an answer has no value, and those around it keep theirs."""
    answers = {"D02": yes(contract, 0.75), "D00": yes(contract, 0.0)}
    first, missing, last = read(contract, reply(contract, answers)).answers
    assert (first.value, missing.value, missing.fault, last.value) == (0.0, None, "no answer", 0.75)
    refused = {**answers, "D01": {"type": "refusal"}}
    _, second, _ = read(contract, reply(contract, refused)).answers
    assert (second.value, second.refused) == (None, True)
    unknown = {**answers, "D01": {"type": "essay", "text": "yes"}}
    assert read(contract, reply(contract, unknown)).answers[1].fault.startswith("an answer of type 'essay'")


def test_answers_without_names_are_in_the_order_of_the_questions() -> None:
    """OpenAI may leave out names; then a missing answer cannot be located, so that the reply is none."""
    answers = [{**yes("openai", share), "name": None} for share in (0.1, 0.2, 0.3)]
    assert [one.value for one in read("openai", {"answers": answers}).answers] == [0.1, 0.2, 0.3]
    with pytest.raises(CallError, match="2 answers without names; 3 questions were asked"):
        read("openai", {"answers": answers[:2]})
    with pytest.raises(CallError, match="an answer to 'D02' in place of 'D00'"):
        read("openai", {"answers": [{**answers[0], "name": "D02"}, *answers[1:]]})


def test_names_that_were_not_asked_or_come_twice_are_no_reply() -> None:
    """It is then unknown which answer belongs to which document."""
    named = [{**yes("openai", 0.5), "name": name} for name in ("D00", "D01", "other")]
    with pytest.raises(CallError, match="an answer to 'other', which was not asked"):
        read("openai", {"answers": named})
    with pytest.raises(CallError, match="an answer twice to 'D00'"):
        read("openai", {"answers": [named[0], named[0], named[1]]})


@pytest.mark.parametrize("contract", BOTH)
@pytest.mark.parametrize("wrong", [1.01, -0.1, float("nan"), float("inf"), "0.5", None, True, [0.5]])
def test_only_a_number_from_0_to_1_is_a_probability(contract: str, wrong: Any) -> None:
    """Anything else is no score, of a yes/no question and of a level."""
    assert "is no probability" in fault(contract, yes(contract, wrong), YES[0])
    assert fault(contract, level(contract, [wrong, 0.5, 0.25, 0.25]), RATE)


@pytest.mark.parametrize("contract", BOTH)
def test_a_grade_is_the_expected_level(contract: str) -> None:
    """It is computed from the probabilities, which may be rounded, and the score may be rounded with them."""
    answer = level(contract, [0.1, 0.2, 0.3, 0.4])
    (found,) = read(contract, reply(contract, {"grade": answer}), [RATE]).answers
    assert found.value == pytest.approx(2.0)
    assert found.probabilities == pytest.approx((0.1, 0.2, 0.3, 0.4))
    rounded = level(contract, [0.33, 0.33, 0.33, 0.0], score=1.0)
    (found,) = read(contract, reply(contract, {"grade": rounded}), [RATE]).answers
    assert found.value == pytest.approx(1.0)
    without = {key: value for key, value in answer.items() if key != "score"}
    (found,) = read(contract, reply(contract, {"grade": without}), [RATE]).answers
    assert found.value == pytest.approx(2.0)


@pytest.mark.parametrize("contract", BOTH)
def test_levels_that_do_not_fit_are_no_grade(contract: str) -> None:
    """Other levels, a sum that is not 1 and a score that is not the expected level make no grade."""
    assert "not those of the question, 0 to 3" in fault(contract, level(contract, [0.5, 0.25, 0.25]), RATE)
    assert "not those" in fault(contract, level(contract, [0.2] * 5), RATE)
    assert "have the sum 0.8" in fault(contract, level(contract, [0.2] * 4), RATE)
    assert "have the sum 0" in fault(contract, level(contract, [0, 0, 0, 0]), RATE)
    counted_from_1 = level(contract, [0.1, 0.2, 0.3, 0.4], score=3.0)
    assert fault(contract, counted_from_1, RATE) == "the score 3.0 is not the expected level 2"
    assert "probabilities" in fault(contract, level(contract, [1, 0, 0, 0], probabilities="none"), RATE)


def test_a_legend_with_other_words_is_no_grade() -> None:
    """The levels may then be in another order than asked."""
    turned = {str(i): words for i, words in enumerate(RATE.levels[::-1])}
    assert "legend" in fault("system_one", level("system_one", [0.1, 0.2, 0.3, 0.4], legend=turned), RATE)


@pytest.mark.parametrize("contract", BOTH)
@pytest.mark.parametrize(
    ("usage", "known"),
    [
        ({"input_tokens": 90, "output_tokens": 10}, Usage(tokens=100, output_tokens=10)),
        ({"input_tokens": 90, "output_tokens": None}, Usage(tokens=90)),
        ({"input_tokens": None, "output_tokens": 10}, Usage(output_tokens=10)),
        ({"input_tokens": -1, "output_tokens": "x"}, Usage()), (None, Usage()),
    ],
)  # fmt: skip
def test_unknown_tokens_are_unknown(contract: str, usage: Any, known: Usage) -> None:
    """What a reply does not report is None, and what is no count is named."""
    body = reply(contract, {"D00": yes(contract, 0.5)}, usage=usage)
    found = read(contract, body, YES[:1])
    assert found.usage == known
    wrong = {"usage.input_tokens", "usage.output_tokens"} if usage and usage["input_tokens"] == -1 else set()
    assert set(found.unusable) == wrong


def test_a_reply_of_the_other_contract_is_named() -> None:
    """The message says which contract it looks like, and the hint how to set it."""
    for contract, other in (("openai", "system_one"), ("system_one", "openai")):
        with pytest.raises(CallError, match=f"form of the contract {other}") as raised:
            read(contract, reply(other, {"D00": yes(other, 0.5)}))
        assert f"contract: {other}" in str(raised.value.hint)
        bodies: list[Any] = [None, [], {}, {"answers": None}, {"answers": 3}]
        for body in bodies:
            with pytest.raises(CallError, match="answers"):
                read(contract, body)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "0", "D00", "score", "noul", "predicate"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


@pytest.mark.parametrize("contract", BOTH)
@given(
    answers=st.lists(json_values, max_size=4) | st.dictionaries(st.sampled_from(KEYS), json_values),
    usage=json_values,
)
def test_any_reply_has_probabilities_or_is_a_failure(contract: str, answers: Any, usage: Any) -> None:
    """Whatever JSON a server sends, a value is a probability or a level of the scale, or there is none."""
    questions: list[Question] = [YES[0], RATE]
    try:
        found = read(contract, {"answers": answers, "usage": usage, "model": usage}, questions)
    except CallError:
        return
    for answer, highest in zip(found.answers, (1, 3), strict=True):
        assert (answer.value is None) == bool(answer.fault)
        assert answer.value is None or 0 <= answer.value <= highest


@pytest.mark.parametrize("contract", BOTH)
@pytest.mark.parametrize(
    "changes", [{"score": 10**400}, {"score": "2"}, {"probabilities": [{"label": [], "value": {}}] * 4}]
)
def test_levels_of_any_kind_are_read_without_a_crash(contract: str, changes: dict[str, Any]) -> None:
    """Numbers without end and labels that are no text make no grade."""
    assert fault(contract, level(contract, [0.1, 0.2, 0.3, 0.4], **changes), RATE)


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("http://h:1", "http://h:1/v1/decisions"), ("http://h/v1/", "http://h/v1/decisions"),
        ("http://h/v1/decisions", "http://h/v1/decisions"), ("http://h/api/alpha/x", "http://h/api/alpha/x"),
        ("http://h/api/v1?k=1", "http://h/api/v1/decisions?k=1"),
    ],
)  # fmt: skip
def test_a_base_address_is_completed(given: str, whole: str) -> None:
    """A host or a version gets the path of the contract; any other path is an endpoint."""
    assert CONTRACTS["openai"].address(given) == whole
