"""Run listwise rerankers: the code in the model's repository reads a query and its whole list, and scores it.

Source: the usage on the card of jina-reranker-v3, ``model.rerank(query, documents)``. The model reads the query and up
to 125 documents in one input; its own code splits longer lists into blocks, cuts long texts, and compares the query's
vector, averaged over the blocks, with the vector of each document. A score is a cosine that depends on the whole list.
"""

from __future__ import annotations

import inspect
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.checkpoints.computed_buffers import restore_buffers
from evalkit.encoding.checkpoints.list_files import LIST_CLASS
from evalkit.encoding.checkpoints.loaded_weights import check_weights, reported_weights
from evalkit.encoding.checkpoints.model_files import ModelFiles, read_model_files
from evalkit.encoding.library_runtime import available_threads, first_line, model_errors
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.state import model_access
from evalkit.encoding.torch_runtime.own_loading import load_own, load_tokenizer
from evalkit.errors import CallError, InputError, MissingExtraError

_KIND = "a listwise reranker"
_QUERY_TOKENS, _DOCUMENT_TOKENS = 512, 2048
"""Tokens to which the code of jina-reranker-v3 cuts queries and documents, unless its `rerank` has parameters."""
_UNUSED: Mapping[str, object] = {"batch_tokens": None, "compile": False, "prompt": None, "cutoff_layer": None}
"""Settings that the model's own code has no use for, with their defaults."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredList:
    """The scores of a list.

    Attributes
    ----------
    scores
        ``(n,)`` float64, in the order of the documents.
    tokens
        Tokens that the model read, with its template, over all blocks.
    truncated
        ``(n,)`` whether the document or the query was cut to its length limit.
    """

    scores: NDArray[np.float64]
    tokens: int
    truncated: NDArray[np.bool_]


class ListModel:
    """A listwise reranker in memory.

    Parameters
    ----------
    settings
        Which model, and how it is run.
    instruction
        Definition of relevance; None for the model's own.
    """

    def __init__(self, settings: ModelSettings, instruction: str | None = None) -> None:
        self._settings = settings
        with model_access(settings.model):
            with model_errors(settings.model):
                files = read_model_files(settings.model, settings.revision)
            _check_settings(settings, files)
            with model_errors(settings.model):
                self._model = _load(settings)
                self._tokenizer = load_tokenizer(settings)
        # The model's code loads its tokenizer by this name: from the same commit as the weights.
        self._model.name_or_path = str(files.folder)
        self._options = _options(self._model, settings, instruction)
        self._limits = _limits(self._model, self._options)
        self._threads = settings.threads or available_threads()
        self._lock = threading.Lock()
        self._read_tokens = 0
        self._count_tokens()

    @property
    def takes_instruction(self) -> bool:
        """Whether the model's own code has a parameter for an instruction."""
        return "instruction" in inspect.signature(self._model.rerank).parameters

    def score(self, query: str, documents: Sequence[str], instruction: str = "") -> ScoredList:
        """Return the scores of a list.

        Parameters
        ----------
        query, documents
            Texts.
        instruction
            Used in place of the configured one; empty for that. Needs `takes_instruction`.

        Raises
        ------
        CallError
            If the list does not fit into memory, or the model's code does not score every document once.
        InputError
            If the model's code fails.
        """
        if not documents:
            return ScoredList(np.empty(0), 0, np.empty(0, dtype=bool))
        with self._lock:  # tokenizers of transformers cannot be shared by threads
            _, truncated = self._lengths(query, documents)
            self._read_tokens = 0
            with model_errors(self._settings.model, "compute a list"):
                answer = self._rerank(query, list(documents), instruction)
            return ScoredList(
                self._in_order(answer, len(documents)), self._read_tokens, np.array(truncated, dtype=bool)
            )

    def measure(self, query: str, document: str) -> tuple[int, bool]:
        """Return the tokens of a query and a document, and whether either would be cut.

        The model reads the query twice. The tokens of its template are not counted.
        """
        with self._lock, model_errors(self._settings.model, "tokenise a text"):
            (query_tokens, document_tokens), (truncated,) = self._lengths(query, [document], every=True)
        most_query, most_document = self._limits
        return 2 * min(query_tokens, most_query) + min(document_tokens, most_document), truncated

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, data type, threads and the length limit of documents, for the manifest."""
        import torch

        on_cpu = self._model.device.type == "cpu"
        return {
            "runtime": f"torch {torch.__version__}",
            "device": str(self._model.device),
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "threads": self._threads if on_cpu else None,
            "max_length_tokens": self._limits[1],
        }

    def _rerank(self, query: str, documents: list[str], instruction: str) -> Any:
        import torch

        if self._model.device.type == "cpu":
            torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                own = {"instruction": instruction} if instruction else {}
                return self._model.rerank(query, documents, **{**self._options, **own})
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            raise CallError(
                "memory",
                f"a list of {len(documents)} documents does not fit in memory: {first_line(error)}",
                "lower depths, or use a smaller precision",
            ) from None

    def _in_order(self, answer: Any, count: int) -> NDArray[np.float64]:
        """Return the scores of an answer, a list of mappings with ``index`` and ``relevance_score``."""
        scores = np.full(count, np.nan)
        indices = [int(one["index"]) for one in answer]
        if sorted(indices) != list(range(count)):
            raise CallError(
                "reply",
                f"the code of the model {self._settings.model!r} returned {len(indices)} scores for"
                f" {count} documents",
                "use the revision of the model that its card describes",
            )
        scores[indices] = [float(one["relevance_score"]) for one in answer]
        return scores

    def _lengths(
        self, query: str, documents: Sequence[str], *, every: bool = False
    ) -> tuple[tuple[int, int], list[bool]]:
        """Return the tokens of the query and of the longest document, and whether each document or the query is cut.

        A text has at most as many tokens as bytes: unless `every` is set, shorter texts are not tokenised.
        """
        most_query, most_document = self._limits

        def length(text: str, most: int) -> int:
            size = len(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass"))
            return len(self._tokenizer(text)["input_ids"]) if every or size > most else size

        query_tokens = length(query, most_query)
        sizes = [length(document, most_document) for document in documents]
        return (query_tokens, max(sizes)), [
            query_tokens > most_query or size > most_document for size in sizes
        ]

    def _count_tokens(self) -> None:
        """Count the tokens of every forward pass; the model's code calls `forward` without its hooks."""
        forward = self._model.forward

        def counting(*inputs: Any, **named: Any) -> Any:
            ids = named["input_ids"] if "input_ids" in named else inputs[0]
            self._read_tokens += int(ids.numel())
            return forward(*inputs, **named)

        self._model.forward = counting


