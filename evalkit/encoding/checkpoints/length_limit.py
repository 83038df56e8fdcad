"""Limit the tokens of an input to the positions that a network knows."""

from __future__ import annotations

from typing import Any

from evalkit.errors import InputError

_POSITIONS = frozenset({"position_embeddings", "position_embedding", "embed_positions", "wpe"})
"""Names of the modules with one vector for each position, in the networks of transformers."""
_OTHER_INPUTS = frozenset({"vision", "visual", "image", "audio", "pixel"})
"""Parts of the names of modules that read no text."""


def position_limit(network: Any) -> int | None:
    """Return the maximum tokens of an input of a torch network; None if positions are relative, or rotations.

    The RoBERTa family (XLM-RoBERTa, MPNet, ...) counts positions from the padding token's id + 1 on, so its networks
    with 514 positions read 512 tokens; BART and OPT skip as many as their `offset`.
    """
    from torch.nn import Embedding

    found = []
    for name, module in network.named_modules():
        of_text = not any(part in name.lower() for part in _OTHER_INPUTS)
        if of_text and name.rpartition(".")[2] in _POSITIONS and isinstance(module, Embedding):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            found.append(module.num_embeddings - int(getattr(module, "offset", unused)))
    return min(found, default=None)


def limit_length(name: str, library_model: Any, wanted: int | None) -> None:
    """Set the length limit of a sentence-transformers model: the configured one, or at most what its network knows.

    Parameters
    ----------
    name
        Folder or hub id.
    library_model
        The model, with the limits that its files say.
    wanted
        The configured limit; None for the limit of the model.

    Raises
    ------
    InputError
        If the configured limit is larger than the network's.
    """
    most = position_limit(library_model)
    if wanted is not None and most is not None and wanted > most:
        raise InputError(
            f"max_length_tokens is {wanted}, and the model {name!r} has positions for {most} tokens",
            f"set max_length_tokens to at most {most}",
        )
    module = library_model[0]
    if wanted is not None:
        library_model.max_seq_length = wanted
        module.document_length = wanted  # takes precedence in late interaction
    if most is None:
        return
    if _exceeds(library_model.max_seq_length, most):
        library_model.max_seq_length = most
    for role in ("query_length", "document_length"):
        if _exceeds(getattr(module, role, None), most):
            setattr(module, role, most)


def _exceeds(limit: int | None, most: int) -> bool:
    return limit is not None and limit > most
