"""A plugin whose backend and whose dataset raise what a setting names; loaded with ``plugins:``."""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np

from evalkit.config import DatasetSettings, RerankerSettings
from evalkit.datasets.assemble import Parts
from evalkit.records import RerankRequest, RerankResponse


class PanicException(BaseException):
    """As pyo3 defines it for a panic in Rust."""


class UnspeakableError(Exception):
    """An exception whose message cannot be read."""

    def __str__(self) -> str:
        raise SystemExit(1)


def _recurse() -> None:
    _recurse()


def fail(what: str) -> None:
    """Raise the exception of a name."""
    if what == "exit":
        sys.exit(1)
    if what == "exit with text":
        sys.exit("bye\n::error::forged")
    if what == "recursion":
        _recurse()
    raise {
        "panic": PanicException("rust \x1b[2J"),
        "generator exit": GeneratorExit(),
        "base": BaseException("base"),
        "group": BaseExceptionGroup("several", [SystemExit(2), ValueError("v")]),
        "interrupt": KeyboardInterrupt(),
        "memory": MemoryError(),
        "value": ValueError("plain"),
        "long": ValueError("z" * 20_000_000),
        "unspeakable": UnspeakableError(),
        "end of file": EOFError("end"),
        "broken pipe": BrokenPipeError(32, "Broken pipe"),
        "surrogate": ValueError("\ud800\x1b]0;title\x07"),
    }[what]


class Raising:
    """Scores some calls, then raises."""

    class Settings(RerankerSettings):
        """What to raise, and after how many calls."""

        backend: Literal["raising"] = "raising"
        what: str
        after: int = 3

    score_kind = "unbounded"
    pointwise = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._calls = 0

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def describe(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the order of the request, at first."""
        self._calls += 1
        if self._calls > self._settings.after:
            fail(self._settings.what)
        return RerankResponse(-np.arange(len(request.documents), dtype=np.float64))


class RaisingData:
    """A dataset that cannot be read."""

    class Settings(DatasetSettings):
        """What to raise."""

        source: Literal["raising_data"] = "raising_data"
        what: str

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Raise."""
        fail(settings.what)
        raise AssertionError
