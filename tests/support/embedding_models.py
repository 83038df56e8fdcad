"""Tiny embedding models in the layouts of sentence-transformers, and the library's own way to score with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.layout_checks import Pairs, Recipe
from support.tiny_models import put
from support.tiny_tokenizers import bert_tokenizer


def set_modules(folder: Path, *modules: tuple[str, str]) -> None:
    """Write ``modules.json``: the class and the folder of each module."""
    rows = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(modules)
    ]
    put(folder, "modules.json", rows)


def set_choices(folder: Path, **content: Any) -> Path:
    """Write ``config_sentence_transformers.json``, and return the folder."""
    put(
        folder,
        "config_sentence_transformers.json",
        {"__version__": {"sentence_transformers": "3.0.0"}, **content},
    )
    return folder


def make_router(folder: Path, query: Sequence[Any], document: Sequence[Any], **options: Any) -> Path:
    """Save a model with modules of its own for queries and for documents."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    router = Router({"query": list(query), "document": list(document)}, **options)
    SentenceTransformer(modules=[router], device="cpu").save(str(folder))
    return folder


def static_module(folder: Path, most: int | None = None, dtype: str = "float32") -> Any:
    """Return a module with random vectors; its tokenizer has a step for special tokens, and cuts at `most`."""
    import torch
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    size = bert_tokenizer(folder).size
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    if most is not None:
        tokenizer.enable_truncation(most)
    weights = torch.randn(size, 16, generator=torch.Generator().manual_seed(3))
    return StaticEmbedding(tokenizer, embedding_weights=weights.to(getattr(torch, dtype)))


def make_static(folder: Path, **options: Any) -> Path:
    """Save a model of static embeddings."""
    from sentence_transformers import SentenceTransformer

    module = static_module(folder / "parts", **options)
    SentenceTransformer(modules=[module], device="cpu").save(str(folder / "whole"))
    return folder / "whole"


def modules_of(folder: Path) -> list[Any]:
    """Return the loaded modules of a model."""
    from sentence_transformers import SentenceTransformer

    return list(SentenceTransformer(str(folder), device="cpu").children())


def library_recipe(
    folder: Path,
    query: str | None = None,
    document: str | None = None,
    *,
    full: bool = False,
    length: int | None = None,
    **options: Any,
) -> Recipe:
    """Return what sentence-transformers computes: `similarity` of `encode_query` and `encode_document`.

    Parameters
    ----------
    folder
        The model.
    query, document
        Prompts that the model's card names; None for those that the library chooses.
    full
        Whether the weights are converted to float32.
    length
        Tokens that are read of a text; None for what the files say.
    options
        Further arguments of the library's model.
    """

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        from sentence_transformers import SentenceTransformer

        own = SentenceTransformer(str(folder), device="cpu", **options)
        own = own.float() if full else own
        if length is not None:
            own.max_seq_length = length
        found = []
        for asked, text in pairs:
            left = own.encode_query([asked], **({} if query is None else {"prompt": query}))
            right = own.encode_document([text], **({} if document is None else {"prompt": document}))
            found.append(float(own.similarity(left, right)[0, 0]))
        return found

    return scores
