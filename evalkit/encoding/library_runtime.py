"""Constants and helpers shared by the torch and ONNX runtimes."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from evalkit.encoding.library_errors import OutOfMemoryError, hint_of, named_reason
from evalkit.errors import EvalkitError, EvalkitWarning, InputError

MOST_WORKERS = 8
"""Maximum number of concurrent forward passes: more of them only wait for Python's global interpreter lock."""
CPU_BATCH_TOKENS = 1024
"""Keeps activations in the processor's cache; faster than 2,048 and 8,192 in measurements."""


def available_threads() -> int:
    """Return the number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; the class name if the message is empty."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


_OTHERWISE = "check its model card for the versions and settings it needs; download damaged files again"
"""What can be done about an error that does not suggest it."""


def torch_dtype(precision: str) -> Any:
    """Return torch's data type of a precision that torch computes in."""
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


@contextmanager
def model_errors(model: str, cannot: str = "be loaded", hint: str | None = None) -> Iterator[None]:
    """Raise an `InputError` that names the model in place of whatever the libraries in the block raise.

    transformers, sentence-transformers, safetensors, tokenizers, torch and peft each have exceptions for files that
    are damaged or of another kind, and many raise whatever comes of them, such as a `TypeError`. A panic of tokenizers,
    which is written in Rust, is no `Exception`.

    Parameters
    ----------
    model
        Folder or hub id.
    cannot
        What fails.
    hint
        What can be done; None for what the error suggests.
    """
    try:
        yield
    except (EvalkitError, OutOfMemoryError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - see above
        reason = named_reason(error)
        raise InputError(
            f"the model {model!r} cannot {cannot}: {reason}", hint or hint_of(error, model) or _OTHERWISE
        ) from None


@contextmanager
def suppress_warnings() -> Iterator[None]:
    """Suppress expected warnings: reports of loaded weights, truncated probe inputs, the deprecated ONNX exporter.

    Those of evalkit itself are shown.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            warnings.simplefilter("default", EvalkitWarning)
            yield
    finally:
        logging.disable(before)
