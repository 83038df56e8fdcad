"""Addresses that clients join from texts, with more slashes than there should be."""

from __future__ import annotations

import pytest
from support.services import BODY, Lengths, get, post

from evalkit.server.app import build_app

SERVICE = "http://127.0.0.1"


@pytest.mark.parametrize(
    "path",
    ["//v1/rerank", "/v1//rerank", "/v1/rerank/", "///v1/rerank//", "/jina//v1/rerank", "/vllm/v1/rerank/"],
)
def test_further_slashes_of_a_path_do_not_count(path: str) -> None:
    """Neither several in a row nor those at the end; no client need follow a redirect."""
    assert post(build_app({"m": Lengths()}), BODY, path=SERVICE + path).status_code == 200


def test_a_page_is_found_with_and_without_a_final_slash() -> None:
    """At the root, under a dialect's name, and for a model."""
    app = build_app({"m": Lengths()})
    for path in ("/v1/models", "//v1/models/", "/elastic", "/elastic/", "/ready/", "/v1/models/m", "/"):
        assert get(app, SERVICE + path).status_code == 200
    assert get(app, "/v1/nothing/").status_code == 404


def test_the_model_of_a_path_has_its_own_slashes() -> None:
    """A name with a slash is read whole."""
    app = build_app({"m": Lengths()}, any_name=True)
    body = {"query": "q", "documents": ["a"]}
    for path in ("/v1//inference/owner/name", "/v1/inference/owner/name/"):
        reply = post(app, body, path=SERVICE + path)
        assert (reply.status_code, reply.json()["model"]) == (200, "owner/name")


@pytest.mark.parametrize("path", ["/v1/models%0A", "/v1/models/%0A", "/ready%0A", "/%0A"])
def test_a_line_feed_is_a_part_of_a_path(path: str) -> None:
    """What is not asked for is not found."""
    assert get(build_app({"m": Lengths()}), SERVICE + path).status_code == 404
