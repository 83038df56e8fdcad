"""The address of a host or a base is completed; any other is posted to as it is."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit import registry
from evalkit.errors import ConfigError
from evalkit.rerankers import load_reranker
from evalkit.rerankers.base_address import complete_url
from evalkit.rerankers.http_settings import HttpSettings
from evalkit.store.backend_identity import identity_of


@pytest.mark.parametrize(
    ("dialect", "url", "whole"),
    [("jina", "http://h:8000", "http://h:8000/v1/rerank"), ("jina", "http://h/", "http://h/v1/rerank"),
     ("jina", "http://h/v1", "http://h/v1/rerank"), ("vllm", "http://h/v1/", "http://h/v1/rerank"),
     ("vllm", "http://gate/tenant/v1", "http://gate/tenant/v1/rerank"), ("cohere_v2", "https://h/v2", "https://h/v2/rerank"),
     ("mixedbread", "https://h/v1", "https://h/v1/reranking"), ("openrouter", "https://h/api/v1", "https://h/api/v1/rerank"),
     ("openrouter", "https://h", "https://h/api/v1/rerank"), ("dashscope", "https://h/api/v1",
      "https://h/api/v1/services/rerank/text-rerank/text-rerank"), ("infinity", "http://h/v1", "http://h/v1/rerank"),
     ("infinity", "http://h", "http://h/rerank"), ("deepinfra", "https://h/v1", "https://h/v1/inference/org/m.1"),
     ("nvidia_hosted", "https://h", "https://h/v1/retrieval/org/m_1/reranking"),
     ("jina", "http://h/v1?key=1", "http://h/v1/rerank?key=1")],
)  # fmt: skip
def test_a_base_address_is_completed(dialect: str, url: str, whole: str) -> None:
    """With the path of the dialect, of which a version in the url is a part already."""
    assert complete_url(url, dialect, registry.lookup("dialect", dialect)(), "org/m.1") == whole


@pytest.mark.parametrize(
    ("dialect", "url"),
    [(name, "http://h/custom/rank") for name in registry.names("dialect")]
    + [("tei", "http://h"), ("tei", "http://h/"), ("generic", "http://h/"), ("jina", "http://h/rerank"),
       ("jina", "http://h/v1/rerank/"), ("cohere_v2", "http://h/v1/rerank"), ("cohere_v2", "http://h/v1")],
)  # fmt: skip
def test_another_address_is_posted_to_as_it_is(dialect: str, url: str) -> None:
    """A path of one's own, a base of another version, and a host whose API takes requests at its root."""
    assert complete_url(url, dialect, registry.lookup("dialect", dialect)(), "m") == url


@pytest.mark.parametrize(
    ("settings", "hint"),
    [({"dialect": "vertex_rank", "url": "https://u:secret@h:1/v1?k=secret"},
      "set url to https://h:1/v1/projects/{project}/locations/{location}/rankingConfigs/default_ranking_config:rank")],
)  # fmt: skip
def test_an_address_that_cannot_be_completed_is_refused(settings: dict[str, Any], hint: str) -> None:
    """A path with a part that the configuration does not contain; no secret is repeated."""
    with pytest.raises(ConfigError) as raised:
        load_reranker("http", **settings)
    assert hint in str(raised.value.hint)
    assert "secret" not in f"{raised.value.message}{raised.value.hint}"


def test_a_base_and_its_endpoint_are_one_backend() -> None:
    """Settings, identity and what ``config show`` prints are those of the address that is posted to."""
    base, whole = (HttpSettings(url=url, dialect="vllm") for url in ("http://h:1/v1", "http://h:1/v1/rerank"))
    assert base == whole
    assert base.address() == base.model_dump()["url"] == "http://h:1/v1/rerank"
    assert identity_of(base) == identity_of(whole)
