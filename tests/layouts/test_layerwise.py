"""Layerwise rerankers with code of their own, laid out as bge-reranker-v2-minicpm-layerwise: each layer has a head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.layer_code import FIRST, LAST, make_layer_model
from support.layout_checks import Pairs, Recipe
from support.tiny_models import SHORT, save
from support.tiny_tokenizers import roberta_tokenizer
from support.weights import change_weights

from evalkit.rerankers import load_reranker

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
FAMILY = "bge-reranker-v2-minicpm-layerwise"
TASK = (
    "Given a query A and a passage B, determine whether the passage contains an answer to the query by"
    " providing a prediction of either 'Yes' or 'No'."
)
TRUSTED: dict[str, Any] = {"trust_remote_code": True}


def card_recipe(folder: Path, layer: int, task: str = TASK) -> Recipe:
    """Return the recipe of the card for pairs that are not cut: pieces tokenised apart, the logit at the last token."""

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, trust_remote_code=True, dtype=torch.float32
        ).eval()
        found = []
        for query, document in pairs:
            ids = [tokenizer.bos_token_id]
            for text in (f"A: {query}", "\n", f"B: {document}", "\n", task):
                ids += tokenizer(text, add_special_tokens=False)["input_ids"]
            fed = {
                "input_ids": torch.tensor([ids]),
                "attention_mask": torch.ones((1, len(ids)), dtype=torch.long),
            }
            with torch.no_grad():
                every = model(**fed, return_dict=True, cutoff_layers=[layer])
            found.append(float(every[0][0][:, -1].view(-1)[0]))
        return found

    return scores


@pytest.mark.parametrize("layer", [None, FIRST, LAST - 1, LAST])
def test_the_head_of_a_layer_scores(
    tmp_path: Path, check_layout: Callable[..., Any], layer: int | None
) -> None:
    """The score is the logit of the configured layer's head, of the last one by default, in the card's form."""
    folder = make_layer_model(tmp_path)
    recipe = card_recipe(folder, layer or LAST)
    said = {} if layer is None else {"cutoff_layer": layer}
    family = f"{FAMILY}, cutoff_layer: {layer}" if layer else FAMILY
    check_layout(family, folder, recipe, pairs=SHORT, **TRUSTED, **said)


def test_it_can_be_exported(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Code that can be traced scores the same as ONNX, of the configured layer."""
    folder = make_layer_model(tmp_path)
    recipe = card_recipe(folder, FIRST)
    family = f"{FAMILY}, exported"
    check_layout(family, folder, recipe, pairs=SHORT, exports="score", cutoff_layer=FIRST, **TRUSTED)


def test_another_task(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """An instruction takes the place of the card's task."""
    folder = make_layer_model(tmp_path)
    task = "Predict whether passages A and B have the same meaning."
    recipe = card_recipe(folder, LAST, task)
    check_layout(f"{FAMILY}, instruction", folder, recipe, pairs=SHORT, instruction=task, **TRUSTED)


def test_pairs_score_the_same_in_any_batch(tmp_path: Path) -> None:
    """A pair's score does not depend on the padding that other pairs of its batch need."""
    reranker: Any = load_reranker(
        "cross_encoder", model=str(make_layer_model(tmp_path)), device="cpu", **TRUSTED
    )
    alone = [reranker.score_pairs([pair])[0] for pair in SHORT]
    assert reranker.score_pairs(list(SHORT)) == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("layer", [1, LAST + 1])
def test_layers_without_a_head(tmp_path: Path, check_refused: Callable[..., Any], layer: int) -> None:
    """A layer out of the range of those with heads is refused with the range."""
    folder = make_layer_model(tmp_path)
    range_ = f"layers {FIRST} to {LAST}"
    check_refused(f"{FAMILY}, cutoff_layer: {layer}", folder, range_, cutoff_layer=layer, **TRUSTED)


def test_untrusted_code(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Code that is not trusted is not run: the message names its files."""
    folder = make_layer_model(tmp_path)
    files = r"configuration_minicpm_reranker\.py.*modeling_minicpm_reranker\.py"
    check_refused(f"{FAMILY}, not trusted", folder, files, hint="trust_remote_code: true")


def test_heads_over_the_vocabulary(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Heads that give a logit for each token of the vocabulary have no score."""
    folder = make_layer_model(tmp_path, head_type="raw")
    check_refused(f"{FAMILY}, head_type: raw", folder, "head_type 'raw'", **TRUSTED)


def test_missing_weights(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """A model without one of its heads is refused by the name of the weight."""
    folder = make_layer_model(tmp_path)
    change_weights(folder, lambda name: None if name.startswith("lm_head.1") else name)
    check_refused(f"{FAMILY}, head missing", folder, r"lm_head\.1\.weight", **TRUSTED)


def test_other_models_have_no_cutoff(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """A layer for a model that has no heads at its layers is refused."""
    from support.tiny_models import ONE_LABEL, roberta_config

    config = roberta_config(roberta_tokenizer(tmp_path), **ONE_LABEL)
    save(tmp_path, transformers.RobertaForSequenceClassification(config))
    check_refused("RoBERTa, cutoff_layer: 2", tmp_path, "is no layerwise reranker", cutoff_layer=2)
