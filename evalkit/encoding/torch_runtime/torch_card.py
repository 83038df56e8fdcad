"""Read the metadata of a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.encoding.embeddings.token_vectors import length_of
from evalkit.encoding.embeddings.vector_rules import VectorRules
from evalkit.encoding.input_forms import InputForm
from evalkit.encoding.library_runtime import suppress_warnings
from evalkit.encoding.model_settings import Card, Kind
from evalkit.encoding.tokens import TokenRules, probes, special_tokens
from evalkit.encoding.torch_runtime.role_modules import distinguishes_roles, input_module

_NO_LIMIT = 1_000_000
"""Tokenizers without a length limit report a huge number instead."""


def read_card(
    library_model: Any, files: ModelFiles, kind: Kind, form: InputForm | None, remarks: Sequence[str | None]
) -> Card:
    """Return the metadata of a model.

    Parameters
    ----------
    library_model
        The sentence-transformers model.
    files
        What its files say.
    kind
        What comes out of it.
    form
        Input form of a cross-encoder; None if the library makes its inputs.
    remarks
        Warnings for the user; None for none.

    Raises
    ------
    InputError
        If the model has modules by role, and none for queries or for documents.
    """
    vectors = _vector_rules(library_model, files) if kind == "bi_encoder" else None
    by_role = kind == "late_interaction" or (vectors is not None and vectors.by_role)
    return Card(
        rules_of(library_model, "document" if by_role else None),
        _labels(library_model),
        dict(library_model.prompts),
        None if form else library_model.prompts.get(library_model.default_prompt_name or ""),
        form=form,
        remarks=tuple(remark for remark in remarks if remark is not None),
        vectors=vectors,
    )


def rules_of(library_model: Any, task: str | None) -> TokenRules:
    """Return how the texts of a role are tokenised; those of all roles if `task` is None."""
    module = input_module(library_model, task)
    own = None if task is None else length_of(module, task)
    limit = own or getattr(module, "max_seq_length", None)
    return TokenRules.of(module.tokenizer, int(limit) if limit is not None and limit < _NO_LIMIT else None)


def embedded_special(library_model: Any, task: str | None) -> list[str]:
    """Return the special tokens that the network has embeddings for: tokenizer classes add some that it lacks."""
    tokenizer = input_module(library_model, task).tokenizer
    config: Any = getattr(library_model, "config", None)
    config = config.get_text_config() if hasattr(config, "get_text_config") else config
    rows = getattr(config, "vocab_size", None)
    special = special_tokens(tokenizer)
    return [token for token in special if rows is None or tokenizer.convert_tokens_to_ids(token) < rows]


def _vector_rules(library_model: Any, files: ModelFiles) -> VectorRules:
    items = probes(rules_of(library_model, None).max_length, pairs=False)
    with suppress_warnings():
        by_role = distinguishes_roles(library_model, items, files.name)
    return VectorRules.of(files, by_role=by_role)


def _labels(library_model: Any) -> dict[int, str]:
    """Return the label of each output column; numbers where the scores are not those of the network's own head."""
    names = getattr(getattr(library_model, "config", None), "id2label", None) or {}
    count = int(getattr(library_model, "num_labels", 0))
    if len(names) != count:
        names = {}
    return {number: str(names.get(number, number)) for number in range(count)}
