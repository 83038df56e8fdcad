"""Tests of counting tokens with a named tokenizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit.encoding.text_tokenizer import open_text_tokenizer
from evalkit.errors import InputError

pytest.importorskip("tokenizers")


@pytest.fixture(name="folder")
def _folder(test_data: Path) -> Path:
    return test_data / "models" / "bert-base-uncased-tokenizer"


def test_tokens_cover_the_text_in_order(folder: Path) -> None:
    """Offsets ascend, and the text between the first and the last one is the text without outer blanks."""
    text = "  How do I reset it? \N{GREEK SMALL LETTER ALPHA}\N{COMBINING ACUTE ACCENT} unbelievably [SEP] x "
    (offsets,) = open_text_tokenizer(str(folder)).offsets([text])
    assert (np.diff(offsets[:, 0]) >= 0).all()
    assert text[offsets[0, 0] : offsets[-1, 1]] == text.strip()


def test_counts_are_the_numbers_of_offsets(folder: Path) -> None:
    """Counting and locating see the same tokens, in a file and in its folder."""
    texts = ["", "one", "unbelievably long", "lone \ud800 surrogate", *map(str, range(2_000))]
    tokenizer = open_text_tokenizer(str(folder / "tokenizer.json"))
    assert tokenizer.counts(texts).tolist() == [len(found) for found in tokenizer.offsets(texts)]
    assert open_text_tokenizer(str(folder)).sha256 == tokenizer.sha256


def test_no_tokenizer_is_reported(tmp_path: Path) -> None:
    """A file of another kind, and a folder without a tokenizer, are named with what is accepted."""
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InputError, match="is not a tokenizer"):
        open_text_tokenizer(str(tmp_path / "x.json"))
    with pytest.raises(InputError, match=r"cannot read .*tokenizer\.json"):
        open_text_tokenizer(str(tmp_path))
