"""The tokenizer that transformers builds against the model's ``tokenizer.json``, in the layouts of real models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import tiny_tokenizers
from support.tiny_files import edit, put

pytest.importorskip("transformers", reason="needs the local extra")

from evalkit.encoding.checkpoints import tokenizer_check
from evalkit.encoding.checkpoints.model_files import read_model_files
from evalkit.encoding.checkpoints.tokenizer_check import use_tokenizer_file
from evalkit.errors import InputError

FAMILIES = {
    "bert": "bert",
    "xlmr": "xlm-roberta",
    "deberta": "deberta-v2",
    "albert": "albert",
    "roberta": "roberta",
    "modernbert": "modernbert",
    "qwen": "qwen3",
    "llama": "llama",
    "gemma": "gemma",
    "t5": "t5",
}
"""Functions of `tiny_tokenizers`, and the model types of their models."""


def lay_out(folder: Path, family: str, **config: Any) -> Path:
    """Write the tokenizer of a family; `config` changes its ``tokenizer_config.json``."""
    getattr(tiny_tokenizers, f"{family}_tokenizer")(folder)
    put(folder, "config.json", {"model_type": FAMILIES[family]})
    edit(folder, "tokenizer_config.json", **config)
    return folder


def loaded(folder: Path) -> Any:
    """Return the tokenizer as transformers builds it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def use(folder: Path, tokenizer: Any, **more: Any) -> str | None:
    """Return the warning about a tokenizer, which then follows the file."""
    return use_tokenizer_file(read_model_files(str(folder), None), tokenizer, **more)


def of_file(folder: Path) -> Any:
    """Return the tokenizer of ``tokenizer.json`` itself."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_layouts_of_real_models_agree_with_their_file(tmp_path: Path, family: str) -> None:
    """A usual layout gets no warning, and keeps the tokens that it has."""
    tokenizer = loaded(lay_out(tmp_path, family))
    texts = ["How do I reset it?", " caf\u00e9  \u4e2d\u6587\n1234 "]
    before = tokenizer(texts)["input_ids"]
    assert use(tmp_path, tokenizer) is None
    assert tokenizer(texts)["input_ids"] == before == [of_file(tmp_path).encode(one).ids for one in texts]


@pytest.mark.parametrize("name", ["XLMRobertaTokenizerFast", "PreTrainedTokenizerFast", ...])
def test_other_names_of_the_class_agree(tmp_path: Path, name: Any) -> None:
    """The names of version 4, and none, agree with the file as well."""
    assert use(tmp_path, loaded(lay_out(tmp_path, "xlmr", tokenizer_class=name))) is None


def normalised_as_in_version_4(folder: Path) -> Path:
    """Write the tokenizer of DeBERTa with the steps that transformers 4 wrote into its file."""
    steps: list[dict[str, Any]] = [
        {"type": "Strip", "strip_left": True, "strip_right": True},
        {"type": "NFKC"},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    ]
    lay_out(folder, "deberta")
    edit(folder, "tokenizer.json", normalizer={"type": "Sequence", "normalizers": steps})
    return folder


def lowercased(folder: Path) -> Path:
    """Write the tokenizer of an XLM-RoBERTa whose file lowercases, which its class cannot say."""
    lay_out(folder, "xlmr")
    edit(folder, "tokenizer.json", normalizer={"type": "Lowercase"})
    return folder


REBUILT: dict[str, Callable[[Path], Path]] = {
    "composed letters (DeBERTa)": normalised_as_in_version_4,
    "letter case": lowercased,
    "no first space (polish-reranker)": lambda folder: lay_out(folder, "xlmr", add_prefix_space=False),
    "byte pairs in place of pieces (mmlw)": lambda folder: lay_out(
        folder, "xlmr", tokenizer_class="RobertaTokenizer"
    ),
}


@pytest.mark.parametrize("name", REBUILT)
def test_a_tokenizer_built_otherwise_follows_the_file(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """Every text and pair then has the tokens of ``tokenizer.json``; the warning shows both for one text."""
    folder = REBUILT[name](tmp_path_factory.mktemp("model"))
    tokenizer, file = loaded(folder), of_file(folder)
    text = "Reset \ufb01"
    assert tokenizer(text)["input_ids"] != file.encode(text).ids
    warning = use(folder, tokenizer)
    assert warning is not None
    assert "has the tokens" in warning
    assert "PreTrainedTokenizerFast" in warning

    @settings(max_examples=50, deadline=None)
    @given(st.text(max_size=40), st.text(max_size=40))
    def agrees(query: str, document: str) -> None:
        """Compare the tokens of a pair with those that the file gives it."""
        assert tokenizer([query], [document])["input_ids"] == [file.encode(query, document).ids]

    agrees()
    assert use(folder, tokenizer) is None


@pytest.mark.parametrize("lowercase", [True, False])
def test_the_letter_case_of_the_configuration_counts_for_bert(tmp_path: Path, lowercase: bool) -> None:
    """``do_lower_case`` has always overridden the file: the loaded tokenizer stays, and a warning says so."""
    lay_out(tmp_path, "bert", do_lower_case=lowercase)
    step = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["normalizer"]
    edit(tmp_path, "tokenizer.json", normalizer={**step, "lowercase": not lowercase})
    tokenizer = loaded(tmp_path)
    warning = use(tmp_path, tokenizer)
    assert warning is not None
    assert "overrides" in warning
    assert (tokenizer("Reset")["input_ids"] == tokenizer("reset")["input_ids"]) is lowercase


def test_the_first_space_of_the_configuration_counts_for_byte_pairs(tmp_path: Path) -> None:
    """``add_prefix_space`` has always overridden the file of a RoBERTa."""
    lay_out(tmp_path, "roberta")
    step = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["pre_tokenizer"]
    edit(tmp_path, "tokenizer.json", pre_tokenizer={**step, "add_prefix_space": True})
    tokenizer = loaded(tmp_path)
    assert "overrides" in str(use(tmp_path, tokenizer))
    assert tokenizer("a")["input_ids"] != tokenizer(" a")["input_ids"]


def test_a_file_without_the_steps_of_its_family_is_named(tmp_path: Path) -> None:
    """DeBERTa's class never wrote a file that keeps double spaces: its own steps stay, with a warning."""
    lay_out(tmp_path, "deberta")
    edit(tmp_path, "tokenizer.json", normalizer=None)
    tokenizer = loaded(tmp_path)
    before = tokenizer("a  b ")["input_ids"]
    assert "lacks steps of DebertaV2Tokenizer" in str(use(tmp_path, tokenizer))
    assert tokenizer("a  b ")["input_ids"] == before != of_file(tmp_path).encode("a  b ").ids


