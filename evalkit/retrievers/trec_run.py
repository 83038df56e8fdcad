"""The first stage that returns the candidates of a TREC run file."""

from __future__ import annotations

from typing import ClassVar, Literal

from evalkit.config import InputFile, RetrieverSettings
from evalkit.formats import read_run
from evalkit.records import Dataset
from evalkit.retrievers.held_run import RunRetriever


class TrecRun(RunRetriever):
    """The candidates of a TREC run file, ordered by score, from any retriever."""

    class Settings(RetrieverSettings):
        """Settings of `trec_run`.

        Attributes
        ----------
        path
            TREC run file of one dataset, plain or gzipped. Its own tag is ignored in favour of ``tag``.
        missing_queries
            What is known of the judged queries that the file lacks, where ``runs`` are compared: each counts as 0.
            ``withhold``: the file may be cut off, so that verdicts that rest on them are withheld. ``zero``: the engine
            returned nothing for them.
        """

        kind: Literal["trec_run"] = "trec_run"
        path: InputFile
        missing_queries: Literal["withhold", "zero"] = "withhold"

        repeats_exactly: ClassVar[bool] = True

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        run = read_run(settings.path, settings.label)
        super().__init__(run, dataset, str(settings.path.resolve()))
