"""Check that a model does without code of its own, unless its user trusts that code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles, ModuleFiles, NetworkFiles, read_model_files
from evalkit.encoding.checkpoints.model_kinds import Family, kind_of
from evalkit.encoding.model_settings import Kind
from evalkit.errors import InputError

_CLASSES = {
    "any-to-any": "AutoModelForMultimodalLM",
    "feature-extraction": "AutoModel",
    "fill-mask": "AutoModelForMaskedLM",
    "sequence-classification": "AutoModelForSequenceClassification",
    "text-generation": "AutoModelForCausalLM",
    "text-to-text": "AutoModelForSeq2SeqLM",
}
"""Task of a network -> the class of transformers that loads it."""
_TASKS: Mapping[Family, str] = {
    "causal": "text-generation",
    "layerwise": "text-generation",
    "seq2seq": "text-to-text",
}
"""Family of a cross-encoder without modules -> the task for which it is loaded; classification for all others."""
_KNOWN_PACKAGES = ("sentence_transformers.", "pylate.models.Dense.")
"""Modules that sentence-transformers has itself; it reads PyLate's layer with its own code."""


@dataclass(frozen=True, slots=True)
class OwnCode:
    """A class or function of a model whose code is not in an installed package that is trusted.

    Attributes
    ----------
    use
        What it is used for, such as ``AutoModel``.
    file
        File of the repository.
    repository
        The repository, if it is another one than the model's.
    """

    use: str
    file: str
    repository: str | None

    @classmethod
    def of(cls, use: str, reference: str) -> OwnCode:
        """Return the class of a reference such as ``modeling.Model`` or ``owner/name--modeling.Model``."""
        repository, _, path = reference.rpartition("--")
        return cls(use, f"{path.rpartition('.')[0].replace('.', '/')}.py", repository or None)

    @property
    def place(self) -> str:
        """The file, and the repository if it is another one, for messages."""
        return f"{self.file} of the repository {self.repository}" if self.repository else self.file


def check_code(files: ModelFiles, use: Kind) -> None:
    """Check that no class that would be loaded has code of its own; for models whose code is not trusted.

    Where transformers has a class for the same model type, it would load that one without a word: with weights that
    are missing or are used differently, such as with attention in one direction for a model trained with both.

    Raises
    ------
    InputError
        If one has, with the names of the files.
    OSError, ValueError
        If the model is an adapter, and the files of the model that it is for cannot be read.
    """
    found = list(dict.fromkeys(_own_code(files, use)))
    if not found:
        return
    uses: dict[str, list[str]] = {}
    for one in found:
        uses.setdefault(one.place, []).append(one.use)
    elsewhere = [one.repository for one in found if one.repository]
    hint = "set trust_remote_code: true if you trust this code"
    if elsewhere:
        hint = f"{hint}; revision does not pin that of {elsewhere[0]}"
    named = ", ".join(f"{place} ({', '.join(names)})" for place, names in uses.items())
    raise InputError(f"the model {files.name!r} needs code of its own that is not trusted: {named}", hint)


def _own_code(files: ModelFiles, use: Kind) -> Iterator[OwnCode]:
    for module in files.module_files:
        if not module.kind.startswith(_KNOWN_PACKAGES):
            yield OwnCode.of("modules.json", module.kind)
        yield from _activation_code(module)
    yield from _network_code(files, use)
    for tokenizer_config in (files.tokenizer_config, *(one.tokenizer_config for one in files.networks)):
        yield from _tokenizer_code(tokenizer_config)
    base = files.adapter_config.get("base_model_name_or_path")
    if isinstance(base, str) and find_spec("peft") is not None:  # without it, no adapter is loaded
        yield from _network_code(read_model_files(base, None), use)


def _network_code(files: ModelFiles, use: Kind) -> Iterator[OwnCode]:
    for network in files.networks:
        code = network.config.get("auto_map")
        for name in ("AutoConfig", _class_of(files, network, use)):
            if isinstance(code, dict) and isinstance(code.get(name), str):
                yield OwnCode.of(name, code[name])


def _class_of(files: ModelFiles, network: NetworkFiles, use: Kind) -> str:
    """Return the class of transformers that loads a network: as sentence-transformers chooses it."""
    scores = use == "cross_encoder"
    if files.modules and (not scores or files.library_config.get("model_type") == "CrossEncoder"):
        return _CLASSES.get(network.task, "AutoModel")
    if not scores:
        return "AutoModel"
    return _CLASSES[_TASKS.get(kind_of(files).family, "sequence-classification")]


def _activation_code(module: ModuleFiles) -> Iterator[OwnCode]:
    """Yield the activation function of a layer: the library replaces one that is not of torch by the tanh."""
    function = module.config.get("activation_function")
    if module.name == "Dense" and isinstance(function, str) and not function.startswith("torch."):
        yield OwnCode(f"activation_function {function}", str(Path(module.path, "config.json")), None)


def _tokenizer_code(tokenizer_config: Mapping[str, Any]) -> Iterator[OwnCode]:
    """Yield the code of a tokenizer: without it, texts may get other tokens, such as none at their end."""
    code = tokenizer_config.get("auto_map")
    listed = code.get("AutoTokenizer") if isinstance(code, dict) else code
    names = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    for name in reversed([one for one in names if isinstance(one, str)]):  # the fast tokenizer is preferred
        yield OwnCode.of("AutoTokenizer", name)
        return
