"""Check the files of static embeddings, before torch is imported."""

from __future__ import annotations

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.errors import InputError

MODEL2VEC = "model2vec"
"""Model type in the configuration of a Model2Vec model."""


def check_static(files: ModelFiles) -> None:
    """Check that a Model2Vec model is one that sentence-transformers loads; other models pass.

    Raises
    ------
    InputError
        If it lacks ``modules.json``, or its table contains whole numbers.
    """
    if files.model_type != MODEL2VEC:
        return
    if not files.modules:
        raise InputError(
            f"the model {files.name!r} is a Model2Vec model without modules.json: versions of model2vec truncate"
            " texts and skip unknown words in different ways",
            "save it with a version of model2vec that writes modules.json",
        )
    number = str(files.config.get("embedding_dtype") or "")
    if number.startswith(("int", "uint")):
        raise InputError(
            f"the model {files.name!r} is a Model2Vec model quantised to {number}, which sentence-transformers cannot"
            " load",
            "use the model with vectors in float32 or float16",
        )
