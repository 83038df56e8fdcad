"""Length limits from rotary position embeddings, with networks that are a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.encoding.checkpoints.rotary_limit import (
    OriginalLength,
    RotaryRule,
    limit_rotary,
    original_lengths,
)
from evalkit.errors import InputError

LONG = {"rope_type": "longrope", "original_max_position_embeddings": 64}
DYNAMIC = {"rope_type": "dynamic", "factor": 4.0}
LISTED = {"full_attention": DYNAMIC, "sliding_attention": {"rope_type": "default"}}


def network(parameters: Mapping[str, Any] | None = None, **config: Any) -> Any:
    """Return a network whose language model, one of its parts, has these rotary embeddings and 512 positions."""
    inner = SimpleNamespace(max_position_embeddings=512, rope_parameters=parameters)
    vars(inner).update(config)
    parts = [SimpleNamespace(config=SimpleNamespace(text_config=inner)), SimpleNamespace(config=inner)]
    return SimpleNamespace(modules=lambda: iter([*parts, SimpleNamespace(), *parts]))


def module(limit: int | None = 2048, **limits: int) -> Any:
    """Return a module of sentence-transformers with these limits."""
    return SimpleNamespace(max_seq_length=limit, **limits)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (network(LONG), OriginalLength("longrope", 64)),
        (
            network({"rope_type": "longrope"}, original_max_position_embeddings=96),
            OriginalLength("longrope", 96),
        ),
        (network({"rope_type": "longrope"}), OriginalLength("longrope", 512)),
        (
            network(None, rope_scaling={**LONG, "rope_type": None, "type": "su"}),
            OriginalLength("longrope", 64),
        ),
        (network(DYNAMIC), OriginalLength("dynamic", 512)),
        (
            network({**DYNAMIC, "original_max_position_embeddings": 64}),
            OriginalLength("dynamic", 512),
        ),
        (network(LISTED), OriginalLength("dynamic", 512)),
    ],
    ids=["longrope", "outside", "unstated", "old", "dynamic", "dynamic-ignores", "by-layer"],
)
def test_the_original_length_is_the_one_that_transformers_compares_with(
    found: Any, wanted: OriginalLength
) -> None:
    """Longrope compares with its original length, dynamic with the configuration's; both may be listed by layer."""
    assert original_lengths(found) == [wanted]


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {},
        {"rope_type": "default"},
        {"rope_type": "yarn", "original_max_position_embeddings": 64},
        {"full_attention": None, "sliding_attention": {"rope_type": "linear", "factor": 2.0}},
        {**DYNAMIC, "alpha": 1000.0},
    ],
)
def test_frequencies_that_never_change_do_not_limit(parameters: Mapping[str, Any] | None) -> None:
    """Other kinds have the same frequencies for all lengths, as has HunYuan's with alpha."""
    assert original_lengths(network(parameters)) == []
    assert limit_rotary("m", module(), network(parameters), None) == RotaryRule()


@pytest.mark.parametrize("limit", [2048, None])
@pytest.mark.parametrize(("parameters", "most"), [(LONG, 64), (DYNAMIC, 512)])
def test_inputs_are_cut_to_the_original_length_with_a_remark(
    parameters: Mapping[str, Any], most: int, limit: int | None
) -> None:
    """Whatever the files say, or if they state no limit."""
    found = module(limit, document_length=4096)
    rule = limit_rotary("m", found, network(parameters), None)
    assert (found.max_seq_length, found.document_length) == (most, most)
    assert rule.fault is None
    assert f"inputs of the model 'm' are cut to {most} tokens" in str(rule.remark)


def test_limits_within_the_original_length_stay() -> None:
    """Without a remark, whether the files or the user set them."""
    found = module(64, query_length=32)
    assert limit_rotary("m", found, network(LONG), None) == RotaryRule()
    assert limit_rotary("m", found, network(LONG), 64) == RotaryRule()
    assert (found.max_seq_length, found.query_length) == (64, 32)


def test_a_larger_configured_limit_runs_longrope_one_at_a_time() -> None:
    """Its frequencies depend on nothing but the longest input of a batch."""
    found = module(128)
    rule = limit_rotary("m", found, network(LONG), 128)
    assert found.max_seq_length == 128
    assert rule.remark is None
    assert "beyond 64 tokens" in str(rule.fault)


def test_a_larger_configured_limit_is_refused_for_dynamic() -> None:
    """Its frequencies depend on what was computed before, so no batch is safe; the message has both numbers."""
    with pytest.raises(InputError, match="max_length_tokens is 513, and beyond 512 tokens") as caught:
        limit_rotary("m", module(), network(LISTED), 513)
    assert "at most 512" in str(caught.value.hint)
