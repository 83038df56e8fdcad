"""The hybrid first stage: reciprocal rank fusion of several first stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from evalkit.config import RetrieverSettings, retriever_settings
from evalkit.errors import ConfigError
from evalkit.fusion import RRF_CONSTANT, fuse_ranks
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.candidates import open_retriever

Weight = Annotated[float, Field(gt=0, le=1e9)]


class Hybrid:
    """Reciprocal rank fusion of two or more retrievers, for example BM25 and a dense retriever."""

    class Settings(RetrieverSettings):
        """Settings of `hybrid`.

        Attributes
        ----------
        retrievers
            Two or more retrievers. Each returns its own ``depth`` of candidates, or that of the hybrid if larger.
        weights
            Weight of each retriever (default: equal weights).
        k
            Constant of the fusion: each retriever that finds a document adds ``weight / (k + rank)`` to its score.
        """

        kind: Literal["hybrid"] = "hybrid"
        retrievers: tuple[dict[str, Any], ...]
        weights: tuple[Weight, ...] | None = None
        k: Annotated[float, Field(ge=0, le=1e9)] = RRF_CONSTANT

        nested: ClassVar[dict[str, str]] = {"retrievers": "retriever kind"}

        @field_validator("retrievers")
        @classmethod
        def _fill_defaults(cls, blocks: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
            if len(blocks) < 2:
                raise ValueError("must contain two or more retrievers")
            return tuple(_with_defaults(block) for block in blocks)

        @field_validator("weights")
        @classmethod
        def _check_count(
            cls, weights: tuple[float, ...] | None, info: ValidationInfo
        ) -> tuple[float, ...] | None:
            retrievers = info.data.get("retrievers", ())
            if weights is not None and retrievers and len(weights) != len(retrievers):
                raise ValueError(f"must contain {len(retrievers)} numbers, one for each retriever")
            return weights

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        self._settings = settings
        blocks = [retriever_settings(block) for block in settings.retrievers]
        self._retrievers = [(open_retriever(block, dataset), block.depth) for block in blocks]

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the `depth` best documents of each query by their fused ranks."""
        runs = [
            retriever.retrieve(queries, max(own_depth, depth)) for retriever, own_depth in self._retrievers
        ]
        fused = fuse_ranks(self._settings.label, runs, self._settings.weights, self._settings.k)
        return fused.cut(depth)


def _with_defaults(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block with its defaults; an invalid block unchanged, because the check of nested blocks reports it."""
    try:
        return retriever_settings(block).model_dump(mode="json", exclude_none=True)
    except ConfigError:
        return block
