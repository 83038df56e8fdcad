"""Check the files of a model in a local folder before libraries read them: their errors do not name the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.errors import InputError

_OBJECTS = ("config.json", "tokenizer.json", "tokenizer_config.json", "config_sentence_transformers.json",
            "sentence_bert_config.json", "special_tokens_map.json", "adapter_config.json")  # fmt: skip
"""Names of the files that contain a JSON object."""
_LISTS = ("modules.json",)
"""Names of the files that contain a JSON list of objects."""
_POINTER = b"version https://git-lfs"
_MOST_HEADER = 100_000_000
"""Most bytes of the header of a safetensors file; the library has the same limit."""
_DOWNLOAD = "download the folder again"


def check_model_folder(folder: Path) -> None:
    """Check the JSON files and the weights of a model, and of its modules in folders of their own.

    Raises
    ------
    InputError
        If one is a Git LFS pointer, damaged, or not of the expected kind.
    """
    for path in _files(folder):
        try:
            with path.open("rb") as file:
                head = file.read(len(_POINTER))
            if head == _POINTER:
                raise InputError(
                    f"{path.resolve()} is a Git LFS pointer and not the file itself",
                    f"run 'git lfs pull' in {folder.resolve()}, or {_DOWNLOAD}",
                )
            if path.suffix == ".safetensors":
                _check_weights(path)
            elif path.name in (*_OBJECTS, *_LISTS):
                _check_json(path)
        except OSError as error:
            raise InputError(
                f"cannot read {path.resolve()}: {error.strerror}", "check its permissions"
            ) from None


def weight_names(folder: Path) -> list[str]:
    """Return the names of the weights in the safetensors files of a folder that was checked, sorted by file."""
    names: list[str] = []
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        names += [name for name in header if name != "__metadata__"]
    return names


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        if path.is_file():
            yield path


def _check_json(path: Path) -> None:
    try:
        content: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is not JSON: {error}") from None
    if path.name in _LISTS:
        if not isinstance(content, list) or not all(_is_module(module) for module in content):
            raise _damaged(path, "it is not a list of modules, each with 'type' and 'path'")
    elif not isinstance(content, dict):
        raise _damaged(path, "it is not a JSON object")


def _is_module(module: Any) -> bool:
    return isinstance(module, dict) and all(isinstance(module.get(key), str) for key in ("type", "path"))


def _check_weights(path: Path) -> None:
    """Check header and length of a safetensors file, whose layout is fixed: length of the header, header, numbers."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= min(size - 8, _MOST_HEADER):
            raise _damaged(path, f"its header says that it has {length} bytes, and the file has {size}")
        raw = file.read(length)
    try:
        header = json.loads(raw)
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        end = 8 + length + max(ends, default=0)
    except (ValueError, RecursionError, AttributeError, KeyError, IndexError, TypeError):
        raise _damaged(path, "its header is not that of a safetensors file") from None
    if end != size:
        raise _damaged(path, f"it has {size} bytes, and its header needs {end}")


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"{path.resolve()} is damaged: {what}", _DOWNLOAD)
