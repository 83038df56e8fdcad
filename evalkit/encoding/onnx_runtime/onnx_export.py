"""Export models to ONNX files in the cache, so that they run without torch afterwards."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from evalkit.cache import cache_folder, cache_key, get_or_build
from evalkit.encoding.embeddings.vector_rules import VectorRules
from evalkit.encoding.input_forms import FormTokeniser, InputForm
from evalkit.encoding.library_errors import reason_of
from evalkit.encoding.library_runtime import suppress_warnings
from evalkit.encoding.model_settings import Card, ModelSettings
from evalkit.encoding.onnx_runtime.onnx_checks import PROMPT, check_export, check_quantised
from evalkit.encoding.onnx_runtime.onnx_network import INPUTS
from evalkit.encoding.onnx_runtime.quantisation import quantise
from evalkit.encoding.state import state_of
from evalkit.encoding.tokens import FastTokeniser, TokenRules
from evalkit.encoding.torch_runtime.end_tokens import reads_end_tokens
from evalkit.errors import InputError, MissingExtraError
from evalkit.files import write_file

_FORMAT = 6
"""Part of the cache key: raise it when the exported files of the same model change, as with its form or layers."""
MODEL, TOKENIZER, CARD = "model.onnx", "tokenizer.json", "card.json"
_OPSET = 17


def exported(settings: ModelSettings) -> Path:
    """Return the folder of the exported model; export it if it is not in the cache.

    Raises
    ------
    MissingExtraError
        If the model must be exported and torch is not installed.
    InputError
        If there is no such model, or its export would return other values.
    StorageError
        If the cache folder cannot be written.
    """
    parent = cache_folder() / "onnx"
    full = parent / _key(settings)
    if settings.precision == "int8":
        return get_or_build(parent / f"{full.name}-int8", partial(_quantise, settings, full), _is_whole)
    return get_or_build(full, partial(_export, settings), _is_whole)


def read_card(folder: Path) -> Card:
    """Return the metadata of an exported model."""
    fields = orjson.loads((folder / CARD).read_bytes())
    labels = {int(number): name for number, name in fields.pop("labels")}
    form, vectors = fields.pop("form"), fields.pop("vectors")
    return Card(
        TokenRules(**fields.pop("rules")),
        labels,
        remarks=tuple(fields.pop("remarks")),
        form=None if form is None else InputForm.of(form),
        vectors=None if vectors is None else VectorRules(**vectors),
        **fields,
    )


def _is_whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (MODEL, TOKENIZER, CARD))


def _key(settings: ModelSettings) -> str:
    """Return the cache key of an export: it depends on the model's files, its input form and the length limit."""
    parts: list[Any] = [
        _FORMAT,
        settings.kind,
        settings.model,
        state_of(settings),
        settings.max_length_tokens,
    ]
    stated = settings.model_dump(include={"prompt", "cutoff_layer"}, exclude_none=True)
    if stated:
        parts.append(stated)
    return cache_key(parts)[:32]


def _export(settings: ModelSettings, folder: Path) -> None:
    """Write a model's network, tokenizer and card, and check that the network returns the same values as torch."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError("exporting a model to ONNX", "local") from None
    from evalkit.encoding.torch_runtime.torch_model import OUTPUTS, TorchModel

    plain = settings.model_copy(
        update={
            "runtime": "torch",
            "precision": "fp32",
            "device": "cpu",
            "compile": False,
            "batch_tokens": None,
        }
    )
    model = TorchModel(plain)
    if model.card.vectors is not None and model.card.vectors.by_role:
        raise InputError(
            f"the model {settings.model!r} reads queries and documents in different ways, which cannot be exported"
            " to ONNX",
            "use runtime: torch",
        )
    if reads_end_tokens(model.files.architectures):
        raise InputError(
            f"the model {settings.model!r} ({model.files.architectures[0]}) scores at the last end token of each"
            " input, which ONNX cannot find where inputs have different numbers of them",
            "use runtime: torch",
        )
    prompts = (None, PROMPT) if model.card.form is None else (None,)
    engines = [model.engine(prompt) for prompt in prompts]
    if not all(isinstance(engine.tokeniser, FastTokeniser | FormTokeniser) for engine in engines):
        raise InputError(
            f"the model {settings.model!r} has a custom input format that cannot be exported to ONNX",
            "use runtime: torch",
        )
    if model.takes_one_input:
        raise InputError(
            f"the model {settings.model!r} takes one input at a time, so it is not exported to ONNX",
            "use runtime: torch",
        )
    tokenizer = model.library_model.tokenizer.backend_tokenizer.to_str()
    write_file(folder / TOKENIZER, tokenizer, inside=folder)
    fields = {**asdict(model.card), "labels": list(model.card.labels.items())}
    write_file(folder / CARD, orjson.dumps(fields), inside=folder)
    names = [name for name in INPUTS if name != INPUTS[2] or model.card.rules.with_segments]
    network = _wrapped(model.library_model, OUTPUTS[settings.kind], names)
    try:
        with torch.no_grad(), suppress_warnings():
            _write(network, names, folder / MODEL)
    except Exception as error:  # noqa: BLE001 - the exporter raises many kinds of errors, depending on the model
        raise InputError(
            f"the model {settings.model!r} cannot be exported to ONNX: {reason_of(error)}",
            "use runtime: torch",
        ) from None
    for engine in engines:
        check_export(settings, engine, folder / MODEL)


def _wrapped(library_model: Any, output: str, names: list[str]) -> Any:
    """Return a module that takes the input tensors in the order of `names` and returns one output tensor."""
    import torch

    def forward(module: Any, *parts: Any) -> Any:
        return module.own(dict(zip(names, parts, strict=True)))[output]

    network = type("Plain", (torch.nn.Module,), {"forward": forward})()
    network.own = library_model  # this attribute name is part of the weights' names in the exported file
    # A new module is in training mode, and would export its submodules' dropout.
    return network.eval()


def _write(network: Any, names: list[str], file: Path) -> None:
    """Trace the network and write it; batch size and length are dynamic."""
    import torch

    ids = torch.ones((2, 7), dtype=torch.long)
    mask = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    torch.onnx.export(
        network,
        (ids, mask, torch.zeros_like(ids))[: len(names)],
        str(file),
        input_names=names,
        output_names=["output"],
        dynamic_axes={name: {0: "batch", 1: "length"} for name in names} | {"output": {0: "batch"}},
        opset_version=_OPSET,
        dynamo=False,
    )


def _quantise(settings: ModelSettings, full: Path, folder: Path) -> None:
    """Write a model with 8-bit weights in its matrix products, and check it against the one in fp32."""
    source = get_or_build(full, partial(_export, settings), _is_whole)
    for name in (TOKENIZER, CARD):
        write_file(folder / name, (source / name).read_bytes(), inside=folder)
    quantise(source / MODEL, folder / MODEL)
    tokeniser = FastTokeniser((folder / TOKENIZER).read_text(encoding="utf-8"), read_card(folder).rules, None)
    check_quantised(settings, tokeniser, source / MODEL, folder / MODEL)
