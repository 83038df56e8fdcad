"""A bi-encoder as a first stage, beside sentence-transformers' own search, with tiny models made on the spot."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.embedding_models import make_router, make_static, modules_of, set_choices
from support.models import make_embedder

from evalkit.config import retriever_settings
from evalkit.datasets import load_dataset
from evalkit.encoding import Encoded, Engine
from evalkit.errors import CallError, EvalkitWarning
from evalkit.records import Dataset, Run
from evalkit.rerankers import load_reranker
from evalkit.retrievers import open_retriever

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a random two-layer model."""
    return make_embedder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Return a few queries over the bundled collection."""
    return load_dataset({"source": "demo", "sample": {"queries": 7, "seed": 1}})


@pytest.fixture(autouse=True)
def _own_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Embed anew in every test."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))


def dense(model: Path, dataset: Dataset, depth: int, **settings: Any) -> Run:
    """Return what the first stage finds."""
    checked = retriever_settings({"kind": "dense", "model": str(model), "device": "cpu", **settings})
    return open_retriever(checked, dataset).retrieve(dataset.queries, depth)


@pytest.fixture(params=["plain", "euclidean, 4 dimensions", "static", "Router"])
def any_model(request: pytest.FixtureRequest, model: Path, tmp_path: Path) -> Path:
    """Return a model of each kind: its files decide similarity, dimensions, prompts, and modules by role."""
    if request.param == "plain":
        return model
    if request.param == "static":
        return make_static(tmp_path)
    if request.param == "Router":
        first, second = modules_of(model), modules_of(model)
        second[-1] = second[-1].__class__(16, 8)
        folder = make_router(tmp_path, first, second)
    else:
        folder = Path(shutil.copytree(model, tmp_path / "copy"))
    prompts = {"search_query": "the cat ", "search_document": "a dog "}
    return set_choices(folder, similarity_fn_name="euclidean", truncate_dim=4, prompts=prompts)


@pytest.mark.parametrize("similarity", [None, "cosine", "dot", "euclidean", "manhattan"])
def test_the_nearest_are_the_librarys(any_model: Path, dataset: Dataset, similarity: str | None) -> None:
    """Every document compared with every query: the scores that brute force gives, in the total order."""
    from sentence_transformers import SentenceTransformer

    own: Any = SentenceTransformer(str(any_model), device="cpu", similarity_fn_name=similarity)  # type: ignore[arg-type]
    prompts = [own.prompts.get(name) for name in ("search_query", "search_document")]
    texts = [query.text for query in dataset.queries]
    documents = own.encode_document(list(dataset.corpus.texts), prompt=prompts[1])
    asked = own.encode_query(texts, prompt=prompts[0])
    # In float32, the library's Euclidean distances of many vectors are off by 1e-3.
    wanted = own.similarity(asked.astype(np.float64), documents.astype(np.float64)).numpy()
    found = dense(any_model, dataset, 40, **({} if similarity is None else {"similarity": similarity}))
    assert (found.tag, found.query_ids) == ("dense", tuple(query.query_id for query in dataset.queries))
    of = dict(zip(dataset.corpus.doc_ids, wanted.T, strict=True))
    for row, (_, docs, scores) in enumerate(found):
        assert scores == pytest.approx([of[doc][row] for doc in docs], abs=1e-5)
        assert scores == pytest.approx(np.sort(wanted[row])[::-1][:40], abs=1e-5)


def test_scores_are_those_of_the_same_model_as_a_reranker(model: Path, dataset: Dataset) -> None:
    """`bi_encoder` over these candidates gives the scores that found them, with prompts, too."""
    prompts = {"query_prompt": "the cat ", "document_prompt": "a dog "}
    found = dense(model, dataset, 5, **prompts)
    reranker: Any = load_reranker("bi_encoder", model=str(model), device="cpu", **prompts)
    text = {query.query_id: query.text for query in dataset.queries}
    pairs = [(text[q], dataset.corpus.text(doc)) for q, docs, _ in found for doc in docs]
    assert found.scores == pytest.approx(reranker.score_pairs(pairs), abs=1e-6)


def test_documents_are_embedded_once(model: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second first stage embeds the queries alone, unless the model, its prompt or the texts are others."""
    asked: list[int] = []
    run = Engine.run

    def counted(self: Engine, items: Sequence[Any], *rest: Any) -> Encoded:
        asked.append(len(items))
        return run(self, items, *rest)

    monkeypatch.setattr(Engine, "run", counted)
    documents, queries = len(dataset.corpus), len(dataset.queries)
    first = dense(model, dataset, 10)
    assert sum(asked) == documents + queries
    for settings, again in [
        ({}, 0),
        ({"batch_tokens": 64, "threads": 1, "query_prompt": "a ", "similarity": "dot"}, 0),
        ({"document_prompt": "a "}, documents),
        ({"max_length_tokens": 8}, documents),
        ({"truncate_dim": 4}, documents + 1),  # one to see how many dimensions there are
    ]:
        asked.clear()
        found = dense(model, dataset, 10, **settings)
        assert sum(asked) == again + queries, settings
        assert settings or (found.doc_ids, found.scores.tolist()) == (first.doc_ids, first.scores.tolist())


def test_documents_that_are_cut_are_reported(model: Path, dataset: Dataset) -> None:
    """A warning says how many were not read to their end, when they are embedded."""
    with pytest.warns(EvalkitWarning, match="documents are longer than the model's limit"):
        dense(model, dataset, 10)


def test_a_vector_that_is_not_finite_is_a_failure(
    model: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the text; no candidates come of it, and nothing of that chunk is kept."""
    run = Engine.run

    def broken(self: Engine, items: Sequence[Any], *rest: Any) -> Encoded:
        encoded = run(self, items, *rest)
        encoded.rows[-1] = encoded.rows[-1] * np.nan
        return encoded

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "run", broken)
        with pytest.raises(CallError, match="returned a vector that is not finite for the text"):
            dense(model, dataset, 10)
    assert np.isfinite(dense(model, dataset, 10).scores).all()
