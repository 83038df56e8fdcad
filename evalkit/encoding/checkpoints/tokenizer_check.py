"""Compare the tokenizer that transformers builds with the model's ``tokenizer.json``, and use what the file says.

transformers 5 builds many tokenizers anew, from the defaults of a class that ``tokenizer_config.json`` names: the steps
in ``tokenizer.json`` are ignored. Version 4 used the file, but for a few options. Where the two differ, a model
published with version 4 gets other tokens, and other scores (transformers issue 45488).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.encoding.checkpoints.tokenizer_steps import (
    TokenDifference,
    first_difference,
    lacks_steps,
    probe_items,
    with_options_of,
)
from evalkit.errors import InputError

_FILE = "tokenizer.json"
_SETS_ENDS = ("LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "CohereTokenizer", "GPTNeoXTokenizer")
"""Classes whose configuration decides on the tokens at both ends of a text."""
_FIX = "set tokenizer_class to PreTrainedTokenizerFast in its tokenizer_config.json"
_SENTENCE_PIECE = (
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "sentencepiece.model",
    "tokenizer.model",
)


def check_sentence_piece(files: ModelFiles) -> None:
    """Check that a tokenizer that is only a file of SentencePiece can be read.

    Raises
    ------
    InputError
        If the package that reads it is not installed.
    """
    found = next((name for name in _SENTENCE_PIECE if (files.folder / name).is_file()), None)
    if found is not None and tokenizer_file(files.folder) is None and find_spec("sentencepiece") is None:
        raise InputError(
            f"the tokenizer of the model {files.name!r} is the SentencePiece file {found}, without {_FILE}",
            f"install the package that reads it: pip install sentencepiece; or add the model's {_FILE}",
        )


def tokenizer_file(folder: Path) -> Path | None:
    """Return the ``tokenizer.json`` of a model; None if it has none, or several in folders of its modules."""
    if (folder / _FILE).is_file():
        return folder / _FILE
    found = sorted(folder.glob(f"*/{_FILE}"))
    return found[0] if len(found) == 1 else None


def use_tokenizer_file(files: ModelFiles, tokenizer: Any, *, lowercase: bool = False) -> str | None:
    """Make a loaded tokenizer cut texts as the model's ``tokenizer.json`` says; return a warning if the two differ.

    The loaded one is kept where ``tokenizer_config.json`` has always overridden the file, and where the file lacks
    steps of its family. Tokenizers with code of their own are not compared.

    Parameters
    ----------
    files
        The model's files.
    tokenizer
        A tokenizer of transformers; its steps are replaced by those of the file where needed.
    lowercase
        Whether sentence-transformers lowercases texts before any other step.

    Raises
    ------
    InputError
        If it cannot be made equal to the file.
    """
    path = tokenizer_file(files.folder)
    loaded = getattr(tokenizer, "backend_tokenizer", None)
    if path is None or loaded is None or not type(tokenizer).__module__.startswith("transformers."):
        return None
    kind = type(tokenizer).__name__
    if kind in _SETS_ENDS:
        _set_ends(files.tokenizer_config, tokenizer)
    comparison = _Comparison(path, tokenizer, lowercase=lowercase)
    plain = comparison.difference()
    if plain is None:
        return None
    with_options_of(comparison.file, loaded, sets_ends=kind in _SETS_ENDS)
    if comparison.difference() is None:
        return f"tokenizer_config.json of the model {files.name!r} overrides its {_FILE}: {plain}"
    if comparison.same_model and lacks_steps(comparison.file, loaded):
        return f"{_FILE} of the model {files.name!r} lacks steps of {kind}, which are added: {plain}"
    comparison.replace_loaded()
    rest = comparison.difference()
    if rest is not None:
        raise InputError(
            f"transformers builds another tokenizer for the model {files.name!r} ({kind}) than its {_FILE}:"
            f" {rest}",
            _FIX,
        )
    return (
        f"the tokenizer of the model {files.name!r} follows its {_FILE}; {kind}, as transformers builds it,"
        f" differs: {plain}. To avoid this warning, {_FIX}"
    )


def _set_ends(config: Mapping[str, Any], tokenizer: Any) -> None:
    """Add those tokens at both ends that the configuration asks for: transformers 5 leaves them to the file."""
    ids = tokenizer("a")["input_ids"]
    found = {
        "add_bos_token": ids[:1] == [tokenizer.bos_token_id],
        "add_eos_token": ids[-1:] == [tokenizer.eos_token_id],
    }
    wanted = {name: bool(config[name]) if name in config else has for name, has in found.items()}
    if wanted != found:
        for name, value in wanted.items():
            setattr(tokenizer, name, value)


class _Comparison:
    """A loaded tokenizer, and the one of a file with the tokens that were added to the loaded one.

    Attributes
    ----------
    file
        The tokenizer of the file.
    """

    def __init__(self, path: Path, tokenizer: Any, *, lowercase: bool) -> None:
        from tokenizers import Tokenizer, normalizers

        self._loaded = tokenizer.backend_tokenizer
        self.file = Tokenizer.from_file(str(path))
        known = {one.content for one in self.file.get_added_tokens_decoder().values()}
        added = [one for _, one in sorted(self._loaded.get_added_tokens_decoder().items())]
        self.file.add_tokens([one for one in added if one.content not in known])
        if lowercase:
            steps = [normalizers.Lowercase(), self.file.normalizer]
            self.file.normalizer = normalizers.Sequence([one for one in steps if one is not None])
        for one in (self._loaded, self.file):
            one.no_truncation()
            one.no_padding()
        self.file.encode_special_tokens = self._loaded.encode_special_tokens
        special = dict.fromkeys([*tokenizer.all_special_tokens, *(one.content for one in added)])
        self._items = probe_items(list(special))
        self._with_segments = "token_type_ids" in tokenizer.model_input_names

    @property
    def same_model(self) -> bool:
        """Whether both are of one kind, such as pairs of bytes."""
        return type(self.file.model) is type(self._loaded.model)

    def difference(self) -> TokenDifference | None:
        """Return what the loaded tokenizer cuts in another way than the file; None if nothing."""
        return first_difference(self._loaded, self.file, self._items, with_segments=self._with_segments)

    def replace_loaded(self) -> None:
        """Give the loaded tokenizer the steps of the file."""
        for step in ("model", "normalizer", "pre_tokenizer", "post_processor"):
            setattr(self._loaded, step, getattr(self.file, step))
