"""Write any dataset as a BEIR folder, with a note of its origin."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts, assemble
from evalkit.datasets.beir_folder import CANDIDATES, PROVENANCE, read_folder
from evalkit.datasets.corpora import RawDocument
from evalkit.datasets.loading import read_parts
from evalkit.errors import DataFormatError, InputError, StorageError
from evalkit.formats import write_run
from evalkit.progress import progress_bar
from evalkit.records import Dataset


def import_dataset(settings: DatasetSettings, folder: Path) -> Dataset:
    """Read a dataset from its source, write it as a BEIR folder, and load it from there.

    Titles stay separate from texts, queries without judgments are included, and the candidates of the source are
    written as a TREC run.

    Raises
    ------
    InputError
        If the folder is not empty, or the settings contain a sample.
    DataFormatError
        If a text contains a lone surrogate.
    StorageError
        If the folder cannot be written.
    """
    if settings.sample is not None:
        raise InputError(
            "an import contains the complete dataset", "remove 'sample', and set it where the folder is used"
        )
    return _save(read_parts(settings), settings, folder)


def save_dataset(dataset: Dataset, folder: Path) -> Dataset:
    """Write a dataset as a BEIR folder, and load it from there; see `import_dataset`.

    Title and text are written as one joined text. A configuration can use the folder of a dataset that was built from
    frames: ``{source: beir_folder, path: FOLDER}``.
    """
    origin = dataset.origin
    texts = zip(dataset.corpus.doc_ids, dataset.corpus.texts, strict=True)
    parts = Parts(
        origin.location,
        origin.split,
        (RawDocument(doc_id, "", text) for doc_id, text in texts),
        dataset.queries,
        dataset.qrels,
        dataset.candidates,
        revision=origin.revision,
        licence=origin.licence,
    )
    settings = DatasetSettings(source=origin.source, name=dataset.name, language=origin.language)
    return _save(parts, settings, folder)


def _save(parts: Parts, settings: DatasetSettings, folder: Path) -> Dataset:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder.resolve()} is not empty", "choose a new folder")
    split = parts.split or "test"
    try:
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        try:
            _write(parts, folder, split)
            loaded = assemble(settings, read_folder(folder, split))
            (folder / PROVENANCE).write_text(_provenance(parts, settings, loaded), encoding="utf-8")
        except BaseException:
            shutil.rmtree(folder)  # a partial dataset could be loaded by mistake
            raise
    except OSError as error:
        raise StorageError(f"cannot write {folder.resolve()}: {error}", "choose a writable folder") from None
    origin = replace(loaded.origin, revision=parts.revision, licence=parts.licence)
    return replace(loaded, origin=origin)


def _write(parts: Parts, folder: Path, split: str) -> None:
    corpus = ({"_id": doc.doc_id, "title": doc.title, "text": doc.text} for doc in parts.documents)
    queries = (
        {"_id": query.query_id, "text": query.text, "metadata": dict(query.fields)} for query in parts.queries
    )
    _write_json_lines(folder / "corpus.jsonl", progress_bar(corpus, desc="writing", unit="document", delay=1))
    _write_json_lines(folder / "queries.jsonl", queries)
    with (folder / "qrels" / f"{split}.tsv").open("w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for query_id, docs in parts.qrels.grades.items():
            file.writelines(f"{query_id}\t{doc_id}\t{grade}\n" for doc_id, grade in docs.items())
    if parts.candidates is not None:
        write_run(parts.candidates, folder / CANDIDATES)


def _write_json_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("wb") as file:
        for row in rows:
            try:
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            except orjson.JSONEncodeError:
                raise DataFormatError(
                    f"{row['_id']!r} contains a lone surrogate, which UTF-8 cannot encode",
                    "fix the text in the source",
                ) from None


def _provenance(parts: Parts, settings: DatasetSettings, loaded: Dataset) -> str:
    """Return the text of the provenance file."""
    counts = loaded.origin.counts
    facts = {
        "source": settings.source,
        "location": parts.location,
        "revision": parts.revision or "not stated",
        "licence": parts.licence or "not stated",
        "split": parts.split or "no split in the source; written as test",
        "language": f"{settings.language}, as configured",
        "imported": f"{datetime.now(UTC).date().isoformat()}, by evalkit {version('rerank-evalkit')}",
        "content": f"sha256 {loaded.origin.content_hash}",
        "documents": f"{counts['documents']}, {counts['empty_documents']} of them empty",
        "queries": f"{counts['queries']} judged, {counts['unjudged_queries_left_out']} not judged",
        "judgments": f"{counts['judgments']}, {counts['judgments_without_document']} of them without a document",
    }
    lines = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    return (
        f"# {settings.label}\n\nOrigin of this dataset, as stated by its source.\n\n{lines}\n\nThe"
        " content hash covers ids, texts, queries and judgments as loaded by evalkit. Check the"
        " licence at the\nsource before you share the data.\n"
    )
