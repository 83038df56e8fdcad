"""Keys by their values and their names; the configuration's own laws are in `tests/chaos/test_keys_by_value.py`."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.config.key_shapes import (
    contains_key,
    is_credential,
    is_secret,
    is_secret_setting,
    key_in_url,
    looks_random,
    mask_keys,
)

KEYS = (
    "sk-proj-AbCdEf0123456789AbCd", "sk-ant-api03-AbCdEf0123456789", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "ghp_0123456789abcdefABCDEF0123456789abcd", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123",
    "xoxb-123456789012-abcdefABCDEF12", "AKIAIOSFODNN7EXAMPLE", "AIzaSyA1234567890abcdefghijklmnopqrstu",
    "pa-AbCdEfGh1234567890ijklmnopqrstuvwxyzABCDEFG", "jina_0123456789abcdef0123456789abcdefXYZ",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "nvapi-AbCdEf0123456789", "gsk_AbCdEf0123456789",
    "-----BEGIN RSA PRIVATE KEY-----", "Bearer AbCdEf0123456789", "pcsk_AbCdEf0123456789AbCdEf",
    "Basic " + base64.b64encode(b"user:hunter2").decode(),
)  # fmt: skip
NO_KEYS = (
    "cross-encoder/ms-marco-MiniLM-L-6-v2", "BAAI/bge-reranker-v2-m3", "jina-reranker-v2-base-multilingual",
    "jina_reranker_v2_base_multilingual", "sk-learn-reranker-v2-2024", "hf_transformers", "./hf_cache_2024/models",
    "gpt-4o-mini-2024-07-18", "0123456789abcdef0123456789abcdef01234567",
    "/models/2024-05-01/pa-model-v2/reranker.onnx",
    "Bearer bonds explained; basic information about token economics", "sha256:" + "0123456789abcdef" * 4,
    "Given a query about Basic authentication, find passages that explain a bearer certificate", "sk-test",
    "task-0123456789abcdef", "-----BEGIN CERTIFICATE-----", "nDCG@10", "{title}\n{text}",
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_found_in_any_text_and_masked(key: str) -> None:
    """Alone and within a sentence; what is left does not contain it."""
    assert contains_key(key)
    masked = mask_keys(f"'timeout_s' should be a number (given: '{key}')")
    assert "[key]" in masked
    assert key not in masked


@pytest.mark.parametrize("text", NO_KEYS)
def test_names_hashes_and_prose_are_no_keys(text: str) -> None:
    """Models, files, revisions, instructions, templates."""
    assert not contains_key(text)


@given(st.text(st.characters(codec="ascii", categories=["L", "Zs", "P"]), max_size=60))
def test_a_text_without_digits_is_no_key_by_chance(text: str) -> None:
    """Prose in any order, unless it begins as keys do."""
    assert not contains_key(
        text.replace("eyJ", "").replace("-----BEGIN", "").replace("_", " ").replace("-", " ")
    ) or ("asic" in text.lower())


def test_names_say_whose_value_is_a_key() -> None:
    """Headers and parameters by any part; settings and options only by their end."""
    assert all(
        map(is_secret, ("X-Api-Key", "X-Auth", "cookie", "sig", "jwt", "X-Amz-Signature", "subscription-key"))
    )
    assert not any(map(is_secret, ("X-Author", "X-Project", "api-version", "lang", "design", "passage")))
    assert all(
        map(
            is_secret_setting, ("api_key", "apiKey", "password", "client_secret", "accessToken", "auth.token")
        )
    )
    assert not any(
        map(is_secret_setting, ("pad_token", "max_tokens", "api_key_env", "key_header", "sort_key", ""))
    )


def test_a_value_that_looks_random_is_a_key_unless_its_name_says_what_it_is() -> None:
    """An ID of an organization is none."""
    value = "aB3dEf6hIj9kLmN0pQrStU"
    assert looks_random(value)
    assert is_credential(value, "X-Api")
    assert not is_credential(value, "OpenAI-Organization")
    assert not looks_random("cross-encoder/ms-marco-MiniLM-L-12-v2")
    assert not looks_random("a" * 40)


@pytest.mark.parametrize(
    "url",
    ["max_tokens=512", "tokenizer=bge", "index=products20240101catalogue", "truncate_tokens=true", "keyword=foo",
     "key_field=id", "monkey=1", "lang_code=en-US-x12", "pass=2", "api-version=2024-10-21", "partition_key=a"],
)  # fmt: skip
def test_ordinary_parameters_are_no_keys(url: str) -> None:
    """Words that only contain the word of a key, counts, switches, versions."""
    assert not key_in_url(f"https://api.example/v1/rerank?{url}")


@pytest.mark.parametrize(
    "url", ["models/Qwen3Reranker0p6BInstruct", "v1/projects/0123abcd-0123-4567-89ab-0123456789ab"]
)
def test_ordinary_paths_are_no_keys(url: str) -> None:
    """Names of models and IDs."""
    assert not key_in_url(f"https://api.example/{url}/rerank")


@pytest.mark.parametrize(
    "url", ["?key=abcdef123", "?api_key=x1", "?access_token=abc", "?code=a1b2c3d4e5", "?sig=AbC", "?auth=abc",
            "?subscription-key=1f2e3d4c5b", "?x=sk-proj-AbCdEf0123456789AbCd", "/sk-AbCdEf0123456789/rerank"],
)  # fmt: skip
def test_keys_of_urls_are_found(url: str) -> None:
    """By the name of the parameter, or by what only a key looks like."""
    assert key_in_url(f"https://api.example/v1{url}")


@pytest.mark.parametrize(
    "text",
    ["fw_finetune20240101", "pa-minilm-v20240101", "./models/hf_finetuned2024", "~/r8_rerank8bit2", "npm_package12345",
     "pa-rerank-20240101b", "/data/hf_export20240101/judged.csv", "sk-learn-model2024a", "gsk_pharma_reranker2024",
     "token classification2024"],
)  # fmt: skip
def test_names_with_the_prefix_of_a_key_are_no_keys(text: str) -> None:
    """Words with a year or a date, and short names behind a prefix of two or three letters."""
    assert not contains_key(text)


@pytest.mark.parametrize(
    "name", ["X-Max-Tokens", "X-Tokenizer", "Idempotency-Key", "X-Routing-Key", "X-Partition-Key"]
)
def test_names_of_other_headers_say_nothing(name: str) -> None:
    """Counts and keys of databases."""
    assert not is_secret(name)


def test_a_url_that_cannot_be_parsed_contains_no_key() -> None:
    """Its own check reports it."""
    assert not key_in_url("http://[::1")
    assert not key_in_url("")
