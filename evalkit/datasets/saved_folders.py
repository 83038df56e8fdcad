"""Write any dataset as a BEIR folder, with a note of its origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts, assemble
from evalkit.datasets.beir_folder import CANDIDATES, PROVENANCE, read_folder
from evalkit.datasets.corpora import RawDocument, Stamp
from evalkit.datasets.loading import read_parts
from evalkit.errors import DataFormatError, InputError, StorageError
from evalkit.files import is_leftover, replacing_file, updating_folder, write_file
from evalkit.formats import judgment_lines, judgment_rows, write_run
from evalkit.progress import progress_bar
from evalkit.records import QRELS, Dataset, Judgment, Qrels, RatersOfPairs


def import_dataset(settings: DatasetSettings, folder: Path) -> Dataset:
    """Read a dataset from its source, write it as a BEIR folder, and load it from there.

    Titles stay separate from texts, queries without judgments are included, and the candidates of the source are
    written as a TREC run. The folder appears whole; in an existing empty folder the judgments, without which it is
    refused, come last.

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
        excluded=dataset.excluded,
        ungraded="judgments_without_grade" in origin.counts,
        raters=_raters(dataset),
    )
    settings = DatasetSettings(source=origin.source, name=dataset.name, language=origin.language)
    return _save(parts, settings, folder)


def _raters(dataset: Dataset) -> RatersOfPairs:
    """Return who gave the judgments, if models gave some: they must not become those of people."""
    chosen = dataset.chosen
    if chosen is None or chosen.judged_by == "human":
        return {}
    return {
        query_id: {doc_id: chosen.rater_of(query_id, doc_id) or QRELS for doc_id in docs}
        for query_id, docs in dataset.qrels.grades.items()
    }


def _save(parts: Parts, settings: DatasetSettings, folder: Path) -> Dataset:
    if folder.exists() and not (folder.is_dir() and all(map(is_leftover, folder.iterdir()))):
        raise InputError(f"{folder.resolve()} is not empty", "choose a new folder")
    split = parts.split or "test"
    try:
        with updating_folder(folder, last="qrels/*") as unfinished:
            _write(parts, settings, unfinished, split)
            loaded = assemble(settings, _read(unfinished, split, folder))
            write_file(unfinished / PROVENANCE, _provenance(parts, settings, loaded), inside=unfinished)
    except OSError as error:
        raise StorageError(f"cannot write {folder.resolve()}: {error}", "choose a writable folder") from None
    origin = replace(loaded.origin, revision=parts.revision, licence=parts.licence)
    return replace(loaded, origin=origin)


def _read(unfinished: Path, split: str, folder: Path) -> Parts:
    """Return the parts of a written folder as they will be read from its final place."""
    stamp = Stamp.of_files([unfinished / "corpus.jsonl"], str(folder / "corpus.jsonl"), moved_to=folder)
    return replace(read_folder(unfinished, split), location=str(folder), stamp=stamp)


def _write(parts: Parts, settings: DatasetSettings, folder: Path, split: str) -> None:
    corpus = ({"_id": doc.doc_id, "title": doc.title, "text": doc.text} for doc in parts.documents)
    _write_json_lines(folder / "corpus.jsonl", progress_bar(corpus, desc="writing", unit="document", delay=1))
    query_ids: set[str] = set()
    _write_json_lines(folder / "queries.jsonl", _query_rows(parts, query_ids))
    leave_out = settings.judged_queries_without_text == "leave_out"
    qrels = parts.qrels.restricted_to(q for q in parts.qrels.grades if q in query_ids or not leave_out)
    if parts.raters:
        judgments = judgment_lines(_judgments(qrels, parts.raters))
        write_file(folder / "qrels" / f"{split}.jsonl", judgments, inside=folder)
    else:
        _write_qrels(qrels, folder / "qrels" / f"{split}.tsv", folder)
    if parts.candidates is not None:
        write_run(parts.candidates, folder / CANDIDATES, inside=folder)


def _write_qrels(qrels: Qrels, path: Path, folder: Path) -> None:
    names = ("query-id", "subtopic", "corpus-id", "score")
    with replacing_file(path, inside=folder) as file:
        for row in chain([names], judgment_rows(qrels)):
            columns = row if qrels.subtopics else (row[0], *row[2:])
            file.write(("\t".join(columns) + "\n").encode())


def _judgments(qrels: Qrels, raters: RatersOfPairs) -> Iterator[Judgment]:
    """Yield judgments with their raters; when and of which text they were given is not known here."""
    for query_id, docs in qrels.grades.items():
        for doc_id, grade in docs.items():
            yield Judgment(query_id, doc_id, grade, raters.get(query_id, {}).get(doc_id, QRELS), "unknown")


def _query_rows(parts: Parts, query_ids: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the queries, and add their ids to `query_ids`."""
    for query in parts.queries:
        query_ids.add(query.query_id)
        excluded = parts.excluded.get(query.query_id)
        yield {**query.row(), "excluded_ids": sorted(excluded)} if excluded else query.row()


def _write_json_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with replacing_file(path, inside=path.parent) as file:
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
    without_text = len(parts.qrels.grades) - counts["queries"]
    excluded = counts.get("excluded_documents", 0)
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
    if without_text:
        facts["left out"] = f"judged queries without text: {without_text}"
    if parts.ungraded:
        facts["grades"] = "1 for every judgment, because the source has no grades"
    if excluded:
        facts["excluded"] = f"{excluded} pairs of a query and a document that is never its candidate"
    if parts.raters:
        facts["raters"] = (
            "models gave judgments" if loaded.origin.judged_by != "human" else "named in the file"
        )
    lines = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    return (
        f"# {settings.label}\n\nOrigin of this dataset, as stated by its source.\n\n{lines}\n\nThe"
        " content hash covers ids, texts, queries and judgments as loaded by evalkit. Check the"
        " licence at the\nsource before you share the data.\n"
    )
