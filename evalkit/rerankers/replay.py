"""A reranker that returns the scores of a TREC run file, for the candidates of the retriever."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.cache import HASH_DIGITS, content_hash
from evalkit.config import InputFile, RerankerSettings
from evalkit.errors import CallError
from evalkit.formats import read_run
from evalkit.records import RerankRequest, RerankResponse


class Replay:
    """Replays a reranker's stored scores of the same candidates; to compare a run itself, use `runs:`.

    It ranks the candidates of the retriever and nothing else: documents of the file that are no candidates are ignored.
    A run with candidates of its own, such as that of another engine, is compared with ``runs:``.
    """

    class Settings(RerankerSettings):
        """Settings of `replay`.

        Attributes
        ----------
        path
            TREC run file, plain or gzipped, with a score for each candidate of the retriever. To compare a run as it
            is, with candidates of its own, use ``runs`` instead.
        missing
            What to do with a candidate that is not in the file. ``fail``: its query fails. ``last``: it is
            ranked after the scored ones, in candidate order, and counted; the result is then not that of the file.
        """

        backend: Literal["replay"] = "replay"
        path: InputFile
        missing: Literal["fail", "last"] = "fail"

        timed: ClassVar[bool] = False
        repeats_exactly: ClassVar[bool] = True

        @property
        def is_pointwise(self) -> bool:
            """False for ``missing: last``: its scores depend on positions, and so on the list."""
            return self.missing == "fail"

        def proven_by(self) -> str | None:
            """Return the hash of the file."""
            return f"run file {self.path.name}, sha256 {content_hash(self.path)[:HASH_DIGITS]}"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._run = read_run(settings.path)
        self.pointwise = settings.is_pointwise
        self.score_kind = "unknown"

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the stored scores.

        Raises
        ------
        CallError
            If a candidate is absent from the file and ``missing`` is ``fail``.
        """
        (start,), (stop,) = self._run.spans((request.query_id,))
        scores = self._run.scores[start:stop].tolist()
        stored = dict(zip(self._run.docs(request.query_id), scores, strict=True))
        absent = [position for position, doc_id in enumerate(request.doc_ids) if doc_id not in stored]
        if absent and self._settings.missing == "fail":
            raise CallError(
                "backend",
                f"{self._settings.path} has no score for {len(absent)} of {len(request.doc_ids)} candidates"
                f" of query {request.query_id!r} (first: {request.doc_ids[absent[0]]!r})",
                "replay a run over the same candidates, set 'missing: last' to put such candidates last, or compare"
                " the run itself with 'runs:'",
            )
        bottom = scores[-1] if scores else 0.0
        below = {position: bottom - 1.0 - order for order, position in enumerate(absent)}
        found = np.array(
            [below.get(i, stored.get(doc_id, bottom)) for i, doc_id in enumerate(request.doc_ids)],
            dtype=np.float64,
        )
        ignored = len(stored) - (len(request.doc_ids) - len(absent))
        return RerankResponse(found, self._order(found, absent), missing=len(absent), ignored=ignored)

    def _order(self, scores: NDArray[np.float64], absent: list[int]) -> NDArray[np.int64] | None:
        """Return the documents of the file in its order, for ``missing: last``: the others have made-up scores."""
        if self._settings.missing == "fail":
            return None
        ranked = np.argsort(-scores, kind="stable")
        return ranked[~np.isin(ranked, absent)]

    def close(self) -> None:
        """Do nothing: no resources are held."""
