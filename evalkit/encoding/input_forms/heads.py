"""What is read of a model as the score of a pair."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from evalkit.encoding.input_forms.level_head import LevelHead
from evalkit.errors import EvalkitWarning, InputError

TokenName = str | int
"""A token of the vocabulary: its text, or its id."""


@dataclass(frozen=True, slots=True)
class TokenHead:
    """The logits of one or two tokens: at the last position of a causal model, or the first that a decoder writes.

    Attributes
    ----------
    true_token
        The token whose logit is the score.
    false_token
        The token whose logit is subtracted, so that the score is the log odds of `true_token`; None for none.
    configured
        Whether the tokens are those of a configuration, where a number may have been meant as text.
    """

    true_token: TokenName
    false_token: TokenName | None = None
    configured: bool = field(default=False, compare=False)

    def ids(self, name: str, tokenizer: Any, rows: int) -> tuple[int, int | None]:
        """Return the ids of the two tokens.

        Parameters
        ----------
        name
            Folder or hub id of the model, for messages.
        tokenizer
            The model's tokenizer, of transformers.
        rows
            Size of the model's vocabulary.

        Raises
        ------
        InputError
            If a text is not one token of the vocabulary, an id is beyond it, or both are the same token.
        """
        if self.configured:
            self._warn_of_digits(name, tokenizer)
        true_id = token_id(name, "true_token", self.true_token, tokenizer, rows)
        if self.false_token is None:
            return true_id, None
        false_id = token_id(name, "false_token", self.false_token, tokenizer, rows)
        check_distinct(name, true_id, false_id)
        return true_id, false_id

    def _warn_of_digits(self, name: str, tokenizer: Any) -> None:
        """Warn of a number that is also the text of another token."""
        for setting, token in (("true_token", self.true_token), ("false_token", self.false_token)):
            if not isinstance(token, int):
                continue
            found = list(tokenizer.encode(str(token), add_special_tokens=False))
            if len(found) == 1 and found[0] not in {token, tokenizer.unk_token_id}:
                text = tokenizer.convert_ids_to_tokens(token)
                warnings.warn(
                    f"{setting}: {token} is read as the number of a token of the model {name!r}, which is {text!r};"
                    f" for the token with the text {token}, set {setting}: '{token}' (in quotes)",
                    EvalkitWarning,
                    stacklevel=2,
                )


@dataclass(frozen=True, slots=True)
class ClassifierHead:
    """The logits of a sequence classifier."""


@dataclass(frozen=True, slots=True)
class LayerHead:
    """The logit of one layer's head of a layerwise model; the setting ``cutoff_layer`` says of which layer."""


Head = TokenHead | ClassifierHead | LayerHead | LevelHead


def token_id(name: str, setting: str, token: TokenName, tokenizer: Any, rows: int) -> int:
    """Return the id of a token that is given by its text or its id; see `TokenHead.ids`."""
    if isinstance(token, int):
        check_in_vocabulary(name, setting, token, rows)
        return token
    found = list(tokenizer.encode(token, add_special_tokens=False))
    pieces = ", ".join(repr(piece) for piece in tokenizer.convert_ids_to_tokens(found))
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id in found:
        raise InputError(
            f"{setting} {token!r} is not in the vocabulary of the model {name!r}: its tokenizer reads it as {pieces}",
            f"set {setting} to a token that the model was trained to answer with",
        )
    if len(found) != 1:
        raise InputError(
            f"{setting} {token!r} is {len(found)} tokens of the model {name!r}, and must be one: {pieces or 'none'}",
            f"set {setting} to the text or the id of one token of its vocabulary",
        )
    check_in_vocabulary(name, setting, found[0], rows)
    return int(found[0])


def check_in_vocabulary(name: str, setting: str, token: int, rows: int) -> None:
    """Raise an `InputError` if a token's id is not below the size of the vocabulary."""
    if not 0 <= token < rows:
        raise InputError(
            f"{setting} {token} is not in the vocabulary of the model {name!r}, which has {rows} tokens",
            f"set {setting} to an id from 0 to {rows - 1}",
        )


def check_distinct(name: str, true_id: int, false_id: int) -> None:
    """Raise an `InputError` if both tokens are the same: every score would be 0."""
    if true_id == false_id:
        raise InputError(
            f"true_token and false_token of the model {name!r} are the same token, {true_id}:"
            " every score would be 0",
            "set false_token to another token, or remove it",
        )
