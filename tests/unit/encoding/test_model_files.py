"""What the files of a model say, read from a folder laid out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.encoding.model_files import read_model_files


def put(folder: Path, name: str, content: Any) -> None:
    """Write a JSON file into a folder."""
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def test_a_folder_says_what_its_files_say(tmp_path: Path) -> None:
    """Architectures, model type and the class names of the modules come from the files."""
    put(tmp_path, "config.json", {"architectures": ["BertModel"], "model_type": "bert"})
    put(tmp_path, "modules.json", [{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}])
    put(tmp_path, "config_sentence_transformers.json", {"model_type": "SparseEncoder"})
    files = read_model_files(str(tmp_path), None)
    assert (files.architectures, files.model_type) == (("BertModel",), "bert")
    assert files.modules == ("Pooling",)
    assert files.library_config["model_type"] == "SparseEncoder"


def test_an_empty_folder_says_nothing(tmp_path: Path) -> None:
    """Missing files are empty content, not an error: an adapter has no config.json."""
    files = read_model_files(str(tmp_path), None)
    assert files.architectures == () == files.modules
    assert files.model_type == ""
    assert files.chat_template is None


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{{ messages }}", "{{ messages }}"),
        ([{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}], "a"),
        ([{"name": "tool_use", "template": "b"}], None),
        (None, None),
    ],
)
def test_the_default_chat_template_is_found(tmp_path: Path, template: object, found: str | None) -> None:
    """A tokenizer has one template, or several by name, of which the one named default counts."""
    put(tmp_path, "tokenizer_config.json", {"chat_template": template})
    assert read_model_files(str(tmp_path), None).chat_template == found


def test_a_template_in_its_own_file_takes_precedence(tmp_path: Path) -> None:
    """Newer repositories keep the template in chat_template.jinja."""
    put(tmp_path, "tokenizer_config.json", {"chat_template": "old"})
    (tmp_path / "chat_template.jinja").write_text("new", encoding="utf-8")
    assert read_model_files(str(tmp_path), None).chat_template == "new"
