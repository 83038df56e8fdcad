"""The late_interaction backend beside sentence-transformers itself, with tiny models made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
from support.command import evalkit_process, only_folder, serving
from support.late_models import LATE_WORDS, make_late_interaction
from support.models import make_classifier, make_headless

from evalkit.encoding.tokens import FastTokeniser, LibraryTokeniser
from evalkit.encoding.torch_runtime import torch_tokenisers
from evalkit.errors import ConfigError, InputError
from evalkit.records import RerankRequest
from evalkit.rerankers import Embedded, Preparable, load_reranker
from evalkit.rerankers.late_interaction import EMPTY, LateInteraction

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = pytest.mark.filterwarnings("default")

QUERIES = ("the cat", "", "a dog sat on the mat .", "yes no " * 20, "[MASK] cat [MASK]")
DOCUMENTS = ("the mat", "", "a cat sat , on a mat .", "dog " * 40, "unknown words", ". , .", "the mat")
FIXED = {"strategy": "fixed", "length": 12}
KINDS: dict[str, dict[str, Any]] = {
    "usual": {},
    "attended": {"query_expansion": {**FIXED, "attend": True}},
    "other token": {"query_expansion": {**FIXED, "token": "cat"}},
    "at least": {"query_expansion": {"strategy": "min", "length": 8}},
    "at least, cut": {"query_expansion": {"strategy": "min", "length": 8}, "query_length": 10},
    "unexpanded": {"query_expansion": None},
    "unexpanded, cut": {"query_expansion": None, "query_length": 6},
    "only cats and mats": {"keep_only_token_ids": [LATE_WORDS.index("cat"), LATE_WORDS.index("mat")]},
    "pooled": {"pool": True},
    "mean": {"similarity_fn_name": "meanmaxsim"},
    "pylate": {"layout": "pylate"},
    "stanford": {"layout": "stanford"},
}


def request(query: str, documents: tuple[str, ...] = DOCUMENTS) -> RerankRequest:
    """Return a request."""
    return RerankRequest("q", query, documents, tuple(map(str, range(len(documents)))))


def ours(model: Path, **settings: Any) -> Any:
    """Return our reranker, with batches of few tokens."""
    told = {"device": "cpu", "batch_tokens": 50, **settings}
    return load_reranker("late_interaction", model=str(model), **told)


def theirs(model: Path, queries: tuple[str, ...], documents: tuple[str, ...] = DOCUMENTS) -> Any:
    """Return ``(queries, documents)`` what the library scores."""
    from sentence_transformers import MultiVectorEncoder

    own = MultiVectorEncoder(str(model), device="cpu")
    return own.similarity(own.encode_query(list(queries)), own.encode_document(list(documents))).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_the_librarys(tmp_path: Path, kind: str) -> None:
    """Queries and documents of all lengths score what `encode_query`, `encode_document` and `similarity` give, to 5e-5.

    A score is a sum of float32 products over the query's tokens. Whatever is added to queries, dropped from documents
    or pooled, in every layout that people have.
    """
    model = make_late_interaction(tmp_path, **KINDS[kind])
    wanted = theirs(model, QUERIES)
    assert np.std(wanted[wanted > EMPTY / 100]) > 0.01, "the model tells pairs apart"
    found = np.array([one.scores for one in ours(model).score_many([request(query) for query in QUERIES])])
    assert found == pytest.approx(wanted, rel=1e-6, abs=5e-5)


def test_layouts_of_one_model_score_alike(tmp_path: Path) -> None:
    """The same numbers in a save of PyLate and in a checkpoint of Stanford's give the same scores."""
    one, other = (
        ours(make_late_interaction(tmp_path / layout, layout)).score(request("a cat")).scores
        for layout in ("pylate", "stanford")
    )
    assert one.tolist() == other.tolist()


def test_a_score_depends_on_its_pair_alone(tmp_path: Path) -> None:
    """In any order, company and batch size a pair has the same score, to 1e-5; twins in a list have equal ones."""
    model = make_late_interaction(tmp_path)
    whole = ours(model).score(request("a cat")).scores
    assert whole[0] == whole[-1]
    for batch_tokens in (1, 4096):
        reranker = ours(model, batch_tokens=batch_tokens)
        backwards = reranker.score(request("a cat", DOCUMENTS[::-1])).scores
        assert backwards[::-1] == pytest.approx(whole, abs=1e-5)
        for document, score in zip(DOCUMENTS, whole, strict=True):
            assert reranker.score(request("a cat", (document,))).scores == pytest.approx([score], abs=1e-5)


