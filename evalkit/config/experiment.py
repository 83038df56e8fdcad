"""The configuration of an experiment: as written in YAML (`Outline`), and checked (`Config`)."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializeAsAny

from evalkit.config.blocks import DatasetSettings, RerankerSettings, RetrieverSettings
from evalkit.config.input_paths import PluginFile
from evalkit.config.latency import LatencySettings
from evalkit.config.service import ServiceSettings
from evalkit.config.settings import PositiveInt, Seed, Settings, Slug
from evalkit.metrics import proper_name

MetricName = Annotated[str, AfterValidator(proper_name)]
DEFAULT_METRICS = ("nDCG@10", "MRR@10")


class BudgetSettings(Settings):
    """What an experiment may cost; it stops before it would cost more.

    Attributes
    ----------
    usd
        The most that all its calls may cost; every billed reranker then needs a ``price``.
    """

    usd: Annotated[float, Field(ge=0)]


class CompareSettings(Settings):
    """How rerankers are compared; named beforehand, so that nobody picks what came out best.

    Attributes
    ----------
    baseline
        The tag that all others are held against; the first stage where absent.
    primary
        The metric that decides: one of ``metrics``, the first where absent.
    confidence
        Of intervals; what is left of 1 is the level of the tests.
    margin
        A loss of the primary metric that does not matter.
    correction
        For several contenders: ``holm``, or ``maxT``, which uses that their values go together.
    resamples
        Sign flips of a randomisation test.
    """

    baseline: Slug | None = None
    primary: str | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    margin: Annotated[float, Field(gt=0)] = 0.01
    correction: Literal["holm", "maxT"] = "holm"
    resamples: Annotated[int, Field(ge=999)] = 9999


class StoreSettings(Settings):
    """Where scores are kept for the next time; one file may serve many experiments.

    Attributes
    ----------
    path
        A SQLite file. Experiments that ask the same backend take turns at it.
    """

    path: FilePath


class PrecisionSettings(Settings):
    """How what fewer bits cost is measured.

    Attributes
    ----------
    queries
        So many are scored again in fp32, and what the precision costs is in the report; 0: none.
    """

    queries: Annotated[int, Field(ge=0)] = 50


class Outline(Settings):
    """The configuration before its plugin blocks are known; what YAML is checked against first.

    Attributes
    ----------
    name
        Names the result folder: letters, digits, ``.``, ``_``, ``-``.
    seed
        Of everything that is drawn.
    datasets
        ``demo``, a hub name like ``beir/scifact``, or a block with ``source``.
    retriever
        The first stage: a block with ``kind``.
    rerankers
        Tag -> block with ``backend``.
    depths
        Candidates per query; each depth is a row of the report. The retriever's ``depth`` where absent.
    metrics
        In ir_measures' notation; the first is the primary one.
    latency
        What is timed. Absent, ``evalkit run`` times nothing, and ``evalkit bench`` takes the defaults.
    quality
        ``false``: only time the rerankers, as ``evalkit bench`` does.
    compare
        How rerankers are compared.
    budget
        What it may cost.
    store
        Where scores are kept; ``scores.sqlite`` beside the result folders where absent.
    execution
        Where local models score in the quality pass; in this process where absent.
    precision_check
        How what fewer bits cost is measured, for rerankers that run with fewer than fp32.
    service
        How ``evalkit serve`` behaves.
    plugins
        Python files with rerankers, retrievers, dataset sources and dialects of your own.
    keep_texts
        ``false``: no text of a document enters the result folder; the report's explorer then has ranks and grades
        alone.
    """

    name: Slug
    seed: Seed = 0
    datasets: Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1)]
    retriever: dict[str, Any] = Field(default_factory=lambda: {"kind": "bm25"})
    rerankers: Annotated[dict[Slug, dict[str, Any]], Field(min_length=1)]
    depths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1)] = DEFAULT_METRICS
    latency: LatencySettings | None = None
    quality: bool = True
    compare: CompareSettings = CompareSettings()
    budget: BudgetSettings | None = None
    store: StoreSettings | None = None
    execution: ExecutionSettings | None = None
    precision_check: PrecisionSettings = PrecisionSettings()
    service: ServiceSettings | None = None
    plugins: tuple[PluginFile, ...] = ()
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


class ExecutionSettings(Settings):
    """Who scores in the quality pass; whatever is timed is timed in this process.

    Attributes
    ----------
    engine
        ``local``: this process. ``ray`` (extra ``ray``): the actors of a Ray cluster, each with the model in memory.
    address
        ``auto`` joins the cluster of this machine, ``local`` starts one for the occasion (several processes on one
        machine), ``host:port`` joins that one.
    replicas
        Actors.
    cpus_per_replica, gpus_per_replica
        What each of them has to itself: a model runs in as many threads as its replica has processors.
    """

    engine: Literal["local", "ray"] = "local"
    address: str = "auto"
    replicas: PositiveInt = 1
    cpus_per_replica: PositiveInt = 1
    gpus_per_replica: Annotated[float, Field(ge=0)] = 0.0
