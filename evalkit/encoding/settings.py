"""What a local model is told: which one, and on what it runs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

Kind = Literal["cross_encoder", "bi_encoder", "late_interaction"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]
Runtime = Literal["auto", "torch", "onnx"]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and how it is run.

    Attributes
    ----------
    model
        Hub id or local folder.
    kind
        What comes out: a pair's logits, a text's vector, or a vector for each of its tokens.
    revision
        Commit of the hub repository.
    runtime
        What computes; ``auto``: ONNX Runtime for int8 and where there is no torch, torch elsewhere.
    precision
        Of weights and arithmetic.
    device
        ``cpu``, ``cuda``, ...; torch's own choice where None.
    max_length_tokens
        Where inputs are cut; the model's own limit where None.
    threads
        Processor threads; all of this process where None.
    batch_tokens
        Tokens of one forward pass, padding included; None for what suits the device.
    trust_remote_code
        Whether code of the model's repository may run here.
    compile
        Whether torch compiles the model.
    """

    model: str
    kind: Kind
    revision: str | None = None
    runtime: Runtime = "auto"
    precision: Precision = "fp32"
    device: str | None = None
    max_length_tokens: int | None = None
    threads: int | None = None
    batch_tokens: int | None = None
    trust_remote_code: bool = False
    compile: bool = False

    @property
    def computes_with(self) -> Literal["torch", "onnx"]:
        """What `auto` comes to here: ONNX Runtime where it alone can do it, or is what is installed."""
        if self.runtime != "auto":
            return self.runtime
        if self.precision == "int8":
            return "onnx"
        plain = self.precision == "fp32" and self.device in {None, "cpu"} and not self.compile
        without_torch = find_spec("torch") is None and find_spec("onnxruntime") is not None
        return "onnx" if plain and without_torch else "torch"
