"""Tokenise prompts with a document in them, within the frame of a language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.input_forms.level_head import AnswerFrame
from evalkit.encoding.tokens import Item, TokenRules, Tokens, unlimited_tokenizer
from evalkit.errors import CallError

PromptOf = Callable[[str, str], str]
"""A query and a document in; the prompt out."""


class PromptTokeniser:
    """Tokenises prompts. A special token that is written in a prompt is split like other words, so no text ends it.

    A prompt over the length limit is made again of a shorter document.

    Parameters
    ----------
    tokenizer
        Content of ``tokenizer.json``.
    rules
        How the tokenizer is used.
    frame
        What is before and after a prompt, where special tokens are special.
    """

    def __init__(self, tokenizer: str, rules: TokenRules, frame: AnswerFrame) -> None:
        special = unlimited_tokenizer(tokenizer, replace(rules, splits_special=False))
        self._tokenizer = unlimited_tokenizer(tokenizer, replace(rules, splits_special=True))
        self._before, self._after = (
            np.array(special.encode(text, add_special_tokens=False).ids, dtype=np.int64)
            for text in (frame.before, frame.after)
        )
        self._limit, self._with_segments = rules.max_length, rules.with_segments
        self._prompt_of: PromptOf = lambda query, document: f"{query}\n{document}"
        self.pad_id, self.pads_left = rules.pad_id, rules.pads_left

    def of(self, prompt_of: PromptOf) -> PromptTokeniser:
        """Return a tokeniser of other prompts, with the same tokenizer."""
        found = object.__new__(PromptTokeniser)
        found.__dict__.update(self.__dict__)
        found._prompt_of = prompt_of
        return found

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of the prompt for every pair.

        Raises
        ------
        CallError
            If a prompt without its document is over the length limit.
        """
        pairs = [item for item in items if not isinstance(item, str)]
        if len(pairs) != len(items):
            raise TypeError("prompts are made of pairs")
        texts = [self._prompt_of(*pair) for pair in pairs]
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [self._framed(one.ids) for one in encodings]
        truncated = np.array([self._over(one) > 0 for one in ids], dtype=bool)
        for place in np.flatnonzero(truncated):
            ids[place] = self._cut(*pairs[place], ids[place])
        segments = [np.zeros_like(one) for one in ids] if self._with_segments else None
        return Tokens(ids, segments, truncated)

    def _framed(self, ids: Sequence[int]) -> NDArray[np.int64]:
        return np.concatenate([self._before, np.array(ids, dtype=np.int64), self._after])

    def _over(self, ids: NDArray[np.int64]) -> int:
        return 0 if self._limit is None else len(ids) - self._limit

    def _cut(self, query: str, document: str, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tokens of the prompt with as much of the document as there is room for."""
        spans = self._tokenizer.encode(document, add_special_tokens=False).offsets
        keep = len(spans)
        while (over := self._over(ids)) > 0:
            if not document:
                raise CallError(
                    "request",
                    f"the prompt without its document has {len(ids)} tokens, and the model reads {self._limit}",
                    "shorten the query or the instruction, or raise max_length_tokens",
                )
            keep = max(keep - over, 0)
            document = document[: spans[keep - 1][1]] if keep else ""
            prompt = self._prompt_of(query, document)
            ids = self._framed(self._tokenizer.encode(prompt, add_special_tokens=False).ids)
        return ids
