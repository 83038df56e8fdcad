"""Late interaction as a reranker: every query token is matched with its most similar document token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from evalkit.encoding.embeddings.prompts import warn_of_other_names
from evalkit.encoding.torch_runtime.torch_model import TorchModel
from evalkit.records import ScoreKind
from evalkit.rerankers.base import Role
from evalkit.rerankers.embedding_cache import Embedded
from evalkit.rerankers.embedding_reranker import EmbeddingReranker, EmbeddingSettings

EMPTY = -1e9
"""Score of a document without a scored token; sentence-transformers ranks it last, too."""

MOST_TEXTS = 2048
"""Maximum texts embedded at once: 200 MB of float32 vectors with 200 tokens per document and 128 dimensions."""


class LateInteraction(EmbeddingReranker):
    """A ColBERT-style model that embeds every token; the score is MaxSim over them (extra: local)."""

    score_kind: ScoreKind = "unbounded"

    class Settings(EmbeddingSettings):
        """Settings of `late_interaction`: those of every local model that embeds.

        ``max_length_tokens`` limits documents only; queries keep the limit of the model.
        """

        backend: Literal["late_interaction"] = "late_interaction"

        @model_validator(mode="after")
        def _runs_on_torch(self) -> LateInteraction.Settings:
            if self.runtime == "onnx" or self.precision == "int8":
                raise ValueError("needs torch, with precision fp32, bf16 or fp16")
            return self

    def __init__(self, settings: Settings) -> None:
        model = TorchModel(settings.of_kind("late_interaction"))
        # For late interaction, sentence-transformers uses only the prompts of these two names.
        warn_of_other_names(settings.model, model.card.prompts, settings.unset_prompts)
        own_prompts = {role: model.card.prompts.get(role) for role in get_args(Role)}
        super().__init__(
            model,
            {role: model.engine(prompt, role) for role, prompt in settings.prompts(own_prompts).items()},
        )
        self.pool_pairs = min(self.pool_pairs, MOST_TEXTS)
        self._mean = model.library_model.similarity_fn_name == "meanmaxsim"

    def compare(self, query: Embedded, documents: Sequence[Embedded]) -> NDArray[np.float64]:
        """Return ``(n,)`` MaxSim scores; divided by the number of query tokens if the model was trained so."""
        scores = np.array([maxsim(query.vector, one.vector) for one in documents])
        return scores / max(len(query.vector), 1) if self._mean else scores


def maxsim(query: NDArray[np.float32], document: NDArray[np.float32]) -> float:
    """Return the sum over a query's tokens of the best dot product with any token of a document.

    Khattab and Zaharia 2020, equation 3. Documents are scored one at a time, so that a score does not depend on
    other documents in its last bits, and only one matrix is in memory.

    Parameters
    ----------
    query, document
        ``(q, dimension)`` and ``(t, dimension)`` token vectors.
    """
    if not len(document):
        return EMPTY
    return float((document @ query.T).max(axis=0).sum(dtype=np.float64))
