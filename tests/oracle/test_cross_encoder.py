"""The cross_encoder backend beside sentence-transformers itself, with tiny models made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.models import make_causal, make_classifier, make_embedder, make_headless

from evalkit.encoding.tokens import FastTokeniser, LibraryTokeniser, agree
from evalkit.errors import InputError
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = pytest.mark.filterwarnings("default")

PAIRS = [
    (query, document)
    for query in ("the cat", "a dog sat on the mat", "", "yes no " * 20)
    for document in ("the mat", "", "a cat sat on a mat", "dog " * 40, "unknown words", "the cat")
]


def theirs(model: Path, pairs: list[tuple[str, str]], **settings: Any) -> Any:
    """Return what the library scores."""
    import torch
    from sentence_transformers import CrossEncoder

    own = CrossEncoder(str(model), device="cpu", model_kwargs={"dtype": torch.float32})
    return own.predict(pairs, activation_fn=torch.nn.Identity(), **settings)


def ours(model: Path, **settings: Any) -> Any:
    """Return our reranker."""
    return load_reranker("cross_encoder", model=str(model), device="cpu", batch_tokens=40, **settings)


def test_scores_are_the_librarys_raw_logits(tmp_path: Path) -> None:
    """Pairs of all lengths, cut on either side, score what `CrossEncoder.predict` gives, to 1e-5."""
    model = make_classifier(tmp_path)
    wanted = theirs(model, PAIRS)
    assert np.std(wanted) > 0.1, "the model tells pairs apart"
    assert ours(model).score_pairs(PAIRS) == pytest.approx(wanted, abs=1e-5)


def test_segments_matter_and_are_fed(tmp_path: Path) -> None:
    """The fast tokeniser gives segment ids, and it is the one in use."""
    reranker = ours(make_classifier(tmp_path))
    tokeniser = reranker._engine.tokeniser
    assert isinstance(tokeniser, FastTokeniser)
    (segments,) = tokeniser([("the cat", "mat")]).segments
    assert segments.tolist() == [0, 0, 0, 0, 1, 1]


def test_cut_pairs_are_counted(tmp_path: Path) -> None:
    """A pair counts as cut where its tokens without a limit are more than those that were read."""
    reranker = ours(make_classifier(tmp_path))
    documents = ("cat", "dog " * 40, "cat " * 20, "cat " * 21)
    response = reranker.score(RerankRequest("q", "mat", documents, tuple("0123")))
    assert response.truncated.tolist() == [False, True, False, True]
    assert response.usage.tokens == 5 + 24 + 24 + 24


def test_both_tokenisers_tell_the_same(tmp_path: Path) -> None:
    """The library's way and the fast one agree on tokens, segments and cuts."""
    model = ours(make_classifier(tmp_path))._model
    rules, tokenizer = model.card.rules, model.library_model.tokenizer.backend_tokenizer.to_str()
    library = LibraryTokeniser(model.library_model, rules, None)
    assert agree(FastTokeniser(tokenizer, rules, None), library, PAIRS)
    assert not agree(FastTokeniser(tokenizer, replace(rules, max_length=23), None), library, PAIRS)


def test_of_several_labels_one_means_relevant(tmp_path: Path) -> None:
    """The score is the label's log odds, so that its sigmoid is the label's probability; no label is no guess."""
    model = make_classifier(tmp_path, labels=3)
    logits = theirs(model, PAIRS).astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for label in (1, "label 1"):
        scores = ours(model, label=label).score_pairs(PAIRS)
        assert 1 / (1 + np.exp(-scores)) == pytest.approx(probabilities[:, 1], abs=1e-5)
    with pytest.raises(InputError, match="has 3 labels: 0 'label 0'"):
        ours(model)
    with pytest.raises(InputError, match="no label 'nonsense'"):
        ours(model, label="nonsense")


@pytest.mark.parametrize("instruction", [None, "a dog"])
def test_a_causal_model_says_yes_or_no(tmp_path: Path, instruction: str | None) -> None:
    """The score is the log odds of yes against no that the library gives, with and without an instruction."""
    model = make_causal(tmp_path)
    wanted = theirs(model, PAIRS, prompt=instruction)
    assert np.std(wanted) > 0.01
    assert ours(model, instruction=instruction).score_pairs(PAIRS) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("make", [make_headless, make_embedder])
def test_a_model_without_a_head_is_refused(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """What would get a random head is an error, even if it says that it embeds; the hint says what fits."""
    with pytest.raises(InputError, match="has no head that scores pairs") as caught:
        ours(make(tmp_path))
    assert "bi_encoder" in str(caught.value.hint)


def test_a_folder_that_is_not_there_is_reported_at_once() -> None:
    """What is plainly a path is not looked for on the hub."""
    with pytest.raises(InputError, match=r"folder not found: /.*/nowhere"):
        load_reranker("cross_encoder", model="./nowhere")


def test_lower_precision_runs_and_stays_near(tmp_path: Path) -> None:
    """bf16 changes scores, and ranks almost alike."""
    model = make_classifier(tmp_path)
    full, half = ours(model).score_pairs(PAIRS), ours(model, precision="bf16").score_pairs(PAIRS)
    assert not np.array_equal(full, half)
    assert np.corrcoef(full, half)[0, 1] > 0.99
