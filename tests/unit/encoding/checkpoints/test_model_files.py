"""What the files of a model say, read from a folder laid out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.encoding.checkpoints.model_files import read_model_files


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


def test_networks_of_modules_in_folders_of_their_own_are_read(tmp_path: Path) -> None:
    """Older models keep the network in the folder of its module; a router has one per role."""
    kind = "sentence_transformers.models.Transformer"
    modules = [
        {"type": kind, "path": "0_Transformer"},
        {"type": "sentence_transformers.models.Router", "path": "1_Router"},
    ]
    put(tmp_path, "modules.json", modules)
    for place, name in (("0_Transformer", "BertModel"), ("1_Router/query_0", "T5Model")):
        (tmp_path / place).mkdir(parents=True)
        put(tmp_path / place, "config.json", {"architectures": [name]})
    put(tmp_path / "1_Router", "router_config.json", {"types": {"query_0": kind}})
    put(tmp_path / "0_Transformer", "sentence_bert_config.json", {"transformer_task": "fill-mask"})
    files = read_model_files(str(tmp_path), None)
    assert files.modules == ("Transformer", "Router", "Transformer")
    assert files.architectures == ("BertModel",)
    assert [one.config["architectures"] for one in files.networks] == [["BertModel"], ["T5Model"]]
    assert [one.task for one in files.networks] == ["fill-mask", ""]