@pytest.mark.parametrize("kind", ["usual", "at least"])
def test_queries_of_a_model_that_pads_on_the_left(tmp_path: Path, kind: str) -> None:
    """What is added to a query stands where the library puts it for one alone, on either side, in any company."""
    model = make_late_interaction(tmp_path, padding_side="left", **KINDS[kind])
    requests = [request(query, ("the cat",)) for query in QUERIES]
    wanted = [theirs(model, (query,), ("the cat",))[0, 0] for query in QUERIES]
    reranker = ours(model)
    for found in (reranker.score_many(requests), [reranker.score(one) for one in requests]):
        assert [one.scores[0] for one in found] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "longest"), [("usual", 12), ("attended", 12), ("at least, cut", 10), ("unexpanded, cut", 6)]
)
def test_both_roles_are_tokenised_fast(tmp_path: Path, kind: str, longest: int) -> None:
    """The fast tokeniser gives the library's tokens for queries, which are cut elsewhere, and for documents."""
    engines = ours(make_late_interaction(tmp_path, **KINDS[kind]))._engines
    assert engines["query"].run(["cat"]).tokens.tolist() == [4], "what is added to a query is not read of it"
    for role, most in (("query", longest), ("document", 20)):
        tokeniser = engines[role].tokeniser
        assert isinstance(tokeniser, FastTokeniser)
        assert tokeniser(["cat " * 60]).lengths.tolist() == [most]


@pytest.mark.parametrize("kind", ["usual", "attended", "at least, cut"])
def test_both_tokenisers_lead_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Where the library itself tokenises, scores, tokens and cuts are those of the fast way."""
    model = make_late_interaction(tmp_path, **KINDS[kind])
    requests = [request(query) for query in QUERIES]
    fast = ours(model).score_many(requests)
    monkeypatch.setattr(torch_tokenisers, "agree", lambda *_: False)
    reranker = ours(model)
    assert isinstance(reranker._engines["query"].tokeniser, LibraryTokeniser)
    for one, other in zip(fast, reranker.score_many(requests), strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
        assert one.usage == other.usage
        assert one.truncated is not None
        assert one.truncated.tolist() == other.truncated.tolist()


def test_cut_texts_are_counted(tmp_path: Path) -> None:
    """A pair counts as cut where its document or its query is longer than the model reads of it."""
    reranker = ours(make_late_interaction(tmp_path))
    documents = ("cat", "dog " * 17, "dog " * 18)  # and [CLS], the prompt and [SEP]: twenty tokens
    response = reranker.score(request("cat " * 9, documents))
    assert response.truncated.tolist() == [False, False, True]
    assert response.usage.tokens == 12 + 4 + 20 + 20, "tokens that were added to the query are not read of it"
    assert reranker.score(request("cat " * 10, documents)).truncated.all()


def test_the_limit_of_documents_can_be_set(tmp_path: Path) -> None:
    """`max_length_tokens` cuts documents elsewhere, and leaves queries as the model was trained."""
    reranker = ours(make_late_interaction(tmp_path), max_length_tokens=30)
    response = reranker.score(request("cat " * 9, ("dog " * 27, "dog " * 28)))
    assert response.truncated.tolist() == [False, True]
    assert response.usage.tokens == 12 + 30 + 30
    assert reranker.facts()["max_length_tokens"] == 30


def test_prompts_can_be_set(tmp_path: Path) -> None:
    """The model's own prompts stand before texts, others where they are named, none where they are empty."""
    model = make_late_interaction(tmp_path)
    own = ours(model).score(request("cat"))
    assert own.scores.tolist() == ours(model, query_prompt="yes ").score(request("cat")).scores.tolist()
    for other in ({"query_prompt": ""}, {"document_prompt": "a "}):
        assert not np.allclose(own.scores, ours(model, **other).score(request("cat")).scores)
    bare = ours(model, document_prompt="").score(request("cat"))
    assert own.usage.tokens - bare.usage.tokens == len(DOCUMENTS) - 1, "of the cut one none is saved"


