"""Cross-encoders of several modules, laid out as the ettin rerankers: a network, pooling and layers that score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.hub_cache import COMMIT, as_hub_model
from support.layout_checks import Pairs, Recipe
from support.tiny_models import edit, modernbert_config, save, seeded
from support.tiny_tokenizers import modernbert_tokenizer

from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
FAMILY = "ettin-reranker (Transformer, Pooling, Dense, LayerNorm, Dense)"


def make_modular(folder: Path, labels: int = 1) -> Path:
    """Save a ModernBERT, its first vector, a layer with GELU, a norm, and a layer with a score per label."""
    import torch
    from sentence_transformers import CrossEncoder
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
    from transformers import ModernBertModel

    source = folder / "network"
    source.mkdir(parents=True)
    vocabulary = modernbert_tokenizer(source)
    save(source, ModernBertModel(modernbert_config(vocabulary)))
    parts = [
        Transformer(str(source)),
        Pooling(32, "cls"),
        seeded(Dense(32, 32, bias=False, activation_function=torch.nn.GELU())),
        LayerNorm(32),
        seeded(
            Dense(32, labels, activation_function=torch.nn.Identity(), module_output_name="scores"), gain=2
        ),
    ]
    model = CrossEncoder(modules=parts, device="cpu", activation_fn=torch.nn.Identity())
    model.save_pretrained(str(folder / "model"))
    return folder / "model"


def library_recipe(folder: Path) -> Recipe:
    """Return the recipe of the cards: the library predicts, without an activation."""

    def scores(pairs: Pairs) -> Sequence[float]:
        """Return the score of each pair."""
        import torch
        from sentence_transformers import CrossEncoder

        model = CrossEncoder(str(folder), device="cpu")
        return [float(model.predict([pair], activation_fn=torch.nn.Identity())[0]) for pair in pairs]

    return scores


def plain_recipe(folder: Path, label: int | None = None) -> Recipe:
    """Return the same computed with transformers alone: the first vector through the layers' own weights."""

    def scores(pairs: Pairs) -> Sequence[float]:
        """Return the score of each pair."""
        import torch
        from safetensors.torch import load_file
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        first, norm, last = (
            load_file(folder / place / "model.safetensors") for place in ("2_Dense", "3_LayerNorm", "4_Dense")
        )
        rows = []
        with torch.no_grad():
            for query, document in pairs:
                fed = tokenizer([query], [document], truncation=True, max_length=8192, return_tensors="pt")
                vector = model(**fed).last_hidden_state[:, 0]
                hidden = torch.nn.functional.gelu(vector @ first["linear.weight"].T)
                normed = torch.nn.functional.layer_norm(hidden, (32,), norm["norm.weight"], norm["norm.bias"])
                rows.append((normed @ last["linear.weight"].T + last["linear.bias"])[0].double())
        if label is None:
            return [float(row[0]) for row in rows]
        return [float(row.log_softmax(0)[label] - (1 - row.softmax(0)[label]).log()) for row in rows]

    return scores


@pytest.mark.parametrize("recipe", [library_recipe, plain_recipe])
def test_modules_in_a_folder(
    tmp_path: Path, check_layout: Callable[..., Any], recipe: Callable[[Path], Recipe]
) -> None:
    """The modules score as the library and as their weights do, also exported."""
    folder = make_modular(tmp_path)
    check_layout(f"{FAMILY}, {recipe.__name__}", folder, recipe(folder), exports="score")


def test_modules_from_the_hub(
    tmp_path: Path, check_layout: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The modules score the same from the hub's cache, by id and by commit."""
    folder = make_modular(tmp_path)
    name = as_hub_model(folder, "cross-encoder/ettin-reranker-17m-v1", tmp_path / "hub", monkeypatch)
    check_layout(f"{FAMILY}, hub id", name, library_recipe(folder), revision=COMMIT, exports="score")


def test_several_scores(tmp_path: Path, check_layout: Callable[..., Any]) -> None:
    """Of several scores, the numbered one gives its log odds against the others."""
    folder = make_modular(tmp_path, labels=3)
    recipe = plain_recipe(folder, 2)
    check_layout(f"{FAMILY} with 3 scores, label: 2", folder, recipe, label=2, exports="score")


def test_several_scores_and_none_named(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Of several scores, none is guessed, and they have no names that belong to another head."""
    folder = make_modular(tmp_path, labels=3)
    check_refused(f"{FAMILY} with 3 scores, no label", folder, "3 labels: 0 '0', 1 '1', 2 '2'", hint="label")


def test_modules_use_the_fast_tokenizer(tmp_path: Path) -> None:
    """The tokens come from the tokenizers package directly."""
    reranker: Any = load_reranker("cross_encoder", model=str(make_modular(tmp_path)), device="cpu")
    assert type(reranker._engine.tokeniser).__name__ == "FastTokeniser"


def test_an_activation_function_that_is_not_trusted(
    tmp_path: Path, check_layout: Callable[..., Any], check_refused: Callable[..., Any]
) -> None:
    """The library would take the tanh in its place; trusted, it is what the library computes."""
    folder = make_modular(tmp_path)
    function = "transformers.activations.QuickGELUActivation"
    edit(folder, "2_Dense/config.json", activation_function=function)
    message = rf"not trusted: 2_Dense/config\.json \(activation_function {function}\)$"
    check_refused(f"{FAMILY}, {function}, untrusted", folder, message, hint="trust_remote_code")

    def recipe(pairs: Pairs) -> Sequence[float]:
        """Return the score of each pair, predicted by the library."""
        import torch
        from sentence_transformers import CrossEncoder

        model = CrossEncoder(str(folder), device="cpu", trust_remote_code=True)
        return [float(model.predict([pair], activation_fn=torch.nn.Identity())[0]) for pair in pairs]

    check_layout(f"{FAMILY}, {function}, trusted", folder, recipe, trust_remote_code=True)
