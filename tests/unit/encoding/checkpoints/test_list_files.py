"""A listwise reranker is recognised without loading it: in a folder, in the hub's cache, or by its hub id."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.hub_cache import COMMIT, as_hub_model
from support.tiny_models import put

from evalkit.encoding.checkpoints.list_files import is_listwise, scores_lists

LISTWISE = {"architectures": ["JinaForRanking"]}


def test_a_folder_is_what_its_configuration_says(tmp_path: Path) -> None:
    """The class in ``config.json`` counts, whatever the folder is called."""
    folder = tmp_path / "jina-reranker-v3"
    folder.mkdir()
    assert is_listwise(str(folder), None) is False, "a folder without config.json is no listwise reranker"
    put(folder, "config.json", {"architectures": ["Qwen3ForCausalLM"]})
    assert is_listwise(str(folder), None) is False
    put(folder, "config.json", LISTWISE)
    assert is_listwise(str(folder), None) is True


@pytest.mark.parametrize("content", ["{", "[]", '{"architectures": 3}', '"JinaForRanking"'])
def test_damaged_files_are_left_to_the_loading(tmp_path: Path, content: str) -> None:
    """A configuration that cannot be read raises nothing here."""
    put(tmp_path, "config.json", content)
    assert is_listwise(str(tmp_path), None) is False


def test_a_cached_model_is_what_its_cached_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a downloaded repository, the cached configuration counts; of others, the name."""
    put(tmp_path / "model", "config.json", LISTWISE)
    name = as_hub_model(tmp_path / "model", "owner/of-another-name", tmp_path / "hub", monkeypatch)
    assert is_listwise(name, None)
    assert is_listwise(name, COMMIT)
    assert not is_listwise(name, "0" * 40)
    assert not is_listwise("owner/not-there", None)


@pytest.mark.parametrize(
    ("name", "listwise"),
    [
        ("jinaai/jina-reranker-v3", True),
        ("jinaai/jina-reranker-v3.5", True),
        ("jinaai/jina-reranker-v3-GGUF", False),
        ("jinaai/jina-reranker-v2-base-multilingual", False),
        ("not a hub id/at/all", False),
    ],
)
def test_a_name_counts_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, listwise: bool
) -> None:
    """Before a model is downloaded, its hub id says what it is."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert is_listwise(name, None) is listwise


def test_the_class_is_one_of_a_list() -> None:
    """The configuration lists its classes."""
    assert scores_lists(LISTWISE)
    assert not scores_lists({"architectures": "JinaForRanking"})
    assert not scores_lists({})
