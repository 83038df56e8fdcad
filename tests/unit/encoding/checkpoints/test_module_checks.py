"""Modules and configurations that the libraries would fail on without a reason: the message has the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.tiny_files import put

from evalkit.encoding.checkpoints.model_files import read_model_files
from evalkit.encoding.checkpoints.module_checks import check_configs, check_modules
from evalkit.errors import InputError


def said_of_modules(folder: Path, *modules: str, without: str = "") -> str:
    """Return what is said about modules, each in a folder of its own with a file; empty if they are accepted."""
    listed = [{"type": f"sentence_transformers.models.{one}", "path": f"{one}_"} for one in modules]
    put(folder, "modules.json", listed)
    for one in modules:
        if one != without:
            put(folder, f"{one}_/config.json", {})
    try:
        check_modules(read_model_files(str(folder), None))
    except InputError as error:
        return f"{error} / {error.hint}"
    return ""


@pytest.mark.parametrize(
    "modules",
    [
        (),
        ("Transformer",),
        ("Transformer", "Pooling", "Dense", "Normalize"),
        ("Transformer", "LogitScore"),
        ("StaticEmbedding", "Normalize"),
        ("Router", "Normalize"),
    ],
)
def test_modules_in_their_order_are_accepted(tmp_path: Path, modules: tuple[str, ...]) -> None:
    """Whatever reads texts comes first."""
    assert not said_of_modules(tmp_path, *modules)


@pytest.mark.parametrize("module", ["Pooling", "Dense", "LayerNorm", "LogitScore"])
def test_the_missing_file_of_a_module_is_named(tmp_path: Path, module: str) -> None:
    """With its folder, and the module that needs it."""
    said = said_of_modules(tmp_path, "Transformer", module, without=module)
    assert f"lacks {module}_/config.json, the file of its module {module} / download" in said


def test_modules_without_settings_need_no_file(tmp_path: Path) -> None:
    """Repositories have no empty folders, and the folder of Normalize is empty."""
    assert not said_of_modules(tmp_path, "Transformer", "Pooling", "Normalize", without="Normalize")


@pytest.mark.parametrize("module", ["Pooling", "Dense", "LayerNorm", "LogitScore", "Normalize", "Dropout"])
def test_a_module_that_reads_no_texts_cannot_be_first(tmp_path: Path, module: str) -> None:
    """It is named."""
    assert f"begins with the module {module}, which reads no texts" in said_of_modules(
        tmp_path, module, "Transformer"
    )


@pytest.mark.parametrize("module", ["WordEmbeddings", "BoW"])
def test_models_of_word_vectors_are_refused(tmp_path: Path, module: str) -> None:
    """They have tokenizers of their own."""
    assert f"is a model of word vectors ({module})" in said_of_modules(tmp_path, module, "Pooling")


@pytest.mark.parametrize(
    ("key", "value", "is_refused"),
    [
        ("architectures", [], True),
        ("architectures", "BertModel", True),
        ("architectures", [""], True),
        ("architectures", [1], True),
        ("architectures", None, False),
        ("architectures", ["BertModel"], False),
        ("dtype", [], True),
        ("dtype", "x", True),
        ("torch_dtype", 1, True),
        ("torch_dtype", "float16", False),
        ("dtype", "bfloat16", False),
        ("dtype", {"text_config": "torch.float32"}, False),
        ("dtype", None, False),
    ],
)
@pytest.mark.parametrize("place", ["", "0_Transformer/"])
def test_values_that_transformers_does_not_check_are_checked(
    tmp_path: Path, place: str, key: str, value: Any, is_refused: bool
) -> None:
    """In the configuration of the model, and in those of its modules; with key and value."""
    put(tmp_path, "modules.json", [{"type": "sentence_transformers.models.Transformer", "path": place}])
    put(tmp_path, f"{place}config.json", {"model_type": "bert", key: value})
    files = read_model_files(str(tmp_path), None)
    if not is_refused:
        check_configs(files)
        return
    with pytest.raises(InputError) as caught:
        check_configs(files)
    assert f"has {key}: {value!r}, which is not" in str(caught.value)
    assert key in str(caught.value.hint)
