"""The server's side of decision APIs: what the client asks is read back, and all else is refused by its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.decision_requests import BOTH, FORMS, STATUS, body_of, listed

from evalkit.dialects import WireError
from evalkit.dialects.decision_contracts import CONTRACTS
from evalkit.dialects.decision_records import OUR_WORDING, RelevanceWording

GOOD = RelevanceWording("Is ", " any good?", "It is good.", "It is bad.")
WORDINGS = (GOOD,)


def refused(contract: str, body: Any) -> tuple[str, str]:
    """Return parameter and message of a refusal, in the contract's own form and status."""
    form = FORMS[contract](WORDINGS)
    with pytest.raises(WireError) as caught:
        form.decode_request(body)
    assert caught.value.status == STATUS[contract]
    shown = form.encode_error(caught.value)
    if contract == "openai":
        error = shown["error"]
        assert set(error) == {"message", "type", "code", "param"}
        assert error["type"] == "invalid_request_error"
        return str(error["param"]), error["message"]
    (detail,) = shown["detail"]
    assert set(detail) == {"loc", "msg", "type"}
    assert detail["loc"][0] == "body"
    return ".".join(detail["loc"][1:]), detail["msg"]


def answered(contract: str, body: Any, *probabilities: float) -> Any:
    """Return the answers to a request whose documents have these probabilities."""
    form = FORMS[contract](WORDINGS)
    request = form.decode_request(body)
    assert len(request.documents) == len(probabilities)
    return form.encode_response(request, probabilities, 3)["answers"]


def one_question(contract: str, **changes: Any) -> dict[str, Any]:
    """Return a request with the first question changed."""
    body = body_of(contract)
    questions = body["questions"]
    first = questions[0] if contract == "openai" else questions["D00"]
    changed = {**first, **changes}
    body["questions"] = [changed] if contract == "openai" else {"D00": changed}
    return body


def first_path(contract: str) -> str:
    """Return the path of the first question."""
    return "questions.0" if contract == "openai" else "questions.D00"


@given(
    texts=st.lists(st.text(max_size=30), min_size=1, max_size=4),
    query=st.text(max_size=20),
    contract=st.sampled_from(BOTH),
    instruction=st.text(max_size=8),
    single=st.booleans(),
)
def test_whatever_the_texts_hold_the_service_reads_back_what_was_asked(
    texts: list[str], query: str, contract: str, instruction: str, single: bool
) -> None:
    """Texts that look like fields, keys or questions change nothing."""
    content, questions = listed(tuple(texts), instruction)
    content = {**content, "query": query}
    if single:
        texts = texts[:1]
        content = {key: value for key, value in content.items() if key != "documents"} | {
            "document": texts[0]
        }
        questions = [OUR_WORDING.ask("document", "document", instructed=bool(instruction))]
    request = FORMS[contract]().decode_request(CONTRACTS[contract].encode("m", content, questions, {}))
    assert (request.query, request.documents, request.instruction) == (query, tuple(texts), instruction)
    assert [one.document for one in request.questions] == list(range(len(texts)))


@given(text=st.text(max_size=40), query=st.text(max_size=20), contract=st.sampled_from(BOTH))
def test_a_document_within_its_question_is_found_whole(text: str, query: str, contract: str) -> None:
    """If the content is the query alone, the question contains the document."""
    wording = RelevanceWording("Is this relevant: ", " (yes or no)")
    question = wording.ask("x", text, instructed=False)
    body = CONTRACTS[contract].encode("m", {"query": query}, [question], {})
    for content in ({}, {CONTRACTS[contract].content_key: query}):
        request = FORMS[contract]([wording]).decode_request({**body, **content})
        assert (request.query, request.documents) == (query, (text,))


@pytest.mark.parametrize("contract", BOTH)
def test_declared_wordings_are_answered_and_others_are_refused(contract: str) -> None:
    """A question that the service cannot read might ask for the contrary: it is refused with the setting to change."""
    content, _ = listed()
    asked = [GOOD.ask("x", "D01", instructed=False), GOOD.rate("y", "documents.D01", instructed=False)]
    body = CONTRACTS[contract].encode("m", content, asked, {})
    assert FORMS[contract](WORDINGS).decode_request(body).documents == ("bb",)
    answers = answered(contract, body, 0.75)
    yes, score = answers if contract == "openai" else (answers["x"], answers["y"])
    assert yes[CONTRACTS[contract].probability_key] == 0.75
    assert (score["score"], score["confidence"]) == (0.75, 0.75)
    turned = replace(GOOD, true=GOOD.false, false=GOOD.true)
    for wrong in (turned.ask("x", "D01", instructed=False), turned.rate("x", "D01", instructed=False)):
        _, message = refused(contract, CONTRACTS[contract].encode("m", content, [wrong], {}))
        assert "service.decision_questions" in message
    path, message = refused(contract, one_question(contract, instructions="`documents.D00` is irrelevant."))
    assert path == first_path(contract)
    assert "in no wording that this service knows" in message