def test_an_ending_in_the_file_is_kept(tmp_path: Path) -> None:
    """The token that Qwen3-Embedding appends is in the file alone, and both have it."""
    lay_out(tmp_path, "qwen")
    tiny_tokenizers.appended(tmp_path, "<|endoftext|>")
    tokenizer = loaded(tmp_path)
    assert use(tmp_path, tokenizer) is None
    assert tokenizer.convert_ids_to_tokens(tokenizer("a")["input_ids"])[-1] == "<|endoftext|>"


def test_the_ends_of_the_configuration_count_for_gemma(tmp_path: Path) -> None:
    """``add_eos_token`` has always overridden the file of Llama and Gemma: texts end with the token, with a warning."""
    lay_out(tmp_path, "gemma", add_eos_token=True)
    tokenizer = loaded(tmp_path)
    assert "overrides" in str(use(tmp_path, tokenizer))
    assert tokenizer.convert_ids_to_tokens(tokenizer("a")["input_ids"]) == ["<bos>", "a", "<eos>"]
    pair = tokenizer.convert_ids_to_tokens(tokenizer("a", "b")["input_ids"])
    assert pair == ["<bos>", "a", "<eos>", "<bos>", "b", "<eos>"]


def test_lowercasing_by_the_library_is_no_difference(tmp_path: Path) -> None:
    """``do_lower_case`` of ``sentence_bert_config.json`` adds a step before the file's, on purpose."""
    from tokenizers import normalizers

    tokenizer = loaded(lay_out(tmp_path, "xlmr"))
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase()])
    assert use(tmp_path, tokenizer, lowercase=True) is None
    assert tokenizer("Reset")["input_ids"] == tokenizer("reset")["input_ids"]


def test_tokens_that_were_added_are_no_difference(tmp_path: Path) -> None:
    """Tokens that the configuration or the library adds, as markers of queries, count for both."""
    tokenizer = loaded(lay_out(tmp_path, "bert"))
    tokenizer.add_tokens(["[Q]"])
    assert use(tmp_path, tokenizer) is None


def test_what_cannot_follow_the_file_is_refused(tmp_path: Path) -> None:
    """Added tokens that take spaces in another way than the file's cannot be replaced: one text shows it."""
    tokenizer = loaded(lay_out(tmp_path, "roberta"))
    added = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    edit(tmp_path, "tokenizer.json", added_tokens=[{**one, "rstrip": True} for one in added])
    with pytest.raises(InputError, match=r"than its tokenizer\.json: .* has the tokens") as caught:
        use(tmp_path, tokenizer)
    assert "PreTrainedTokenizerFast" in str(caught.value.hint)


def test_without_a_file_there_is_nothing_to_compare(tmp_path: Path) -> None:
    """A vocabulary alone, several files of modules, and a tokenizer with code of its own are left as they are."""
    tokenizer = loaded(lay_out(tmp_path, "bert"))
    (tmp_path / "tokenizer.json").rename(tmp_path / "other.json")
    assert use(tmp_path, tokenizer) is None
    for name in ("query", "document"):
        put(tmp_path, f"{name}/tokenizer.json", {})
    assert use(tmp_path, tokenizer) is None
    lay_out(tmp_path, "roberta")
    assert use(tmp_path, type("OfRemoteCode", (), {"backend_tokenizer": None})()) is None


def test_a_sentence_piece_file_alone_needs_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ``tokenizer.json``, the message names the file and the package that reads it."""
    put(tmp_path, "sentencepiece.bpe.model", "")
    monkeypatch.setattr(tokenizer_check, "find_spec", lambda _: None)
    files = read_model_files(str(tmp_path), None)
    with pytest.raises(InputError, match=r"sentencepiece\.bpe\.model") as caught:
        tokenizer_check.check_sentence_piece(files)
    assert "pip install sentencepiece" in str(caught.value.hint)
    put(tmp_path, "tokenizer.json", {})
    tokenizer_check.check_sentence_piece(files)
