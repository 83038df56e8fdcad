"""Differences between tokenizers, found on probe texts, with tokenizers made on the spot."""

from __future__ import annotations

from typing import Any

import pytest

tokenizers = pytest.importorskip("tokenizers", reason="needs the onnx or local extra")

from evalkit.encoding.checkpoints.tokenizer_steps import (  # noqa: E402 - the package may be missing
    first_difference,
    lacks_steps,
    probe_items,
    steps_of,
    with_options_of,
)


def words(*tokens: str, **steps: Any) -> Any:
    """Return a tokenizer that knows these words, with the given steps."""
    vocabulary = {token: number for number, token in enumerate(["[UNK]", "[SEP]", *tokens])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, "[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.add_special_tokens(["[SEP]"])
    for name, step in steps.items():
        setattr(made, name, step)
    return made


def ends(single: str, pair: str) -> Any:
    """Return the step that adds the separator."""
    return tokenizers.processors.TemplateProcessing(single=single, pair=pair, special_tokens=[("[SEP]", 1)])


@pytest.mark.parametrize(
    "step",
    [
        {"normalizer": tokenizers.normalizers.Lowercase()},
        {"normalizer": tokenizers.normalizers.NFKC()},
        {"normalizer": tokenizers.normalizers.BertNormalizer(lowercase=False, strip_accents=True)},
        {"normalizer": tokenizers.normalizers.Prepend("x")},
        {"normalizer": tokenizers.normalizers.Replace("\n", "n")},
        {"pre_tokenizer": tokenizers.pre_tokenizers.WhitespaceSplit()},
        {"post_processor": ends("$A [SEP]", "$A $B")},
        {"post_processor": ends("$A", "$A [SEP] $B")},
        {"encode_special_tokens": True},
    ],
    ids=str,
)
def test_another_step_is_found(step: dict[str, Any]) -> None:
    """Letter case, composed letters, accents, prefixes, line breaks, word splits and added tokens each show."""
    known = ("hello", "caf\u00e9", "cafe", "fine", "full", "n", "x", "short", "document", "query", "r")
    one, other = words(*known), words(*known, **step)
    items = probe_items(["[SEP]"])
    assert first_difference(one, one, items, with_segments=True) is None
    found = first_difference(one, other, items, with_segments=True)
    assert found is not None
    assert found.first != found.second
    assert "\n" not in str(found)


def test_segments_count_where_they_are_read() -> None:
    """Other segment ids alone are a difference for a model that reads them, and none for another."""
    one, other = (words("a", post_processor=ends("$A", pair)) for pair in ("$A:0 $B:0", "$A:0 $B:1"))
    assert first_difference(one, other, probe_items([]), with_segments=True) is not None
    assert first_difference(one, other, probe_items([]), with_segments=False) is None


def test_sequences_are_read_step_by_step() -> None:
    """Steps in sequences in sequences come in their order, with their options; no step gives an empty list."""
    normalizers = tokenizers.normalizers
    nested = normalizers.Sequence([normalizers.NFC(), normalizers.Sequence([normalizers.Strip(left=False)])])
    assert [one["type"] for one in steps_of(nested)] == ["NFC", "Strip"]
    assert steps_of(nested)[1]["strip_left"] is False
    assert steps_of(None) == []


def test_a_file_lacks_what_its_family_splits_by() -> None:
    """A pattern for words, or a step for spaces, is lacking; other options are not."""
    parts = tokenizers.pre_tokenizers
    byte_level = parts.ByteLevel(add_prefix_space=False)
    split = parts.Split(" ", "isolated")
    plain, patterned = words(pre_tokenizer=byte_level), words(pre_tokenizer=split)
    assert lacks_steps(plain, patterned)
    assert not lacks_steps(patterned, plain)
    collapsing = tokenizers.normalizers.Replace(tokenizers.Regex(" {2,}"), " ")
    assert lacks_steps(plain, words(pre_tokenizer=parts.WhitespaceSplit()))
    assert not lacks_steps(
        words(pre_tokenizer=byte_level, normalizer=collapsing), words(pre_tokenizer=parts.WhitespaceSplit())
    )


def test_options_that_a_configuration_decides_are_taken_over() -> None:
    """BERT's letter case and the first space of byte pairs are; the prefix of pieces and the ends of texts are not."""
    normalizers, parts = tokenizers.normalizers, tokenizers.pre_tokenizers
    file = words(normalizer=normalizers.BertNormalizer(lowercase=False), pre_tokenizer=parts.ByteLevel())
    loaded = words(
        normalizer=normalizers.BertNormalizer(lowercase=True),
        pre_tokenizer=parts.ByteLevel(add_prefix_space=False),
        post_processor=ends("$A [SEP]", "$A $B"),
    )
    with_options_of(file, loaded, sets_ends=False)
    assert steps_of(file.normalizer)[0]["lowercase"] is True
    assert steps_of(file.pre_tokenizer)[0]["add_prefix_space"] is False
    assert file.encode("a").ids == words().encode("a").ids
    with_options_of(file, loaded, sets_ends=True)
    assert file.encode("a").tokens[-1] == "[SEP]"
    pieces = words(pre_tokenizer=parts.Metaspace(prepend_scheme="always"))
    with_options_of(pieces, words(pre_tokenizer=parts.Metaspace(prepend_scheme="never")), sets_ends=False)
    assert steps_of(pieces.pre_tokenizer)[0]["prepend_scheme"] == "always"
