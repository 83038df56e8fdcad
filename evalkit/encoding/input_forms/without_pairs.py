"""Recognise language models that rerank in another way than by a score for each pair of query and document."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.encoding.input_forms.model_name import known_names
from evalkit.encoding.model_files import ModelFiles

_SERVED = "serve it behind a chat API, and use backend: listwise"
_MONO = "use a monoT5 or RankT5 model, which scores pairs"
_COMPRESSED = "CostWise"
"""Begin of the architecture of bge-reranker-v2.5-gemma2-lightweight."""


@dataclass(frozen=True, slots=True)
class WithoutPairs:
    """How a model reranks.

    Attributes
    ----------
    words
        What it is, for messages.
    hint
        What can be done.
    """

    words: str
    hint: str


_NAMED: tuple[tuple[re.Pattern[str], WithoutPairs], ...] = (
    (
        re.compile(r"rank_?zephyr|rank_?vicuna|rank_?gpt|first_mistral|rank-?k\b|rearank"),
        WithoutPairs("a listwise reranker that writes the order of a list as text", _SERVED),
    ),
    (
        re.compile(r"listt5|lit5"),
        WithoutPairs("a listwise reranker (Fusion-in-Decoder), which reads several documents at once", _MONO),
    ),
    (
        re.compile(r"duot5"),
        WithoutPairs("a pairwise reranker (duoT5), which compares two documents", _MONO),
    ),
)


def kind_without_pairs(files: ModelFiles) -> WithoutPairs | None:
    """Return how a model reranks that has no score for a pair, by its class and its names; None if unknown."""
    if has_own_inputs(files):
        return WithoutPairs(
            "a layerwise reranker with token compression, whose code takes the lengths of query and prompt, too",
            "use BAAI/bge-reranker-v2-gemma, or serve it with FlagEmbedding and use backend: http",
        )
    for name in known_names(files):
        for pattern, kind in _NAMED:
            if pattern.search(name.lower()):
                return kind
    return None


def has_own_inputs(files: ModelFiles) -> bool:
    """Return whether the code of a model takes inputs that are made of more than the tokens of a pair."""
    return any(one.startswith(_COMPRESSED) for one in files.architectures)
