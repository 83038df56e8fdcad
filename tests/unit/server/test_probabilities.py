"""Decision APIs in front of a reranker: an answer is a probability, by the same service as a rerank request."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from httpx import Response
from support.decision_requests import BOTH, FORMS, STATUS, TEXTS, body_of, listed
from support.production import rule_of
from support.services import Lengths, Scripted, get, post

from evalkit.config import ServiceSettings
from evalkit.dialects.decision_contracts import CONTRACTS
from evalkit.dialects.decision_records import OUR_WORDING
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.results.production_document import ProbabilityFunction
from evalkit.server.app import build_app
from evalkit.server.applied_rules import AppliedRule

PATHS = {"openai": "/v1/decisions", "system_one": "/v1/systemone"}
PLATT = ProbabilityFunction("platt", "platt", False, {"a": 0.5, "b": -2.0})


class Logits(Lengths):
    """Scores a document by its length, as a logit."""

    score_kind: ScoreKind = "logit"


class TwoQueries:
    """Writes down what it is asked; not pointwise."""

    pointwise = False
    score_kind: ScoreKind = "probability"

    def __init__(self) -> None:
        self.asked: list[RerankRequest] = []

    def score(self, request: RerankRequest) -> RerankResponse:
        """Score every document .5."""
        self.asked.append(request)
        return RerankResponse(np.full(len(request.documents), 0.5))

    def close(self) -> None:
        """Do nothing."""


def ask(contract: str, body: Any, reranker: Any = None, **more: Any) -> Response:
    """Post a request to a service of one reranker."""
    return post(build_app({"m": reranker or Logits()}, **more), body, PATHS[contract])


@pytest.mark.parametrize("contract", BOTH)
def test_what_the_backend_decisions_asks_is_answered_with_the_probability_of_its_document(
    contract: str,
) -> None:
    """The reranker is asked once for all documents, with the instruction, and each answer is the sigmoid of a logit."""
    for instruction in ("", "Only long ones."):
        lengths = Logits()
        content, questions = listed(instruction=instruction)
        sent = CONTRACTS[contract].encode("m", content, questions, {})
        reply = ask(contract, sent, lengths)
        found = CONTRACTS[contract].decode(reply.json(), questions)
        assert [one.value for one in found.answers] == pytest.approx(
            [1 / (1 + math.exp(-len(text))) for text in TEXTS], abs=1e-15
        )
        ((asked,),) = lengths.batches
        assert (asked.query, asked.documents) == (f"q {instruction}".strip(), TEXTS)
        assert (found.model, found.usage.tokens, found.usage.output_tokens) == ("m", 3, 0)


@pytest.mark.parametrize("contract", BOTH)
@pytest.mark.parametrize("kind", ["unbounded", "cosine", "rank", "unknown"])
def test_scores_that_are_no_probabilities_are_never_served_as_such(contract: str, kind: ScoreKind) -> None:
    """They are refused, unless a tuned function makes them probabilities; /v1/rerank serves them all the same."""
    reranker = Scripted([0.1, 0.2, 0.3])
    reranker.score_kind = kind
    refused = ask(contract, body_of(contract), reranker)
    assert refused.status_code == STATUS[contract]
    for word in (f"no probabilities ({kind})", "evalkit tune all", "model"):
        assert word in refused.text
    rule = AppliedRule(replace(rule_of(), probability=PLATT, depth=1, threshold=0.25))
    app = build_app({"m": reranker}, rules={"m": rule})
    reply = post(app, body_of(contract), PATHS[contract])
    answers = CONTRACTS[contract].decode(reply.json(), listed()[1]).answers
    assert [one.value for one in answers] == pytest.approx(
        [1 / (1 + math.exp(2 - score / 2)) for score in (0.1, 0.2, 0.3)]
    )
    assert get(app, "/v1/models/m").json()["capabilities"] == ["rerank", "decisions"]
    plain = build_app({"m": reranker})
    assert get(plain, "/v1/models/m").json()["capabilities"] == ["rerank"]


@pytest.mark.parametrize("contract", BOTH)
def test_probabilities_pass_unchanged_and_none_is_out_of_range(contract: str) -> None:
    """A backend whose probabilities are none is a failure of the server."""
    reranker = Scripted([0.25, 0.0, 1.0])
    reranker.score_kind = "probability"
    reply = ask(contract, body_of(contract), reranker)
    answers = CONTRACTS[contract].decode(reply.json(), listed()[1]).answers
    assert [one.value for one in answers] == [0.25, 0.0, 1.0]
    wrong = Scripted([0.25, 0.0, 1.5])
    wrong.score_kind = "probability"
    assert ask(contract, body_of(contract), wrong).status_code == 500


@pytest.mark.parametrize("contract", BOTH)
def test_keys_limits_and_the_queue_are_those_of_the_service(contract: str) -> None:
    """A missing key is 401 in the contract's form, and a request beyond the limit 429 with the time to wait."""
    limits = ServiceSettings(requests_per_minute=1)
    app = build_app({"m": Logits()}, settings=limits, api_key="k")
    missing = post(app, body_of(contract), PATHS[contract])
    assert missing.status_code == 401
    assert set(missing.json()) == ({"error"} if contract == "openai" else {"detail"})
    key = {"Authorization": "Bearer k"}
    codes = [post(app, body_of(contract), PATHS[contract], headers=key) for _ in range(2)]
    assert [reply.status_code for reply in codes] == [200, 429]
    assert int(codes[1].headers["retry-after"]) >= 1
    assert codes[0].headers["x-ratelimit-limit-rpm"] == "1"
    small = build_app({"m": Logits()}, settings=ServiceSettings(max_body_bytes=64))
    assert post(small, body_of(contract), PATHS[contract]).status_code == 413
    page = get(app, "/metrics").text
    assert f'dialect="{FORMS[contract].name}"' in page


