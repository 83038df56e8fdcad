"""A collection given as three files: corpus, queries, TREC qrels."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts, assemble
from evalkit.datasets.fields import (
    documents_from_json_lines,
    documents_from_tsv,
    queries_from_json_lines,
    queries_from_tsv,
)
from evalkit.formats import read_qrels
from evalkit.records import Dataset


class TrecFiles:
    """Three files: corpus (.jsonl or .tsv), queries (.jsonl or .tsv), TREC qrels; each may be gzipped."""

    class Settings(DatasetSettings):
        """Settings of `trec_files`."""

        source: Literal["trec_files"] = "trec_files"
        corpus: Path
        queries: Path
        qrels: Path

        def default_name(self) -> str:
            """Return the name of the qrels file without its endings."""
            return self.qrels.name.split(".")[0]

    @staticmethod
    def load(settings: Settings) -> Dataset:
        """Read the files."""
        documents = documents_from_json_lines if _is_json(settings.corpus) else documents_from_tsv
        queries = queries_from_json_lines if _is_json(settings.queries) else queries_from_tsv
        parts = Parts(
            location=str(settings.corpus),
            split=None,
            documents=documents(settings.corpus),
            queries=queries(settings.queries),
            qrels=read_qrels(settings.qrels),
        )
        return assemble(settings, parts)


def _is_json(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".jsonl", ".json", ".ndjson"))
