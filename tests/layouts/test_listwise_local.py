"""Listwise rerankers with code of their own, laid out as jina-reranker-v3: a score depends on the whole list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.command import evalkit, only_folder
from support.hub_cache import COMMIT, as_hub_model
from support.list_code import BLOCK, MOST_DOCUMENT, make_list_model
from support.tiny_models import TEXTS, edit, qwen_sizes, save
from support.tiny_tokenizers import qwen_tokenizer
from support.weights import change_weights

from evalkit.config import reranker_settings
from evalkit.errors import InputError
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
FAMILY = "jina-reranker-v3 (JinaForRanking, listwise)"
DOCUMENTS = tuple(document for _, document in TEXTS)[: 2 * BLOCK + 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a listwise reranker."""
    return make_list_model(tmp_path_factory.mktemp("jina") / "reranker")


def own_code(folder: Path) -> Any:
    """Return the model as its card loads it."""
    import torch
    from transformers import AutoModel

    return AutoModel.from_pretrained(
        folder, trust_remote_code=True, dtype=torch.float32, tie_word_embeddings=False
    ).eval()


def card_scores(folder: Path, query: str, documents: Sequence[str]) -> NDArray[np.float64]:
    """Return the scores of a list as the card asks for them, in the order of the documents."""
    ranked = own_code(folder).rerank(query, list(documents))
    return np.array([one["relevance_score"] for one in sorted(ranked, key=lambda one: one["index"])])


def request_of(documents: Sequence[str], query: str = "rate limits") -> RerankRequest:
    """Return a request for a list."""
    return RerankRequest("q", query, tuple(documents), tuple(map(str, range(len(documents)))))


def opened(folder: Path, **settings: Any) -> Any:
    """Return the reranker, trusted."""
    return load_reranker(
        "cross_encoder", model=str(folder), **{"device": "cpu", "trust_remote_code": True, **settings}
    )


def test_pairs_alone(folder: Path, check_layout: Callable[..., Any]) -> None:
    """A pair alone scores as a list of one document."""
    recipe = lambda pairs: [card_scores(folder, query, [document])[0] for query, document in pairs]  # noqa: E731
    check_layout(FAMILY, folder, recipe, pairs=TEXTS, exports="refused", trust_remote_code=True)


def test_untrusted_code(folder: Path, check_refused: Callable[..., Any]) -> None:
    """Code that is not trusted is not run: the message names its file, the hint the setting."""
    check_refused(
        f"{FAMILY}, not trusted", folder, r"listwise reranker .* modeling\.py", hint="trust_remote_code: true"
    )


def test_a_list_is_scored_as_a_whole(folder: Path) -> None:
    """A list over several blocks scores as the model's own code scores it; another list changes its scores."""
    reranker = opened(folder)
    response = reranker.score(request_of(DOCUMENTS))
    assert response.scores == pytest.approx(card_scores(folder, "rate limits", DOCUMENTS), abs=1e-5)
    assert (response.usage.tokens or 0) > len(DOCUMENTS)
    assert reranker.score(request_of(DOCUMENTS[:-2])).scores != pytest.approx(response.scores[:-2], abs=1e-3)


def test_it_says_that_it_is_listwise(folder: Path) -> None:
    """The reranker and its settings are not pointwise, and its scores are cosines."""
    settings = reranker_settings({"backend": "cross_encoder", "model": str(folder), "precision": "bf16"})
    assert not settings.is_pointwise
    assert settings.fewer_bits() is None, "a sample of single pairs would have other scores"
    reranker = opened(folder)
    assert (reranker.pointwise, reranker.score_kind) == (False, "cosine")


def test_many_requests_are_lists_of_their_own(folder: Path) -> None:
    """Several requests score as one by one, also without documents."""
    reranker = opened(folder)
    requests = [request_of(DOCUMENTS), request_of(()), request_of(DOCUMENTS[:2], "an invoice")]
    together = [one.scores.tolist() for one in reranker.score_many(requests)]
    assert together == [reranker.score(one).scores.tolist() for one in requests]


def test_cut_texts_are_reported(folder: Path) -> None:
    """A document over the limit of the model's code is reported as truncated, alone of its list."""
    reranker = opened(folder)
    long = "word " * (MOST_DOCUMENT + 1)
    truncated = reranker.score(request_of(["short", long, "word " * 5], "limit")).truncated
    assert truncated.tolist() == [False, True, False]
    tokens, cut = reranker.measure([("limit", "short"), ("limit", long)])
    assert cut.tolist() == [False, True]
    assert tokens[1] - tokens[0] <= MOST_DOCUMENT


