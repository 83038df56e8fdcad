"""The result folder: its paths, and the columns of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from evalkit.errors import DataFormatError, InputError, StorageError
from evalkit.file_names import system_part
from evalkit.files import create_folder, make_folder, write_file
from evalkit.formats import read_json_lines, read_qrels, write_gzip, write_qrels
from evalkit.records import Names, Qrels, Query
from evalkit.results.calls_table import read_calls
from evalkit.results.consistency import check_judged, check_manifest
from evalkit.results.dataset_files import QRELS, QUERIES, check_judgments, dataset_file, find_dataset_file
from evalkit.results.document_files import DocumentT, read_document
from evalkit.results.document_tokens_table import read_document_tokens
from evalkit.results.json_shapes import document, from_plain, missing_file, read_json, to_json, to_plain
from evalkit.results.manifest import Failure, Manifest
from evalkit.results.parquet import read_coded_columns, read_columns, read_table, write_table
from evalkit.results.query_rows import read_queries
from evalkit.results.raw_tables import (
    CALL_COLUMNS,
    RUN_LATENCIES,
    RUN_LATENCY_COLUMNS,
    SCORE_COLUMNS,
    TEXT_COLUMNS,
    TEXTS,
)
from evalkit.results.recorded_config import RecordedConfig, read_recorded_config
from evalkit.results.rows import Rows
from evalkit.results.table_columns import MOST_AMOUNT

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from evalkit.results.comparison_document import Comparisons
    from evalkit.results.gate_document import GateResult
    from evalkit.results.latency_document import LatencyAnswers
    from evalkit.results.summary_document import Summary
    from evalkit.results.tuning_document import Tuning

_HIGHEST_RECORDED_GRADE = 2**53
"""An earlier evalkit read grades of any size."""


class ResultFolder:
    """A result folder on disk.

    Parameters
    ----------
    path
        The folder; `open` checks that it is one, `create` makes one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_file = path / "manifest.json"
        self.config_file = path / "config.yaml"
        self.resolved_config_file = path / "config.resolved.yaml"
        self.scores_file = path / "scores.parquet"
        self.calls_file = path / "calls.parquet"
        self.passages_file = path / "passages.parquet"
        self.texts_file = path / "texts.parquet"
        self.document_tokens_file = path / "document_tokens.parquet"
        self.run_latencies_file = path / "run_latencies.parquet"
        self.failures_file = path / "failures.jsonl"
        self.log_file = path / "log.jsonl"
        self.values_file = path / "values.parquet"
        self.summary_file = path / "summary.json"
        self.comparisons_file = path / "comparisons.json"
        self.tuning_file = path / "tuning.json"
        self.latency_file = path / "latency.json"
        self.gates_file = path / "gates.json"
        self.derived_file = path / "derived.json"
        self.report_markdown_file = path / "report.md"
        self.report_html_file = path / "report.html"
        self.runs_folder = path / "runs"
        self.plots_folder = path / "plots"
        self.tables_folder = path / "tables"

    @classmethod
    def create(cls, parent: Path, name: str, first: Callable[[ResultFolder], None]) -> ResultFolder:
        """Create a new folder; if the name exists, a number is appended.

        Parameters
        ----------
        parent, name
            Parent folder, and name of the new one.
        first
            Writes the files that every result folder has. The folder appears with them or not at all.

        Raises
        ------
        StorageError
            If the folder cannot be created.
        """
        try:
            names = (name if number == 1 else f"{name}-{number}" for number in range(1, 1000))
            return cls(create_folder(parent, names, lambda path: first(cls(path))))
        except FileExistsError:
            raise StorageError(f"{parent.resolve()} contains 1,000 folders named {name}") from None
        except OSError as error:
            raise _cannot_create(parent, error) from None

    @staticmethod
    def create_parent(parent: Path) -> None:
        """Create the folder that will contain a result folder, where it is missing; see `create` for errors."""
        try:
            make_folder(parent)
        except OSError as error:
            raise _cannot_create(parent, error) from None

    @classmethod
    def open(cls, path: str | Path) -> ResultFolder:
        """Open an existing folder.

        Raises
        ------
        InputError
            If it is not a result folder.
        """
        folder = cls(Path(path))
        if not folder.manifest_file.is_file():
            raise InputError(
                f"{Path(path).resolve()} is not a result folder: it contains no manifest.json",
                "give the folder that 'evalkit run' printed",
            )
        return folder

    def qrels_file(self, dataset: str) -> Path:
        """Return the path of a dataset's judgments: a raw file, from which values are computed."""
        return dataset_file(self.path, QRELS, dataset)

    def queries_file(self, dataset: str) -> Path:
        """Return the path of a dataset's queries: a raw file, whose texts reports show."""
        return dataset_file(self.path, QUERIES, dataset)

    def run_file(self, dataset: str, tag: str, depth: int | None) -> Path:
        """Return the path of a derived run; the depth is None for a compared run."""
        part = "run" if depth is None else f"d{depth}"
        return self.runs_folder / f"{system_part(dataset, tag)}.{part}.trec.gz"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Raise a `StorageError` for an `OSError`, such as a full disk or a missing permission."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot write the result folder {self.path.resolve()}: {error}",
                "free disk space or fix the permissions, and run the same command again; finished"
                " calls are kept in the score store",
            ) from None

    def __repr__(self) -> str:
        """Return the class with the path."""
        return f"ResultFolder({str(self.path)!r})"

    def read_manifest(self) -> Manifest:
        """Read the manifest.

        Raises
        ------
        InputError
            If it is damaged or of another schema version.
        """
        manifest = read_document(Manifest, self.manifest_file, "check that the result folder is complete")
        check_manifest(manifest, self.manifest_file)
        return manifest

    def read_judged(self, manifest: Manifest) -> tuple[dict[str, Qrels], dict[str, dict[str, Query]]]:
        """Return the judgments, with the lengths of documents if they were counted, and the queries of every dataset.

        Raises
        ------
        InputError
            If a file is missing or damaged, or a judged query is unknown.
        """
        qrels = {
            facts.name: self.read_qrels(facts.name).with_tokens(
                read_document_tokens(self, manifest, facts.name)
            )
            for facts in manifest.datasets
        }
        queries = {name: self.read_queries(name) for name in qrels}
        for name, judged in qrels.items():
            check_judged(judged, queries[name], self.qrels_file(name))
        return qrels, queries

    def read_config(self) -> RecordedConfig:
        """Read the resolved configuration; see `read_recorded_config` for errors."""
        return read_recorded_config(self.resolved_config_file)

    def read_summary(self) -> Summary:
        """Read the figures of the report.

        Raises
        ------
        InputError
            If the file is missing, damaged or of another schema version; ``evalkit report`` rebuilds it. Or if an
            earlier version wrote the judgments of several datasets to one file, so that the figures are wrong.
        """
        from evalkit.results.summary_document import Summary

        return self._derived(Summary, self.summary_file)

    def read_comparisons(self) -> Comparisons:
        """Read the comparisons; see `read_summary`."""
        from evalkit.results.comparison_document import Comparisons

        return self._derived(Comparisons, self.comparisons_file)

    def read_tuning(self) -> Tuning:
        """Read depths, thresholds and calibrations; see `read_summary`."""
        from evalkit.results.tuning_document import Tuning

        return self._derived(Tuning, self.tuning_file)

    def read_latency(self) -> LatencyAnswers:
        """Read the figures of the timed calls; see `read_summary`."""
        from evalkit.results.latency_document import LatencyAnswers

        return self._derived(LatencyAnswers, self.latency_file)

    def write_documents(
        self, summary: Summary, comparisons: Comparisons, tuning: Tuning, latency: LatencyAnswers
    ) -> None:
        """Write all documents that are derived from the raw tables."""
        self._write(summary, self.summary_file)
        self._write(comparisons, self.comparisons_file)
        self._write(tuning, self.tuning_file)
        self._write(latency, self.latency_file)

    def read_gates(self) -> GateResult | None:
        """Read the verdicts of the last gate; None if there was none.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        from evalkit.results.gate_document import GateResult

        if not self.gates_file.is_file():
            return None
        remedy = f"run the gate again, or delete {self.gates_file}"
        found = from_plain(GateResult, read_json(self.gates_file), self.gates_file, remedy)
        for number, verdict in enumerate(found.verdicts):
            if abs(verdict.estimate or 0.0) > MOST_AMOUNT:
                what = f"verdicts.{number}.estimate: {verdict.estimate} is out of range"
                raise InputError(f"{self.gates_file.resolve()} is damaged: {what}", remedy)
        return found

    def write_gates(self, found: GateResult) -> None:
        """Write the verdicts of a gate."""
        with self.writing():
            write_file(self.gates_file, to_json(to_plain(found)), inside=self.path)

    def _derived(self, kind: type[DocumentT], file: Path) -> DocumentT:
        if self.manifest_file.is_file():
            check_judgments(self.path, self._datasets())
        return read_document(kind, file, f"rebuild it with: evalkit report {quote(str(self.path))}")

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest."""
        with self.writing():
            self._write(manifest, self.manifest_file)

    def drop_report(self) -> None:
        """Remove the HTML page, which a complete result has: its content is about to change."""
        with self.writing():
            self.report_html_file.unlink(missing_ok=True)

    def write_qrels(self, dataset: str, qrels: Qrels) -> None:
        """Write the judgments of a dataset."""
        with self.writing():
            write_qrels(qrels, self.qrels_file(dataset), inside=self.path)

    def write_queries(self, dataset: str, queries: Iterable[Query]) -> None:
        """Write the queries of a dataset with their further fields."""
        lines = "".join(orjson.dumps(query.row()).decode() + "\n" for query in queries)
        with self.writing():
            write_gzip(self.queries_file(dataset), lines, inside=self.path)

    def read_queries(self, dataset: str) -> dict[str, Query]:
        """Return query id -> query of a dataset; empty if the file is missing, as in results of earlier versions.

        Raises
        ------
        InputError
            If the file is damaged, or an earlier version wrote several datasets to it.
        """
        file = find_dataset_file(self.path, QUERIES, dataset, self._datasets)
        return read_queries(file) if file.is_file() else {}

    def read_qrels(self, dataset: str) -> Qrels:
        """Read the judgments of a dataset; see `read_queries` for errors.

        Those of an earlier evalkit may have higher grades than it reads now. A dataset may have none.
        """
        file = find_dataset_file(self.path, QRELS, dataset, self._datasets)
        if not file.is_file():  # a pipe would wait for a writer
            raise missing_file(file)
        try:
            return read_qrels(file, _HIGHEST_RECORDED_GRADE, comments=False)
        except DataFormatError:
            if self.read_manifest().origins[dataset].counts.get("judgments") == 0:
                return Qrels({})
            raise

    def _datasets(self) -> list[str]:
        return [facts.name for facts in self.read_manifest().datasets]

    def write_failures(self, failures: Iterable[Failure]) -> None:
        """Write the calls that failed, one JSON object a line."""
        lines = (orjson.dumps(to_plain(failure)) + b"\n" for failure in failures)
        write_file(self.failures_file, b"".join(lines), inside=self.path)

    def read_failures(self) -> tuple[Failure, ...]:
        """Read ``failures.jsonl``; empty if it is missing."""
        if not self.failures_file.is_file():
            return ()
        rows = [row for _, row in read_json_lines(self.failures_file)]
        return from_plain(
            tuple[Failure, ...], rows, self.failures_file, "check that the result folder is complete"
        )

    def write_texts(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Write the beginnings of documents as rows of dataset, document and text."""
        columns = dict(zip(TEXTS, zip(*rows, strict=True), strict=False))
        with self.writing():
            write_table(self.texts_file, TEXTS, columns, inside=self.path)

    def read_texts(self, dataset: str) -> dict[str, str]:
        """Return document id -> beginning of its text; empty if the file is missing."""
        if not self.texts_file.is_file():
            return {}
        columns = read_columns(self.texts_file, TEXT_COLUMNS, {"dataset": dataset})
        return dict(zip(columns["doc_id"].tolist(), columns["text"].tolist(), strict=True))

    def write_run_latencies(self, rows: Iterable[tuple[str, str, str, float]]) -> None:
        """Write the latencies of compared runs as rows of dataset, tag, query and seconds; no file without rows."""
        columns = dict(zip(RUN_LATENCIES, zip(*rows, strict=True), strict=False))
        if columns:
            with self.writing():
                write_table(self.run_latencies_file, RUN_LATENCIES, columns, inside=self.path)

    def read_run_latencies(self) -> Rows:
        """Read ``run_latencies.parquet``; without rows if it is missing."""
        if not self.run_latencies_file.is_file():
            return Rows({name: np.empty(0) for name in RUN_LATENCIES})
        return Rows(read_columns(self.run_latencies_file, RUN_LATENCY_COLUMNS, {}))

    def read_scores(self) -> pd.DataFrame:
        """Read ``scores.parquet``."""
        return read_table(self.scores_file, SCORE_COLUMNS)

    def read_scores_of(self, dataset: str, reranker: str) -> dict[str, NDArray[Any]]:
        """Read one reranker's part of ``scores.parquet``; see `read_columns`."""
        return read_columns(self.scores_file, SCORE_COLUMNS, {"dataset": dataset, "reranker": reranker})

    def read_coded_scores_of(
        self, dataset: str, reranker: str
    ) -> tuple[dict[str, Names], dict[str, NDArray[Any]]]:
        """Read queries, documents and numbers of one reranker's part of ``scores.parquet``."""
        where = {"dataset": dataset, "reranker": reranker}
        return read_coded_columns(self.scores_file, SCORE_COLUMNS, where)

    def read_call_rows(self) -> Rows:
        """Read ``calls.parquet``; see `read_calls`."""
        return read_calls(self.calls_file)

    def read_calls(self) -> pd.DataFrame:
        """Read ``calls.parquet`` as a frame; see `read_calls`."""
        frame = read_table(self.calls_file, CALL_COLUMNS)
        return frame.assign(latency_s=self.read_call_rows()["latency_s"])

    def _write(self, content: Manifest | Summary | Comparisons | Tuning | LatencyAnswers, file: Path) -> None:
        write_file(file, to_json(document(content)), inside=self.path)


REPEATS_FOLDER = "aa"
"""Folder with the repeated runs of ``evalkit aa`` among an experiment's result folders."""


def results_folder(name: str, into: str | Path | None) -> Path:
    """Return the parent of an experiment's result folders: `into`, else ``results/<name>``."""
    return Path("results") / name if into is None else Path(into)


def _cannot_create(parent: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot create a result folder in {parent.resolve()}: {error}")