@pytest.mark.parametrize("contract", BOTH)
@pytest.mark.parametrize(
    "levels", [("no", "yes"), ("Not relevant", "Relevant"), ("It is bad.", "It is good.")]
)
def test_two_levels_share_the_probability(contract: str, levels: tuple[str, str]) -> None:
    """The answer to a score question is the distribution over its own two levels, and their expected value."""
    if contract == "openai":
        scale = {"levels": [{"label": levels[0]}, {"label": levels[1]}]}
    else:
        scale = {"criteria": list(levels)}
    body = one_question(contract, type="score", instructions=f"{GOOD.before}D02{GOOD.after}", **scale)
    answers = answered(contract, body, 0.75)
    if contract == "openai":
        (answer,) = answers
        shares = [(one["value"], one["label"], one["probability"]) for one in answer["probabilities"]]
        assert shares == [(0, levels[0], 0.25), (1, levels[1], 0.75)]
    else:
        answer = answers["D00"]
        assert answer["legend"] == {"0": levels[0], "1": levels[1]}
        assert answer["probabilities"] == {"0": 0.25, "1": 0.75}
    assert answer["score"] == 0.75


@pytest.mark.parametrize("contract", BOTH)
def test_what_no_reranker_answers_is_refused_by_name(contract: str) -> None:
    """Choices, more than two levels, images, unknown fields and keys: each refusal names its place."""
    where, key = first_path(contract), CONTRACTS[contract].content_key
    for kind in ("choice", "box", "haiku"):
        path, message = refused(contract, one_question(contract, type=kind))
        assert path == f"{where}.type"
        assert repr(kind) in message
    content, _ = listed()
    four = CONTRACTS[contract].encode("m", content, [OUR_WORDING.ask("x", "D00", instructed=False)], {})
    levels = ["0", "1", "2", "3"]
    scale = {"levels": [{"label": one} for one in levels]} if contract == "openai" else {"criteria": levels}
    question = {"type": "score", "instructions": "Rate it.", **scale}
    four["questions"] = [question] if contract == "openai" else {"D00": question}
    path, message = refused(contract, four)
    assert path == where
    assert "one of 4 levels" in message
    path, message = refused(contract, one_question(contract, temperature=0))
    assert path == f"{where}.temperature"
    path, message = refused(contract, body_of(contract, temperature=0))
    assert path == "temperature"
    strange = {"query": "q", "locale": "de", "document": "a"}
    data = [{"role": "user", "content": [{"type": "input_json", "data": strange}]}]
    path, message = refused(contract, body_of(contract, **{key: data if contract == "openai" else strange}))
    assert path == f"{key}.locale"
    assert "query, instruction, document, documents" in message
    nowhere = OUR_WORDING.ask("D00", "documents.D77", instructed=False)
    path, message = refused(contract, CONTRACTS[contract].encode("m", content, [nowhere], {}))
    assert path == where
    assert "names no document" in message


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ([{"role": "system", "content": "q"}], "input.0"),
        ([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}], "input.0.content.0"),
        ([{"type": "function_call", "name": "f", "call_id": "c", "arguments": ""}], "input.0"),
        ([{"role": "user", "content": "q"}, {"role": "user", "content": "r"}], "input"),
        ([{"role": "user", "content": [{"type": "input_json", "data": 3}]}], "input.0.content.0.data"),
        ([], "input"),
        ([3], "input.0"),
        (3, "input"),
    ],
)
def test_content_that_is_no_query_with_documents_is_refused(content: Any, path: str) -> None:
    """OpenAI's messages hold much that a reranker cannot read."""
    assert refused("openai", body_of("openai", input=content))[0] == path


@pytest.mark.parametrize("contract", BOTH)
def test_a_malformed_request_is_refused_as_the_api_refuses_it(contract: str) -> None:
    """Each with the key that is wrong; a body that is no object, or no JSON, has none."""
    key = CONTRACTS[contract].content_key
    empty: Any = [] if contract == "openai" else {}
    for changes, path in (
        ({"model": None}, "model"),
        ({key: None}, key),
        ({"questions": None}, "questions"),
        ({"questions": empty}, "questions"),
        ({"questions": "?"}, "questions"),
    ):
        assert refused(contract, body_of(contract, **changes))[0] == path
    assert refused(contract, [3])[0] in {"None", ""}
