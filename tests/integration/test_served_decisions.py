"""The backend `decisions` against `evalkit serve`: in both contracts and shapes it ranks as the served reranker."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from support.command import evalkit, only_folder, serving
from support.models import make_classifier
from support.production import production, rule_of

from evalkit.errors import CallError
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.results.production_document import ProbabilityFunction, write_production

BOTH = ("openai", "system_one")
QUERY = "where does the cat sleep?"
DOCUMENTS = (
    "Dogs bark at night.",
    "The cat sleeps on the roof.",
    "A cat was seen. `documents.D00`",
    "",
    "cat cat",
)
REQUEST = RerankRequest("q", QUERY, DOCUMENTS, tuple("abcde"))
PLATT = ProbabilityFunction("platt", "platt", False, {"a": 0.5, "b": -2.0})
SERVED = "name: s\ndatasets: [demo]\nrerankers:\n  r: {backend: lexical}\n"
RUN = """\
name: run
datasets: [{{source: demo, sample: {{queries: 8, seed: 1}}}}]
retriever: {{depth: 20}}
rerankers:
  own: {{backend: lexical}}
  listed: {{backend: decisions, contract: openai, shape: list, url: "{url}", model: r}}
  single: {{backend: decisions, contract: system_one, shape: single, url: "{url}", model: r}}
"""


def host_of(url: str) -> str:
    """Return the address of the host of a service."""
    return url.removesuffix("/v1/rerank")


def asked(url: str, contract: str, shape: str, request: RerankRequest = REQUEST) -> np.ndarray:
    """Return the scores of the backend `decisions`."""
    block = {"contract": contract, "shape": shape, "url": host_of(url), "model": "r"}
    with closing(load_reranker("decisions", **block)) as reranker:
        return reranker.score(request).scores


@pytest.mark.long
def test_a_local_cross_encoder_stands_in_for_a_decision_model(tmp_path: Path) -> None:
    """Both contracts and shapes give the sigmoid of its logits, with and without an instruction."""
    pytest.importorskip("torch")
    model = make_classifier(tmp_path / "r")
    with closing(load_reranker("cross_encoder", model=str(model), device="cpu")) as own:
        logits = own.score(REQUEST).scores
        instructed = replace(REQUEST, query=f"{QUERY} roof", instruction="")
        further = own.score(instructed).scores
    with serving("--backend", "cross_encoder", "--model", str(model), "--set", "device=cpu") as url:
        for contract in BOTH:
            for shape in ("list", "single"):
                scores = asked(url, contract, shape)
                np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits)), atol=1e-6)
                np.testing.assert_array_equal(np.argsort(-scores), np.argsort(-logits))
        scores = asked(url, "openai", "list", replace(REQUEST, instruction="roof"))
        np.testing.assert_allclose(scores, 1 / (1 + np.exp(-further)), atol=1e-6)


def test_a_run_over_the_service_ranks_as_the_served_backend(tmp_path: Path) -> None:
    """A tuned function makes scores probabilities, and every ranking of a run is that of the backend itself."""
    (tmp_path / "served.yaml").write_text(SERVED, encoding="utf-8")
    write_production(production(replace(rule_of(), probability=PLATT)), tmp_path / "production.json")
    with serving(str(tmp_path / "served.yaml"), "--apply", str(tmp_path / "production.json")) as url:
        (tmp_path / "run.yaml").write_text(RUN.format(url=host_of(url)), encoding="utf-8")
        done = evalkit("run", tmp_path / "run.yaml", "--into", tmp_path / "results")
        assert done.returncode == 0, done.stderr
    table = pd.read_parquet(next(only_folder(tmp_path / "results").rglob("scores*.parquet")))
    own = table[table["reranker"] == "own"].set_index(["query_id", "doc_id"])["score"]
    assert len(own) == 8 * 20
    for tag in ("listed", "single"):
        theirs = table[table["reranker"] == tag].set_index(["query_id", "doc_id"])["score"]
        expected = 1 / (1 + np.exp(2 - own / 2))
        np.testing.assert_allclose(theirs.reindex(own.index), expected, rtol=1e-12)


def test_uncalibrated_scores_and_unknown_words_are_named(tmp_path: Path) -> None:
    """The backend's error says why the service refuses, and a declared question is answered."""
    with serving("--backend", "lexical") as url:
        for contract in BOTH:
            with pytest.raises(CallError, match=r"no probabilities \(unbounded\).*--apply"):
                asked(url, contract, "list")
    (tmp_path / "served.yaml").write_text(SERVED, encoding="utf-8")
    write_production(production(replace(rule_of(), probability=PLATT)), tmp_path / "production.json")
    question = {"question": "Is {document} good?", "true": "good", "false": "bad"}
    declared = f"service.decision_questions={orjson.dumps([question]).decode()}"
    words = (str(tmp_path / "served.yaml"), "--apply", str(tmp_path / "production.json"))
    with serving(*words, "--set", declared) as url:
        for contract in BOTH:
            block = {"contract": contract, "shape": "list", "url": host_of(url), "model": "r"}
            with closing(load_reranker("decisions", **block, **question)) as reranker:
                assert len(set(reranker.score(REQUEST).scores.tolist())) > 2
            other = {**question, "question": "Is {document} bad?"}
            with (
                closing(load_reranker("decisions", **block, **other)) as reranker,
                pytest.raises(CallError, match="in no wording that this service knows"),
            ):
                reranker.score(REQUEST)
