"""What every local model understands, and how it tells what it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import model_validator

from evalkit.config import RerankerSettings
from evalkit.config.settings import PositiveInt
from evalkit.encoding import Encoded, Kind, ModelSettings, Precision, Runtime
from evalkit.records import ServerTime


class LocalModelSettings(RerankerSettings):
    """Settings of every local model.

    Attributes
    ----------
    model
        Hub id or local folder.
    revision
        Commit of the hub repository.
    runtime
        What computes: ``torch``, ``onnx``, or what suits (``auto``).
    precision
        Of weights and arithmetic; what it costs in quality is for you to compare.
    device
        ``cpu``, ``cuda``, ...; the library's own choice where absent.
    max_length_tokens
        Where inputs are cut; the model's own limit where absent.
    threads
        Processor threads; all of this process where absent.
    batch_tokens
        Tokens of one forward pass, padding included; what suits the device where absent.
    trust_remote_code
        Whether code of the model's repository may run here.
    compile
        Whether torch compiles the model at its first passes, which takes a C++ compiler and a minute.
    """

    model: str
    revision: str | None = None
    runtime: Runtime = "auto"
    precision: Precision = "fp32"
    device: str | None = None
    max_length_tokens: PositiveInt | None = None
    threads: PositiveInt | None = None
    batch_tokens: PositiveInt | None = None
    trust_remote_code: bool = False
    compile: bool = False

    spreads: ClassVar[bool] = True
    immaterial: ClassVar[frozenset[str]] = RerankerSettings.immaterial | {"threads", "batch_tokens"}

    @model_validator(mode="after")
    def _torch_compiles(self) -> LocalModelSettings:
        if self.compile and (self.runtime == "onnx" or self.precision == "int8"):
            raise ValueError("compile is of torch alone: leave out runtime: onnx and precision: int8")
        return self

    @model_validator(mode="after")
    def _has_a_runtime(self) -> LocalModelSettings:
        if self.precision == "int8" and self.runtime == "torch":
            raise ValueError("int8 runs on ONNX: leave out runtime: torch")
        if self.runtime == "onnx" and self.precision in {"bf16", "fp16"}:
            raise ValueError(f"{self.precision} runs on torch: leave out runtime: onnx, or use fp32 or int8")
        on_onnx = self.runtime == "onnx" or self.precision == "int8"
        if on_onnx and self.device not in {None, "cpu"}:
            raise ValueError(
                f"device {self.device!r} is not for ONNX, which runs on processors here: leave it out"
            )
        return self

    def moving_name(self) -> str | None:
        """Return that a hub model without revision moves; a local folder is known by its files."""
        if self.revision is not None or Path(self.model).is_dir():
            return None
        return f"model {self.model!r} has no revision"

    def fewer_bits(self) -> tuple[str, RerankerSettings] | None:
        """Return the precision, if it is below fp32, and the settings of the same model in fp32."""
        if self.precision == "fp32":
            return None
        return self.precision, self.model_copy(update={"precision": "fp32"})

    def on_replica(self, cpus: int) -> LocalModelSettings:
        """Return settings that keep to the processors of a replica."""
        return self if self.threads is not None else self.model_copy(update={"threads": cpus})

    def model_settings(self, kind: Kind) -> ModelSettings:
        """Return what the encoding floor is told."""
        return ModelSettings(
            model=self.model,
            kind=kind,
            revision=self.revision,
            runtime=self.runtime,
            precision=self.precision,
            device=self.device,
            max_length_tokens=self.max_length_tokens,
            threads=self.threads,
            batch_tokens=self.batch_tokens,
            trust_remote_code=self.trust_remote_code,
            compile=self.compile,
        )


def times_of(*encoded: Encoded) -> tuple[ServerTime, ...]:
    """Return where the time of a call went."""
    return (
        ServerTime("tokenise", sum(one.tokenise_s for one in encoded), "tokenising"),
        ServerTime("forward", sum(one.forward_s for one in encoded), "the model, and copying its result"),
    )


def pool_facts(engine_facts: dict[str, Any], max_length: int | None) -> dict[str, Any]:
    """Return facts for the manifest."""
    return {**engine_facts, "max_length_tokens": max_length}
