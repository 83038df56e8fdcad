"""The whole configuration of an experiment."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny

from evalkit.config.blocks import DatasetSettings, RerankerSettings, RetrieverSettings
from evalkit.config.execution import ExecutionSettings
from evalkit.config.latency import LatencySettings
from evalkit.config.service import ServiceSettings
from evalkit.config.settings import PositiveInt, Seed, Settings, Slug

DEFAULT_METRICS = ("nDCG@10", "MRR@10")


class BudgetSettings(Settings):
    """What an experiment may cost; it stops before it would cost more."""

    usd: Annotated[float, Field(ge=0)]


class CompareSettings(Settings):
    """How rerankers are compared; named beforehand, so that nobody picks what came out best.

    ``baseline`` is a reranker's tag, the first stage where absent; ``primary`` one of ``metrics``, the
    first where absent. ``margin`` is a loss that does not matter.
    """

    baseline: Slug | None = None
    primary: str | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    margin: Annotated[float, Field(gt=0)] = 0.01
    correction: Literal["holm", "maxT"] = "holm"
    resamples: Annotated[int, Field(ge=999)] = 9999


class StoreSettings(Settings):
    """Where scores are kept for the next time; one file may serve many experiments."""

    path: FilePath


class PrecisionSettings(Settings):
    """How what fewer bits cost is measured: some queries are scored again in fp32; none for 0."""

    queries: Annotated[int, Field(ge=0)] = 50


class Outline(Settings):
    """The configuration before its plugin blocks are known; what YAML is checked against first."""

    name: Slug
    seed: Seed = 0
    datasets: Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1)]
    retriever: dict[str, Any] = Field(default_factory=lambda: {"kind": "bm25"})
    rerankers: Annotated[dict[Slug, dict[str, Any]], Field(min_length=1)]
    depths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = DEFAULT_METRICS
    latency: LatencySettings | None = None
    quality: bool = True
    compare: CompareSettings = CompareSettings()
    budget: BudgetSettings | None = None
    store: StoreSettings | None = None
    execution: ExecutionSettings | None = None
    precision_check: PrecisionSettings = PrecisionSettings()
    service: ServiceSettings | None = None
    plugins: tuple[str, ...] = ()
    keep_texts: bool = True


class Config(Settings):
    """The whole configuration, every block checked by its own plugin's Settings."""

    name: str
    seed: int
    datasets: tuple[SerializeAsAny[DatasetSettings], ...]
    retriever: SerializeAsAny[RetrieverSettings]
    rerankers: dict[str, SerializeAsAny[RerankerSettings]]
    depths: tuple[int, ...]
    metrics: tuple[str, ...]
    latency: LatencySettings | None
    quality: bool
    compare: CompareSettings
    budget: BudgetSettings | None
    store: StoreSettings | None
    execution: ExecutionSettings | None = None
    precision_check: PrecisionSettings = PrecisionSettings()
    service: ServiceSettings | None = None
    plugins: tuple[str, ...] = ()
    keep_texts: bool = True
