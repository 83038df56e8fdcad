"""The configuration of a bench: no quality pass, and the scenarios that are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configs import config_of
from support.experiments import api

from evalkit.config import LatencySettings, OfflineSettings, ServerSettings
from evalkit.errors import InputError
from evalkit.workflows.bench import latency_only

FOLDER = Path("no-such-folder")


@given(st.sets(st.sampled_from(["offline", "server"])))
def test_scenarios_are_added_with_their_defaults(scenarios: set[str]) -> None:
    """Those that are asked for and no others; without a latency block its defaults hold."""
    bench = latency_only(config_of(FOLDER), scenarios)
    assert bench.quality is False
    assert bench.latency is not None
    assert bench.latency.offline == (OfflineSettings() if "offline" in scenarios else None)
    assert bench.latency.server == (ServerSettings() if "server" in scenarios else None)
    assert bench.latency.model_copy(update={"offline": None, "server": None}) == LatencySettings()


def test_configured_scenarios_are_kept() -> None:
    """Asked for or not: the configuration's own settings win over the defaults."""
    server = {"rates_per_s": [2.5]}
    config = config_of(FOLDER, {"a": api()}, latency={"batch_sizes": [3], "server": server})
    for scenarios in (["server"], ["offline"], []):
        bench = latency_only(config, scenarios)
        assert bench.latency is not None
        assert bench.latency.server is not None
        assert bench.latency.server.rates_per_s == (2.5,)
        assert bench.latency.batch_sizes == (3,)
        assert (bench.latency.offline is not None) is ("offline" in scenarios)


def test_all_else_is_as_configured() -> None:
    """Rerankers, datasets and the configuration that was given are left as they are."""
    config = config_of(FOLDER, {"a": api(), "same": {"backend": "identity"}})
    bench = latency_only(config, ["server"])
    assert bench.model_copy(update={"quality": True, "latency": None}) == config
    assert config.quality is True


@pytest.mark.parametrize("rerankers", [{"same": {"backend": "identity"}}], ids=str)
def test_lookups_cannot_be_timed(rerankers: dict[str, Any]) -> None:
    """An error that says what could be; one reranker that takes time is enough."""
    with pytest.raises(InputError, match="no reranker to measure") as raised:
        latency_only(config_of(FOLDER, rerankers), ["offline"])
    assert raised.value.hint == "add a local model or an API"
    assert latency_only(config_of(FOLDER, {**rerankers, "words": {"backend": "lexical"}}), [])
