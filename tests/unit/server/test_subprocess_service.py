"""The services of an experiment: they start and end while the caller works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from evalkit.config import Config, load_config
from evalkit.errors import CallError
from evalkit.server.subprocess_service import starting


def config(**serve: Any) -> Config:
    """Return a configuration with one service."""
    return load_config(
        {
            "name": "t",
            "datasets": ["demo"],
            "rerankers": {"a": {"backend": "http", "dialect": "assisters", "serve": serve}},
        }
    )


def test_a_service_can_be_called_until_it_is_stopped() -> None:
    """It has an address once it has started, and has ended when the block has."""
    with starting(config(backend="lexical")) as services:
        (process,) = services.processes
        url = services.reachable().rerankers["a"].url  # type: ignore[attr-defined]
        assert httpx.get(url).status_code < 500
        services.stop()
        assert process.wait(30) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_what_is_never_waited_for_ends_with_the_block() -> None:
    """An error in the data is reported while a service starts."""
    with pytest.raises(ZeroDivisionError), starting(config(backend="lexical")) as services:
        raise ZeroDivisionError
    (process,) = services.processes
    assert process.returncode is not None


def test_a_service_that_does_not_start_is_an_error_when_it_is_needed(tmp_path: Path) -> None:
    """With the reason that it printed."""
    damaged = tmp_path / "damaged.trec"
    damaged.write_text("q1 Q0\n", encoding="utf-8")
    failed = pytest.raises(CallError, match=r"the service for 'a' did not start: .*damaged\.trec")
    with starting(config(backend="replay", path=str(damaged))) as services, failed:
        services.reachable()
