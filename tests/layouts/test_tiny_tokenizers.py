"""The tokenizers of the tiny models are those of real repositories in what matters here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import tiny_tokenizers
from support.tiny_models import SHORT
from support.tiny_tokenizers import Vocabulary

transformers = pytest.importorskip("transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]

WRITERS = {name: write for name, write in vars(tiny_tokenizers).items() if name.endswith("_tokenizer")}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_loaded_tokenizer_is_its_file(tmp_path: Path, write: Callable[..., Vocabulary]) -> None:
    """The class that transformers builds gives the tokens of ``tokenizer.json``, for texts alone and in pairs."""
    from tokenizers import Tokenizer

    vocabulary = write(tmp_path)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    file = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for query, document in SHORT:
        assert loaded(document)["input_ids"] == file.encode(document).ids
        pair = loaded([query], [document])
        assert pair["input_ids"] == [file.encode(query, document).ids]
        assert pair.get("token_type_ids", [None])[0] in (None, file.encode(query, document).type_ids)
    assert len(loaded) == vocabulary.size == file.get_vocab_size()


def test_vocabularies_have_the_words_of_templates(tmp_path: Path) -> None:
    """Each kind has one token for yes and for no, and Unigram one for true and for false, as T5 needs them."""
    pairs = tiny_tokenizers.qwen_tokenizer(tmp_path / "qwen")
    assert {pairs[word] for word in ("yes", "no", "Yes", "No", "1", "0")} <= set(range(pairs.size))
    pieces = tiny_tokenizers.t5_tokenizer(tmp_path / "t5")
    assert {pieces[f"\u2581{word}"] for word in ("yes", "no", "true", "false")} <= set(range(pieces.size))