def test_a_length_limit_is_passed_on(folder: Path) -> None:
    """The configured length limit is that of documents."""
    long = ["word " * 30, "limit " * 30]
    assert opened(folder, max_length_tokens=4).score(request_of(long)).scores != pytest.approx(
        opened(folder).score(request_of(long)).scores, abs=1e-3
    )
    assert opened(folder, max_length_tokens=4).facts()["max_length_tokens"] == 4


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"label": 1}, "label"),
        ({"instruction": "find duplicates"}, "instruction"),
        ({"batch_tokens": 512}, "batch_tokens"),
        ({"compile": True}, "compile"),
    ],
)
def test_settings_without_effect_are_refused(folder: Path, settings: dict[str, Any], word: str) -> None:
    """A setting that the model's code cannot use is refused by name."""
    with pytest.raises(InputError, match=f"listwise.*{word}"):
        opened(folder, **settings)


def test_a_model_without_its_code_is_refused(tmp_path: Path) -> None:
    """A folder whose configuration names no code is refused, trusted or not."""
    edit(make_list_model(tmp_path), "config.json", auto_map=...)
    with pytest.raises(InputError, match="names no code"):
        opened(tmp_path)


def test_code_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Code that has no method for lists is refused."""
    code = make_list_model(tmp_path) / "modeling.py"
    code.write_text(code.read_text(encoding="utf-8").replace("def rerank(", "def rank("), encoding="utf-8")
    with pytest.raises(InputError, match="has no method rerank"):
        opened(tmp_path)


def test_missing_weights_are_refused(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """A model whose projector is not in its files is refused by the name of a weight."""
    change_weights(make_list_model(tmp_path), lambda name: None if "projector" in name else name)
    check_refused(
        f"{FAMILY}, projector missing",
        tmp_path,
        r"lacks weights of JinaForRanking.* projector\.",
        trust_remote_code=True,
    )


def test_an_experiment_scores_each_depth_by_itself(folder: Path, tmp_path: Path) -> None:
    """A run scores the lists of each depth in one call each, and the manifest says that it is not pointwise."""
    text = f"""
name: lists
datasets: [{{source: demo, sample: {{queries: 3, seed: 1}}}}]
depths: [4, 7]
rerankers:
  lists: {{backend: cross_encoder, model: "{folder}", device: cpu, trust_remote_code: true}}
"""
    config = tmp_path / "config.yaml"
    config.write_text(text, encoding="utf-8")
    planned = evalkit("run", config, "--plan", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    done = evalkit("run", config, "--into", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    manifest = (only_folder(tmp_path / "out") / "manifest.json").read_text(encoding="utf-8")
    assert '"pointwise": false' in manifest or '"pointwise":false' in manifest


@pytest.mark.parametrize("name", ["rank_zephyr_7b_v1_full", "rank_vicuna_7b_v1", "First_Mistral"])
def test_language_models_that_write_an_order(
    tmp_path: Path, check_refused: Callable[..., Any], name: str
) -> None:
    """A language model that sorts a list in words has no score: the hint names the backend that uses it."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path / name
    folder.mkdir()
    save(folder, Qwen3ForCausalLM(Qwen3Config(**qwen_sizes(qwen_tokenizer(folder)))))
    message = "is a listwise reranker .* cannot score single pairs"
    check_refused(f"{name} (causal, listwise)", folder, message, hint="backend: listwise")


def test_token_compression(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """A reranker whose code takes further inputs is refused by its kind, whatever prompt is stated."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    model = Qwen3ForCausalLM(Qwen3Config(**qwen_sizes(qwen_tokenizer(tmp_path))))
    save(tmp_path, model, architectures=["CostWiseGemmaForCausalLM"])
    prompt = {"template": "{query} {document}", "true_token": "yes"}
    for said in ({}, {"prompt": prompt}):
        family = f"bge-reranker-v2.5-gemma2-lightweight{', with a prompt' if said else ''}"
        check_refused(family, tmp_path, "layerwise reranker with token compression", **said)


def test_a_model_of_the_hub_reads_the_tokenizer_of_its_commit(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the hub's cache, the model's code finds its tokenizer in the same commit, and scores the same."""
    name = as_hub_model(folder, "owner/lists", tmp_path / "hub", monkeypatch)
    reranker = opened(Path(name), revision=COMMIT)
    assert COMMIT in reranker._lists._model._model.name_or_path
    assert reranker.score(request_of(DOCUMENTS)).scores == pytest.approx(
        opened(folder).score(request_of(DOCUMENTS)).scores, abs=1e-5
    )
