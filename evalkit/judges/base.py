"""The interface of judges, and the function that opens one."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from evalkit import registry
from evalkit.config import JudgeSettings
from evalkit.records import Rater, RerankRequest, RerankResponse
from evalkit.rerankers import Reranker


@runtime_checkable
class Judge(Reranker, Protocol):
    """Grades one document for one query. A judge is a reranker whose score is a grade on its scale.

    A request holds one document; its response holds the grade as the score, and what the judge answered as ``raw``.
    An answer without a grade is a `CallError` of kind ``answer``, a refusal one of kind ``refusal``; its `body` is what
    the judge answered. Neither is retried, as the judge would answer the same.
    """

    def rater(self, response: RerankResponse) -> Rater:
        """Return the rater that a response comes from: the model as the reply names it, the prompt, the settings."""
        ...

    @property
    def known_rater(self) -> Rater:
        """The rater as the settings name it, before any reply."""
        ...


def open_judge(settings: JudgeSettings) -> Judge:
    """Return the judge that validated settings describe.

    Raises
    ------
    MissingExtraError
        If it needs packages that are not installed.
    """
    backend = registry.lookup("judge backend", settings.backend)
    return backend(settings)  # type: ignore[no-any-return]


def one_document(request: RerankRequest) -> str:
    """Return the only document of a request.

    Raises
    ------
    ValueError
        If it has another number of documents: graded together, grades would depend on the company.
    """
    (document,) = request.documents
    return document
