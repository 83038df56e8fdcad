"""How ColBERT's makers score a document, written with transformers alone: what `late_interaction` is compared with."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.layout_checks import Pairs, Recipe

Layer = Callable[[Any], Any]
"""From ``(t, width)`` states to those of another width."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a late-interaction model reads queries and documents.

    Attributes
    ----------
    query_length, document_length
        Tokens that it reads, the special ones and the marker included.
    markers
        Tokens that mark a query and a document, each second in its text; empty if there are none.
    expands
        Whether short queries are filled with ``[MASK]``, whose vectors count.
    attends
        Whether the other tokens attend to these.
    skipped
        Tokens of documents whose vectors do not count.
    """

    query_length: int = 32
    document_length: int = 180
    markers: tuple[str, str] = ("", "")
    expands: bool = True
    attends: bool = False
    skipped: Sequence[str] = tuple(string.punctuation)


def late_recipe(folder: Path, encoder: Callable[[], Any], layers: Sequence[Layer], how: Reading) -> Recipe:
    """Return the recipe: the sum over a query's tokens of the largest cosine with a token of the document.

    Parameters
    ----------
    folder
        Where the tokenizer is.
    encoder
        Loads the model below the layers.
    layers
        What is applied to its states, in turn.
    """

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        import torch
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = encoder().eval()
        skipped = set(tokenizer.convert_tokens_to_ids(list(how.skipped)))

        def embed(ids: list[int], mask: list[int]) -> Any:
            """Return one unit vector per token."""
            fed = {"input_ids": torch.tensor([ids]), "attention_mask": torch.tensor([mask])}
            states = model(**fed).last_hidden_state[0]
            for layer in layers:
                states = layer(states)
            return torch.nn.functional.normalize(states, dim=-1)

        def query_vectors(text: str) -> Any:
            """Return the vectors of a query, those of its expansion with them."""
            ids = _ids(tokenizer, text, how.query_length, how.markers[0])
            more = max(how.query_length - len(ids), 0) if how.expands else 0
            mask = [1] * len(ids) + [int(how.attends)] * more
            return embed(ids + [tokenizer.mask_token_id] * more, mask)

        def document_vectors(text: str) -> Any:
            """Return the vectors of a document that count."""
            ids = _ids(tokenizer, text, how.document_length, how.markers[1])
            counted = torch.tensor([one not in skipped for one in ids])
            return embed(ids, [1] * len(ids))[counted]

        with torch.no_grad():
            products = [query_vectors(query) @ document_vectors(text).T for query, text in pairs]
        return [float(product.max(dim=1).values.sum()) for product in products]

    return scores


def matrix(weight: Any) -> Layer:
    """Return a linear layer without a bias."""
    return lambda states: states @ weight.T


def saved_layer(folder: Path, *, residual: bool = False) -> Layer:
    """Return the dense layer of a folder; with a residual it adds its input, through a matrix if there is one."""
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    linear = matrix(weights["linear.weight"])
    if not residual:
        return linear
    around = matrix(weights["residual.weight"]) if "residual.weight" in weights else lambda states: states
    return lambda states: linear(states) + around(states)


def _ids(tokenizer: Any, text: str, most: int, marker: str) -> list[int]:
    """Return the tokens of a text, cut, with a marker in the second place."""
    added = [tokenizer.convert_tokens_to_ids(marker)] if marker else []
    ids = tokenizer(text, truncation=True, max_length=most - len(added))["input_ids"]
    return [*ids[:1], *added, *ids[1:]]
