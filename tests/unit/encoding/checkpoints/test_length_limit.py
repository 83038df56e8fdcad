"""Length limits from the positions of a network, with networks of a few modules."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")

from evalkit.encoding.checkpoints.length_limit import (  # noqa: E402 - torch may be missing
    limit_length,
    lower_limits,
    position_limit,
)
from evalkit.errors import InputError  # noqa: E402


def network(name: str = "position_embeddings", rows: int = 20, **more: Any) -> Any:
    """Return a network with one embedding of this name in it."""
    inner = torch.nn.Module()
    setattr(inner, name, torch.nn.Embedding(rows, 2, **more))
    outer = torch.nn.Module()
    outer.embeddings = inner
    return outer


def with_limits(limit: int | None = None, **limits: int) -> Any:
    """Return a module of sentence-transformers that tokenises, with these limits."""
    return SimpleNamespace(max_seq_length=limit, **limits)


def test_positions_limit_tokens() -> None:
    """Every position is a token's: BERT's, GPT-2's under its own name, and those of a text among other inputs."""
    assert position_limit(network()) == 20
    assert position_limit(network("wpe")) == 20
    both = torch.nn.Module()
    both.text, both.vision_tower = network(), network(rows=5)
    assert position_limit(both) == 20


def test_positions_that_tokens_do_not_use_are_none() -> None:
    """RoBERTa counts from the padding token's id + 1, and BART skips its offset: 514 positions read 512 tokens."""
    assert position_limit(network(rows=514, padding_idx=1)) == 512
    shifted = network("embed_positions", rows=1026)
    shifted.embeddings.embed_positions.offset = 2
    assert position_limit(shifted) == 1024


def test_relative_positions_do_not_limit() -> None:
    """Without a vector for each position there is no limit: the model's files decide."""
    assert position_limit(network("word_embeddings")) is None
    module = with_limits(40)
    limit_length("m", module, network("rel_embeddings"), None)
    assert module.max_seq_length == 40
    limit_length("m", module, network("rel_embeddings"), 100)
    assert module.max_seq_length == 100


@pytest.mark.parametrize(("said", "limit"), [(10**30, 18), (20, 18), (18, 18), (7, 7), (None, None)])
def test_the_files_cannot_raise_the_limit(said: int | None, limit: int | None) -> None:
    """A limit beyond the positions is cut to them; a lower one, and none, stays."""
    module = with_limits(said)
    limit_length("m", module, network(padding_idx=1), None)
    assert module.max_seq_length == limit


def test_limits_by_role_cannot_raise_it_either() -> None:
    """Late interaction has limits of its own for queries and documents."""
    module = with_limits(20, query_length=8, document_length=300)
    limit_length("m", module, network(), None)
    assert (module.query_length, module.document_length) == (8, 20)


def test_a_configured_limit_is_set_or_refused() -> None:
    """Up to the positions it holds for documents of late interaction too; beyond, the message has both numbers."""
    module = with_limits(20)
    limit_length("m", module, network(), 12)
    assert module.max_seq_length == 12 == module.document_length
    with pytest.raises(InputError, match="max_length_tokens is 21, and the model 'm' has positions for 20"):
        limit_length("m", module, network(), 21)


def test_lowering_says_whether_a_limit_was_higher() -> None:
    """Limits that are lower, or absent, are left as they are."""
    module = with_limits(None, query_length=8)
    assert not lower_limits(module, 10)
    assert lower_limits(module, 5)
    assert (module.max_seq_length, module.query_length) == (None, 5)


@pytest.mark.parametrize("position", ["position_embeddings", "rel_embeddings"])
@pytest.mark.parametrize("limit", ["512", {"a": 1}, [1], True, 0, -1, 1.5, float("nan")])
@pytest.mark.parametrize("role", ["max_seq_length", "query_length", "document_length"])
def test_a_limit_that_is_no_number_of_tokens_is_refused(role: str, limit: Any, position: str) -> None:
    """Whether the network limits positions or not: the message has the value, and the hint where it is from."""
    module = with_limits(12)
    setattr(module, role, limit)
    with pytest.raises(InputError) as caught:
        limit_length("m", module, network(position), None)
    assert f"the model 'm' has the limit {role} {limit!r}, which is not" in str(caught.value)
    assert role in str(caught.value.hint)


def test_a_model_without_a_limit_may_say_infinity() -> None:
    """As static embeddings do, or a large number, as tokenizers do."""
    module = with_limits(None)
    for limit in (float("inf"), 1e30):
        module.max_seq_length = limit
        limit_length("m", module, network("rel_embeddings"), None)
        assert module.max_seq_length == limit
