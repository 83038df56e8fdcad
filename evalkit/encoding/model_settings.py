"""Settings that all local models share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from evalkit.config import Settings
from evalkit.config.input_paths import ModelName
from evalkit.config.settings import Concurrency, PositiveInt
from evalkit.encoding.embeddings.token_vectors import Task
from evalkit.encoding.embeddings.vector_rules import VectorRules
from evalkit.encoding.input_forms import InputForm, Prompt
from evalkit.encoding.tokens import TokenRules

Kind = Literal["cross_encoder", "bi_encoder", "late_interaction"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]
Runtime = Literal["auto", "torch", "onnx"]


class LocalModel(Settings):
    """Settings of every local model.

    Attributes
    ----------
    model
        Hub id or local folder.
    revision
        Commit of the hub repository (recommended: without it, a later run may load different weights).
    runtime
        ``auto``: ONNX Runtime for int8 or if torch is not installed, else torch. ``onnx`` (extra ``onnx``): runs on
        the CPU; torch exports the model on first use.
    precision
        Number format of weights and computation. ``bf16`` and ``fp16`` require torch, ``int8`` requires ONNX.
    device
        ``cpu``, ``cuda``, ... (default: chosen by torch).
    max_length_tokens
        Longer inputs are truncated (default: the limit of the model). The report shows how many pairs were truncated.
    threads
        CPU threads (default: all CPUs of the process).
    batch_tokens
        Tokens per forward pass, with padding (default: 1024 on a CPU, else 32768).
    trust_remote_code
        ``true``: code from the model repository may run.
    compile
        ``true``: torch compiles the model on first use. Requires a C++ compiler and takes minutes. It may help on a
        GPU; no gain was measured on a CPU.
    """

    model: ModelName
    revision: str | None = None
    runtime: Runtime = "auto"
    precision: Precision = "fp32"
    device: str | None = None
    max_length_tokens: PositiveInt | None = None
    threads: Concurrency | None = None
    batch_tokens: PositiveInt | None = None
    trust_remote_code: bool = False
    compile: bool = False

    @model_validator(mode="after")
    def _torch_compiles(self) -> LocalModel:
        if self.compile and (self.runtime == "onnx" or self.precision == "int8"):
            raise ValueError("cannot use compile without torch: remove runtime: onnx and precision: int8")
        return self

    @model_validator(mode="after")
    def _has_a_runtime(self) -> LocalModel:
        if self.precision == "int8" and self.runtime == "torch":
            raise ValueError("cannot use int8 on torch: remove runtime: torch")
        if self.runtime == "onnx" and self.precision in {"bf16", "fp16"}:
            raise ValueError(
                f"cannot use {self.precision} on ONNX: remove runtime: onnx, or use fp32 or int8"
            )
        on_onnx = self.runtime == "onnx" or self.precision == "int8"
        if on_onnx and self.device not in {None, "cpu"}:
            raise ValueError(
                f"cannot use device {self.device!r} with ONNX, which runs on the CPU: remove device"
            )
        return self

    def moving_name(self) -> str | None:
        """Return a sentence if the model is a hub id without revision, whose content may change; else None."""
        if self.revision is not None or Path(self.model).is_dir():
            return None
        return f"model {self.model!r} has no revision"

    @property
    def computes_with(self) -> Literal["torch", "onnx"]:
        """The runtime in use. ``auto`` selects ONNX Runtime for int8, or if torch is not installed, else torch."""
        if self.runtime != "auto":
            return self.runtime
        if self.precision == "int8":
            return "onnx"
        plain = self.precision == "fp32" and self.device in {None, "cpu"} and not self.compile
        without_torch = find_spec("torch") is None and find_spec("onnxruntime") is not None
        return "onnx" if plain and without_torch else "torch"

    def of_kind(
        self, kind: Kind, prompt: Prompt | None = None, cutoff_layer: int | None = None
    ) -> ModelSettings:
        """Return these settings for one kind of model; of a cross-encoder, with the form and layer configured."""
        fields = {name: getattr(self, name) for name in LocalModel.model_fields}
        return ModelSettings(kind=kind, prompt=prompt, cutoff_layer=cutoff_layer, **fields)


class ModelSettings(LocalModel):
    """Which model, and how it is run.

    Attributes
    ----------
    kind
        What comes out: a pair's logits, a text's vector, or a vector for each of its tokens.
    prompt
        Input form of a cross-encoder; None for the form that its files say.
    cutoff_layer
        Last layer that a layerwise cross-encoder computes; None for its last one.
    """

    kind: Kind
    prompt: Prompt | None = None
    cutoff_layer: PositiveInt | None = None


class EmbeddingModel(LocalModel):
    """Settings of every local model that embeds texts.

    Attributes
    ----------
    query_prompt, document_prompt
        Text put before every query and document; the model's own where absent, none where empty.
    """

    query_prompt: str | None = None
    document_prompt: str | None = None

    @property
    def unset_prompts(self) -> tuple[Task, ...]:
        """Roles for which no prompt is configured, so that the model's own is used."""
        prompts: dict[Task, str | None] = {"query": self.query_prompt, "document": self.document_prompt}
        return tuple(role for role, prompt in prompts.items() if prompt is None)

    def prompts(self, own: Mapping[Task, str | None]) -> dict[Task, str | None]:
        """Return the prompts of queries and documents, None for no prompt; `own` are the model's."""
        query = own.get("query") if self.query_prompt is None else self.query_prompt
        document = own.get("document") if self.document_prompt is None else self.document_prompt
        return {"query": query or None, "document": document or None}


@dataclass(frozen=True, slots=True)
class Card:
    """Metadata of a model. Saved as JSON with an exported model.

    Attributes
    ----------
    rules
        Settings of its tokenizer.
    labels
        Output column -> label, for a cross-encoder; a single column if the model returns one logit.
    prompts
        Prompt name -> text that the model expects before an input.
    default_prompt
        Prompt used if none is configured; None for no prompt.
    remarks
        Warnings for the user: what of the model's files is read in another way than they suggest.
    vectors
        How the vectors of an embedding model are used; None for other models.
    form
        Input form of a cross-encoder, if it is not a plain pair and the library does not apply it.
    """

    rules: TokenRules
    labels: Mapping[int, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    remarks: tuple[str, ...] = ()
    vectors: VectorRules | None = None
    form: InputForm | None = None
