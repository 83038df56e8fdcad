"""``evalkit bench``: only the latency part of an experiment."""

from __future__ import annotations

from collections.abc import Collection

from evalkit.config import Config, LatencySettings, OfflineSettings, ServerSettings
from evalkit.errors import InputError


def latency_only(config: Config, scenarios: Collection[str]) -> Config:
    """Return a configuration without its quality pass, with some scenarios added.

    Parameters
    ----------
    config
        The configuration; without a latency block, its defaults are used.
    scenarios
        ``offline`` and ``server``: each gets its defaults if the configuration does not set it.

    Raises
    ------
    InputError
        If there is no reranker, or every one only looks up scores.
    """
    if not config.rerankers:
        raise InputError("no reranker to measure: runs are compared, never called", "add rerankers:")
    if not any(settings.timed for settings in config.rerankers.values()):
        raise InputError(
            "no reranker to measure: all rerankers read stored scores",
            "add a local model or an API",
        )
    latency = config.latency or LatencySettings()
    defaults = {"offline": OfflineSettings(), "server": ServerSettings()}
    added = {
        name: block
        for name, block in defaults.items()
        if name in scenarios and getattr(latency, name) is None
    }
    return config.model_copy(update={"quality": False, "latency": latency.model_copy(update=added)})
