"""Files of static embeddings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.encoding.checkpoints.model_files import read_model_files
from evalkit.encoding.checkpoints.static_files import check_static
from evalkit.errors import InputError

MODULES = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]


def check(folder: Path, config: dict[str, str], *, modules: bool) -> None:
    """Check a folder with this configuration."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "modules.json").write_text(json.dumps(MODULES if modules else []), encoding="utf-8")
    check_static(read_model_files(str(folder), None))


def test_model2vec_needs_the_file_that_says_how_it_is_loaded(tmp_path: Path) -> None:
    """Without ``modules.json`` it is refused by its kind; other models need none."""
    with pytest.raises(InputError, match=r"is a Model2Vec model without modules\.json"):
        check(tmp_path, {"model_type": "model2vec"}, modules=False)
    check(tmp_path, {"model_type": "model2vec"}, modules=True)
    check(tmp_path, {"model_type": "bert"}, modules=False)


def test_tables_of_whole_numbers_are_refused(tmp_path: Path) -> None:
    """The number format is named; tables of half precision are read."""
    with pytest.raises(InputError, match="quantised to int8"):
        check(tmp_path, {"model_type": "model2vec", "embedding_dtype": "int8"}, modules=True)
    check(tmp_path, {"model_type": "model2vec", "embedding_dtype": "float16"}, modules=True)
