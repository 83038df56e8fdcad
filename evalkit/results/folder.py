"""The result folder: its paths, and the columns of its tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from evalkit.errors import InputError, StorageError
from evalkit.files import create_folder, write_file
from evalkit.formats import read_json_lines, read_qrels, write_gzip, write_qrels
from evalkit.records import Qrels, Query
from evalkit.results.comparison_document import Comparisons
from evalkit.results.gate_document import GateResult
from evalkit.results.json_shapes import check_no_pipe, document, from_plain, read_json, to_json, to_plain
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.manifest import Failure, Manifest
from evalkit.results.parquet import read_columns, read_table, write_table
from evalkit.results.raw_tables import CALLS, RUN_LATENCIES, TEXTS
from evalkit.results.recorded_config import RecordedConfig, read_recorded_config
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import Tuning

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


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
        self.texts_file = path / "texts.parquet"
        self.run_latencies_file = path / "run_latencies.parquet"
        self.failures_file = path / "failures.jsonl"
        self.log_file = path / "log.jsonl"
        self.values_file = path / "values.parquet"
        self.summary_file = path / "summary.json"
        self.comparisons_file = path / "comparisons.json"
        self.tuning_file = path / "tuning.json"
        self.latency_file = path / "latency.json"
        self.gates_file = path / "gates.json"
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
            raise StorageError(f"cannot create a result folder in {parent.resolve()}: {error}") from None

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
        return self.path / "qrels" / f"{slug(dataset)}.qrels.gz"

    def queries_file(self, dataset: str) -> Path:
        """Return the path of a dataset's queries: a raw file, whose texts reports show."""
        return self.path / "queries" / f"{slug(dataset)}.jsonl.gz"

    def run_file(self, dataset: str, tag: str, depth: int | None) -> Path:
        """Return the path of a derived run; the depth is None for a compared run."""
        part = "run" if depth is None else f"d{depth}"
        return self.runs_folder / f"{slug(dataset)}.{slug(tag)}.{part}.trec.gz"

    def plot_file(self, name: str, ending: str) -> Path:
        """Return the path of a plot."""
        return self.plots_folder / f"{slug(name)}.{ending}"

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
        return _read(Manifest, self.manifest_file, "check that the result folder is complete")

    def read_config(self) -> RecordedConfig:
        """Read the resolved configuration; see `read_recorded_config` for errors."""
        return read_recorded_config(self.resolved_config_file)

    def read_summary(self) -> Summary:
        """Read the figures of the report.

        Raises
        ------
        InputError
            If the file is missing, damaged or of another schema version; ``evalkit report`` rebuilds it.
        """
        return _read(Summary, self.summary_file, self._rebuild)

    def read_comparisons(self) -> Comparisons:
        """Read the comparisons; see `read_summary`."""
        return _read(Comparisons, self.comparisons_file, self._rebuild)

    def read_tuning(self) -> Tuning:
        """Read depths, thresholds and calibrations; see `read_summary`."""
        return _read(Tuning, self.tuning_file, self._rebuild)

    def read_latency(self) -> LatencyAnswers:
        """Read the figures of the timed calls; see `read_summary`."""
        return _read(LatencyAnswers, self.latency_file, self._rebuild)

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
        if not self.gates_file.is_file():
            return None
        remedy = f"run the gate again, or delete {self.gates_file}"
        return from_plain(GateResult, read_json(self.gates_file), self.gates_file, remedy)

    def write_gates(self, found: GateResult) -> None:
        """Write the verdicts of a gate."""
        with self.writing():
            write_file(self.gates_file, to_json(to_plain(found)), inside=self.path)

    @property
    def _rebuild(self) -> str:
        return f"rebuild it with: evalkit report {self.path}"

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
        rows = [
            {"_id": query.query_id, "text": query.text, "metadata": dict(query.fields)} for query in queries
        ]
        lines = "".join(orjson.dumps(row).decode() + "\n" for row in rows)
        with self.writing():
            write_gzip(self.queries_file(dataset), lines, inside=self.path)

    def read_queries(self, dataset: str) -> dict[str, Query]:
        """Return query id -> query of a dataset; empty if the file is missing, as in results of earlier versions."""
        file = self.queries_file(dataset)
        rows = [row for _, row in read_json_lines(file)] if file.is_file() else []
        return {row["_id"]: Query(row["_id"], row["text"], row["metadata"]) for row in rows}

    def read_qrels(self, dataset: str) -> Qrels:
        """Read the judgments of a dataset."""
        check_no_pipe(self.qrels_file(dataset))
        return read_qrels(self.qrels_file(dataset))

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
        columns = read_columns(self.texts_file, {"dataset": dataset})
        return dict(zip(columns["doc_id"].tolist(), columns["text"].tolist(), strict=True))

    def write_run_latencies(self, rows: Iterable[tuple[str, str, str, float]]) -> None:
        """Write the latencies of compared runs as rows of dataset, tag, query and seconds; no file without rows."""
        columns = dict(zip(RUN_LATENCIES, zip(*rows, strict=True), strict=False))
        if columns:
            with self.writing():
                write_table(self.run_latencies_file, RUN_LATENCIES, columns, inside=self.path)

    def read_run_latencies(self) -> pd.DataFrame:
        """Read ``run_latencies.parquet``; without rows if it is missing."""
        if self.run_latencies_file.is_file():
            return read_table(self.run_latencies_file)
        import pandas as pd

        return pd.DataFrame(columns=[*RUN_LATENCIES])

    def read_scores(self) -> pd.DataFrame:
        """Read ``scores.parquet``."""
        return read_table(self.scores_file)

    def read_scores_of(self, dataset: str, reranker: str) -> dict[str, NDArray[Any]]:
        """Read one reranker's part of ``scores.parquet``; see `read_columns`."""
        return read_columns(self.scores_file, {"dataset": dataset, "reranker": reranker})

    def read_calls(self) -> pd.DataFrame:
        """Read ``calls.parquet``, with ``latency_s``, as `Call` defines it.

        Columns that an earlier version did not write are null.
        """
        calls = read_table(self.calls_file)
        calls = calls.reindex(columns=[*CALLS])
        calls["latency_s"] = calls["body_s"].fillna(calls["end_s"]) - calls["encoded_s"].fillna(
            calls["start_s"]
        )
        return calls

    def _write(self, content: Manifest | Summary | Comparisons | Tuning | LatencyAnswers, file: Path) -> None:
        write_file(file, to_json(document(content)), inside=self.path)


REPEATS_FOLDER = "aa"
"""Folder with the repeated runs of ``evalkit aa`` among an experiment's result folders."""


def results_folder(name: str, into: str | Path | None) -> Path:
    """Return the parent of an experiment's result folders: `into`, else ``results/<name>``."""
    return Path("results") / name if into is None else Path(into)


def slug(name: str) -> str:
    """Return a name in which characters that are unsafe in file names are replaced by dashes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "unnamed"


_Document = TypeVar("_Document", Manifest, Summary, Comparisons, Tuning, LatencyAnswers)


def _read(kind: type[_Document], file: Path, remedy: str) -> _Document:
    data = read_json(file)
    if not isinstance(data, dict):
        raise InputError(f"{file.resolve()} is damaged: it contains no JSON object", remedy)
    version = data.pop("schema_version", None)
    if version != kind.VERSION:
        newer = isinstance(version, int) and version > kind.VERSION
        raise InputError(
            f"{file} has the schema version {version!r}; this version of evalkit reads {kind.VERSION}",
            "use the version of evalkit that wrote it" if newer or kind is Manifest else remedy,
        )
    return from_plain(kind, data, file, remedy)
