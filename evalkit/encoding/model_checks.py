"""Check that a model is of the kind that a backend needs, before and after it is loaded."""

from __future__ import annotations

from typing import Any

from evalkit.encoding.model_files import ModelFiles
from evalkit.encoding.model_settings import Kind
from evalkit.errors import InputError

_SCORING = ("ForSequenceClassification", "ForCausalLM")
"""Endings of architectures that score pairs."""


def check_kind(files: ModelFiles, kind: Kind) -> None:
    """Check that a model is of a kind, by its files.

    Raises
    ------
    InputError
        If it is of another kind: transformers would add a random head, and scores would be random.
    """
    if kind == "cross_encoder":
        _check_head(files)
    if kind == "late_interaction":
        _check_trained(files)


def check_words(name: str, tokenizer: Any) -> None:
    """Check that a tokenizer has words: where its files are missing, transformers makes one without any.

    Raises
    ------
    InputError
        If it has special tokens only.
    """
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise InputError(
            f"the tokenizer of the model {name!r} knows no words: its files are missing",
            "add the model's tokenizer.json and tokenizer_config.json",
        )


def _check_head(files: ModelFiles) -> None:
    if (
        files.architectures
        and not _scores_by_modules(files)
        and not any(one.endswith(_SCORING) for one in files.architectures)
    ):
        raise InputError(
            f"the model {files.name!r} ({', '.join(files.architectures)}) has no head that scores pairs:"
            " its scores would be random",
            "use a cross-encoder, or backend: bi_encoder for an embedding model",
        )


def _scores_by_modules(files: ModelFiles) -> bool:
    """Return whether a model consists of modules that score pairs, such as a Dense module after Pooling."""
    if "model_type" in files.library_config:
        return files.library_config["model_type"] == "CrossEncoder"
    return bool(files.modules) and "Pooling" not in files.modules


def _check_trained(files: ModelFiles) -> None:
    """Check that a model has a trained head: the library would add a random one, and scores would be random.

    Accepted are models saved by sentence-transformers or PyLate (old PyLate versions are recognised by their
    prefixes), and checkpoints of Stanford's ColBERT.
    """
    if files.modules and "model_type" in files.library_config:
        trained = files.library_config["model_type"] in {"MultiVectorEncoder", "ColBERT"}
    elif "HF_ColBERT" in files.architectures:
        trained = True
    else:
        trained = "query_prefix" in files.library_config and "Dense" in files.modules
    if not trained:
        raise InputError(
            f"the model {files.name!r} has no trained head for late interaction: its scores would be random",
            "use a ColBERT-style model, or backend: bi_encoder for a model with one vector per text",
        )
