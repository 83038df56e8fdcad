"""Code that a model brings: which of it would be loaded, and how the refusal names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.tiny_files import put

from evalkit.encoding.checkpoints import model_code
from evalkit.encoding.checkpoints.model_code import OwnCode, check_code
from evalkit.encoding.checkpoints.model_files import read_model_files
from evalkit.encoding.model_settings import Kind
from evalkit.errors import InputError

POOLED = [{"type": f"sentence_transformers.models.{one}", "path": ""} for one in ("Transformer", "Pooling")]


def refused(folder: Path, use: Kind) -> str:
    """Return what is said about a model; empty if it is accepted."""
    try:
        check_code(read_model_files(str(folder), None), use)
    except InputError as error:
        return f"{error} / {error.hint}"
    return ""


@pytest.mark.parametrize(
    ("use", "name", "key", "is_refused"),
    [
        ("cross_encoder", "BertForSequenceClassification", "AutoModelForSequenceClassification", True),
        ("cross_encoder", "Qwen3ForCausalLM", "AutoModelForCausalLM", True),
        ("cross_encoder", "Qwen3ForCausalLM", "AutoModelForSequenceClassification", False),
        ("cross_encoder", "BertForSequenceClassification", "AutoModelForMaskedLM", False),
        ("bi_encoder", "BertModel", "AutoModel", True),
        ("bi_encoder", "BertModel", "AutoModelForMaskedLM", False),
        ("bi_encoder", "BertModel", "AutoModelForSequenceClassification", False),
        ("late_interaction", "HF_ColBERT", "AutoModel", True),
        ("late_interaction", "HF_ColBERT", "AutoConfig", True),
        ("bi_encoder", "BertModel", "AutoConfig", True),
        ("cross_encoder", "Qwen3ForCausalLM", "AutoConfig", True),
    ],
)
def test_code_counts_if_its_class_is_loaded(
    tmp_path: Path, use: Kind, name: str, key: str, is_refused: bool
) -> None:
    """Also where transformers has a class for the model type, which would load without a word."""
    code = {key: "modeling_own.OwnModel"}
    put(tmp_path, "config.json", {"architectures": [name], "model_type": "bert", "auto_map": code})
    said = refused(tmp_path, use)
    assert bool(said) == is_refused
    if is_refused:
        assert f"modeling_own.py ({key})" in said
        assert "set trust_remote_code: true" in said


def test_the_task_of_a_module_says_which_class_is_loaded(tmp_path: Path) -> None:
    """A cross-encoder of modules states it; without a task, the plain network is loaded."""
    code = {"AutoModelForCausalLM": "own.Own"}
    put(tmp_path, "config.json", {"architectures": ["Qwen3ForCausalLM"], "auto_map": code})
    put(tmp_path, "modules.json", POOLED[:1])
    put(tmp_path, "config_sentence_transformers.json", {"model_type": "CrossEncoder"})
    assert not refused(tmp_path, "cross_encoder")
    put(tmp_path, "sentence_bert_config.json", {"transformer_task": "text-generation"})
    assert "own.py (AutoModelForCausalLM)" in refused(tmp_path, "cross_encoder")


@pytest.mark.parametrize("place", ["0_Transformer", "document_0_Transformer"])
def test_code_of_networks_in_folders_of_their_own_counts(tmp_path: Path, place: str) -> None:
    """Those of a module, and those between which a router chooses."""
    kind = "sentence_transformers.models.Transformer"
    if place[0] == "0":
        put(tmp_path, "modules.json", [{"type": kind, "path": place}])
    else:
        put(tmp_path, "modules.json", [{"type": "sentence_transformers.models.Router", "path": ""}])
        put(tmp_path, "router_config.json", {"types": {place: kind}})
    put(tmp_path, f"{place}/config.json", {"auto_map": {"AutoModel": "own.Own"}})
    assert "own.py (AutoModel)" in refused(tmp_path, "bi_encoder")


@pytest.mark.parametrize(
    ("kind", "is_refused"),
    [
        ("custom_st.Transformer", True),
        ("pylate.models.colbert.Own", True),
        ("pylate.models.Dense.Dense", False),
        ("sentence_transformers.models.Dense", False),
    ],
)
def test_a_module_with_code_of_its_own_counts(tmp_path: Path, kind: str, is_refused: bool) -> None:
    """Only those of sentence-transformers, and those that it reads with its own code, do not."""
    put(tmp_path, "modules.json", [*POOLED, {"type": kind, "path": "2"}])
    assert bool(refused(tmp_path, "late_interaction")) == is_refused


@pytest.mark.parametrize(
    "code", [["slow.Own", "fast.Own"], {"AutoTokenizer": [None, "fast.Own"]}, {"AutoTokenizer": "fast.Own"}]
)
def test_code_of_a_tokenizer_counts(tmp_path: Path, code: Any) -> None:
    """Without it, texts may get other tokens; the fast one of two would be loaded."""
    put(tmp_path, "tokenizer_config.json", {"auto_map": code})
    assert "fast.py (AutoTokenizer)" in refused(tmp_path, "bi_encoder")


@pytest.mark.parametrize("place", ["0_Transformer", "document_0_Transformer"])
def test_code_of_a_tokenizer_in_a_folder_of_its_own_counts(tmp_path: Path, place: str) -> None:
    """That of a module, and that of a module between which a router chooses."""
    kind = "sentence_transformers.models.Transformer"
    listed, path = (kind, place) if place[0] == "0" else ("sentence_transformers.models.Router", "")
    put(tmp_path, "modules.json", [{"type": listed, "path": path}])
    if not path:
        put(tmp_path, "router_config.json", {"types": {place: kind}})
    put(tmp_path, f"{place}/config.json", {"architectures": ["BertModel"]})
    assert not refused(tmp_path, "bi_encoder")
    put(tmp_path, f"{place}/tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["tok.Own", None]}})
    assert "tok.py (AutoTokenizer)" in refused(tmp_path, "bi_encoder")


@pytest.mark.parametrize("use", ["cross_encoder", "bi_encoder", "late_interaction"])
@pytest.mark.parametrize("package", ["sentence_transformers.models", "pylate.models.Dense"])
@pytest.mark.parametrize(
    ("function", "is_refused"),
    [
        ("transformers.activations.QuickGELUActivation", True),
        ("my_layers.Swish", True),
        ("torch.nn.modules.activation.GELU", False),
        (None, False),
    ],
)
def test_an_activation_function_that_is_not_of_torch_counts(
    tmp_path: Path, use: Kind, package: str, function: str | None, is_refused: bool
) -> None:
    """The library would take the tanh in its place; file and function are named."""
    put(tmp_path, "modules.json", [*POOLED, {"type": f"{package}.Dense", "path": "2_Dense"}])
    put(tmp_path, "2_Dense/config.json", {"activation_function": function})
    said = refused(tmp_path, use)
    assert bool(said) is is_refused
    if is_refused:
        assert f"not trusted: 2_Dense/config.json (activation_function {function}) / set" in said


def test_an_activation_function_on_a_route_counts(tmp_path: Path) -> None:
    """A router has layers in folders of their own."""
    put(tmp_path, "modules.json", [{"type": "sentence_transformers.models.Router", "path": ""}])
    dense = "sentence_transformers.base.modules.dense.Dense"
    put(tmp_path, "router_config.json", {"types": {"query_1_Dense": dense}})
    put(tmp_path, "query_1_Dense/config.json", {"activation_function": "own.Swish"})
    assert "query_1_Dense/config.json (activation_function own.Swish)" in refused(tmp_path, "bi_encoder")


def test_code_of_another_repository_is_named(tmp_path: Path) -> None:
    """Its commit is not the model's."""
    code = OwnCode.of("AutoModel", "owner/name--folder.file.Own")
    assert code.place == "folder/file.py of the repository owner/name"
    put(tmp_path, "config.json", {"auto_map": {"AutoModel": "owner/name--file.Own"}})
    said = refused(tmp_path, "bi_encoder")
    assert "file.py of the repository owner/name" in said
    assert "revision does not pin that of owner/name" in said


@pytest.mark.parametrize("code", ["x", ["x"], {"AutoModel": None}, None])
def test_other_content_is_left_to_the_libraries(tmp_path: Path, code: Any) -> None:
    """What is no class is not code."""
    put(tmp_path, "config.json", {"architectures": ["BertModel"], "auto_map": code})
    assert not refused(tmp_path, "bi_encoder")


def test_a_file_is_named_once(tmp_path: Path) -> None:
    """With all that it is used for."""
    put(tmp_path, "config.json", {"auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Own"}})
    assert "not trusted: own.py (AutoConfig, AutoModel) /" in refused(tmp_path, "bi_encoder")


@pytest.mark.parametrize("installed", [True, False])
def test_code_of_the_model_of_an_adapter_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    """It is loaded with the adapter, where the package of adapters is installed."""
    monkeypatch.setattr(model_code, "find_spec", lambda name: name if installed else None)
    put(tmp_path / "base", "config.json", {"auto_map": {"AutoModel": "own.Own"}})
    put(tmp_path, "adapter_config.json", {"base_model_name_or_path": str(tmp_path / "base")})
    put(tmp_path, "modules.json", POOLED)
    assert ("own.py (AutoModel)" in refused(tmp_path, "bi_encoder")) is installed
