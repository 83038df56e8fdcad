"""``config.resolved.yaml`` of a result, as far as it is read again.

The whole configuration is not validated anew: it may name plugins that are no longer installed.
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
from evalkit.results.json_shapes import from_plain, missing_file

REMEDY = "the result folder is not whole, or of another evalkit"
_KEYS = ("name", "seed", "metrics", "depths", "compare")


@dataclass(frozen=True, slots=True)
class RecordedReranker:
    """The block of a reranker, as far as a report needs it.

    Attributes
    ----------
    claims
        Documents -> latency, as the maker claims.
    url
        None where the reranker is not remote.
    serve
        The block that is served, for ``serve:``.
    """

    backend: str
    claims: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    serve: Mapping[str, Any] | None = None

    @property
    def scoring_backend(self) -> str:
        """The backend that scores: the served one where there is one."""
        return str(self.serve["backend"]) if self.serve else self.backend


@dataclass(frozen=True, slots=True)
class RecordedConfig:
    """What a result was measured with.

    Attributes
    ----------
    latency
        None where nothing was timed.
    quality
        Whether rerankers ranked anything, and were not only timed.
    everything
        The whole file as plain data.
    """

    name: str
    seed: int
    metrics: tuple[str, ...]
    depths: tuple[int, ...]
    compare: CompareSettings
    rerankers: Mapping[str, RecordedReranker]
    latency: LatencySettings | None = None
    quality: bool = True
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
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise missing_file(file) from None
    data = read_source(text, str(file)).data
    lacking = sorted(set(_KEYS).difference(data if isinstance(data, dict) else ()))
    if not isinstance(data, dict) or lacking:
        raise InputError(f"{file} is damaged: it lacks {', '.join(lacking)}", REMEDY)
    return from_plain(RecordedConfig, {"rerankers": {}, **data, "everything": data}, file, REMEDY)
