"""Check what the files of a late-interaction model say about its markers and its similarity.

Stanford's ColBERT and PyLate put a marker, which is one token, before every query and every document. Where the
tokenizer lacks it, sentence-transformers splits it like a word, and the model reads what it was not trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.errors import InputError

_STANFORD_FILE = "artifact.metadata"
_STANFORD = "HF_ColBERT"
_STANFORD_MARKERS = {"query_token_id": "[unused0]", "doc_token_id": "[unused1]"}
"""Names in Stanford's file, with the markers of models without it."""
_PYLATE_MARKERS = ("query_prefix", "document_prefix")


def check_late(files: ModelFiles, tokenizer: Any) -> None:
    """Check that a tokenizer has the markers of a late-interaction model, and that its similarity is a dot product.

    Parameters
    ----------
    files
        The model's files.
    tokenizer
        Its tokenizer, as loaded.

    Raises
    ------
    InputError
        If a marker is no token, or the similarity is another one, such as ``l2``.
    """
    for place, marker in _markers(files).items():
        # PyLate saves "[Q] " for a token with or without the space, and none for models without markers.
        if marker and not {marker, *marker.split()[:1]} & tokenizer.get_vocab().keys():
            raise InputError(
                f"the model {files.name!r} names the marker {marker!r} ({place}), which is no token of its tokenizer",
                "correct the name, or add the tokenizer that the model was trained with",
            )
    similarity = _stanford(files).get("similarity", "cosine")
    if similarity != "cosine":
        raise InputError(
            f"the model {files.name!r} names the similarity {similarity!r} ({_STANFORD_FILE}), and late interaction"
            " is computed with cosine only",
            "use a model that was trained with cosine",
        )


def _markers(files: ModelFiles) -> dict[str, str]:
    """Return the place of each marker in the files, with the marker; empty for none."""
    if _STANFORD in files.architectures:
        said = _stanford(files)
        return {
            f"{name} in {_STANFORD_FILE}": str(said.get(name) or own)
            for name, own in _STANFORD_MARKERS.items()
        }
    return {name: str(files.library_config.get(name) or "") for name in _PYLATE_MARKERS}


def _stanford(files: ModelFiles) -> Mapping[str, Any]:
    """Return the content of Stanford's file; empty for models in another layout."""
    path = files.folder / _STANFORD_FILE
    if _STANFORD not in files.architectures or not path.is_file():
        return {}
    content = json.loads(path.read_bytes())
    return content if isinstance(content, dict) else {}
