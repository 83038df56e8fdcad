"""Levels that a language model answers with: the text around its prompt, and the token of each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalkit.errors import InputError

_MARK = "the prompt 7c1e0b"
"""A text that no template contains."""
_WITHOUT_TEMPLATE = "\nAnswer:\n"
"""What follows the prompt of a model without a chat template. Of many tokenizers a space is part of a digit's token, a
line break is not."""


@dataclass(frozen=True, slots=True)
class AnswerFrame:
    """What is before and after a prompt, up to the place where the model answers.

    Attributes
    ----------
    before, after
        Texts in which special tokens are written out.
    """

    before: str
    after: str

    @classmethod
    def of(cls, name: str, tokenizer: Any) -> AnswerFrame:
        """Return the frame of a model: a user's message in its chat template, or plain text if it has none.

        Parameters
        ----------
        name
            Folder or hub id of the model, for messages.
        tokenizer
            The model's tokenizer, of transformers.

        Raises
        ------
        InputError
            If the chat template does not render a single message of a user.
        """
        if not getattr(tokenizer, "chat_template", None):
            begins = tokenizer.encode("")[:1] == [tokenizer.bos_token_id]
            return cls(str(tokenizer.bos_token) if begins else "", _WITHOUT_TEMPLATE)
        messages = [{"role": "user", "content": _MARK}]
        try:
            # Templates of models that can reason leave the thoughts out; others do not know the variable.
            text = str(
                tokenizer.apply_chat_template(
                    messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
                )
            )
        except Exception as error:  # noqa: BLE001 - a template can raise anything
            raise InputError(
                f"the chat template of the model {name!r} does not render a user's message: {error}",
                "use an instruction-tuned model with its own chat template",
            ) from None
        before, found, after = text.partition(_MARK)
        if not found or _MARK in after:
            raise InputError(
                f"the chat template of the model {name!r} does not contain a user's message once",
                "use an instruction-tuned model with its own chat template",
            )
        return cls(before, after)


@dataclass(frozen=True, slots=True)
class LevelHead:
    """The probabilities of several levels as the first token of the answer.

    Attributes
    ----------
    levels
        The texts of the levels, such as ``0`` to ``3``.
    """

    levels: tuple[str, ...]

    def ids(self, name: str, tokenizer: Any, rows: int) -> list[int]:
        """Return the id of the token with which each level is answered, after the frame of the model's prompt.

        Parameters
        ----------
        name, tokenizer
            See `AnswerFrame.of`.
        rows
            Size of the model's vocabulary.

        Raises
        ------
        InputError
            If a level is not one token of the vocabulary there, or two levels are the same token.
        """
        after = AnswerFrame.of(name, tokenizer).after
        context = list(tokenizer.encode(after, add_special_tokens=False))
        found: dict[str, int] = {}
        for level in self.levels:
            ids = list(tokenizer.encode(f"{after}{level}", add_special_tokens=False))
            more = ids[len(context) :]
            if ids[: len(context)] != context or len(more) != 1 or more[0] == tokenizer.unk_token_id:
                pieces = ", ".join(repr(piece) for piece in tokenizer.convert_ids_to_tokens(more))
                raise InputError(
                    f"the grade {level!r} is not one token of the model {name!r}: {pieces or 'none'}",
                    "use a scale with grades below 10, or another model",
                )
            if not 0 <= more[0] < rows:
                raise InputError(
                    f"the token of the grade {level!r} is not in the vocabulary of the model {name!r}",
                    "use the tokenizer files of the model",
                )
            found[level] = int(more[0])
        if len(set(found.values())) < len(found):
            raise InputError(
                f"two grades are the same token of the model {name!r}: {found}", "use another model"
            )
        return list(found.values())
