"""Check the modules of a model and the configurations of its networks: libraries fail on wrong ones with no reason."""

from __future__ import annotations

import re
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles, ModuleFiles
from evalkit.errors import InputError

_CONFIGURED = frozenset({"Pooling", "Dense", "LayerNorm", "LogitScore"})
"""Modules that cannot be built without their ``config.json``."""
_LATER = frozenset({*_CONFIGURED, "Normalize", "Dropout"})
"""Modules that read what another one returns."""
_OF_WORDS = frozenset({"WordEmbeddings", "BoW"})
"""Modules that split texts into words with tokenizers of their own."""
_NUMBER_FORMAT = re.compile(r"(?:torch\.)?(?:auto|half|double|float|bfloat16|float\d+\w*|u?int\d+\w*)")


def check_modules(files: ModelFiles) -> None:
    """Check that the modules in ``modules.json`` are there, in an order in which they can run, and of known kinds.

    Raises
    ------
    InputError
        If they are not; the message has the module, and the file that is missing.
    """
    name = files.name
    for module in files.module_files:
        if module.name in _OF_WORDS:
            raise InputError(
                f"the model {name!r} is a model of word vectors ({module.name}), whose words evalkit cannot split",
                "use a model with a Transformer or a StaticEmbedding module",
            )
        _check_folder(files, module)
    modules = files.modules
    if modules and modules[0] in _LATER:
        raise InputError(
            f"modules.json of the model {name!r} begins with the module {modules[0]}, which reads no texts",
            "put the module that reads texts first, such as Transformer",
        )


def check_configs(files: ModelFiles) -> None:
    """Check the values of the configurations of networks that transformers reads without a check of its own.

    Raises
    ------
    InputError
        If ``architectures`` or ``dtype`` is of another type, or empty.
    """
    for network in files.networks:
        named = network.config.get("architectures")
        if named is not None and not _is_names(named):
            raise _wrong(files, "architectures", named, "a list of names of classes")
        for key in ("dtype", "torch_dtype"):
            value = network.config.get(key)
            if value is not None and not _is_number_format(value):
                raise _wrong(files, key, value, "a number format, such as float32")


def _check_folder(files: ModelFiles, module: ModuleFiles) -> None:
    path = files.folder / module.path / "config.json"
    if module.name in _CONFIGURED and not path.is_file():
        raise InputError(
            f"the model {files.name!r} lacks {module.path}/config.json, the file of its module {module.name}",
            "download the files that are missing",
        )


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) and one for one in value)


def _is_number_format(value: Any) -> bool:
    """Return whether a value is a number format, or has one for each network of a model of several."""
    if isinstance(value, dict):
        return all(map(_is_number_format, value.values()))
    return isinstance(value, str) and _NUMBER_FORMAT.fullmatch(value) is not None


def _wrong(files: ModelFiles, key: str, value: Any, wanted: str) -> InputError:
    return InputError(
        f"config.json of the model {files.name!r} has {key}: {value!r}, which is not {wanted}",
        f"correct {key} in its config.json, or remove it",
    )