def test_stops_and_commas_do_not_count(tmp_path: Path) -> None:
    """A document keeps the vectors of the tokens that are scored, in float32; skipped words leave none behind."""
    reranker = ours(make_late_interaction(tmp_path))
    (portion,) = (one for one in reranker.portions([request("cat")]) if one.role == "document")
    kept = dict(zip(portion.texts, reranker.embed(portion), strict=True))
    shapes = {text: one.vector.shape for text, one in kept.items()}
    assert shapes["the mat"] == (5, 8)
    assert shapes[". , ."] == shapes[""] == (3, 8), "[CLS], the prompt and [SEP] are left"
    assert shapes["dog " * 40] == (20, 8)
    assert all(one.vector.dtype == np.float32 for one in kept.values())
    assert np.linalg.norm(kept["the mat"].vector, axis=1) == pytest.approx(1, abs=1e-6)


def test_a_document_without_a_token_that_counts_ranks_last(tmp_path: Path) -> None:
    """It has the library's own score for that, also where its embedding was kept on disk meanwhile."""
    model = make_late_interaction(tmp_path, **KINDS["only cats and mats"])
    documents = ("the mat", "dog", "")
    reranker = ours(model)
    for portion in reranker.portions([request("cat", documents)]):
        reranker.keep(portion, reranker.embed(portion))
    scores = reranker.score(request("cat", documents)).scores
    assert scores[1:].tolist() == [EMPTY, EMPTY] == theirs(model, ("cat",), documents)[0, 1:].tolist()
    assert scores[0] > EMPTY / 100
    reranker.close()


def test_preparing_changes_no_score_and_embeds_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embedding ahead gives the same scores; a text goes through the model once, however many requests hold it."""
    reranker = ours(make_late_interaction(tmp_path))
    requests = [request(query) for query in (*QUERIES, *QUERIES)]
    plain = [one.scores for one in reranker.score_many(requests)]
    assert isinstance(reranker, Preparable)
    portions = list(reranker.portions(requests))
    texts = [(portion.role, text) for portion in portions for text in portion.texts]
    assert len(texts) == len(set(texts)) == len(set(QUERIES)) + len(set(DOCUMENTS))
    for portion in portions:
        reranker.keep(portion, reranker.embed(portion))
    assert not list(reranker.portions(requests))
    with monkeypatch.context() as patch:
        for engine in reranker._engines.values():
            patch.setattr(engine, "run", lambda *_: pytest.fail("embedded twice"))
        prepared = [one.scores for one in reranker.score_many(requests)]
    reranker.forget()
    again = [one.scores for one in reranker.score_many(requests)]
    assert np.array(prepared) == pytest.approx(np.array(plain), abs=1e-5)
    assert np.array(again) == pytest.approx(np.array(plain), abs=1e-5)


def test_no_more_texts_are_embedded_at_once_than_fit(tmp_path: Path) -> None:
    """Large batches do not make for portions whose vectors of tokens fill the memory."""
    reranker = ours(make_late_interaction(tmp_path), batch_tokens=100_000)
    documents = tuple(f"cat {number}" for number in range(3000))
    sizes = [len(one.texts) for one in reranker.portions([request("cat", documents)])]
    assert sizes == [1, 2048, 952]


def make_bi_encoder(folder: Path) -> None:
    """Save a model that embeds whole texts, with a projection of its own."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules as parts

    transformer = parts.Transformer(str(make_headless(folder / "bert")))
    whole = [transformer, parts.Pooling(16), parts.Dense(16, 8)]
    SentenceTransformer(modules=whole, device="cpu").save(str(folder))


@pytest.mark.parametrize("make", [make_bi_encoder, make_headless, make_classifier])
def test_a_model_without_a_trained_head_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """A checkpoint to which the library would add a random projection is an error that names another backend."""
    make(tmp_path)
    with pytest.raises(InputError, match="no trained head for late interaction") as caught:
        ours(tmp_path)
    assert "backend: " in str(caught.value.hint)


def test_an_incomplete_model_is_one_clear_line(tmp_path: Path) -> None:
    """A checkpoint of Stanford's without its projection, and without any weights, is reported."""
    from safetensors.torch import load_file, save_file

    weights = make_late_interaction(tmp_path, "stanford") / "model.safetensors"
    encoder = {name: value for name, value in load_file(weights).items() if name != "linear.weight"}
    save_file(encoder, weights, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"cannot be loaded: it lacks 'linear\.weight'"):
        ours(tmp_path)
    weights.unlink()
    with pytest.raises(InputError, match="cannot be loaded"):
        ours(tmp_path)


