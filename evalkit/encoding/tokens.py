"""Texts to tokens: exactly those that the model's own library would feed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Item = str | tuple[str, str]
"""What a model reads at once: a text, or a query with a document."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Inputs as tokens, unpadded.

    Attributes
    ----------
    ids, segments
        ``(n,)`` arrays of each input's token ids and segment ids, ``(t,)`` each; no segments where the model
        is fed none.
    truncated
        ``(n,)`` whether an input was cut to the length limit.
    """

    ids: list[NDArray[np.int64]]
    segments: list[NDArray[np.int64]] | None
    truncated: NDArray[np.bool_]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """``(n,)`` tokens of each input."""
        return np.fromiter(map(len, self.ids), dtype=np.int64, count=len(self.ids))


class Tokeniser(Protocol):
    """Turns items into tokens; knows how a batch of them is padded."""

    pad_id: int
    pads_left: bool

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every item."""
        ...


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a model's library does with its tokenizer, as plain values.

    Attributes
    ----------
    max_length
        Where inputs are cut, the longer text of a pair first; None for nowhere.
    cut_side
        Side on which tokens are cut off: ``left`` or ``right``.
    with_segments
        Whether the model is fed segment ids.
    pad_id, pads_left
        The token that fills a batch, and whether it goes to the left.
    """

    max_length: int | None
    cut_side: str
    with_segments: bool
    pad_id: int
    pads_left: bool

    @classmethod
    def of(cls, tokenizer: Any, max_length: int | None) -> TokenRules:
        """Return the rules of a transformers tokenizer."""
        return cls(
            max_length,
            str(tokenizer.truncation_side),
            "token_type_ids" in tokenizer.model_input_names,
            int(tokenizer.pad_token_id or 0),
            bool(tokenizer.padding_side == "left"),
        )


class FastTokeniser:
    """A `tokenizers` tokenizer without what stands around it: on all cores, and it tells what it cuts.

    Parameters
    ----------
    tokenizer
        As JSON, as in ``tokenizer.json``.
    rules
        How it is used.
    prompt
        Put before every text; of a pair, before the query.
    """

    def __init__(self, tokenizer: str, rules: TokenRules, prompt: str | None) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        if rules.max_length is not None:
            self._tokenizer.enable_truncation(
                rules.max_length, strategy="longest_first", direction=rules.cut_side
            )
        self._with_segments = rules.with_segments
        self._prompt = prompt or ""
        self.pad_id, self.pads_left = rules.pad_id, rules.pads_left

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every item."""
        read = [
            self._prompt + item if isinstance(item, str) else (self._prompt + item[0], item[1])
            for item in items
        ]
        found = self._tokenizer.encode_batch_fast(read)
        return Tokens(
            [np.array(one.ids, dtype=np.int64) for one in found],
            [np.array(one.type_ids, dtype=np.int64) for one in found] if self._with_segments else None,
            np.array([bool(one.overflowing) for one in found], dtype=bool),
        )


class LibraryTokeniser:
    """The way sentence-transformers itself goes, chat templates and all; slower, and right for every model.

    Parameters
    ----------
    model
        A sentence-transformers model.
    rules
        Of its tokenizer.
    prompt, more
        Handed to the library's `preprocess`.
    """

    CHUNK = 64

    def __init__(self, model: Any, rules: TokenRules, prompt: str | None, **more: Any) -> None:
        self._model, self._max_length = model, rules.max_length
        self._more = {"prompt": prompt, **more}
        self.pad_id, self.pads_left = rules.pad_id, rules.pads_left

    def features(self, items: Sequence[Item], **more: Any) -> dict[str, Any]:
        """Return what the library would feed its model."""
        return dict(self._model.preprocess(list(items), **self._more, **more))

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every item."""
        ids: list[NDArray[np.int64]] = []
        segments: list[NDArray[np.int64]] = []
        for start in range(0, len(items), self.CHUNK):
            features = self.features(items[start : start + self.CHUNK])
            real = features["attention_mask"].numpy().astype(bool)
            if "query_expansion_positions" in features:  # added to the text, not read of it
                real &= ~features["query_expansion_positions"].numpy()
            ids += _real_parts(features["input_ids"], real)
            segments += _real_parts(features["token_type_ids"], real) if "token_type_ids" in features else []
        return Tokens(ids, segments or None, self._truncated(items, ids))

    def _truncated(self, items: Sequence[Item], ids: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Return which inputs are longer where nothing cuts them; only full ones can be."""
        truncated = np.zeros(len(ids), dtype=bool)
        for place, row in enumerate(ids):
            if self._max_length is not None and len(row) >= self._max_length:
                whole = self.features([items[place]], processing_kwargs={"text": {"truncation": False}})
                truncated[place] = int(whole["attention_mask"].sum()) > len(row)
        return truncated


def _real_parts(padded: Any, real: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    return [row[keep] for row, keep in zip(padded.numpy(), real, strict=True)]


def agree(one: Tokeniser, other: Tokeniser, items: Sequence[Item]) -> bool:
    """Return whether two tokenisers give the same tokens, segments and cuts for all items."""
    first, second = one(items), other(items)
    if (first.segments is None) != (second.segments is None):
        return False
    pairs = zip(first.ids + (first.segments or []), second.ids + (second.segments or []), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs) and np.array_equal(first.truncated, second.truncated)


def probes(max_length: int | None, *, pairs: bool) -> list[Item]:
    """Return inputs on which tokenisers differ if they differ at all: accents, scripts, cuts on either side."""
    # Not much over the limit: of a pair whose texts are both cut, tokenizers makes every pairing of their pieces.
    long = "long words " * min(max_length or 0, 10_000)
    texts = [
        "",
        "How do I reset it?",
        "\u00dcn\u00efcode \ufb01 e\u0301 \u4e2d\u6587 C++ U.S.",
        long,
    ]
    return [(query, document) for query in texts for document in texts] if pairs else list(texts)
