"""Tokenise pairs in the input form of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.input_forms.form import InputForm, Piece, PieceText
from evalkit.encoding.tokens import Item, TokenRules, Tokens, unlimited_tokenizer
from evalkit.errors import InputError

LEAST_ROOM = 8
"""Fewest tokens that a length limit must leave for query and document."""


@dataclass(slots=True)
class _Cuttable:
    """Tokens of a piece, and which of them can be cut.

    Attributes
    ----------
    ids
        Token ids.
    slots
        Name of the text that each token ends in; empty for fixed text.
    """

    ids: NDArray[np.int64]
    slots: NDArray[np.str_]

    def cut(self, slot: str, count: int) -> int:
        """Remove up to `count` tokens from the end of a text, and return how many were removed."""
        places = np.flatnonzero(self.slots == slot)
        removed = places[max(len(places) - count, 0) :] if count > 0 else places[:0]
        self.ids, self.slots = np.delete(self.ids, removed), np.delete(self.slots, removed)
        return len(removed)


class FormTokeniser:
    """Fills query and document into the templates of a form, and tokenises each piece apart.

    It uses the `tokenizers` package directly, on all cores. Only inputs over the length limit are tokenised a second
    time, to find out which tokens belong to which text.

    Parameters
    ----------
    tokenizer
        Content of ``tokenizer.json``.
    rules
        How the tokenizer is used.
    form
        The form, with its instruction.

    Raises
    ------
    InputError
        If the length limit leaves no room for query and document, the tokenizer lacks the form's first token, or it
        adds a token that the template has.
    """

    def __init__(self, tokenizer: str, rules: TokenRules, form: InputForm) -> None:
        self._tokenizer = unlimited_tokenizer(tokenizer, rules)
        self._form, self._limit = form, rules.max_length
        self._pieces = list(form.parsed())
        self._first = self._begin()
        self._with_segments = rules.with_segments
        self.pad_id, self.pads_left = rules.pad_id, rules.pads_left
        empty = [self._encode([piece.fill("", "").text])[0] for piece in self._pieces]
        self._lengths = [len(ids) for ids in empty]
        self._check_room()
        self._check_doubled()

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every pair."""
        pairs = [self._form.texts(*item) for item in items if not isinstance(item, str)]
        if len(pairs) != len(items):
            raise TypeError("an input form takes pairs")
        columns = [self._column(piece, pairs) for piece in self._pieces]
        ids: list[NDArray[np.int64]] = []
        truncated = np.zeros(len(pairs), dtype=bool)
        for place, pair in enumerate(pairs):
            parts = [column[place] for column in columns]
            truncated[place] = self._is_over(parts)
            if truncated[place]:
                parts = self._cut(pair)
            ids.append(np.concatenate([self._first, *parts]))
        segments = [np.zeros_like(one) for one in ids] if self._with_segments else None
        return Tokens(ids, segments, truncated)

    def _encode(self, texts: list[str]) -> list[NDArray[np.int64]]:
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=self._form.special_tokens)
        return [np.array(one.ids, dtype=np.int64) for one in encodings]

    def _column(self, piece: Piece, pairs: list[tuple[str, str]]) -> list[NDArray[np.int64]]:
        """Return a piece's tokens for every pair; equal texts, such as one query's, are tokenised once."""
        texts = [piece.fill(*pair).text for pair in pairs]
        unique = list(dict.fromkeys(texts))
        known = dict(zip(unique, self._encode(unique), strict=True))
        return [known[text] for text in texts]

    def _begin(self) -> NDArray[np.int64]:
        if self._form.begin is None:
            return np.empty(0, dtype=np.int64)
        found = self._tokenizer.token_to_id(self._form.begin)
        if found is None:
            raise InputError(
                f"the tokenizer has no token {self._form.begin!r}, with which inputs of the form"
                f" {self._form.name} begin",
                "use the model's own tokenizer files",
            )
        return np.array([found], dtype=np.int64)

    def _check_room(self) -> None:
        """Check that the length limit leaves room for the texts of a pair."""
        fixed = sum(self._lengths) + len(self._first)
        if self._limit is not None and self._limit < fixed + LEAST_ROOM:
            raise InputError(
                f"max_length_tokens {self._limit} leaves no room for query and document: the template of the form"
                f" {self._form.name} has {fixed} tokens",
                f"set max_length_tokens to {fixed + LEAST_ROOM} or more",
            )

    def _check_doubled(self) -> None:
        """Check that the template does not repeat a token that the tokenizer adds at the begin or the end."""
        if not self._form.special_tokens:
            return
        whole = self._tokenizer.encode(self._pieces[0].fill("", "").text)
        added = np.array(whole.special_tokens_mask, dtype=bool)
        for place, inner in ((0, 1), (-1, -2)):
            if (
                len(whole.ids) > 1
                and added[place]
                and not added[inner]
                and whole.ids[place] == whole.ids[inner]
            ):
                raise InputError(
                    f"the template of the form {self._form.name} has {whole.tokens[place]!r}, which the tokenizer adds"
                    " a second time",
                    f"remove {whole.tokens[place]} from the template",
                )

    @property
    def _textual(self) -> list[int]:
        """Places of the pieces with texts."""
        return [place for place, piece in enumerate(self._pieces) if piece.slots]

    def _query_limit(self) -> int | None:
        """Return the most tokens of the query's piece: its share of what is left for the first to the last text."""
        if self._form.query_share is None or self._limit is None:
            return None
        first, last = self._textual[0], self._textual[-1]
        room = self._limit - sum(self._lengths[:first]) - sum(self._lengths[last + 1 :])
        over, under = self._form.query_share
        return room * over // under

    def _is_over(self, parts: list[NDArray[np.int64]]) -> bool:
        if self._limit is None:
            return False
        most = self._query_limit()
        if most is not None and len(parts[self._textual[0]]) > most:
            return True
        return sum(map(len, parts)) + len(self._first) > self._limit

    def _cut(self, pair: tuple[str, str]) -> list[NDArray[np.int64]]:
        """Return the tokens of the pieces, cut to the length limit."""
        pieces = [self._cuttable(piece.fill(*pair)) for piece in self._pieces]
        most = self._query_limit()
        if most is not None:
            queried = pieces[self._textual[0]]
            queried.cut("query", len(queried.ids) - most)
        for slot in ("end",) if self._form.cut == "end" else ("document", "query"):
            for piece in reversed(pieces):
                over = sum(len(one.ids) for one in pieces) + len(self._first) - (self._limit or 0)
                piece.cut(slot, over)
        return [piece.ids for piece in pieces]

    def _cuttable(self, filled: PieceText) -> _Cuttable:
        """Return a piece's tokens, with the text that each token ends in."""
        encoding = self._tokenizer.encode(filled.text, add_special_tokens=self._form.special_tokens)
        slots = np.full(len(encoding.ids), "", dtype="U8")
        if self._form.cut == "end" and filled.spans:
            slots[np.array(encoding.special_tokens_mask) == 0] = "end"
        elif filled.spans:
            _mark(slots, encoding, filled)
        return _Cuttable(np.array(encoding.ids, dtype=np.int64), slots)


def _mark(slots: NDArray[np.str_], encoding: Any, filled: PieceText) -> None:
    """Set the name of the text in which each token ends."""
    ends = np.array([end if start < end else -1 for start, end in encoding.offsets])
    for slot, first, last in filled.spans:
        places = np.flatnonzero((ends > first) & (ends <= last))
        if len(places):  # tokens without width between them belong to the text, too
            slots[places[0] : places[-1] + 1] = slot
