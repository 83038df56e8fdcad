"""Causal rerankers read the tokens that inputs share once: scores are those of the whole inputs."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.causal_models import make_classifier, make_gemma, make_gpt2, make_qwen2, make_qwen3
from support.tiny_models import qwen_sizes, save
from support.tiny_tokenizers import qwen_tokenizer

from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
QUERIES = ("how do I reset it " * 8, "rate limits of an interface " * 8, "which light is on " * 8)
DOCUMENTS = ("a", "word " * 30, "The limit is 60 requests a minute. " * 4, "", "reset the button", "x " * 70)
PAIRS = [(query, f"{number} {text}") for query in QUERIES for number in range(4) for text in DOCUMENTS]
PROMPT = {
    "template": "Is it relevant?\nQ: {query}\nD: {document}\nA:",
    "true_token": "yes",
    "false_token": "no",
}
TOLERANCE = {"rel": 1e-5, "abs": 1e-5}


def gpt2(folder: Path) -> object:
    """Save a GPT-2, whose positions are absolute."""
    return make_gpt2(folder, "GPT2LMHeadModel", bos_token_id=0, eos_token_id=0)


def causal(kind: str, folder: Path, **config: Any) -> Path:
    """Save a causal model of a family, with values of its configuration."""
    import transformers

    sizes = qwen_sizes(qwen_tokenizer(folder))
    model = getattr(transformers, f"{kind}ForCausalLM")
    return save(folder, model(getattr(transformers, f"{kind}Config")(**{**sizes, **config})))


def bloom(folder: Path) -> Path:
    """Save a Bloom, which adds distances to its attention and takes no positions."""
    from transformers import BloomConfig, BloomForCausalLM

    size = qwen_tokenizer(folder).size
    config = BloomConfig(vocab_size=size, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.5)
    return save(folder, BloomForCausalLM(config))


MODELS: dict[str, tuple[str, Callable[[Path], object], dict[str, Any]]] = {
    "qwen3": ("Qwen3-Reranker-0.6B", make_qwen3, {}),
    "qwen3 with an instruction": ("Qwen3-Reranker-0.6B", make_qwen3, {"instruction": "Find code"}),
    "qwen3, cut": ("Qwen3-Reranker-0.6B", make_qwen3, {"max_length_tokens": 260}),
    "classifier": ("Qwen3-Reranker-0.6B-seq-cls", make_classifier, {}),
    "mxbai": ("mxbai-rerank-base-v2", make_qwen2, {}),
    "gemma": ("bge-reranker-v2-gemma", make_gemma, {}),
    "document first": ("ctxl-rerank-v2-instruct-multilingual-1b", make_qwen3, {}),
    "absolute positions": ("gpt2", gpt2, {"prompt": PROMPT}),
    "bloom, without positions": ("bloom", bloom, {"prompt": PROMPT}),
}


def opened(tmp_path: Path, name: str, **more: Any) -> Any:
    """Return the reranker of one of the models."""
    folder_name, make, settings = MODELS[name]
    folder = tmp_path / folder_name
    if not folder.exists():
        folder.mkdir()
        make(folder)
    return load_reranker("cross_encoder", model=str(folder), device="cpu", **{**settings, **more})


def whole(reranker: Any, pairs: list[tuple[str, str]]) -> NDArray[np.float64]:
    """Return scores of inputs that are all read as a whole."""
    engine = reranker._engine
    kept, engine._prefixes = engine._prefixes, None
    try:
        return np.asarray(reranker.score_pairs(pairs))
    finally:
        engine._prefixes = kept


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_of_whole_inputs(tmp_path: Path, name: str) -> None:
    """With queries or documents first, any position code and any limit; the prefix of a query is read once."""
    reranker = opened(tmp_path, name)
    assert reranker.facts()["shares_prefixes"] is True
    network, lengths = reranker._engine._prefixes, []
    read = network.read_prefix
    network.read_prefix = lambda inputs, worker: (lengths.append(inputs.ids.shape[1]), read(inputs, worker))[
        1
    ]
    found = np.asarray(reranker.score_pairs(PAIRS))
    wanted = whole(reranker, PAIRS)
    assert np.ptp(wanted) > 1e-2
    assert found == pytest.approx(wanted, **TOLERANCE)
    assert np.argsort(found, kind="stable").tolist() == np.argsort(wanted, kind="stable").tolist()
    assert len(lengths) == (1 if name == "document first" else len(QUERIES))
    assert min(lengths) > 1


def test_scores_do_not_depend_on_order_or_company(tmp_path: Path) -> None:
    """In another order, alone, in small batches and with one thread, each pair has the same score."""
    reranker = opened(tmp_path, "qwen3")
    wanted = np.asarray(reranker.score_pairs(PAIRS))
    order = np.random.default_rng(1).permutation(len(PAIRS))
    shuffled = np.asarray(reranker.score_pairs([PAIRS[place] for place in order]))
    assert shuffled == pytest.approx(wanted[order], **TOLERANCE)
    alone = [float(reranker.score_pairs([pair])[0]) for pair in PAIRS[::7]]
    assert alone == pytest.approx(wanted[::7], **TOLERANCE)
    for settings in ({"batch_tokens": 300}, {"threads": 1}, {"batch_tokens": 1}):
        other = opened(tmp_path, "qwen3", **settings)
        assert np.asarray(other.score_pairs(PAIRS)) == pytest.approx(wanted, **TOLERANCE)


def test_the_keys_of_at_most_one_query_a_thread_are_kept(tmp_path: Path) -> None:
    """A prefix is freed when the last batch that follows it is done."""
    reranker = opened(tmp_path, "qwen3", threads=1, batch_tokens=400)
    network, alive, most = reranker._engine._prefixes, weakref.WeakSet[Any](), []
    read = network.read_prefix

    def counted(inputs: Any, worker: int | None) -> Any:
        """Read a prefix, and count those in memory."""
        kept = read(inputs, worker)
        alive.add(kept)
        most.append(len(alive))
        return kept

    network.read_prefix = counted
    reranker.score_pairs(PAIRS)
    assert len(most) == len(QUERIES)
    assert max(most) == 1
    assert not alive


def windowed(folder: Path) -> Path:
    """Save a Mistral whose tokens attend to the last 4,096 tokens: shorter inputs do not show it."""
    return causal("Mistral", folder, sliding_window=4096)


def alternating(folder: Path) -> Path:
    """Save a Qwen2 whose second layer has a window."""
    sizes = {"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 1}
    return causal("Qwen2", folder, **sizes)


def recurrent(folder: Path) -> Path:
    """Save a Mamba, whose layers keep a state."""
    from transformers import MambaConfig, MambaForCausalLM

    size = qwen_tokenizer(folder).size
    return save(folder, MambaForCausalLM(MambaConfig(vocab_size=size, hidden_size=32, num_hidden_layers=2)))


def bidirectional(folder: Path) -> Path:
    """Save a Qwen3 whose tokens attend to all others."""
    return causal("Qwen3", folder, is_causal=False)


@pytest.mark.parametrize(
    "make", [windowed, alternating, recurrent, bidirectional], ids=lambda one: one.__name__
)
def test_other_models_read_whole_inputs(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """Windows, states and attention in both directions: nothing is shared, and each pair scores as alone."""
    reranker: Any = load_reranker("cross_encoder", model=str(make(tmp_path)), device="cpu", prompt=PROMPT)
    assert "shares_prefixes" not in reranker.facts()
    found = np.asarray(reranker.score_pairs(PAIRS[:12]))
    assert found == pytest.approx(
        [float(reranker.score_pairs([pair])[0]) for pair in PAIRS[:12]], **TOLERANCE
    )


def test_templates_that_begin_with_the_document_share_nothing(tmp_path: Path) -> None:
    """Without a common first token there is no prefix."""
    prompt = {**PROMPT, "template": "{document} {query} A:"}
    folder = causal("Qwen3", tmp_path)
    reranker: Any = load_reranker("cross_encoder", model=str(folder), device="cpu", prompt=prompt)
    pairs = [(query, document or "-") for query, document in PAIRS[:12]]
    assert np.asarray(reranker.score_pairs(pairs)) == pytest.approx(whole(reranker, pairs), **TOLERANCE)