@pytest.mark.parametrize("settings", [{"runtime": "onnx"}, {"precision": "int8"}])
def test_what_torch_alone_can_run_is_not_asked_of_others(settings: dict[str, str]) -> None:
    """ONNX and int8 are refused where settings are checked: no model is looked for."""
    with pytest.raises(ConfigError, match="needs torch, with precision"):
        load_reranker("late_interaction", model="nowhere", **settings)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_runs_and_stays_near(tmp_path: Path, precision: str) -> None:
    """Half the bits change scores a little; vectors that are kept and compared are float32 all the same."""
    model = make_late_interaction(tmp_path)
    full = ours(model).score(request("the cat")).scores
    reranker = ours(model, precision=precision)
    half = reranker.score(request("the cat")).scores
    assert not np.array_equal(full, half)
    assert np.corrcoef(full, half)[0, 1] > 0.95


def test_compiling_is_asked_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`compile: true` has the model compiled for inputs of any length, before anything is scored; it is material."""
    from sentence_transformers import MultiVectorEncoder

    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(MultiVectorEncoder, "compile", lambda _, **told: asked.append(told))
    model = make_late_interaction(tmp_path)
    ours(model)
    assert not asked
    ours(model, compile=True)
    assert asked == [{"dynamic": True}]
    assert "compile" not in LateInteraction.Settings.immaterial
    with pytest.raises(ConfigError, match="cannot use compile without torch"):
        load_reranker("cross_encoder", model=str(model), compile=True, runtime="onnx")


def test_maxsim_by_hand() -> None:
    """Of two query tokens each takes its best document token, and the two are added up."""
    query = np.array([[1, 0], [0, 2]], dtype=np.float32)
    document = np.array([[0.5, -1], [0.25, -3], [-1, -0.5]], dtype=np.float32)
    reranker = LateInteraction.__new__(LateInteraction)
    for mean, wanted in ((False, 0.5 - 1), (True, -0.25)):
        reranker._mean = mean
        (score,) = reranker.compare(
            Embedded(query, 2, truncated=False), [Embedded(document, 3, truncated=False)]
        )
        assert score == wanted


def test_it_runs_from_a_configuration(tmp_path: Path) -> None:
    """`evalkit run` scores every candidate of the demo collection with it, and the report states what was cut."""
    model = make_late_interaction(tmp_path / "model")
    config = tmp_path / "late.yaml"
    config.write_text(
        "name: late\ndatasets: [demo]\nretriever: {kind: bm25, depth: 10}\nrerankers:\n"
        f"  late: {{backend: late_interaction, model: {model}, device: cpu}}\n",
        encoding="utf-8",
    )
    done = evalkit_process("run", config, "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "results")
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert manifest["status"] == "complete"
    scores = pd.read_parquet(folder / "scores.parquet")
    late = scores[scores["reranker"] == "late"]
    assert len(late) == len(scores[scores["reranker"] == "bm25"])
    assert np.isfinite(late["score"]).all()
    assert late["score"].std() > 0.01
    calls = pd.read_parquet(folder / "calls.parquet")
    cut = int(calls[calls["pass"] == "quality"]["truncated_documents"].sum())
    assert cut == len(late), "every document of the demo is longer than twenty tokens"
    assert f"late truncated {cut} of {len(late)} documents" in (folder / "report.md").read_text("utf-8")


def test_served_scores_keep_the_local_order(tmp_path: Path) -> None:
    """`evalkit serve` maps scores without a bound to 0..1 by the softsign, to 1e-6."""
    model = make_late_interaction(tmp_path)
    local = ours(model).score(request("the cat")).scores
    with serving("--backend", "late_interaction", "--model", str(model), "--set", "device=cpu") as url:
        body = {"model": "any", "query": "the cat", "documents": list(DOCUMENTS)}
        results = httpx.post(url, json=body, timeout=60).json()["results"]
    served = {one["index"]: one["relevance_score"] for one in results}
    wanted = (1 + local / (1 + abs(local))) / 2
    assert [served[place] for place in range(len(DOCUMENTS))] == pytest.approx(wanted, abs=1e-6)
