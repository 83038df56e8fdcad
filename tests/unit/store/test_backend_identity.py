"""What proves that a reranker of the same settings gives the same scores: contents do, names do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalkit.cache import HASH_DIGITS, content_hash
from evalkit.config import reranker_settings

API = {"backend": "http", "url": "http://127.0.0.1:9/v1/rerank", "model": "m-2026-01-01"}
HUB = {"backend": "cross_encoder", "model": "any/model"}


def proof(block: dict[str, Any]) -> str | None:
    """Return what proves the identity of a block's backend."""
    return reranker_settings(block).proven_by()


@pytest.mark.parametrize(
    "block",
    [
        API,
        {**API, "dialect": "cohere_v2", "url": None},
        HUB,
        {**HUB, "revision": "main"},
        {**HUB, "revision": "a" * 39},
        {**HUB, "revision": "a" * 40, "trust_remote_code": True},
        {"backend": "http", "serve": HUB},
        {"backend": "listwise", "url": "http://127.0.0.1:9/v1", "model": "m"},
    ],
    ids=str,
)
def test_a_name_proves_nothing(block: dict[str, Any]) -> None:
    """An API may serve another model under a dated name, a branch may move, remote code may change."""
    assert proof({key: value for key, value in block.items() if value is not None}) is None


def test_contents_and_commits_are_proof(tmp_path: Path) -> None:
    """A run file and model files by their hash, a hub model by its commit, evalkit's own code by its version."""
    run = tmp_path / "a.trec"
    run.write_text("q Q0 d 1 0.5 tag\n", encoding="utf-8")
    shown = content_hash(run)[:HASH_DIGITS]
    assert proof({"backend": "replay", "path": str(run)}) == f"run file a.trec, sha256 {shown}"
    for block in ({"backend": "lexical"}, {"backend": "identity"}):
        assert (proof(block) or "").startswith("evalkit ")
    assert proof({**HUB, "revision": "a" * 40}) == f"model any/model, commit {'a' * 40}"
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"1")
    local = {"backend": "cross_encoder", "model": str(folder)}
    assert proof(local) == f"model files, sha256 {content_hash(folder)[:HASH_DIGITS]}"


def test_a_service_that_evalkit_starts_is_as_proven_as_what_it_serves() -> None:
    """Over HTTP, but the same code of the same machine."""
    assert proof({"backend": "http", "serve": {"backend": "lexical"}}) == proof({"backend": "lexical"})
