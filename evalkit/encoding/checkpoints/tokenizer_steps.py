"""Read and compare the steps of tokenizers of the `tokenizers` package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.encoding.tokens import Item

_SPACES = frozenset({"WhitespaceSplit", "Whitespace", "Strip"})
"""Steps that decide what several spaces, tabs and line breaks become."""
_TEXTS = (
    "",
    "How do I reset it?",
    "Hello HELLO hello, Don't we've I'LL",
    "\u00dcn\u00efcode caf\u00e9 e\u0301 \ufb01ne \uff46\uff55\uff4c\uff4c",
    "\u4e2d\u6587\u5b57 \u041f\u0440\u0438\u0432\u0435\u0442 \u0627\u0644\u0639\u0631 \ud55c\uad6d\uc5b4",
    "Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144",
    "two  spaces\tand\ttabs\nlines\r\n\nend",
    " leading and trailing ",
    "\u00a0no\u200bbreak\u00a0",
    "12345 3.14 2024-05-01 $1,000",
    "if (x_1 != y[2]) { return f(a, b); } // C++ ``q'' \"r\"",
    "\U0001f600 ok \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "word " * 300,
)
"""Cases, accents, composed letters, scripts, spaces, numbers, code, symbols, and a long text."""
_MOST_TOKENS = 16
"""Special tokens that are tried: some tokenizers have thousands of unused ones."""


@dataclass(frozen=True, slots=True)
class TokenDifference:
    """A text or pair that two tokenizers cut in different ways.

    Attributes
    ----------
    item
        The text or pair.
    first, second
        Its tokens according to the one and the other, special tokens included.
    """

    item: Item
    first: tuple[str, ...]
    second: tuple[str, ...]

    def __str__(self) -> str:
        """Return the text and both kinds of tokens from the first different one on, shortened."""
        same = next(
            (n for n, (a, b) in enumerate(zip(self.first, self.second, strict=False)) if a != b),
            min(len(self.first), len(self.second)),
        )
        shown = [list(tokens[max(same - 1, 0) : same + 3]) for tokens in (self.first, self.second)]
        text = self.item if isinstance(self.item, str) else " / ".join(self.item)
        return f"{text[:40]!r} has the tokens {shown[0]}, not {shown[1]}"


def probe_items(special: Sequence[str]) -> list[Item]:
    """Return texts and pairs that reveal differences between tokenizers; `special` tokens are put inside texts."""
    inside = [text for token in special[:_MOST_TOKENS] for text in (f"a {token} b", f"a{token}b")]
    texts = [*_TEXTS, *inside]
    return [*texts, *((text, "short document") for text in texts), *(("query", text) for text in texts)]


def first_difference(
    one: Any, other: Any, items: Sequence[Item], *, with_segments: bool
) -> TokenDifference | None:
    """Return the first item with different tokens, or segment ids where the model reads them; None if all are equal.

    Parameters
    ----------
    one, other
        Two `tokenizers.Tokenizer`, without truncation and padding.
    items
        Texts and pairs.
    with_segments
        Whether the model takes segment ids.
    """
    pairs = zip(one.encode_batch(list(items)), other.encode_batch(list(items)), strict=True)
    for item, (first, second) in zip(items, pairs, strict=True):
        if first.ids != second.ids or (with_segments and first.type_ids != second.type_ids):
            return TokenDifference(item, tuple(first.tokens), tuple(second.tokens))
    return None


def steps_of(component: Any) -> list[Mapping[str, Any]]:
    """Return the steps of a normaliser or pre-tokeniser, each with its type and options; none for None."""
    return [] if component is None else list(_flat(json.loads(component.__getstate__())))


def lacks_steps(file: Any, loaded: Any) -> bool:
    """Return whether a tokenizer has no step for spaces, or no pattern that splits words, where another has one."""
    return bool(_purposes(loaded) - _purposes(file))


def with_options_of(file: Any, loaded: Any, *, sets_ends: bool) -> None:
    """Give a tokenizer those options of another that ``tokenizer_config.json`` has always decided.

    These are letter case, accents and Chinese characters of BERT's normaliser, the first space of byte pairs, and for
    some families the tokens at both ends. transformers before version 5, with which most models were published, took
    everything else from ``tokenizer.json``.

    Parameters
    ----------
    file, loaded
        Two `tokenizers.Tokenizer`; the first is changed.
    sets_ends
        Whether the family's configuration decides on the tokens at both ends.
    """
    from tokenizers import normalizers, pre_tokenizers

    ours, theirs = steps_of(file.normalizer), _step(loaded.normalizer, "BertNormalizer")
    if [one["type"] for one in ours] == ["BertNormalizer"] and theirs is not None:
        file.normalizer = normalizers.BertNormalizer(**_options(theirs))
    ours, theirs = steps_of(file.pre_tokenizer), _step(loaded.pre_tokenizer, "ByteLevel")
    if [one["type"] for one in ours] == ["ByteLevel"] and theirs is not None:
        first = theirs["add_prefix_space"]
        file.pre_tokenizer = pre_tokenizers.ByteLevel(**{**_options(ours[0]), "add_prefix_space": first})
    if sets_ends:
        file.post_processor = loaded.post_processor


def _flat(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if state["type"] != "Sequence":
        yield state
        return
    for part in state.get("normalizers") or state.get("pretokenizers") or ():
        yield from _flat(part)


def _step(component: Any, kind: str) -> Mapping[str, Any] | None:
    return next((one for one in steps_of(component) if one["type"] == kind), None)


def _options(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "type"}


def _purposes(tokenizer: Any) -> set[str]:
    """Return what the steps of a tokenizer are for, as far as files without the family's steps lack it."""
    found = set()
    for step in [*steps_of(tokenizer.normalizer), *steps_of(tokenizer.pre_tokenizer)]:
        if step["type"] in _SPACES or (step["type"] == "Replace" and "Regex" in step["pattern"]):
            found.add("spaces")
        if step["type"] == "Split":
            found.add("words")
    return found
