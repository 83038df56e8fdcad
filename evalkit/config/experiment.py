"""The configuration of an experiment: as written in YAML (`Outline`), and checked (`Config`)."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializeAsAny

from evalkit.config.blocks import DatasetSettings, RerankerSettings, RetrieverSettings
from evalkit.config.compare_settings import CompareSettings
from evalkit.config.input_paths import ModelName, PluginFile
from evalkit.config.judge_settings import JudgeSettings
from evalkit.config.latency import LatencySettings
from evalkit.config.run_settings import Runs, RunSettings
from evalkit.config.service import ServiceSettings
from evalkit.config.settings import Concurrency, PositiveInt, Seconds, Seed, Settings, Slug
from evalkit.metrics import proper_name
from evalkit.records import BelowDepth

MetricName = Annotated[str, AfterValidator(proper_name)]
DEFAULT_METRICS = ("nDCG@10", "MRR@10")


class BudgetSettings(Settings):
    """Spending limit of an experiment. The run stops before it exceeds the limit.

    Attributes
    ----------
    usd
        Maximum cost of all calls. Every billed reranker then needs a ``price``.
    """

    usd: Annotated[float, Field(ge=0, le=1e9)]


class StoreSettings(Settings):
    """Score store. Several experiments can share one file.

    Attributes
    ----------
    path
        SQLite file. Experiments that use the same backend and file run one after the other.
    """

    path: FilePath


class PrecisionSettings(Settings):
    """Check of the quality loss by reduced precision.

    Attributes
    ----------
    queries
        Queries that are scored again in fp32. The report shows the quality loss of the lower precision. 0 turns the
        check off.
    """

    queries: Annotated[int, Field(ge=0, le=100_000_000)] = 50


class DriftSettings(Settings):
    """Check of cached scores: whether a backend still returns them.

    Attributes
    ----------
    queries
        Queries of each dataset whose cached scores are all requested again, twice. Rerankers that are identified
        by the content of their files are not checked. 0 turns the check off.
    """

    queries: Annotated[int, Field(ge=0, le=100_000_000)] = 0


class Outline(Settings):
    """The configuration of an experiment.

    Attributes
    ----------
    name
        Name of the result folder: letters, digits, ``.``, ``_``, ``-``.
    seed
        Seed of all random choices.
    datasets
        ``demo``, a hub name like ``beir/scifact``, or a block with ``source``.
    retriever
        The first stage: a block with ``kind``.
    rerankers
        Tag -> block with ``backend``. Required without ``runs``.
    runs
        Tag -> TREC run of another engine, or a list with one run per dataset. Runs are compared, never called.
    judges
        Tag -> block with ``backend``. A judge grades documents when ``evalkit judge run`` asks it to.
    depths
        Candidates per query. Each depth is a row of the report (default: the ``depth`` of the retriever).
    below_depth
        Candidates below a depth: ``kept`` ranks them below the reranked ones, in first-stage order, as a search
        engine does; ``dropped`` leaves them out of the ranking.
    metrics
        Metrics in the notation of ir_measures. The first is the primary metric. ``nDCG@2000t`` has a budget of 2,000
        tokens instead of a cutoff: it values what fits into a context window.
    tokenizer
        Tokenizer that counts the tokens of documents, for metrics with a budget: a ``tokenizer.json``, a folder that
        contains one, or a hub name. Use that of the model that reads the documents.
    latency
        Latency pass. If missing, ``evalkit run`` makes none and ``evalkit bench`` uses the defaults.
    quality
        ``false``: measure latency only, as ``evalkit bench`` does.
    compare
        Comparison settings.
    budget
        Spending limit.
    store
        Score store (default: ``scores.sqlite`` in the folder of the result folders).
    execution
        Where local models run in the quality pass (default: in this process).
    precision_check
        Check of the quality loss by reduced precision, for rerankers below fp32.
    drift_check
        Check of cached scores, for a gate that accepts them (``drift_check_queries``).
    service
        Settings of ``evalkit serve``.
    plugins
        Python files with your own rerankers, retrievers, dataset sources and dialects.
    keep_texts
        ``false``: the result folder contains no document texts. The query explorer of the report then shows only
        ranks and grades.
    """

    name: Slug
    seed: Seed = 0
    datasets: Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1)]
    retriever: dict[str, Any] = Field(default_factory=lambda: {"kind": "bm25"})
    rerankers: dict[Slug, dict[str, Any]] = Field(default_factory=dict)
    runs: dict[Slug, Runs] = Field(default_factory=dict)
    judges: dict[Slug, dict[str, Any]] = Field(default_factory=dict)
    depths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    below_depth: BelowDepth = "kept"
    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1)] = DEFAULT_METRICS
    tokenizer: ModelName | None = None
    latency: LatencySettings | None = None
    quality: bool = True
    compare: CompareSettings = CompareSettings()
    budget: BudgetSettings | None = None
    store: StoreSettings | None = None
    execution: ExecutionSettings | None = None
    precision_check: PrecisionSettings = PrecisionSettings()
    drift_check: DriftSettings = DriftSettings()
    service: ServiceSettings | None = None
    plugins: tuple[PluginFile, ...] = ()
    keep_texts: bool = True


class Config(Settings):
    """The checked configuration, with the settings of all plugins."""

    name: str
    seed: int
    datasets: tuple[SerializeAsAny[DatasetSettings], ...]
    retriever: SerializeAsAny[RetrieverSettings]
    rerankers: dict[str, SerializeAsAny[RerankerSettings]]
    runs: dict[str, tuple[RunSettings, ...]] = Field(default_factory=dict)
    judges: dict[str, SerializeAsAny[JudgeSettings]] = Field(default_factory=dict)
    depths: tuple[int, ...]
    below_depth: BelowDepth = "kept"
    metrics: tuple[str, ...]
    tokenizer: str | None = None
    latency: LatencySettings | None
    quality: bool
    compare: CompareSettings
    budget: BudgetSettings | None
    store: StoreSettings | None
    execution: ExecutionSettings | None = None
    precision_check: PrecisionSettings = PrecisionSettings()
    drift_check: DriftSettings = DriftSettings()
    service: ServiceSettings | None = None
    plugins: tuple[str, ...] = ()
    keep_texts: bool = True

    @property
    def primary(self) -> str:
        """The metric that verdicts are based on."""
        return self.compare.primary or self.metrics[0]

    @property
    def called(self) -> dict[str, RerankerSettings]:
        """The rerankers that are called: all but those whose scores are derived from the scores of others."""
        return {tag: settings for tag, settings in self.rerankers.items() if not settings.derived}


class ExecutionSettings(Settings):
    """Where local models run in the quality pass. Latency is always measured in this process.

    Attributes
    ----------
    engine
        ``local``: this process. ``ray`` (extra ``ray``): actors of a Ray cluster, each with a copy of the model.
    address
        ``auto`` connects to the cluster of this machine, ``host:port`` to another one. ``local`` starts a temporary
        cluster (several processes on this machine).
    replicas
        Number of actors.
    cpus_per_replica, gpus_per_replica
        CPUs and GPUs reserved for each actor. A model uses as many threads as its actor has CPUs.
    timeout_s
        Longest time for an actor to start, and for a task (about 1,000 pairs). An actor that takes longer is replaced.
    """

    engine: Literal["local", "ray"] = "local"
    address: str = "auto"
    replicas: Annotated[int, Field(ge=1, le=10_000)] = 1
    cpus_per_replica: Concurrency = 1
    gpus_per_replica: Annotated[float, Field(ge=0, le=1_024)] = 0.0
    timeout_s: Seconds = 3600.0