@pytest.mark.parametrize("contract", BOTH)
def test_the_description_is_true_of_decisions(contract: str) -> None:
    """Requests, replies and refusals fit the schemas of /openapi.json."""
    app = build_app({"m": Logits()})
    described = get(app, "/openapi.json").json()["paths"][PATHS[contract]]["post"]
    accepted = described["requestBody"]["content"]["application/json"]["schema"]
    content, questions = listed()
    questions = [*questions, OUR_WORDING.rate("rated", "documents.D00", instructed=False)]
    for body in (body_of(contract), CONTRACTS[contract].encode("m", content, questions, {})):
        jsonschema.validate(body, accepted)
        reply = post(app, body, PATHS[contract])
        assert reply.status_code == 200, reply.text
        jsonschema.validate(reply.json(), schema_of(described, 200))
    choice = {"type": "choice", "instructions": "which?"}
    bad = body_of(contract, questions=[choice] if contract == "openai" else {"D00": choice})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, accepted)
    jsonschema.validate(post(app, bad, PATHS[contract]).json(), schema_of(described, STATUS[contract]))


def schema_of(operation: dict[str, Any], status: int) -> dict[str, Any]:
    """Return the schema of the replies with a status."""
    schema: dict[str, Any] = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return schema


def test_one_document_in_several_questions_is_scored_once() -> None:
    """Questions are in any order, and the documents are those asked about, in the order of the questions."""
    reranker = TwoQueries()
    content, questions = listed()
    asked = [questions[2], questions[0], replace(questions[2], name="again")]  # type: ignore[type-var]
    reply = post(
        build_app({"m": reranker}), CONTRACTS["openai"].encode("m", content, asked, {}), "/v1/decisions"
    )
    assert [one["name"] for one in reply.json()["answers"]] == ["D02", "D00", "again"]
    assert [request.documents for request in reranker.asked] == [("cccc", "a")]
