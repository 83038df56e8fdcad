"""Recognise language models that rerank in another way than by a score for each pair of query and document."""

from __future__ import annotations

import re

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.encoding.input_forms.model_name import origin, own_names
from evalkit.errors import InputError

_SERVED = "serve it behind a chat API, and use backend: listwise"
_MONO = "use a monoT5 or RankT5 model, which scores pairs"
_COMPRESSED = "CostWise"
"""Begin of the architecture of bge-reranker-v2.5-gemma2-lightweight."""
_NAMED: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"rank_?zephyr|rank_?vicuna|rank_?gpt|first_mistral|rank-?k\b|rearank"),
        "a listwise reranker that writes the order of a list as text",
        _SERVED,
    ),
    (
        re.compile(r"listt5|\blit5"),
        "a listwise reranker (Fusion-in-Decoder), which reads several documents at once",
        _MONO,
    ),
    (
        re.compile(r"duot5"),
        "a pairwise reranker (duoT5), which compares two documents",
        _MONO,
    ),
)
"""Pattern of names, what such a model is, and what can be done."""


def check_scores_pairs(files: ModelFiles) -> None:
    """Check that a model is not called by the name of one that compares documents with each other.

    Raises
    ------
    InputError
        If it is, with its kind.
    """
    for name in (*own_names(files), origin(files)):
        for pattern, kind, hint in _NAMED:
            if pattern.search(name.lower()):
                raise _refusal(files, kind, hint)


def check_own_inputs(files: ModelFiles) -> None:
    """Check that the tokens of a pair are all that the code of a model takes.

    Raises
    ------
    InputError
        If it takes more.
    """
    if any(one.startswith(_COMPRESSED) for one in files.architectures):
        raise _refusal(
            files,
            "a layerwise reranker with token compression, whose code takes the lengths of query and prompt, too",
            "use BAAI/bge-reranker-v2-gemma, or serve it with FlagEmbedding and use backend: http",
        )


def _refusal(files: ModelFiles, kind: str, hint: str) -> InputError:
    named = f"the model {files.name!r} ({', '.join(files.architectures)})"
    return InputError(f"{named} is {kind}: it cannot score single pairs", hint)
