"""Check that a model is of the kind that a backend needs, before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.encoding.checkpoints.model_folder import weight_names
from evalkit.encoding.checkpoints.model_kinds import Family, kind_of
from evalkit.encoding.model_settings import Kind
from evalkit.errors import InputError, tell

_ACCEPTED: Mapping[Kind, frozenset[Family]] = {
    "cross_encoder": frozenset({"classifier", "causal", "cross_encoder", "unnamed"}),
    "bi_encoder": frozenset({"embedding", "encoder", "static", "unnamed"}),
    "late_interaction": frozenset({"late_interaction"}),
}
"""Kind of use -> the models that it accepts. What an ``unnamed`` model is shows when its weights are loaded."""
_FAULTS: Mapping[Kind, str] = {
    "cross_encoder": "has no head that scores pairs: its scores would be random",
    "bi_encoder": "is not trained to embed texts: their similarity would have no meaning",
    "late_interaction": "has no trained head for late interaction: its scores would be random",
}
_UNREADABLE: frozenset[Family] = frozenset({"adapter", "gguf_file", "onnx_file"})
"""What cannot be loaded for any use."""
_HINTS: Mapping[Family, str] = {
    "adapter": "merge the adapter into its model, and use the folder of the merged model",
    "causal": "use backend: cross_encoder",
    "classifier": "use backend: cross_encoder",
    "cross_encoder": "use backend: cross_encoder",
    "embedding": "use backend: bi_encoder",
    "gguf_file": "use the original weights, or serve the file with llama.cpp and use backend: http",
    "late_interaction": "use backend: late_interaction",
    "onnx_file": "use the folder with the original weights: runtime: onnx exports them",
    "static": "use backend: bi_encoder",
}
"""Where a model of another kind is of use."""
_INSTEAD: Mapping[Kind, str] = {
    "cross_encoder": "use a cross-encoder, or backend: bi_encoder for an embedding model",
    "bi_encoder": "use an embedding model with one vector per text",
    "late_interaction": "use a ColBERT-style model, or backend: bi_encoder for a model with one vector per text",
}
"""What to use in place of a model that no kind of use accepts."""
_HEADLESS: frozenset[Family] = frozenset({"encoder", "masked"})
_HEADS = ("classifier.", "score.")
"""Beginnings of the names of weights of a classifier's head."""


def check_kind(files: ModelFiles, use: Kind) -> None:
    """Check that a model is of a kind, by its files.

    Raises
    ------
    InputError
        If it is of another kind: the libraries would add a random head or pool vectors that were trained for
        something else, and scores would mean nothing.
    """
    kind = kind_of(files)
    if kind.family not in _ACCEPTED[use]:
        fault = "cannot be loaded" if kind.family in _UNREADABLE else _FAULTS[use]
        hint = _HINTS.get(kind.family, _INSTEAD[use])
        head = _head_of(files) if kind.family in _HEADLESS and use == "cross_encoder" else None
        if head is not None:
            hint = (
                f"its files have {head}: if it is a sequence classifier, name that class in architectures in its"
                " config.json"
            )
        raise InputError(f"the model {files.name!r} is {kind.words}, and {fault}", hint)


def _head_of(files: ModelFiles) -> str | None:
    """Return the name of a weight of a classifier's head in the files; None if they have none."""
    names = weight_names(files.folder)
    return next((name for name in names if name.startswith(_HEADS) and name.endswith("weight")), None)


def note_pooling(files: ModelFiles, use: Kind) -> None:
    """Give a note if a model does not say how its vectors are made, and the library takes their mean."""
    if use == "bi_encoder" and not files.modules and kind_of(files).family in {"encoder", "unnamed"}:
        tell(
            f"the model {files.name!r} has no modules.json: taking the mean of its token vectors as its embedding"
        )
