"""A sentence-transformers bi-encoder as a reranker: cosine of query and document embeddings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.config import RerankerSettings
from evalkit.config.settings import PositiveInt
from evalkit.errors import InputError, MissingExtraError
from evalkit.records import RerankRequest, RerankResponse
from evalkit.rerankers.stopwatch import Stopwatch


class BiEncoder:
    """A sentence-transformers model (hub id or local folder); the score is the cosine (extra: local)."""

    pointwise = True
    score_kind = "cosine"

    class Settings(RerankerSettings):
        """Settings of `bi_encoder`.

        Attributes
        ----------
        model
            Hub id or local folder.
        revision
            Commit of the hub repository.
        device
            ``cpu``, ``cuda``, ...; the library's own choice where absent.
        max_length_tokens
            Where texts are cut; the model's own limit where absent.
        query_prompt, document_prompt
            Text put before every query and document.
        encode_batch_size
            Texts per forward pass.
        threads
            Threads of torch in this process, kept fixed; its own choice where absent.
        """

        backend: Literal["bi_encoder"] = "bi_encoder"
        model: str
        revision: str | None = None
        device: str | None = None
        max_length_tokens: PositiveInt | None = None
        query_prompt: str = ""
        document_prompt: str = ""
        encode_batch_size: PositiveInt = 32
        threads: PositiveInt | None = None

        immaterial: ClassVar[frozenset[str]] = RerankerSettings.immaterial | {"threads"}

        def moving_name(self) -> str | None:
            """Return that a hub model without revision moves; a local folder is known by its files."""
            if self.revision is not None or Path(self.model).is_dir():
                return None
            return f"model {self.model!r} has no revision"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model = _load_model(settings)
        # What it is called depends on the version; encoding calls it once for each batch.
        name = "preprocess" if hasattr(self._model, "preprocess") else "tokenize"
        self._tokenising = Stopwatch(getattr(self._model, name))
        setattr(self._model, name, self._tokenising)
        self._prepared: dict[str, NDArray[np.float64]] = {}

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the cosine of the query with every document."""
        self._tokenising.split(0.0)
        start_s = time.perf_counter()
        query = self._encode([self._settings.query_prompt + request.query])[0]
        known = self._prepared
        new = [text for text in dict.fromkeys(request.documents) if text not in known]
        fresh = dict(zip(new, self._encode_documents(new), strict=True))
        documents = np.stack([known[t] if t in known else fresh[t] for t in request.documents])
        return RerankResponse(documents @ query, server_times=self._tokenising.split(start_s))

    def facts(self) -> dict[str, Any]:
        """Return what the model runs on."""
        import torch

        return {
            "device": str(self._model.device),
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "max_length_tokens": self._model.max_seq_length,
        }

    def prepare(self, documents: Sequence[str]) -> None:
        """Encode every document once, so that no later call encodes it again."""
        new = [text for text in dict.fromkeys(documents) if text not in self._prepared]
        self._prepared.update(zip(new, self._encode_documents(new, progress=True), strict=True))

    def forget(self) -> None:
        """Drop the encoded documents."""
        self._prepared.clear()

    def close(self) -> None:
        """Drop the encoded documents; the model goes with this object."""
        self.forget()

    def _encode_documents(self, texts: list[str], *, progress: bool = False) -> NDArray[np.float64]:
        return self._encode([self._settings.document_prompt + text for text in texts], progress=progress)

    def _encode(self, texts: list[str], *, progress: bool = False) -> NDArray[np.float64]:
        """Return ``(n, dimension)`` unit vectors in float64."""
        if not texts:
            return np.empty((0, 0))
        vectors = self._model.encode(
            texts,
            batch_size=self._settings.encode_batch_size,
            show_progress_bar=progress and None,
            convert_to_numpy=True,
        ).astype(np.float64)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(norms > 0, norms, 1.0), dtype=np.float64)


def _load_model(settings: BiEncoder.Settings) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingExtraError("the bi_encoder backend", "local") from None
    try:
        model = SentenceTransformer(settings.model, revision=settings.revision, device=settings.device)
    except (OSError, ValueError) as error:
        raise InputError(
            f"the model {settings.model!r} cannot be loaded: {str(error).strip().splitlines()[0]}",
            "give a local folder or a hub id; private models need HF_TOKEN",
        ) from None
    if settings.threads is not None:
        import torch

        torch.set_num_threads(settings.threads)
    if settings.max_length_tokens is not None:
        model.max_seq_length = settings.max_length_tokens
    return model