def _load(settings: ModelSettings) -> Any:
    """Return the model of transformers, with all of its weights."""
    with reported_weights() as reports:
        try:
            model = load_own("AutoModel", settings)
        except AttributeError:
            # The code of jina-reranker-v3 has no language head, which transformers 5 fails to tie to the embeddings.
            reports.clear()
            model = load_own("AutoModel", settings, tie_word_embeddings=False)
        check_weights(settings.model, reports, model)
        restore_buffers(settings.model, (one.model for one in reports if one.is_from_transformers))
    return model


def _check_settings(settings: ModelSettings, files: ModelFiles) -> None:
    """Check that the model can run as configured.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    InputError
        If its code is missing or not trusted, or a setting does not apply to it.
    """
    named = f"the model {settings.model!r} ({LIST_CLASS}) is {_KIND}"
    code = str((files.config.get("auto_map") or {}).get("AutoModel") or "")
    if not code:
        raise InputError(
            f"{named}, and its config.json names no code for AutoModel", "download the repository again"
        )
    if not settings.trust_remote_code:
        raise InputError(
            f"{named} that runs code of its own repository: {code.rpartition('.')[0].rpartition('--')[2]}.py",
            "set trust_remote_code: true if you trust this code",
        )
    if settings.runtime == "onnx" or settings.precision == "int8":
        raise InputError(
            f"{named}, whose own code needs torch: it cannot be exported to ONNX or int8",
            "remove runtime: onnx, and use precision: fp32, bf16 or fp16",
        )
    for name, default in _UNUSED.items():
        if getattr(settings, name) != default:
            raise InputError(f"{named}, whose own code ignores {name}", f"remove {name}")
    if find_spec("torch") is None or find_spec("sentence_transformers") is None:
        raise MissingExtraError("the cross_encoder backend", "local")


def _options(model: Any, settings: ModelSettings, instruction: str | None) -> dict[str, Any]:
    """Return the configured arguments of the model's `rerank`.

    Raises
    ------
    InputError
        If it has no such method, or the method has no parameter for a setting.
    """
    if not callable(getattr(model, "rerank", None)):
        raise InputError(
            f"the code of the model {settings.model!r}, {type(model).__name__}, has no method rerank(query, documents)",
            "use the revision of the model that its card describes",
        )
    given = {
        "max_doc_length": ("max_length_tokens", settings.max_length_tokens),
        "instruction": ("instruction", instruction),
    }
    parameters = inspect.signature(model.rerank).parameters
    for parameter, (name, value) in given.items():
        if value is not None and parameter not in parameters:
            raise InputError(
                f"the model {settings.model!r} is {_KIND}, and its own code has no setting for {name}",
                f"remove {name}",
            )
    return {parameter: value for parameter, (_, value) in given.items() if value is not None}


def _limits(model: Any, options: Mapping[str, Any]) -> tuple[int, int]:
    """Return the tokens to which the model's code cuts queries and documents."""
    parameters = inspect.signature(model.rerank).parameters

    def limit(name: str, documented: int) -> int:
        value = options.get(name, parameters[name].default if name in parameters else documented)
        return value if isinstance(value, int) else documented

    return limit("max_query_length", _QUERY_TOKENS), limit("max_doc_length", _DOCUMENT_TOKENS)
