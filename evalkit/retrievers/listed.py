"""The first stage that returns the candidates listed in the dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from evalkit.config import RetrieverSettings
from evalkit.errors import InputError
from evalkit.records import Dataset
from evalkit.retrievers.held_run import RunRetriever


class Listed(RunRetriever):
    """The candidate lists of the dataset itself, as in reranking datasets."""

    class Settings(RetrieverSettings):
        """Settings of `listed`.

        If the source has no scores, the lists have no order: a depth below their length selects at random.
        """

        kind: Literal["listed"] = "listed"

        repeats_exactly: ClassVar[bool] = True

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        if dataset.candidates is None:
            raise InputError(
                f"the dataset {dataset.name!r} contains no candidate lists",
                "use retriever: {kind: bm25}, or trec_run",
            )
        super().__init__(replace(dataset.candidates, tag=settings.label), dataset, dataset.origin.location)
