"""Forward passes with ONNX Runtime on CPUs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.library_errors import OutOfMemoryError, hint_of, reason_of
from evalkit.encoding.library_runtime import CPU_BATCH_TOKENS, MOST_WORKERS, available_threads, first_line
from evalkit.encoding.packing import Padded
from evalkit.errors import InputError

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""Input names of an exported model, in order."""
_QUIET = 4
"""ONNX Runtime's log level at which it does not log the errors that it raises."""
_LONG = 1024
"""For longer inputs, in tokens, a pass releases its memory: attention would otherwise keep too much of it."""


class OnnxNetwork:
    """Runs an exported model. Concurrent passes share the threads equally; a single pass uses all of them.

    Parameters
    ----------
    file
        The exported model.
    precision
        Precision of its weights, for the manifest.
    threads
        Processor threads; None for all that this process may use.
    """

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, file: Path, precision: str, threads: int | None = None) -> None:
        self._file, self._precision = file, precision
        self._threads = threads or available_threads()
        self.workers = min(self._threads, MOST_WORKERS)
        self._sessions: dict[int, Any] = {}
        self._lock = threading.Lock()
        self._input_names = {part.name for part in self._session(1).get_inputs()}

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Return ``(b, k)`` float32."""
        session = self._session(self._threads if worker is None else self._threads // self.workers)
        parts = zip(INPUTS, (batch.ids, batch.mask, batch.segments), strict=True)
        try:
            inputs = {name: part for name, part in parts if name in self._input_names}
            (outputs,) = session.run(None, inputs, _releasing() if batch.ids.shape[1] > _LONG else None)
        except Exception as error:  # noqa: BLE001 - onnxruntime has its own exception class for every cause
            if isinstance(error, MemoryError) or "alloc" in str(error).lower():
                raise OutOfMemoryError(first_line(error)) from None
            raise InputError(
                f"the exported model {self._file} cannot compute a batch: {reason_of(error)}",
                hint_of(error, str(self._file)) or _REBUILD,
            ) from None
        return np.asarray(outputs)

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, data type and threads, for the manifest."""
        import onnxruntime

        return {
            "runtime": f"onnxruntime {onnxruntime.__version__}",
            "device": "cpu",
            "dtype": self._precision,
            "threads": self._threads,
        }

    def _session(self, threads: int) -> Any:
        """Return the session for passes with this many threads; open it on first use."""
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = open_session(self._file, threads)
            return self._sessions[threads]


_REBUILD = "delete its folder; the next run exports the model again"


def _releasing() -> Any:
    """Return run options that release memory after the pass. Keeping it instead saves a quarter of the time."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def open_session(file: Path, threads: int) -> Any:
    """Return an ONNX Runtime session of an exported model.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _QUIET
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime has its own exception class for every cause
        raise InputError(
            f"the exported model {file} cannot be loaded: {reason_of(error)}",
            _REBUILD,
        ) from None
