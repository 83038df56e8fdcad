"""Clients that nobody here wrote, unchanged, against our service.

An optional job (``make clients``): each family has an environment of its own below the folder that EVALKIT_CLIENTS
names. litellm's jina_ai asks at the root of a host whatever its address says, so a second service, with Jina's format
at /v1/rerank, answers it. Two clients of Xinference send no key, and ask a service that needs none.
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
JAVASCRIPT = "node"
ENVIRONMENTS = [
    "assisters", "cohere", "cohere_5", "voyageai", "pinecone", "pinecone_7", "stainless", "openrouter", "elasticsearch",
    "dashscope", "infinity", "xinference", "google", "litellm", "langchain", "langchain_more", "llama_index",
    "llama_index_hosted", "haystack", "rerankers", JAVASCRIPT,
]  # fmt: skip
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
WITHOUT_KEY = {"xinference client", "llama-index Xinference"}


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


def command(environments: Path, environment: str) -> list[Path | str]:
    """Return the command that asks with the clients of an environment."""
    folder = environments / environment
    if environment == JAVASCRIPT:
        return ["node", folder / "sdks.mjs"]
    return [folder / "bin" / "python", HERE / "ask.py", environment]


def ask(asking: list[Path | str], dialect: str = "assisters", key: str | None = KEY) -> dict[str, Any]:
    """Ask a service with all clients of an environment."""
    protected = ("--api-key-env", "TEST_KEY") if key else ()
    with serving(
        "--backend", "lexical", "--dialect", dialect, *protected, env={"TEST_KEY": key or ""}
    ) as url:
        base = "/".join(url.split("/", 3)[:3])
        done = subprocess.run(
            [*asking, base, key or "any", orjson.dumps(QUESTION)],
            capture_output=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    answers: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_client_gets_the_backends_ranking(environments: Path, environment: str) -> None:
    """The two best documents in their order with the served scores; a wrong key is an error of the client's own."""
    asking = command(environments, environment)
    answers = ask(asking)
    if names := AT_THE_ROOT & answers.keys():
        answers |= {name: one for name, one in ask(asking, "jina").items() if name in names}
    if names := WITHOUT_KEY & answers.keys():
        answers |= {name: one for name, one in ask(asking, key=None).items() if name in names}
    failed = []
    for name, one in answers.items():
        right = [(index, pytest.approx(score)) for index, score in expected()]
        has_ranking = [tuple(pair) for pair in one.get("ranking", ())] == right
        refused = one["with a wrong key"]
        passed = has_ranking and (name in WITHOUT_KEY or refused != "nothing")
        verdict = "passes" if passed else "FAILS"
        sys.stdout.write(f"{name:36}{verdict:8}{one.get('error', '')} wrong key: {refused}\n")
        failed += [] if passed else [name]
    assert not failed


def test_the_description_holds_against_made_up_requests(environments: Path, tmp_path: Path) -> None:
    """Schemathesis finds nothing that is not as /openapi.json says: no 500, no undocumented status, no wrong shape."""
    program = environments / "schemathesis" / "bin" / "schemathesis"
    with serving("--backend", "lexical") as url:
        described = url.replace("/v1/rerank", "/openapi.json")
        done = subprocess.run(
            [program, "run", described, "--max-examples", "30"],
            capture_output=True, text=True, check=False, timeout=900, cwd=tmp_path,
        )  # fmt: skip
    sys.stdout.write(done.stdout[done.stdout.rfind("SUMMARY") :])
    assert done.returncode == 0, done.stdout[-6000:]
