"""The parts of a result's ``config.resolved.yaml`` that commands need.

Other parts are not validated: they may name plugins that are no longer installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from evalkit.config import LatencySettings
from evalkit.config.compare_settings import CompareSettings
from evalkit.config.settings import Seed
from evalkit.config.source import read_source
from evalkit.errors import InputError
from evalkit.metrics import parse_metrics
from evalkit.records import BelowDepth
from evalkit.results.bounds import AtLeastOne
from evalkit.results.json_shapes import from_plain, read_whole

REMEDY = "check that the result folder is complete and was written by this version of evalkit"
_KEYS = ("name", "seed", "metrics", "depths", "compare")
_SETTINGS = ("compare", "latency")
"""Keys whose values are settings of a configuration."""


@dataclass(frozen=True, slots=True)
class RecordedReranker:
    """The parts of a reranker's block that a report needs.

    Attributes
    ----------
    claims
        Documents -> latency that the vendor claims.
    url
        URL of a remote reranker; None for others.
    serve
        The block of the served reranker, for ``serve:``.
    """

    backend: str
    claims: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    serve: Mapping[str, Any] | None = None

    @property
    def scoring_backend(self) -> str:
        """The backend that computes scores: of the served reranker, if there is one."""
        return str(self.serve["backend"]) if self.serve else self.backend


@dataclass(frozen=True, slots=True)
class RecordedConfig:
    """The configuration that a result was measured with.

    Attributes
    ----------
    latency
        None without a latency pass.
    quality
        Whether there was a quality pass.
    below_depth
        What becomes of the candidates below a depth: results of earlier versions, without the key, dropped them.
    everything
        All keys of the file as plain data.
    """

    name: str
    seed: Seed
    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    depths: Annotated[tuple[AtLeastOne, ...], Field(min_length=1)]
    compare: CompareSettings
    rerankers: Mapping[str, RecordedReranker]
    latency: LatencySettings | None = None
    quality: bool = True
    below_depth: BelowDepth = "dropped"
    everything: Mapping[str, Any] = field(default_factory=dict)

    @property
    def missing_candidates(self) -> str | None:
        """What is stated of queries that the file of the candidates lacks; None if they are not from a file."""
        retriever = self.everything.get("retriever")
        if not isinstance(retriever, dict) or retriever.get("kind") != "trec_run":
            return None
        return str(retriever.get("missing_queries", "withhold"))

    @property
    def primary(self) -> str:
        """The metric that verdicts are based on."""
        return self.compare.primary or self.metrics[0]

    @property
    def depth(self) -> int:
        """The deepest depth."""
        return max(self.depths)


def read_recorded_config(file: Path) -> RecordedConfig:
    """Read a resolved configuration.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        text = read_whole(file).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file.resolve()} is damaged: {error}", REMEDY) from None
    source = read_source(text, str(file))
    source.fail_if(source.problems)
    data = source.data
    lacking = sorted(set(_KEYS).difference(data if isinstance(data, dict) else ()))
    if not isinstance(data, dict) or lacking:
        raise InputError(f"{file.resolve()} is damaged: missing {', '.join(lacking)}", REMEDY)
    known = {"rerankers": {}, **data, **{key: _tupled(data[key]) for key in _SETTINGS if key in data}}
    config = from_plain(RecordedConfig, {**known, "everything": data}, file, REMEDY)
    _check_metrics(config, file)
    return config


def _tupled(value: Any) -> Any:
    """Return a value with tuples in place of lists: classes of settings accept no lists for tuples."""
    if isinstance(value, Mapping):
        return {key: _tupled(child) for key, child in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _check_metrics(config: RecordedConfig, file: Path) -> None:
    try:
        parse_metrics(config.metrics)
    except InputError as error:
        raise InputError(f"{file.resolve()} is damaged: metrics: {error}", error.hint) from None
    if config.primary not in config.metrics:
        raise InputError(f"{file.resolve()} is damaged: compare.primary is not one of the metrics", REMEDY)
