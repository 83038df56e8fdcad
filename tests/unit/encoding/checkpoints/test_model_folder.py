"""Files of a model's folder are checked before libraries read them, and named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.encoding.checkpoints.model_folder import check_model_folder
from evalkit.errors import InputError

HEADER = json.dumps(
    {"__metadata__": {}, "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)


def folder_with(path: Path, name: str, content: bytes) -> Path:
    """Return a folder with whole weights, a configuration, and one more file or another in its place."""
    (path / "part").mkdir()
    (path / "config.json").write_text("{}", encoding="utf-8")
    (path / "model.safetensors").write_bytes(WEIGHTS)
    (path / name).write_bytes(content)
    return path


def test_whole_files_pass(tmp_path: Path) -> None:
    """Weights with the length that their header needs, JSON of the right kind, and files that nobody knows."""
    modules = json.dumps([{"type": "a.B", "path": "part"}]).encode()
    check_model_folder(folder_with(tmp_path, "modules.json", modules))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\nsize 1\n", "Git LFS pointer"),
        ("part/model.safetensors", b"\xff" * 8 + WEIGHTS[8:], "header says that it has 18446744073709551615"),
        ("model.safetensors", WEIGHTS[:-2], "its header needs"),
        ("model.safetensors", b"", "the file has 0"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"[]", "not that of a safetensors file"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"xx", "not that of a safetensors file"),
        ("config.json", b"[1]", "not a JSON object"),
        ("config.json", b"", "not JSON"),
        ("config.json", b"[" * 100_000, "not JSON"),
        ("part/config.json", b"\xff\xfe", "not JSON"),
        ("tokenizer.json", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ("modules.json", b"{}", "not a list of modules"),
        ("modules.json", b'[{"type": 5, "path": ""}]', "not a list of modules"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """The message has the path of the file, and says what is wrong with it."""
    folder = folder_with(tmp_path, name, content)
    with pytest.raises(InputError, match=said) as caught:
        check_model_folder(folder)
    assert str(folder / name) in str(caught.value)
    assert caught.value.hint
