"""Addresses, regions and signatures of APIs behind AWS, from settings and environment."""

from __future__ import annotations

from typing import Any

import pytest
from support.clouds import ENVIRONMENT

from evalkit.config import validate_block
from evalkit.errors import CallError, ConfigError, EvalkitError
from evalkit.rerankers.http_settings import HttpSettings
from evalkit.store.backend_identity import identity_of


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set credentials without a region."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


def settings(**given: Any) -> HttpSettings:
    """Return checked settings."""
    checked = validate_block("reranker backend", {"backend": "http", **given})
    assert isinstance(checked, HttpSettings)
    return checked


def region_in(made: HttpSettings) -> str | None:
    """Return the region of an API."""
    access = made.aws_access()
    assert access is not None
    return access.region()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"dialect": "bedrock", "model": "m"}, "https://bedrock-agent-runtime.us-1.amazonaws.com/rerank"),
        ({"dialect": "bedrock_invoke", "model": "cohere.rerank-v3-5:0"},
         "https://bedrock-runtime.us-1.amazonaws.com/model/cohere.rerank-v3-5%3A0/invoke"),
        ({"dialect": "bedrock_invoke", "model": "arn:aws:bedrock:us-1:1:provisioned-model/a"},
         "https://bedrock-runtime.us-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-1%3A1%3Aprovisioned-model%2Fa/invoke"),
        ({"dialect": "sagemaker", "model": "my-endpoint"},
         "https://runtime.sagemaker.us-1.amazonaws.com/endpoints/my-endpoint/invocations"),
        ({"dialect": "azure_cohere", "model": "m", "url_parts": {"resource": "shop"}},
         "https://shop.services.ai.azure.com/providers/cohere/v2/rerank"),
        ({"dialect": "cloudflare", "model": "@cf/baai/bge-reranker-base", "url_parts": {"account": "0a1b"}},
         "https://api.cloudflare.com/client/v4/accounts/0a1b/ai/run/@cf/baai/bge-reranker-base"),
        ({"dialect": "vertex_rank", "model": "m", "url_parts": {"project": "p", "location": "global"}},
         "https://discoveryengine.googleapis.com/v1/projects/p/locations/global/rankingConfigs/default_ranking_config:rank"),
        ({"dialect": "watsonx", "model": "m", "url_parts": {"location": "us-south"}},
         "https://us-south.ml.cloud.ibm.com/ml/v1/text/rerank?version=2024-05-31"),
        ({"dialect": "bedrock", "model": "m", "url": "http://x/y"}, "http://x/y"),
    ],
)  # fmt: skip
def test_the_address_is_that_of_the_vendor(given: dict[str, Any], address: str) -> None:
    """With region, resource, account and model in their places."""
    assert settings(**given).address("us-1") == address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dialect": "cloudflare", "model": "m"}, "needs 'url_parts: {account: ...}' or 'url'"),
        ({"dialect": "azure_cohere", "model": "m"}, "needs 'url_parts: {resource: ...}' or 'url'"),
        ({"dialect": "cloudflare", "model": "m", "url_parts": {"account": "a/b"}}, "must match ^["),
        (
            {"dialect": "cloudflare", "model": "m", "url": "http://x/y", "url_parts": {"account": "a"}},
            "must not have",
        ),
        ({"dialect": "jina", "model": "m", "aws": {}}, "needs 'aws.service': the jina dialect is not of AWS"),
        (
            {"dialect": "bedrock", "model": "m", "api_key_env": "K", "aws": {"profile": "p"}},
            "replaces the signature",
        ),
        ({"dialect": "bedrock", "model": "m", "aws": {"region": "US East"}}, "must match ^["),
        ({"dialect": "bedrock", "model": "m", "options": {"api_version": 2}}, "unknown option 'api_version'"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], said: str) -> None:
    """The message names what is missing, or what contradicts."""
    with pytest.raises(ConfigError) as raised:
        settings(**given)
    assert said in raised.value.message


def test_the_region_is_the_nearest_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting, the host of the url, AWS_REGION, AWS_DEFAULT_REGION."""
    url = "https://bedrock-agent-runtime.eu-west-1.amazonaws.com/rerank"
    given: dict[str, Any] = {"dialect": "bedrock", "model": "m"}
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert region_in(settings(**given)) == "ap-south-1"
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert region_in(settings(**given)) == "us-west-2"
    assert region_in(settings(**given, url=url)) == "eu-west-1"
    assert region_in(settings(**given, url=url, aws={"region": "us-east-1"})) == "us-east-1"


def test_a_region_that_nothing_names_is_an_error() -> None:
    """Unless neither address nor signature needs it."""
    pytest.importorskip("botocore", reason="needs the aws extra")
    with pytest.raises(CallError, match="no AWS region is configured"):
        region_in(settings(dialect="bedrock", model="m"))
    assert region_in(settings(dialect="bedrock", model="m", url="http://x/y", api_key_env="K")) is None


def test_what_is_not_of_aws_is_not_signed() -> None:
    """Neither other APIs nor what evalkit serves itself; a key replaces the signature."""
    assert settings(dialect="jina", model="m").aws_access() is None
    assert settings(serve={"backend": "lexical"}, dialect="bedrock").aws_access() is None
    keyed = settings(
        dialect="bedrock_invoke", model="m", api_key_env="K", aws={"region": "us-east-1"}
    ).aws_access()
    assert keyed is not None
    assert keyed.signer() is None
    assert keyed.problem() is None


def test_a_problem_is_one_line_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what is missing first: the region, then the credentials."""
    pytest.importorskip("botocore", reason="needs the aws extra")
    made = settings(dialect="bedrock", model="m")
    found: list[EvalkitError | None] = [made.missing_access()]
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    found.append(made.missing_access())
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    found.append(made.missing_access())
    said = [None if error is None else error.message for error in found]
    assert said == ["no AWS region is configured", None, "no AWS credentials found"]


def test_stored_scores_stay_valid_without_these_settings() -> None:
    """The identity has them only if they are set; another account is another endpoint."""
    plain = settings(dialect="sagemaker", model="m", url="http://x/y")
    assert "aws" not in identity_of(plain)
    assert "url_parts" not in identity_of(plain)
    other = settings(dialect="sagemaker", model="m", url="http://x/y", aws={"region": "us-east-1"})
    assert identity_of(plain) != identity_of(other)
