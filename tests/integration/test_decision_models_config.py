"""The worked configuration of a decision model, run as a user runs it, with other addresses and a small model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from support.command import ROOT, evalkit, only_folder
from support.stand_in import by_length, stand_in
from support.stand_in_decisions import DecisionServer

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

CONFIG = ROOT / "configs" / "decision_models.yaml"
KEYS = {"OPENAI_API_KEY": "s3cret-key-0123", "ASSISTERS_API_KEY": "s3cret-key-0124"}
TAGS = ("bm25", "cross-encoder", "rerank-api", "decision-model")
CALLED = TAGS[1:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the configuration once; return the result folder and what its plan says."""
    from support.models import make_classifier

    tmp = tmp_path_factory.mktemp("decision")
    server = DecisionServer(probability=lambda query, text: 0.9 if shared(query, text) > 2 else 0.1)
    with server.running() as decisions, stand_in(by_length) as rerank:
        sets = {
            "datasets.0": "demo",
            "retriever.depth": "10",
            "latency.batch_sizes": "[1, 5]",
            "rerankers.cross-encoder.model": str(make_classifier(tmp / "model")),
            "rerankers.cross-encoder.device": "cpu",
            "rerankers.cross-encoder.score_check": "false",
            "rerankers.rerank-api.url": rerank,
            "rerankers.decision-model.url": decisions,
        }
        words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
        plan = evalkit("run", CONFIG, *words, "--into", tmp / "results", "--plan", env=KEYS)
        assert plan.returncode == 0, plan.stderr
        assert not server.bodies
        done = evalkit("run", CONFIG, *words, "--into", tmp / "results", env=KEYS)
    assert done.returncode == 0, done.stderr
    return only_folder(tmp / "results"), plan.stdout


def shared(query: str, text: str) -> int:
    """Return the number of words that two texts share."""
    return len(set(query.lower().split()) & set(text.lower().split()))


def test_one_report_has_quality_latency_cost_and_calibration(folder: tuple[Path, str]) -> None:
    """All systems are compared with BM25; the decision model has latencies by batch size, a price and a reliability."""
    result, plan = folder
    report = (result / "report.md").read_text(encoding="utf-8")
    assert all(tag in report for tag in TAGS)
    assert "probabilities from decision-model (probability)" in report
    assert "ECE debiased" in report
    assert all(tag in plan for tag in CALLED)
    summary = orjson.loads((result / "summary.json").read_bytes())
    assert {row["reranker"] for row in summary["quality"]} == set(TAGS)
    assert {(row["reranker"], row["batch_size"]) for row in summary["latency"]} >= {
        (tag, size) for tag in CALLED for size in (1, 5)
    }
    tuning = orjson.loads((result / "tuning.json").read_bytes())
    (own,) = [row for row in tuning["calibration"] if row["reranker"] == "decision-model"]
    assert own["functions"]["as it is"]["quality"]["ece"]["value"] > 0
    assert list(result.rglob("*decision-model*reliability*.csv"))


def test_costs_are_those_of_the_prices(folder: tuple[Path, str]) -> None:
    """Each call costs what its tokens cost; local models have a price by the hour; no key is written."""
    result, _ = folder
    calls = pd.read_parquet(result / "calls.parquet")
    prices = {"decision-model": 90 * 0.1e-6, "rerank-api": 7 * 0.02e-6}
    for tag, usd in prices.items():
        own = calls[(calls.reranker == tag) & (calls.status == "ok")]
        np.testing.assert_allclose(own.cost_usd.astype(float), usd)
        assert len(own) > 100
    for path in result.rglob("*"):
        assert path.is_dir() or not [key for key in KEYS.values() if key.encode() in path.read_bytes()]


def test_the_prompt_is_in_the_manifest(folder: tuple[Path, str]) -> None:
    """By its hash, for the reranker that has one."""
    facts = orjson.loads((folder[0] / "manifest.json").read_bytes())["rerankers"]
    assert {tag for tag, one in facts.items() if "prompt_sha256" in one} == {"decision-model"}
