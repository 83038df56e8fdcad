"""Folders of models by strangers: nothing in them runs, and what cannot be used is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")
from support.models import make_classifier, make_embedder  # noqa: E402 - needs the extra

from evalkit.config import reranker_settings  # noqa: E402 - after the extra
from evalkit.errors import InputError  # noqa: E402 - after the extra
from evalkit.records import RerankRequest  # noqa: E402 - after the extra
from evalkit.rerankers import open_reranker  # noqa: E402 - after the extra

pytestmark = pytest.mark.long
ADAPTER = '{"base_model_name_or_path": "x/y", "peft_type": "LORA"}'
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return backend -> the folder of a tiny model."""
    folder = tmp_path_factory.mktemp("models")
    embedder = make_embedder(folder / "e")
    return {
        "cross_encoder": make_classifier(folder / "c"),
        "bi_encoder": embedder,
        "late_interaction": embedder,
    }


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what unpickling calls."""
        return os.mkdir, (str(self.mark),)


def write(name: str, content: bytes | str) -> Callable[[Path], object]:
    """Return a function that writes a file of a folder."""
    return lambda folder: (folder / name).write_bytes(
        content.encode() if isinstance(content, str) else content
    )


def keys(name: str, **changes: Any) -> Callable[[Path], object]:
    """Return a function that sets keys of a JSON file."""

    def change(folder: Path) -> None:
        data = json.loads((folder / name).read_bytes())
        (folder / name).write_text(json.dumps(data | changes), encoding="utf-8")

    return change


def without(*parts: str) -> Callable[[Path], object]:
    """Return a function that removes the files whose name has one of these parts."""
    return lambda folder: [
        file.unlink() for file in folder.iterdir() if any(part in file.name for part in parts)
    ]


def more_words(folder: Path) -> None:
    """Give the tokenizer a word that the weights lack."""
    data = json.loads((folder / "tokenizer.json").read_bytes())
    data["model"]["vocab"]["reset"] = 500
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")


def use(backend: str, folder: Path, more: Iterable[tuple[str, Any]] = ()) -> None:
    """Open a model and score a pair."""
    settings = reranker_settings({"backend": backend, "model": str(folder), **dict(more)})
    reranker = open_reranker(settings)
    reranker.score(RerankRequest("q", "how to reset it", ("d",), ("a reset",)))


UNUSABLE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "Git LFS pointer": ("cross_encoder", write("model.safetensors", POINTER), "is a Git LFS pointer"),
    "header too large": ("cross_encoder", write("model.safetensors", b"\xff" * 8 + b"{}"), "safetensors is damaged"),
    "empty weights": ("cross_encoder", write("model.safetensors", b""), "model.safetensors is damaged"),
    "adapter": ("cross_encoder", write("adapter_config.json", ADAPTER), "cannot be loaded"),
    "list as config": ("cross_encoder", write("config.json", "[1]"), "config.json is damaged"),
    "no JSON as config": ("cross_encoder", write("config.json", ""), "config.json is damaged"),
    "text as size": ("cross_encoder", keys("config.json", vocab_size="x"), "cannot be loaded"),
    "no heads": ("cross_encoder", keys("config.json", num_attention_heads=0), "cannot be loaded"),
    "labels": ("cross_encoder", keys("config.json", id2label=[1]), "cannot be"),
    "other model type": ("cross_encoder", keys("config.json", model_type="evil"), "cannot be loaded"),
    "list as tokenizer": ("cross_encoder", write("tokenizer.json", "[]"), "tokenizer.json is damaged"),
    "no tokenizer": ("cross_encoder", without("token", "vocab"), "knows no words"),
    "text as limit": ("cross_encoder", keys("tokenizer_config.json", model_max_length="x"), "cannot be"),
    "tokenizer of another model": ("cross_encoder", more_words, "is another model's"),
    "numbers as modules": ("bi_encoder", write("modules.json", "[1]"), "modules.json is damaged"),
    "prompts": ("bi_encoder", keys("config_sentence_transformers.json", prompts=[1]), "cannot be"),
    "list as pooling": ("bi_encoder", write("1_Pooling/config.json", "[]"), "config.json is damaged"),
    "modules of late interaction": ("late_interaction", write("modules.json", "{}"), "modules.json is damaged"),
}  # fmt: skip


@pytest.mark.attack(
    "supply", "a model that cannot be used: Git LFS pointers, adapters, damaged files, other vocabularies"
)
@pytest.mark.parametrize("name", UNUSABLE)
def test_a_model_that_cannot_be_used_is_named(models: dict[str, Path], tmp_path: Path, name: str) -> None:
    """One line with the folder or the file in it, and what to do."""
    backend, change, said = UNUSABLE[name]
    folder = Path(shutil.copytree(models[backend], tmp_path / "model"))
    change(folder)
    with pytest.raises(InputError) as caught:
        use(backend, folder)
    assert said in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.attack("supply", "a model that brings code: pickled weights, auto_map, modules.json")
@pytest.mark.parametrize("how", ["pickle", "auto_map", "tokenizer", "modules"])
def test_no_code_of_a_model_runs(models: dict[str, Path], tmp_path: Path, how: str) -> None:
    """Whether the model is refused or used without it."""
    mark = tmp_path / "ran"
    backend = "bi_encoder" if how == "modules" else "cross_encoder"
    folder = Path(shutil.copytree(models[backend], tmp_path / "model"))
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\nclass Evil: pass\n", encoding="utf-8")
    if how == "pickle":
        (folder / "model.safetensors").unlink()
        torch.save({"a": Evil(mark)}, folder / "pytorch_model.bin")
    elif how == "auto_map":
        maps = {"AutoConfig": "evil.Evil", "AutoModelForSequenceClassification": "evil.Evil"}
        keys("config.json", auto_map=maps, model_type="evil")(folder)
    elif how == "tokenizer":
        keys(
            "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]}, tokenizer_class="Evil"
        )(folder)
    else:
        modules = json.loads((folder / "modules.json").read_bytes())
        write(
            "modules.json", json.dumps([*modules, {"idx": 9, "name": "9", "path": "", "type": "evil.Evil"}])
        )(folder)
    with suppress(InputError):
        use(backend, folder)
    assert not mark.exists()
