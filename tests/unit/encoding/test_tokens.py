"""The fast tokeniser, with a tokenizer made on the spot."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

tokenizers = pytest.importorskip("tokenizers", reason="needs the onnx or local extra")

from evalkit.encoding.tokens import (  # noqa: E402 - the package may be missing
    FastTokeniser,
    TokenRules,
    agree,
    probes,
    special_tokens,
)

RULES = TokenRules(None, "right", with_segments=False, pad_id=0, pads_left=False)


def content() -> str:
    """Return a tokenizer that has a separator and its letters as tokens."""
    vocabulary = {token: number for number, token in enumerate(["?", "[SEP]", *"[SEP]abc"])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, "?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    made.add_special_tokens(["[SEP]"])
    return str(made.to_str())


def test_special_tokens_in_a_text_are_split_if_the_model_says_so() -> None:
    """By default a special token in a text is one token; with ``split_special_tokens`` it is its letters."""
    whole = FastTokeniser(content(), RULES, None)
    split = FastTokeniser(content(), replace(RULES, splits_special=True), None)
    assert len(whole(["a[SEP]b"]).ids[0]) == 3
    assert len(split(["a[SEP]b"]).ids[0]) == 7


@pytest.mark.parametrize("pairs", [True, False])
def test_probes_reveal_how_special_tokens_are_read(pairs: bool) -> None:
    """Two tokenisers that differ in nothing else agree on other texts, and not on the probes."""
    one = FastTokeniser(content(), RULES, None)
    other = FastTokeniser(content(), replace(RULES, splits_special=True), None)
    assert agree(one, other, probes(None, pairs=pairs))
    assert not agree(one, other, probes(None, ["[SEP]"], pairs=pairs))


def test_rules_are_those_of_the_tokenizer() -> None:
    """Cut side, padding and the splitting of special tokens come from the tokenizer; old ones lack the last."""
    shared: dict[str, Any] = {"model_input_names": ["input_ids"], "pad_token_id": 3}
    sides = {"truncation_side": "left", "padding_side": "left"}
    found = TokenRules.of(SimpleNamespace(**shared, **sides, split_special_tokens=True), 7)
    assert found == TokenRules(7, "left", with_segments=False, pad_id=3, pads_left=True, splits_special=True)
    assert not TokenRules.of(SimpleNamespace(**shared, **sides), None).splits_special


def test_special_tokens_are_those_with_a_role() -> None:
    """Each is named once; lists of further tokens are left out."""
    named = {"bos_token": "<s>", "cls_token": "<s>", "pad_token": "<pad>", "extra": ["<image>"]}
    assert special_tokens(SimpleNamespace(special_tokens_map=named)) == ["<s>", "<pad>"]
    assert special_tokens(SimpleNamespace()) == []


def test_a_cut_text_is_reported() -> None:
    """Texts beyond the limit are cut on the side that the rules name."""
    found = FastTokeniser(content(), replace(RULES, max_length=2, cut_side="left"), None)(["abc", "ab"])
    assert found.truncated.tolist() == [True, False]
    assert np.array_equal(found.ids[0], FastTokeniser(content(), RULES, None)(["bc"]).ids[0])
