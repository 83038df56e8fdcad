"""How model cards embed texts, written with transformers alone, one text at a time: what evalkit is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from support.layout_checks import Pairs, Recipe


def embedding_recipe(
    folder: Path,
    pooling: str = "mean",
    *,
    most: int = 512,
    prompts: tuple[str, str] = ("", ""),
    layers: Sequence[str] = (),
    prompts_count: bool = True,
) -> Recipe:
    """Return the recipe of most models that embed: the cosine of the pooled query and the pooled document.

    Parameters
    ----------
    pooling
        ``mean``, ``cls``, ``lasttoken``, or ``cls+mean``: both, one after the other.
    most
        Tokens that the model reads.
    prompts
        What is put before a query and before a document.
    layers
        Folders of dense layers after the pooling.
    prompts_count
        Whether the tokens of a prompt are part of the mean.
    """

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        weights = [_dense(folder / layer) for layer in layers]

        def embed(text: str, prompt: str) -> Any:
            """Return the embedding of a text."""
            fed = tokenizer(prompt + text, truncation=True, max_length=most, return_tensors="pt")
            left_out = 0 if prompts_count or not prompt else len(tokenizer(prompt)["input_ids"]) - 1
            vector = _pooled(model(**fed).last_hidden_state[0], pooling, left_out)
            for weight in weights:
                vector = weight @ vector
            return vector.double()

        with torch.no_grad():
            embedded = [(embed(query, prompts[0]), embed(document, prompts[1])) for query, document in pairs]
        return [float(query @ document / (query.norm() * document.norm())) for query, document in embedded]

    return scores


def _pooled(states: Any, pooling: str, left_out: int) -> Any:
    """Return one vector of ``(t, dimension)`` states; the mean leaves out the first few."""
    import torch

    ways: dict[str, Callable[[], Any]] = {
        "cls": lambda: states[0],
        "mean": lambda: states[left_out:].mean(0),
        "lasttoken": lambda: states[-1],
    }
    return torch.cat([ways[way]() for way in pooling.split("+")])


def _dense(folder: Path) -> Any:
    """Return the weights of a dense layer without a bias."""
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")["linear.weight"]
