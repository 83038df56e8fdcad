"""What late interaction takes beyond one vector a text: limits by role, longer queries, a trained head."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.packing import Padded
from evalkit.errors import InputError

Task = Literal["query", "document"]
"""The role in which a model reads a text."""

POSITIONS = "query_expansion_positions"
"""Where the library says which tokens of a query it added."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Tokens that a model sees behind a short query, because it was trained so: they are scored like words.

    Attributes
    ----------
    length
        Tokens that a query has at least.
    token_id
        The one that is added.
    attended
        Whether other tokens attend to those that were added.
    on_left
        Whether they stand before the query.
    """

    length: int
    token_id: int
    attended: bool
    on_left: bool

    @classmethod
    def of(cls, features: Mapping[str, Any]) -> Expansion | None:
        """Return what the library did to a short query; None for nothing.

        Parameters
        ----------
        features
            Of that one query: ``(1, t)`` tensors.
        """
        if POSITIONS not in features or not features[POSITIONS].any():
            return None
        (added,), (ids,), (mask,) = features[POSITIONS], features["input_ids"], features["attention_mask"]
        return cls(len(added), int(ids[added][0]), bool(mask[added].all()), bool(added[0]))

    def applied(self, batch: Padded) -> tuple[Padded, NDArray[np.bool_]]:
        """Return longer queries, and ``(b, t)`` which tokens were added."""
        missing = max(self.length - batch.ids.shape[1], 0)
        width = ((0, 0), (missing, 0) if self.on_left else (0, missing))
        ids, mask = np.pad(batch.ids, width), np.pad(batch.mask, width)
        segments = None if batch.segments is None else np.pad(batch.segments, width)
        added = (mask == 0) & (np.arange(ids.shape[1]) < self.length)
        ids = np.where(added, self.token_id, ids)
        return Padded(ids, np.where(added, 1, mask) if self.attended else mask, segments), added


def length_of(own: Any, task: Task) -> int | None:
    """Return where a sentence-transformers model cuts texts in a role; None where that is as everywhere."""
    limit: int | None = getattr(own[0], f"{task}_length", None)
    expansion = getattr(own[0], "query_expansion", None) if task == "query" else None
    if expansion is not None and expansion["strategy"] == "fixed":
        return int(expansion["length"])
    if expansion is not None and limit is not None:
        return max(limit, int(expansion["length"]))
    return limit


def check_trained(name: str, revision: str | None) -> None:
    """Refuse a model without a trained head: the library would give it a random one, and scores to match.

    Sound are saves of the library itself and of PyLate (older ones are known by their prefixes), and
    checkpoints of Stanford's ColBERT.

    Raises
    ------
    InputError
        If the checkpoint is none of these.
    """
    modules = _read(name, "modules.json", revision)
    saved = _read(name, "config_sentence_transformers.json", revision) or {}
    architectures = (_read(name, "config.json", revision) or {}).get("architectures") or []
    if modules is not None and "model_type" in saved:
        trained = saved["model_type"] in {"MultiVectorEncoder", "ColBERT"}
    elif "HF_ColBERT" in architectures:
        trained = True
    else:
        types = [str(module.get("type")) for module in modules or []]
        trained = "query_prefix" in saved and any(one.endswith(".Dense") for one in types)
    if not trained:
        raise InputError(
            f"the model {name!r} has no trained head for late interaction: its scores would be random",
            "give a ColBERT-style model; one that embeds whole texts is backend: bi_encoder",
        )


def _read(name: str, file: str, revision: str | None) -> Any:
    """Return a JSON file of a model; None if it has no such file."""
    from sentence_transformers.util import load_file_path

    path = load_file_path(name, file, revision=revision)
    return None if path is None else json.loads(Path(path).read_text(encoding="utf-8"))
