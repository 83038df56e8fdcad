"""A backend whose replicas on a Ray cluster fail as they are told, and write down every query that they score.

`installed` makes it a plugin of every process of a cluster and of the runs on it.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self
from zlib import crc32

import numpy as np

from evalkit.config import RerankerSettings
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from support.command import ROOT

Fault = Literal[
    "none",
    "killed once",
    "hangs once",
    "hangs at start",
    "dies at start",
    "no model",
    "import error",
    "disk full",
    "disk full once",
    "kills at one query",
    "slow",
]

FATAL = "account-q03"
"""The query of the demo dataset that kills."""


class Fragile:
    """Scores are a hash of query and document."""

    pointwise = True
    score_kind: ScoreKind = "unknown"
    pool_pairs = 40

    class Settings(RerankerSettings):
        """Settings of `fragile`.

        Attributes
        ----------
        fault
            What happens on a replica.
        log
            Folder in which each replica writes the queries that it scores.
        seconds
            How long a group of lists takes on a replica.
        together
            So many replicas must have begun to score before one finishes.
        replica
            Whether this is a replica.
        """

        spreads: ClassVar[bool] = True
        backend: Literal["fragile"] = "fragile"
        fault: Fault = "none"
        log: Path
        seconds: float = 0.05
        together: int = 1
        replica: bool = False

        def on_replica(self, cpus: int) -> Self:
            """Return the settings of a replica."""
            del cpus
            return self.model_copy(update={"replica": True})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if settings.replica and settings.fault in AT_START:
            AT_START[settings.fault]()

    def score(self, request: RerankRequest) -> RerankResponse:
        """Score one list."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Score some lists."""
        if self._settings.replica:
            with (self._settings.log / f"{os.getpid()}.scored").open("a", encoding="utf-8") as file:
                file.writelines(f"{request.query_id}\n" for request in requests)
            self._fail(requests)
            self._wait_for_others()
            time.sleep(1.5 if self._settings.fault == "slow" else self._settings.seconds)
        return [
            RerankResponse(
                np.array([crc32(f"{request.query}|{text}".encode()) / 2**32 for text in request.documents])
            )
            for request in requests
        ]

    def _fail(self, requests: Sequence[RerankRequest]) -> None:
        fault = self._settings.fault
        if fault == "kills at one query" and any(request.query_id == FATAL for request in requests):
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "killed once" and self._is_first():
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "hangs once" and self._is_first():
            time.sleep(600)
        if fault == "disk full" or (fault == "disk full once" and self._is_first()):
            _disk_full()

    def _wait_for_others(self) -> None:
        deadline = time.monotonic() + 60
        while (
            time.monotonic() < deadline
            and len(list(self._settings.log.glob("*.scored"))) < self._settings.together
        ):
            time.sleep(0.05)

    def _is_first(self) -> bool:
        """Return whether no replica failed yet, and note that one does now."""
        try:
            (self._settings.log / "failed").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def close(self) -> None:
        """Do nothing."""


def _disk_full() -> None:
    raise OSError(28, "No space left on device", "/cache/model.bin")


def _no_model() -> None:
    raise FileNotFoundError(2, "No such file or directory", "/models/mine")


def _import_error() -> None:
    raise ModuleNotFoundError("No module named 'torch'")


AT_START: dict[str, Callable[[], None]] = {
    "dies at start": lambda: os._exit(1),
    "hangs at start": lambda: time.sleep(600),
    "no model": _no_model,
    "import error": _import_error,
}


def scored(log: Path) -> Counter[str]:
    """Return how often each query was sent to a replica."""
    return Counter(line for file in log.glob("*.scored") for line in file.read_text(encoding="utf-8").split())


def installed(folder: Path) -> str:
    """Write the metadata of a package with this backend; return the PYTHONPATH with which it is found."""
    metadata = folder / "evalkit_fragile-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: evalkit-fragile\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[evalkit.rerankers]\nfragile = support.ray_backend:Fragile\n", encoding="utf-8"
    )
    return os.pathsep.join([str(folder), str(ROOT), str(ROOT / "tests")])
