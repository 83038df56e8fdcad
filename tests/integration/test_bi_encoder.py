"""The bi_encoder backend with a tiny model made on the spot."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
from support.command import evalkit, serving
from support.models import make_embedder

from evalkit.errors import InputError, WorldError
from evalkit.records import RerankRequest
from evalkit.rerankers import Preparable, load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = pytest.mark.filterwarnings("default")

DOCUMENTS = ("the cat sat on the mat", "a dog barks", "cat", "", "the cat sat on the mat")
REQUEST = RerankRequest("q", "cat on a mat", DOCUMENTS, tuple("01234"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a random two-layer model."""
    return make_embedder(tmp_path_factory.mktemp("model"))


def test_scores_are_cosines_of_the_models_own_embeddings(model: Path) -> None:
    """A score is the cosine that sentence-transformers itself computes."""
    from sentence_transformers import SentenceTransformer, util

    own = SentenceTransformer(str(model), device="cpu")
    wanted = util.cos_sim(own.encode([REQUEST.query]), own.encode(list(DOCUMENTS))).numpy()[0]
    scores = load_reranker("bi_encoder", model=str(model), device="cpu").score(REQUEST).scores
    assert scores.dtype == np.float64
    assert scores == pytest.approx(wanted, abs=1e-6)
    assert scores[0] == scores[4], "equal documents have equal scores"


def test_preparing_changes_no_score(model: Path) -> None:
    """Encoding the documents ahead gives the same scores, and forgetting makes every call encode again."""
    reranker = load_reranker("bi_encoder", model=str(model), device="cpu")
    plain = reranker.score(REQUEST).scores
    assert isinstance(reranker, Preparable)
    for portion in reranker.portions([REQUEST]):
        reranker.keep(portion, reranker.embed(portion))
    assert not list(reranker.portions([REQUEST])), "nothing is embedded twice"
    assert reranker.score(REQUEST).scores == pytest.approx(plain, abs=1e-6)
    reranker.forget()
    assert reranker.score(REQUEST).scores == pytest.approx(plain, abs=1e-6)


def test_pairs_score_as_lists_do(model: Path) -> None:
    """Pairs in any order score what their lists do."""
    reranker = load_reranker("bi_encoder", model=str(model), device="cpu")
    pairs = [(REQUEST.query, document) for document in DOCUMENTS]
    scores = reranker.score_pairs(pairs)  # type: ignore[attr-defined]
    assert scores == pytest.approx(reranker.score(REQUEST).scores, abs=1e-6)
    assert reranker.score_pairs([]).shape == (0,)  # type: ignore[attr-defined]


def test_served_scores_are_the_local_ones_mapped(model: Path) -> None:
    """`evalkit serve` answers with (1 + cosine) / 2 of the local scores, to 1e-6."""
    local = load_reranker("bi_encoder", model=str(model), device="cpu").score(REQUEST).scores
    with serving("--backend", "bi_encoder", "--model", str(model), "--set", "device=cpu") as url:
        body = {"model": "any", "query": REQUEST.query, "documents": list(DOCUMENTS)}
        results = httpx.post(url, json=body, timeout=60).json()["results"]
    served = {r["index"]: r["relevance_score"] for r in results}
    assert [served[i] for i in range(len(DOCUMENTS))] == pytest.approx((1 + local) / 2, abs=1e-6)


def test_an_unknown_model_is_one_clear_line(tmp_path: Path) -> None:
    """A folder that holds no model is reported, with its name."""
    with pytest.raises(InputError, match="cannot be loaded"):
        load_reranker("bi_encoder", model=str(tmp_path), device="cpu")


def test_a_run_in_bf16_reports_what_it_loses(tmp_path: Path, model: Path) -> None:
    """A sample is scored in fp32, too: its scores are in the store and the manifest, and not a system of their own."""
    config = tmp_path / "c.yaml"
    config.write_text(
        "name: t\ndatasets: [demo]\ndepths: [5]\n"
        f"rerankers: {{r: {{backend: bi_encoder, model: {model}, device: cpu, precision: bf16}}}}\n",
        encoding="utf-8",
    )
    done = evalkit("run", config, "--into", tmp_path / "r")
    assert done.returncode == 0, done.stderr
    again = evalkit("report", tmp_path / "r")
    assert again.returncode == 0, again.stderr
    (report,) = (tmp_path / "r").glob("*/report.md")
    assert "bf16" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", ["bi_encoder", "cross_encoder", "late_interaction"])
def test_a_model_that_is_not_cached_is_missing_for_lack_of_the_hub(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may exist: that is no fault of the configuration."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WorldError, match="'owner/not-cached' is not in the cache, and HF_HUB_OFFLINE is set"):
        load_reranker(backend, model="owner/not-cached", device="cpu")
