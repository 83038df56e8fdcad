"""Clients that nobody here wrote, unchanged, against our service.

An optional job (``make clients``): each family stands in an environment of its own below the folder that
EVALKIT_CLIENTS names. litellm's jina_ai asks at the root of a host whatever its address says, so it is asked of a
second service, which speaks Jina at /v1/rerank.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import serving

from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.server.unit_scores import to_unit

HERE = Path(__file__).parent
KEY = "sk-local-0123456789"
ENVIRONMENTS = [
    "assisters",
    "cohere",
    "voyageai",
    "litellm",
    "langchain",
    "llama_index",
    "haystack",
    "rerankers",
]
QUESTION = {
    "query": "where does the cat sleep?",
    "documents": [
        "Dogs bark at night.",
        "The cat sleeps on the warm roof, and another cat beside it.",
        "A cat was seen.",
        "Where cats sleep is known.",
    ],
    "top_n": 2,
}
AT_THE_ROOT = {"litellm jina_ai"}


@pytest.fixture(scope="module")
def environments() -> Path:
    """Return the folder with the clients' environments, or skip."""
    folder = os.environ.get("EVALKIT_CLIENTS")
    if not folder:
        pytest.skip("EVALKIT_CLIENTS is unset: no third-party clients (make clients)")
    return Path(folder).resolve()


def expected() -> list[tuple[int, float]]:
    """Return the two best documents, by the backend itself."""
    documents = tuple(str(text) for text in QUESTION["documents"])  # type: ignore[attr-defined]
    request = RerankRequest("q", str(QUESTION["query"]), documents, tuple(map(str, range(len(documents)))))
    scores = to_unit(load_reranker("lexical").score(request).scores, "unbounded")
    return sorted(enumerate(scores.tolist()), key=lambda one: -one[1])[:2]


def ask(python: Path, environment: str, dialect: str) -> dict[str, Any]:
    """Ask with all clients of an environment."""
    with serving(
        "--backend", "lexical", "--dialect", dialect, "--api-key-env", "TEST_KEY", env={"TEST_KEY": KEY}
    ) as url:
        base = url.split("/", 3)
        done = subprocess.run(
            [python, HERE / "ask.py", environment, "/".join(base[:3]), KEY, orjson.dumps(QUESTION)],
            capture_output=True, check=False, timeout=300,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    told: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_client_gets_the_backends_ranking(environments: Path, environment: str) -> None:
    """The two best documents in their order with the served scores; a wrong key is an error of the client's own."""
    python = environments / environment / "bin" / "python"
    told = ask(python, environment, "assisters")
    if AT_THE_ROOT & told.keys():
        told |= {name: one for name, one in ask(python, environment, "jina").items() if name in AT_THE_ROOT}
    failed = []
    for name, one in told.items():
        right = [(index, pytest.approx(score)) for index, score in expected()]
        passed = [tuple(pair) for pair in one.get("ranking", ())] == right and one[
            "with a wrong key"
        ] != "nothing"
        said = f"{one.get('error', '')} wrong key: {one['with a wrong key']}"
        sys.stdout.write(f"{name:24}{'passes' if passed else 'FAILS':8}{said}\n")
        failed += [] if passed else [name]
    assert not failed


def test_the_description_holds_against_made_up_requests(environments: Path) -> None:
    """Schemathesis finds nothing that is not as /openapi.json says: no 500, no undocumented status, no wrong shape."""
    program = environments / "schemathesis" / "bin" / "schemathesis"
    with serving("--backend", "lexical") as url:
        described = url.replace("/v1/rerank", "/openapi.json")
        done = subprocess.run(
            [program, "run", described, "--max-examples", "30"],
            capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
    sys.stdout.write(done.stdout[done.stdout.rfind("SUMMARY") :])
    assert done.returncode == 0, done.stdout[-6000:]
