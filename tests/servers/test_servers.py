"""Real rerank servers of other projects, run and probed: infinity, llama.cpp, the litellm proxy, SGLang's router.

An optional job (``make servers``): each server stands in an environment of its own below the folder
that EVALKIT_SERVERS names, with a tiny model of random weights made on the spot.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
from support.command import evalkit_process, only_folder, serving

HERE = Path(__file__).parent
KEY = "sk-local-0123456789"
START_LIMIT_S = 180
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "INFINITY_ANONYMOUS_USAGE_STATS": "0",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
CONFIG = """\
name: server
datasets: [{{source: demo, sample: {{queries: 30, seed: 1}}}}]
retriever: {{depth: 20}}
rerankers:
  server: {{{server}}}{direct}
depths: [10, 20]
latency: {{batch_sizes: [1, 10], calls: 20}}
"""


@pytest.fixture(scope="module")
def environments() -> Path:
    """Return the folder with the servers' environments, or skip."""
    folder = os.environ.get("EVALKIT_SERVERS")
    if not folder:
        pytest.skip("EVALKIT_SERVERS is unset: no third-party servers (make servers)")
    return Path(folder).resolve()


@dataclass(frozen=True)
class Running:
    """The settings of the reranker of a running server, and of evalkit's own service if the server is a proxy of it."""

    server: str
    upstream: str | None = None

    def config(self) -> str:
        """Return a configuration that measures the server, and the service behind it."""
        direct = f"\n  direct: {{{self.upstream}}}" if self.upstream else ""
        return CONFIG.format(server=self.server, direct=direct)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def started(command: list[str], ready: str, log: Path) -> Iterator[None]:
    """Run a server until it answers at `ready`; its words go to a log."""
    with log.open("wb") as words:
        process = subprocess.Popen(command, stdout=words, stderr=words, env={**os.environ, **OFFLINE})
        try:
            deadline = time.monotonic() + START_LIMIT_S
            while True:
                assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
                assert time.monotonic() < deadline, log.read_text(encoding="utf-8")[-2000:]
                try:
                    if httpx.get(ready, timeout=2).status_code < 500:
                        break
                except httpx.RequestError:
                    time.sleep(0.3)
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def infinity(environments: Path, work: Path) -> Iterator[Running]:
    """Run infinity."""
    programs = environments / "infinity" / "bin"
    subprocess.run([programs / "python", HERE / "make_bert.py", work / "model"], check=True)
    port = free_port()
    command = [
        str(programs / "infinity_emb"), "v2", "--model-id", str(work / "model"), "--served-model-name", "tiny",
        "--engine", "torch", "--device", "cpu", "--no-bettertransformer", "--no-model-warmup",
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with started(command, f"http://127.0.0.1:{port}/models", work / "log"):
        yield Running(
            f"backend: http, dialect: infinity, url: 'http://127.0.0.1:{port}/rerank', model: tiny, batch_size: 15"
        )


@contextmanager
def llamacpp(environments: Path, work: Path) -> Iterator[Running]:
    """Run llama.cpp's server."""
    python = environments / "llamacpp" / "bin" / "python"
    subprocess.run([python, HERE / "make_gguf.py", work / "tiny.gguf"], check=True)
    port = free_port()
    command = [str(python), str(HERE / "serve_gguf.py"), str(work / "tiny.gguf"), str(port)]
    with started(command, f"http://127.0.0.1:{port}/health", work / "log"):
        yield Running(
            f"backend: http, dialect: llamacpp, url: 'http://127.0.0.1:{port}/v1/rerank', model: tiny, concurrency: 2"
        )


@contextmanager
def litellm(environments: Path, work: Path) -> Iterator[Running]:
    """Run the litellm proxy in front of ``evalkit serve``."""
    port = free_port()
    with ExitStack() as stack:
        upstream = stack.enter_context(serving("--backend", "lexical", "--dialect", "cohere_v2"))
        model = {"model": "cohere/lexical", "api_base": upstream.removesuffix("/v2/rerank"), "api_key": "k"}
        proxy = {
            "model_list": [{"model_name": "rr", "litellm_params": model}],
            "general_settings": {"master_key": KEY},
        }
        (work / "proxy.yaml").write_bytes(orjson.dumps(proxy))  # JSON is YAML
        command = [
            str(environments / "litellm" / "bin" / "litellm"), "--config", str(work / "proxy.yaml"),
            "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False",
        ]  # fmt: skip
        stack.enter_context(started(command, f"http://127.0.0.1:{port}/health/liveliness", work / "log"))
        yield Running(
            f"backend: http, dialect: litellm_proxy, url: 'http://127.0.0.1:{port}/v1/rerank', model: rr,"
            " api_key_env: TEST_LITELLM_KEY, concurrency: 2",
            upstream=f"backend: http, dialect: cohere_v2, url: '{upstream}', model: lexical",
        )


@contextmanager
def sglang(environments: Path, work: Path) -> Iterator[Running]:
    """Run SGLang's router in front of ``evalkit serve``, which takes the part of an SGLang server."""
    port = free_port()
    with ExitStack() as stack:
        upstream = stack.enter_context(serving("--backend", "lexical", "--dialect", "sglang"))
        command = [
            str(environments / "sglang" / "bin" / "python"), "-m", "sglang_router.launch_router",
            "--worker-urls", upstream.removesuffix("/v1/rerank"),
            "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(free_port()),
        ]  # fmt: skip
        stack.enter_context(started(command, f"http://127.0.0.1:{port}/readiness", work / "log"))
        yield Running(
            f"backend: http, dialect: sglang, url: 'http://127.0.0.1:{port}/v1/rerank', model: tiny, concurrency: 2",
            upstream=f"backend: http, dialect: sglang, url: '{upstream}', model: lexical",
        )


SERVERS = {"infinity": infinity, "llamacpp": llamacpp, "litellm": litellm, "sglang": sglang}
BROKEN = {
    "infinity": {"an unknown model is refused"},
    "llamacpp": {"an unknown model is refused", "an over-long document is scored or refused"},
    "sglang": {
        "top_n returns the best n results",
        "documents are returned only on request",
        "an unknown model is refused",
    },
    "litellm": {"return_documents returns the document of each index"},
}
"""Promises that these servers were seen to break, by server; every other one is kept or not testable."""


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, environments: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """Return a server's name and a configuration that measures it."""
    work = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch, SERVERS[request.param](environments, work) as running:
        patch.setenv("TEST_LITELLM_KEY", KEY)
        config = work / "server.yaml"
        config.write_text(running.config(), encoding="utf-8")
        yield request.param, config


def test_a_real_server_is_measured_from_end_to_end(server: tuple[str, Path], tmp_path: Path) -> None:
    """Every candidate gets a finite score, every depth its values, every call its record; nothing fails."""
    name, config = server
    done = evalkit_process("run", config, "--into", tmp_path)
    print(f"\n--- {name}\n{done.stdout}{done.stderr}")  # noqa: T201 - the job is run to be read
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path)
    scores = pd.read_parquet(folder / "scores.parquet")
    ours, first, direct = (scores[scores.reranker == tag] for tag in ("server", "bm25", "direct"))
    assert set(zip(ours.query_id, ours.doc_id, strict=True)) == set(
        zip(first.query_id, first.doc_id, strict=True)
    )
    if len(direct):
        both = ours.merge(direct, on=["query_id", "doc_id"], validate="1:1")
        assert len(both) == len(ours)
        bits = np.float32 if name == "sglang" else np.float64  # SGLang's router rounds scores to 32 bits
        assert (both.score_x.astype(bits) == both.score_y.astype(bits)).all()
    calls = pd.read_parquet(folder / "calls.parquet")
    assert (calls.status == "ok").all()
    calls = calls[calls.reranker == "server"]
    assert (
        name == "sglang"
        or calls.tokens.notna().all()
        or (name == "infinity" and calls.characters.notna().all())
    )
    assert calls.conn_reused.mean() > 0.5
    assert calls.list_sorted.all()
    if name == "litellm":
        assert (calls.server_s > 0).all()


def test_a_real_server_keeps_the_promises_it_is_known_to_keep(server: tuple[str, Path]) -> None:
    """A probe finds exactly the broken promises that these servers were seen to break, and says so by its exit."""
    name, config = server
    done = evalkit_process("probe", config, "--reranker", "server", "--json")
    findings: list[dict[str, Any]] = orjson.loads(done.stdout)
    print(f"\n--- {name}")  # noqa: T201 - as above
    for finding in findings:
        print(f"{finding['verdict']:12}  {finding['promise']}: {finding['evidence']}")  # noqa: T201
    assert {f["promise"] for f in findings if f["verdict"] == "broken"} == BROKEN[name]
    assert done.returncode == 3
