"""Tokenise texts exactly as the model's own library does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Item = str | tuple[str, str]
"""One input of a model: a text, or a pair of query and document."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Inputs as tokens, unpadded.

    Attributes
    ----------
    ids, segments
        ``(n,)`` arrays of each input's token ids and segment ids, ``(t,)`` each; `segments` is None if the
        model takes none.
    truncated
        ``(n,)`` whether the input was cut to the length limit.
    """

    ids: list[NDArray[np.int64]]
    segments: list[NDArray[np.int64]] | None
    truncated: NDArray[np.bool_]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """``(n,)`` number of tokens of each input."""
        return np.fromiter(map(len, self.ids), dtype=np.int64, count=len(self.ids))


class Tokeniser(Protocol):
    """Turns items into tokens, and defines how batches are padded."""

    pad_id: int
    pads_left: bool

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every item."""
        ...


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How a model's library uses its tokenizer.

    Attributes
    ----------
    max_length
        Maximum tokens of an input, where the longer text of a pair is cut first; None for no limit.
    cut_side
        Side on which tokens are cut off: ``left`` or ``right``.
    with_segments
        Whether the model takes segment ids.
    pad_id, pads_left
        The padding token, and whether padding goes to the left.
    splits_special
        Whether special tokens that are written in a text are split like other words.
    """

    max_length: int | None
    cut_side: str
    with_segments: bool
    pad_id: int
    pads_left: bool
    splits_special: bool = False

    @classmethod
    def of(cls, tokenizer: Any, max_length: int | None) -> TokenRules:
        """Return the rules of a transformers tokenizer."""
        return cls(
            max_length,
            str(tokenizer.truncation_side),
            "token_type_ids" in tokenizer.model_input_names,
            int(tokenizer.pad_token_id or 0),
            bool(tokenizer.padding_side == "left"),
            bool(getattr(tokenizer, "split_special_tokens", False)),
        )


def special_tokens(tokenizer: Any) -> list[str]:
    """Return the tokens of a transformers tokenizer that have a role, such as the separator."""
    named = getattr(tokenizer, "special_tokens_map", {})
    return list(dict.fromkeys(token for token in named.values() if isinstance(token, str)))


def unlimited_tokenizer(tokenizer: str, rules: TokenRules) -> Any:
    """Return the tokenizer of the `tokenizers` package in a ``tokenizer.json``; it neither pads nor cuts."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_str(tokenizer)
    loaded.encode_special_tokens = rules.splits_special  # not part of tokenizer.json
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


class FastTokeniser:
    """Uses the `tokenizers` package directly: it runs on all cores and reports truncated inputs.

    Parameters
    ----------
    tokenizer
        Content of ``tokenizer.json``.
    rules
        How the tokenizer is used.
    prompt
        Text put before every text, or before the query of a pair.
    """

    def __init__(self, tokenizer: str, rules: TokenRules, prompt: str | None) -> None:
        self._tokenizer = unlimited_tokenizer(tokenizer, rules)
        if rules.max_length is not None:
            self._tokenizer.enable_truncation(
                rules.max_length, strategy="longest_first", direction=rules.cut_side
            )
        self._with_segments = rules.with_segments
        self._prompt = prompt or ""
        self.pad_id, self.pads_left = rules.pad_id, rules.pads_left

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every item."""
        prompted = [
            self._prompt + item if isinstance(item, str) else (self._prompt + item[0], item[1])
            for item in items
        ]
        encodings = self._tokenizer.encode_batch_fast(prompted)
        return Tokens(
            [np.array(one.ids, dtype=np.int64) for one in encodings],
            [np.array(one.type_ids, dtype=np.int64) for one in encodings] if self._with_segments else None,
            np.array([bool(one.overflowing) for one in encodings], dtype=bool),
        )


class LibraryTokeniser:
    """Uses the preprocessing of sentence-transformers, with chat templates: slower, but correct for every model.

    Parameters
    ----------
    model
        A sentence-transformers model.
    rules
        How its tokenizer is used.
    prompt, more
        Arguments of the library's `preprocess`.
    """

    CHUNK = 64

    def __init__(self, model: Any, rules: TokenRules, prompt: str | None, **more: Any) -> None:
        self._model, self._max_length = model, rules.max_length
        self._more = {"prompt": prompt, **more}
        self.pad_id, self.pads_left = rules.pad_id, rules.pads_left

    def features(self, items: Sequence[Item], **more: Any) -> dict[str, Any]:
        """Return the features that the library passes to its model."""
        return dict(self._model.preprocess(list(items), **self._more, **more))

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every item."""
        ids: list[NDArray[np.int64]] = []
        segments: list[NDArray[np.int64]] = []
        for start in range(0, len(items), self.CHUNK):
            features = self.features(items[start : start + self.CHUNK])
            real = features["attention_mask"].numpy().astype(bool)
            if "query_expansion_positions" in features:  # expansion tokens are not part of the text
                real &= ~features["query_expansion_positions"].numpy()
            ids += _real_parts(features["input_ids"], real)
            segments += _real_parts(features["token_type_ids"], real) if "token_type_ids" in features else []
        return Tokens(ids, segments or None, self._truncated(items, ids))

    def _truncated(self, items: Sequence[Item], ids: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Return ``(n,)`` whether an input has more tokens without truncation; only those at the limit can."""
        truncated = np.zeros(len(ids), dtype=bool)
        for place, row in enumerate(ids):
            if self._max_length is not None and len(row) >= self._max_length:
                uncut = self.features([items[place]], processing_kwargs={"text": {"truncation": False}})
                truncated[place] = int(uncut["attention_mask"].sum()) > len(row)
        return truncated


def _real_parts(padded: Any, real: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    return [row[keep] for row, keep in zip(padded.numpy(), real, strict=True)]


def agree(one: Tokeniser, other: Tokeniser, items: Sequence[Item]) -> bool:
    """Return whether two tokenisers return the same tokens, segments and truncation for all items."""
    first, second = one(items), other(items)
    if (first.segments is None) != (second.segments is None):
        return False
    pairs = zip(first.ids + (first.segments or []), second.ids + (second.segments or []), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs) and np.array_equal(first.truncated, second.truncated)


def probes(max_length: int | None, special: Sequence[str] = (), *, pairs: bool) -> list[Item]:
    """Return inputs that reveal differences between tokenisers.

    They have accents, scripts, the `special` tokens of the tokenizer inside a text, and truncation of either text.
    """
    # Not much over the limit: if both texts of a pair are cut, tokenizers builds every combination of the pieces.
    long = "long words " * min(max_length or 0, 10_000)
    texts = [
        "",
        "How do I reset it?",
        "\u00dcn\u00efcode \ufb01 e\u0301 \u4e2d\u6587 C++ U.S.",
        long,
        *([f"a {' b '.join(special)} c"] if special else []),
    ]
    return [(query, document) for query in texts for document in texts] if pairs else list(texts)
