"""A reranker against itself: laws of the noise that is found."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from scipy import stats
from support.api_runs import Counting, visible, write_collection
from support.configs import config_of
from support.stand_in import stand_in

from evalkit.config import Config
from evalkit.errors import IncompleteError, UnknownNameError
from evalkit.workflows.aa import NoiseFloor, noise_floor

pytestmark = pytest.mark.usefixtures("blank_plots")
QUERIES = 12


class Shuffling(Counting):
    """A server that gives other scores each time it is asked."""

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer with the call's own order."""
        status, raw = super().__call__(body, headers)
        reply = orjson.loads(raw)
        scores = np.random.default_rng(self.calls).random(len(reply["results"])).tolist()
        reply["results"] = [
            {**one, "relevance_score": s}
            for one, s in zip(reply["results"], sorted(scores)[::-1], strict=True)
        ]
        indices = np.random.default_rng(self.calls).permutation(len(scores)).tolist()
        reply["results"] = [{**one, "index": i} for one, i in zip(reply["results"], indices, strict=True)]
        return status, orjson.dumps(reply)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collection."""
    return write_collection(tmp_path_factory.mktemp("aa") / "small", QUERIES)


def config_at(folder: Path, url: str, **more: Any) -> Config:
    """Return a configuration with an API."""
    api = {"backend": "http", "url": url, "model": "m"}
    return config_of(folder, {"api": api, "other": {"backend": "lexical"}}, retriever={"depth": 6}, **more)


def floors(folder: Path, into: Path, server: Counting, repeats: int = 2, **more: Any) -> list[NoiseFloor]:
    """Return the noise of a server."""
    with stand_in(server) as url:
        return noise_floor(config_at(folder, url, **more), "api", repeats, into)


@pytest.mark.long
def test_a_steady_server_has_no_noise(folder: Path, tmp_path: Path) -> None:
    """Nothing changes, and no difference is too small to be real."""
    server = Counting()
    (floor,) = floors(folder, tmp_path, server, 3)
    assert (floor.repeats, floor.n, floor.metric) == (3, QUERIES, "nDCG@10")
    assert (floor.changed, floor.moved, floor.deviation, floor.wrongly_real) == (0, 0, 0, 0)
    assert min(server.pairs.values()) == max(server.pairs.values()) == 3


def test_an_unsteady_server_is_measured(folder: Path, tmp_path: Path) -> None:
    """The smallest difference called real is half a t interval of the noise."""
    for floor in floors(folder, tmp_path, Shuffling(), metrics=["nDCG@10", "MRR@10"]):
        assert 0 < floor.changed <= 1
        assert floor.moved >= 0
        expected = stats.t.ppf(0.975, QUERIES - 1) * floor.deviation / math.sqrt(QUERIES)
        assert floor.wrongly_real == pytest.approx(expected)
        assert floor.deviation > 0


def test_only_the_named_reranker_is_asked_and_nothing_is_timed(folder: Path, tmp_path: Path) -> None:
    """A folder for each repeat, all asked for anew."""
    floors(folder, tmp_path, Counting(), latency={"batch_sizes": [1], "calls": 5})
    for path in visible(tmp_path):
        manifest = orjson.loads((path / "manifest.json").read_bytes())
        assert manifest["refresh"]
        assert list(manifest["rerankers"]) == ["api"]
        assert not orjson.loads((path / "summary.json").read_bytes())["latency"]
    assert len(visible(tmp_path)) == 2


def test_a_repeat_that_is_not_whole_says_nothing(folder: Path, tmp_path: Path) -> None:
    """A query without scores would look like noise."""
    steady = Counting()

    def refusing(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if body["query"] == "topic3" and len(body["documents"]) > 1:
            return 400, b"{}"
        return steady(body, headers)

    with stand_in(refusing) as url, pytest.raises(IncompleteError):
        noise_floor(config_at(folder, url), "api", 2, tmp_path)


def test_an_unknown_reranker_is_reported_before_anything_is_asked(folder: Path, tmp_path: Path) -> None:
    """With the nearest name."""
    with pytest.raises(UnknownNameError, match="unknown reranker 'apy'"):
        noise_floor(config_at(folder, "http://127.0.0.1:9/x"), "apy", 2, tmp_path)
    assert not list(tmp_path.iterdir())
