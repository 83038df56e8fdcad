"""What the files of an embedding model say about its vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.encoding.checkpoints.model_files import read_model_files
from evalkit.encoding.embeddings.vector_rules import VectorRules
from evalkit.errors import InputError


def rules(folder: Path, **content: Any) -> VectorRules:
    """Return the rules that a configuration gives."""
    (folder / "config_sentence_transformers.json").write_text(json.dumps(content), encoding="utf-8")
    return VectorRules.of(read_model_files(str(folder), None), by_role=False)


def test_the_rules_are_those_of_the_file(tmp_path: Path) -> None:
    """A prompt without text is empty; what the file leaves out is unknown."""
    listed = {"query": "q: ", "document": None}
    found = rules(tmp_path, similarity_fn_name="dot", truncate_dim=64, prompts=listed)
    assert found == VectorRules("dot", 64, {"query": "q: ", "document": ""}, by_role=False)
    assert rules(tmp_path) == rules(tmp_path, prompts=None, truncate_dim=None) == VectorRules()


@pytest.mark.parametrize("dimensions", [0, -1, 1.5, "64", True])
def test_dimensions_are_a_positive_whole_number(tmp_path: Path, dimensions: object) -> None:
    """Other values are refused, with the value."""
    with pytest.raises(InputError, match="not a positive whole number") as caught:
        rules(tmp_path, truncate_dim=dimensions)
    assert repr(dimensions) in str(caught.value)
