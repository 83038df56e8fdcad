"""Count the tokens of texts, and find where each token begins and ends, with a tokenizer that a configuration names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError, MissingExtraError
from evalkit.http_client import hub_access

_FILE = "tokenizer.json"
_AT_ONCE = 1_000
"""Texts that are tokenized together, on all cores."""


class TextTokenizer:
    """A tokenizer of the `tokenizers` package, without special tokens, limits or padding.

    Parameters
    ----------
    name
        As in the configuration.
    content
        Content of ``tokenizer.json``.

    Attributes
    ----------
    name
        As in the configuration.
    sha256
        Hash of the content, which identifies the tokenizer whatever its name.

    Raises
    ------
    InputError
        If the content describes no tokenizer.
    MissingExtraError
        If `tokenizers` is not installed.
    """

    def __init__(self, name: str, content: bytes) -> None:
        tokenizers = _tokenizers()
        self.name = name
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            self._tokenizer: Any = tokenizers.Tokenizer.from_str(content.decode("utf-8"))
        except Exception as error:  # noqa: BLE001 - the package raises bare exceptions
            raise InputError(f"{name} is not a tokenizer: {error}", _HINT) from None
        self._tokenizer.encode_special_tokens = (
            True  # a document that spells one has the tokens of its letters
        )
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def counts(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the ``(n,)`` numbers of tokens of texts."""
        found = np.empty(len(texts), dtype=np.int64)
        for start in range(0, len(texts), _AT_ONCE):
            part = [_encodable(text) for text in texts[start : start + _AT_ONCE]]
            encodings = self._tokenizer.encode_batch_fast(part, add_special_tokens=False)
            found[start : start + len(part)] = [len(one) for one in encodings]
        return found

    def offsets(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return for each text the ``(t, 2)`` first and end character of its tokens, in the order of the text."""
        encodings = self._tokenizer.encode_batch(list(map(_encodable, texts)), add_special_tokens=False)
        return [np.array(one.offsets, dtype=np.int64).reshape(-1, 2) for one in encodings]


_HINT = (
    "name a tokenizer.json file, a folder that contains one, or a model of the Hugging Face hub that has one"
)


def open_text_tokenizer(name: str) -> TextTokenizer:
    """Return the tokenizer in a file, in a folder, or of a model on the hub.

    Raises
    ------
    InputError
        If there is none.
    MissingExtraError
        If `tokenizers` is not installed.
    """
    _tokenizers()
    path = Path(name)
    if path.is_dir():
        path /= _FILE
    elif not path.is_file():
        path = _downloaded(name)
    try:
        return TextTokenizer(name, path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path.resolve()}: {error.strerror}", _HINT) from None


def _downloaded(name: str) -> Path:
    """Return the tokenizer file of a model on the hub, from its cache if possible."""
    from huggingface_hub import hf_hub_download

    with hub_access() as unreachable:
        try:
            return Path(hf_hub_download(name, _FILE))
        except (OSError, ValueError) as error:
            reason = unreachable or (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"the tokenizer {name!r} was not found: {reason}", _HINT) from None


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError("counting tokens", "tokenizer") from None
    return tokenizers


def _encodable(text: str) -> str:
    """Return a text with a question mark for each lone surrogate, which UTF-8 cannot encode; the length is the same."""
    return text.encode("utf-8", "replace").decode()
