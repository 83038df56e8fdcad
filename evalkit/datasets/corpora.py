"""Build a `Corpus` from documents: in memory if the source is small, else in memory-mapped files of the cache."""

from __future__ import annotations

import string
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from evalkit.cache import cache_folder, cache_key, get_or_build
from evalkit.errors import DataFormatError, InputError
from evalkit.files import replacing_file, write_file
from evalkit.progress import progress_bar
from evalkit.records import ContentHash, Corpus, PackedTexts

LARGE_BYTES = 32 * 2**20
"""Sources of at least this size are cached."""

_FORMAT = 2
"""Part of the cache key: increment it when the texts of the same source, or the layout of the files, change."""


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as its source returns it."""

    doc_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identifies the state of a source's documents without reading them.

    Attributes
    ----------
    key
        A key that changes when the documents may have changed.
    size_bytes
        Size of the source on disk.
    """

    key: str
    size_bytes: int

    @classmethod
    def of_files(
        cls, files: Iterable[Path], reading: Any = None, moved_to: Path | None = None
    ) -> Stamp | None:
        """Return the stamp of files from their names, sizes and modification times; None if a file is missing.

        Parameters
        ----------
        files
            The files that contain the documents.
        reading
            Settings that affect how the files are read.
        moved_to
            Folder in which the files will be; None if they stay where they are.
        """
        try:
            stats = [((moved_to / file.name if moved_to else file).resolve(), file.stat()) for file in files]
        except OSError:
            return None
        states = [[str(file), stat.st_size, stat.st_mtime_ns] for file, stat in stats]
        return cls(orjson.dumps([states, reading], default=str).hex(), sum(stat.st_size for _, stat in stats))


@dataclass(frozen=True, slots=True)
class BuiltCorpus:
    """A corpus with its number of empty documents.

    Attributes
    ----------
    corpus
        The corpus, with its content hash.
    empty
        Number of documents without text.
    """

    corpus: Corpus
    empty: int


def build_corpus(
    documents: Iterable[RawDocument], template: str, stamp: Stamp | None, name: str
) -> BuiltCorpus:
    """Build a corpus; title and text of each document are joined by the template.

    A large source with a stamp is written to the cache while it is read, and is not read again until the stamp changes.

    Parameters
    ----------
    documents
        Documents, read while they are consumed.
    template
        Format string with ``{title}`` and ``{text}``.
    stamp
        State of the source; None to keep the corpus in memory.
    name
        Name of the dataset, for the progress bar.

    Raises
    ------
    InputError
        If the template is invalid.
    DataFormatError
        If there are no documents, or two have the same id.
    StorageError
        If the cache cannot be written.
    """
    progress = progress_bar(documents, desc=f"{name}: reading", unit="document", delay=1)
    joined = join_texts(template, progress)
    if stamp is None or stamp.size_bytes < LARGE_BYTES:
        return _build_in_memory(joined)
    key = cache_key([_FORMAT, template, stamp.key])
    return _open(get_or_build(cache_folder() / "corpora" / key, partial(_write, joined)))


def join_texts(template: str, documents: Iterable[RawDocument]) -> Iterator[tuple[str, str]]:
    """Return an iterator over ``(doc_id, joined text)``; without a title, the joined text is the text alone."""
    fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    if not fields or not fields <= {"title", "text"}:
        raise InputError(f"invalid template {template!r}", "use {title} and {text}, e.g. '{title}\\n{text}'")
    join = template.format
    titled = "title" in fields
    return (
        (doc.doc_id, join(title=doc.title, text=doc.text) if titled and doc.title else doc.text)
        for doc in documents
    )


def _build_in_memory(joined: Iterable[tuple[str, str]]) -> BuiltCorpus:
    content, empty = ContentHash(), 0
    ids: list[str] = []
    texts: list[str] = []
    for doc_id, text in joined:
        content.add(doc_id, text)
        empty += _is_empty(text)
        ids.append(doc_id)
        texts.append(text)
    if not ids:
        raise DataFormatError("the corpus contains no documents")
    return BuiltCorpus(Corpus(tuple(ids), tuple(texts), content.hex()), empty)


def _is_empty(text: str) -> bool:
    return not text or text.isspace()


def _write(joined: Iterable[tuple[str, str]], folder: Path) -> None:
    """Write ids, texts and offsets into a folder; memory use is 8 bytes per document."""
    content, empty = ContentHash(), 0
    offsets = array("q", [0])
    with (
        replacing_file(folder / "ids", inside=folder) as ids,
        replacing_file(folder / "texts", inside=folder) as texts,
    ):
        for doc_id, text in joined:
            name, data = content.add(doc_id, text)
            empty += _is_empty(text)
            ids.write(name + b"\n")
            offsets.append(offsets[-1] + texts.write(data))
    if len(offsets) == 1:
        raise DataFormatError("the corpus contains no documents")
    with replacing_file(folder / "offsets.npy", inside=folder) as file:
        np.save(file, np.frombuffer(offsets, dtype=np.int64))
    facts = orjson.dumps({"content": content.hex(), "empty": empty})
    write_file(folder / "facts.json", facts, inside=folder)


def _open(folder: Path) -> BuiltCorpus:
    """Return the corpus that `_write` wrote, with memory-mapped texts."""
    facts = orjson.loads((folder / "facts.json").read_bytes())
    ids = (folder / "ids").read_bytes().decode("utf-8", "surrogatepass").split("\n")
    data = np.asarray(_map_bytes(folder / "texts"))
    texts = PackedTexts(data, np.asarray(np.load(folder / "offsets.npy", mmap_mode="r")))
    return BuiltCorpus(Corpus(tuple(ids[:-1]), texts, facts["content"]), facts["empty"])


def _map_bytes(file: Path) -> Any:
    """Return a file as a memory-mapped array; an empty file, which cannot be mapped, as an empty array."""
    return np.memmap(file, dtype=np.uint8, mode="r") if file.stat().st_size else np.empty(0, dtype=np.uint8)
