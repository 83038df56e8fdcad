"""Limit the tokens of an input to the positions that a network knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from evalkit.errors import InputError

_POSITIONS = frozenset({"position_embeddings", "position_embedding", "embed_positions", "wpe"})
"""Names of the modules with one vector for each position, in the networks of transformers."""
_OTHER_INPUTS = frozenset({"vision", "visual", "image", "audio", "pixel"})
"""Parts of the names of modules that read no text."""
_SOURCES: Mapping[str, str] = {
    "max_seq_length": "max_seq_length in its sentence_bert_config.json, or model_max_length in tokenizer_config.json",
    "query_length": "query_length in its config_sentence_transformers.json, or query_maxlen in artifact.metadata",
    "document_length": "document_length in its config_sentence_transformers.json, or doc_maxlen in artifact.metadata",
}
"""Limits of a loaded model -> where its files have them."""


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


def limit_length(name: str, module: Any, network: Any, wanted: int | None) -> None:
    """Set the length limit of a module that tokenises: the configured one, or at most what its network knows.

    Parameters
    ----------
    name
        Folder or hub id.
    module
        The module of sentence-transformers, with the limits that its files say.
    network
        It and the modules after it.
    wanted
        The configured limit; None for the limit of the model.

    Raises
    ------
    InputError
        If the configured limit is larger than the network's, or a limit in the files is no number of tokens.
    """
    most = position_limit(network)
    if wanted is not None and most is not None and wanted > most:
        raise InputError(
            f"max_length_tokens is {wanted}, and the model {name!r} has positions for {most} tokens",
            f"set max_length_tokens to at most {most}",
        )
    if wanted is not None:
        module.max_seq_length = wanted
        module.document_length = wanted  # takes precedence in late interaction
    for role, source in _SOURCES.items():
        limit = getattr(module, role, None)
        if not _is_limit(limit):
            raise InputError(
                f"the model {name!r} has the limit {role} {limit!r}, which is not a positive number of tokens",
                f"correct {source}",
            )
    if most is not None:
        lower_limits(module, most)


def _is_limit(limit: Any) -> bool:
    """Return whether a limit is none, or a number of tokens; models without one may say infinity."""
    if limit is None or limit == math.inf:
        return True
    whole = isinstance(limit, int) or (isinstance(limit, float) and limit.is_integer())  # 1e30 is no limit
    return whole and not isinstance(limit, bool) and limit > 0


def lower_limits(module: Any, most: int) -> bool:
    """Lower the length limits of a module to `most` tokens, and return whether any was higher; none stays none."""
    lowered = [limit for limit in _SOURCES if (getattr(module, limit, None) or 0) > most]
    for limit in lowered:
        setattr(module, limit, most)
    return bool(lowered)
