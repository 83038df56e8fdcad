"""Decision APIs and the packages of others: their clients read our stand-ins, and their types allow our requests.

An optional job (``make clients``): openai, typesafe-sdk, decisions-reranker and hev-rerank are in an environment of
their own below the folder that EVALKIT_CLIENTS names.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import serving
from support.production import production, rule_of
from support.stand_in_decisions import (
    TOKENS_READ,
    TOKENS_WRITTEN,
    DecisionServer,
    busy,
    hashed_levels,
    hashed_probability,
)

from evalkit.config import validate_block
from evalkit.judges import open_judge
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.results.production_document import ProbabilityFunction, write_production

QUERY = "where does the cat sleep?"
DOCUMENTS = ("Dogs bark at night.", "The cat sleeps on the roof.", "A cat was seen. \x00\n```")
PLATT = ProbabilityFunction("platt", "platt", False, {"a": 0.5, "b": -2.0})
LEVELS = ("no", "a little", "much", "all")
REQUEST = RerankRequest("q", QUERY, DOCUMENTS, ("a", "b", "c"), instruction="Only roofs count.")


@pytest.fixture(scope="module")
def python() -> Path:
    """Return the interpreter of the environment with the packages, or skip."""
    python = Path(os.environ.get("EVALKIT_CLIENTS", "")) / "decisions" / "bin" / "python"
    if not os.environ.get("EVALKIT_CLIENTS") or not python.exists():
        pytest.skip("EVALKIT_CLIENTS has no environment of decision APIs (make clients)")
    return python.absolute()


def run(python: Path, *words: str) -> Any:
    """Run the script with the packages; return what it prints."""
    script = Path(__file__).with_name("decision_sdks.py")
    done = subprocess.run([python, script, *words], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return orjson.loads(done.stdout)


def test_the_clients_of_others_read_what_the_stand_ins_answer(python: Path) -> None:
    """Official clients and the rerankers built on them get the probabilities that the stand-ins are asked to give,
    through a refusal for the rate, too.
    """
    wait = {"openai": {"retry-after-ms": "5"}, "system_one": {"Retry-After": "0"}}
    servers = [
        DecisionServer(
            contract, disturb=lambda number, _headers, c=contract: busy(wait[c]) if number == 0 else None
        )
        for contract in wait
    ]
    asked = orjson.dumps(
        {"query": QUERY, "documents": DOCUMENTS, "levels": LEVELS, "wording": "{document}"}
    ).decode()
    with servers[0].running() as openai, servers[1].running() as system_one:
        found = run(python, "ask", openai, system_one, asked)
    levels = hashed_levels(QUERY, DOCUMENTS[0])
    for contract in wait:
        got = found[contract]
        assert got["probabilities"] == pytest.approx([hashed_probability(QUERY, text) for text in DOCUMENTS])
        assert got["reranked"] == pytest.approx({text: hashed_probability(QUERY, text) for text in DOCUMENTS})
        assert got["levels"] == pytest.approx(levels)
        assert got["score"] == pytest.approx(sum(level * share for level, share in enumerate(levels)))
        assert got["tokens"] == [TOKENS_READ, TOKENS_WRITTEN]


def test_what_we_send_has_the_types_of_the_packages(python: Path) -> None:
    """Every request of both shapes and of the judge is valid by the types of the packages."""
    bodies: dict[str, list[Any]] = {}
    for contract in ("openai", "system_one"):
        server = DecisionServer(contract)
        with server.running() as url:
            common = {"backend": "decisions", "contract": contract, "url": url, "model": "m"}
            for shape in ("list", "single"):
                reranker = load_reranker(**common, shape=shape)
                reranker.score(REQUEST)
                reranker.close()
            judge = open_judge(validate_block("judge backend", common))
            judge.score(RerankRequest("q", QUERY, DOCUMENTS[:1], ("a",), instruction="Only roofs count."))
            judge.close()
        bodies[contract] = server.bodies
    assert run(python, "check", orjson.dumps(bodies).decode()) == {"openai": 5, "system_one": 5}


def test_the_clients_of_others_read_what_our_service_answers(python: Path, tmp_path: Path) -> None:
    """Official clients and the rerankers built on them get the tuned probabilities of the served reranker, in types
    that their packages check; a question for a choice is their own error, which names its place.
    """
    write_production(production(replace(rule_of(), probability=PLATT)), tmp_path / "production.json")
    questions = [*run(python, "wordings"), {"question": "{document} is relevant"}]
    served = {
        "name": "s", "datasets": ["demo"], "rerankers": {"r": {"backend": "lexical"}},
        "service": {"decision_questions": questions},
    }  # fmt: skip
    (tmp_path / "served.yaml").write_bytes(orjson.dumps(served))
    asked = orjson.dumps(
        {"query": QUERY, "documents": DOCUMENTS, "levels": ("no", "yes"), "wording": questions[1]["question"]}
    ).decode()
    words = (str(tmp_path / "served.yaml"), "--apply", str(tmp_path / "production.json"))
    with serving(*words) as url:
        host = url.removesuffix("/v1/rerank")
        found, refused = run(python, "ask", host, host, asked), run(python, "refuse", host, host)
    scores = load_reranker("lexical").score(replace(REQUEST, instruction="")).scores
    expected = PLATT.calibration.apply(scores).tolist()
    assert len(set(expected)) == len(expected)
    for contract in ("openai", "system_one"):
        got = found[contract]
        assert got["probabilities"] == pytest.approx(expected)
        assert got["reranked"] == pytest.approx(dict(zip(DOCUMENTS, expected, strict=True)))
        assert got["levels"] == pytest.approx([1 - expected[0], expected[0]])
        assert got["score"] == pytest.approx(expected[0])
        assert got["tokens"][0] > 0
    status, param, code, message = refused["openai"]
    assert (status, param, code) == (400, "questions.0.type", "unsupported_parameter")
    assert "a reranker answers questions of type 'predicate' and 'score' only" in message
    status, message = refused["system_one"]
    assert status == 422
    assert "questions.x.type" in message
    assert "a reranker answers questions of type 'noul' and 'score' only" in message
