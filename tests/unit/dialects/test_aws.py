"""Requests to services of AWS as it describes them, and what our server reads of them."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.dialects import WireError, WireRequest
from evalkit.dialects.bedrock import Bedrock
from evalkit.dialects.bedrock_invoke import BedrockInvoke
from evalkit.dialects.sagemaker import Sagemaker
from evalkit.dialects.sagemaker_tei import SagemakerTei

ASKED = WireRequest("cohere.rerank-v3-5:0", "q", ("a", "b"), 1)


def rerank(**changes: Any) -> dict[str, Any]:
    """Return the request of Bedrock's page for ASKED, with changes."""
    source = {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "a"}}}
    return {
        "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
        "sources": [
            source,
            {**source, "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "b"}}},
        ],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {
                "numberOfResults": 1,
                "modelConfiguration": {
                    "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0"
                },
            },
        },
        **changes,
    }


def test_bedrock_gets_exactly_the_published_keys() -> None:
    """A model without ARN is a foundation model of the region; our server reads its name back."""
    body = Bedrock().in_region("us-east-1").encode_request(ASKED)
    assert body == rerank()
    assert Bedrock().decode_request(body) == ASKED


@pytest.mark.parametrize(
    ("region", "model", "arn"),
    [
        ("us-gov-west-1", "m", "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/m"),
        ("cn-north-1", "m", "arn:aws-cn:bedrock:cn-north-1::foundation-model/m"),
        ("us-east-1", "arn:aws:sagemaker:us-east-1:1:endpoint/e", "arn:aws:sagemaker:us-east-1:1:endpoint/e"),
        (None, "m", "m"),
    ],
)
def test_the_arn_has_the_partition_of_its_region(region: str | None, model: str, arn: str) -> None:
    """An ARN is sent as it is."""
    body = Bedrock().in_region(region).encode_request(WireRequest(model, "q", ("a",)))
    config = body["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    assert config == {"modelConfiguration": {"modelArn": arn}}


def test_bedrock_takes_options_of_the_model_in_their_place() -> None:
    """Under the keys that the request has anyway."""
    inner = {"modelConfiguration": {"additionalModelRequestFields": {"max_tokens_per_doc": 9}}}
    options = {"rerankingConfiguration": {"bedrockRerankingConfiguration": inner}}
    body = Bedrock().in_region("us-east-1").encode_request(ASKED, options)
    sent = body["rerankingConfiguration"]["bedrockRerankingConfiguration"]["modelConfiguration"]
    assert sent == {
        "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0",
        "additionalModelRequestFields": {"max_tokens_per_doc": 9},
    }
    assert inner == {"modelConfiguration": {"additionalModelRequestFields": {"max_tokens_per_doc": 9}}}


@pytest.mark.parametrize(
    "changes",
    [
        {"queries": []},
        {"queries": [{"textQuery": {"text": "a"}}] * 2},
        {"queries": "q"},
        {"queries": None},
        {"queries": [{"textQuery": {}}]},
        {"sources": []},
        {"sources": {"0": "a"}},
        {"sources": [{"type": "INLINE"}]},
        {"rerankingConfiguration": {}},
    ],
)
def test_a_malformed_rerank_request_is_refused(changes: dict[str, Any]) -> None:
    """With the error that AWS's clients read."""
    with pytest.raises(WireError) as raised:
        Bedrock().decode_request(rerank(**changes))
    assert Bedrock().encode_error(raised.value)["__type"] == "ValidationException"


TEXT = "'sources.4.member.inlineDocumentSource.textDocument.text'"


@pytest.mark.parametrize(
    ("place", "most", "refused"), [(TEXT, 32_000, "text"), ("'sources'", 1000, "documents")]
)
def test_a_refused_length_is_that_of_a_text_or_of_the_list(place: str, most: int, refused: str) -> None:
    """One text that is too long is no reason to send fewer documents."""
    rule = f"Member must have length less than or equal to {most}"
    assert Bedrock().refused_for(400, f"Value at {place} failed to satisfy constraint: {rule}") == refused


@pytest.mark.parametrize(
    ("dialect", "model", "expected"),
    [
        (BedrockInvoke(), "cohere.rerank-v3-5:0", {"query": "q", "documents": ["a"], "api_version": 2}),
        (BedrockInvoke(), "amazon.rerank-v1:0", {"query": "q", "documents": ["a"]}),
        (BedrockInvoke(), "arn:aws:bedrock:us-1::foundation-model/amazon.rerank-v1:0",
         {"query": "q", "documents": ["a"]}),
        (Sagemaker(), "e", {"query": "q", "documents": ["a"], "api_version": 2}),
        (SagemakerTei(), "e", {"query": "q", "texts": ["a"]}),
    ],
)  # fmt: skip
def test_bodies_have_the_published_keys_and_no_others(
    dialect: Any, model: str, expected: dict[str, Any]
) -> None:
    """The path names the model."""
    assert dialect.encode_request(WireRequest(model, "q", ("a",))) == expected


def test_the_version_of_the_api_can_be_set() -> None:
    """An option replaces the dialect's value."""
    body = BedrockInvoke().encode_request(ASKED, {"api_version": 3})
    assert body["api_version"] == 3


def test_raw_scores_of_tei_are_logits_behind_sagemaker_too() -> None:
    """The option is the container's."""
    assert SagemakerTei().kind_of_scores({"raw_scores": True}) == "logit"
    assert SagemakerTei().kind_of_scores({}) == "probability"


def test_the_access_key_id_of_a_signed_request_is_its_key() -> None:
    """The signature itself is not verified."""
    signed = "AWS4-HMAC-SHA256 Credential=AKID0/20260101/us-east-1/bedrock/aws4_request, Signature=0"
    assert Bedrock().given_key({"authorization": signed}) == "AKID0"
    assert Bedrock().given_key({"authorization": "Bearer k"}) == "k"
    assert Bedrock().given_key({"authorization": "AWS4-HMAC-SHA256 Signature=0"}) is None


def test_replies_of_aws_name_no_model() -> None:
    """They contain the results, and what Cohere's body has besides."""
    assert Bedrock().encode_response(ASKED, [0.5, 0.25], 3) == {
        "results": [{"index": 0, "relevanceScore": 0.5}]
    }


def test_the_arn_of_a_foundation_model_is_its_name_in_a_path_too() -> None:
    """Clients of InvokeModel may name a model either way."""
    for named in ("amazon.rerank-v1:0", "arn:aws:bedrock:eu-west-1::foundation-model/amazon.rerank-v1:0"):
        asked = BedrockInvoke().decode_request({"query": "q", "documents": ["a"]}, named)
        assert asked.model == "amazon.rerank-v1:0"
