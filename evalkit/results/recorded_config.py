"""The parts of a result's ``config.resolved.yaml`` that commands need.

Other parts are not validated: they may name plugins that are no longer installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.config import LatencySettings
from evalkit.config.experiment import CompareSettings
from evalkit.config.source import read_source
from evalkit.errors import InputError
from evalkit.records import BelowDepth
from evalkit.results.json_shapes import check_no_pipe, from_plain, missing_file

REMEDY = "check that the result folder is complete and was written by this version of evalkit"
_KEYS = ("name", "seed", "metrics", "depths", "compare")


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
    seed: int
    metrics: tuple[str, ...]
    depths: tuple[int, ...]
    compare: CompareSettings
    rerankers: Mapping[str, RecordedReranker]
    latency: LatencySettings | None = None
    quality: bool = True
    below_depth: BelowDepth = "dropped"
    everything: Mapping[str, Any] = field(default_factory=dict)

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
    check_no_pipe(file)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise missing_file(file) from None
    data = read_source(text, str(file)).data
    lacking = sorted(set(_KEYS).difference(data if isinstance(data, dict) else ()))
    if not isinstance(data, dict) or lacking:
        raise InputError(f"{file} is damaged: missing {', '.join(lacking)}", REMEDY)
    return from_plain(RecordedConfig, {"rerankers": {}, **data, "everything": data}, file, REMEDY)
