"""From documents to a `Corpus`: as Python objects if they are few, else in files of the cache, mapped into memory."""

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
from tqdm import tqdm

from evalkit.cache import cache_folder, cache_key, get_or_build
from evalkit.errors import DataFormatError, InputError
from evalkit.records import ContentHash, Corpus, PackedTexts

LARGE_BYTES = 32 * 2**20
"""Sources from this size on are read once, and mapped afterwards."""

_FORMAT = 2
"""Part of the cache key: raise it when the same source gives other texts, or the files another layout."""


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as its source holds it."""

    doc_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a source's documents from another, without reading them.

    Attributes
    ----------
    key
        Changes whenever the documents may have changed.
    size_bytes
        Of the source, as it is kept.
    """

    key: str
    size_bytes: int

    @classmethod
    def of_files(cls, files: Iterable[Path], reading: Any = None) -> Stamp | None:
        """Return the stamp of files by name, size and time of change; None where one is missing.

        Parameters
        ----------
        files
            What the documents are read from.
        reading
            Settings that decide what is read from them.
        """
        try:
            stats = [(file.resolve(), file.stat()) for file in files]
        except OSError:
            return None
        told = [[str(file), stat.st_size, stat.st_mtime_ns] for file, stat in stats]
        return cls(orjson.dumps([told, reading], default=str).hex(), sum(stat.st_size for _, stat in stats))


@dataclass(frozen=True, slots=True)
class Collected:
    """A corpus, and what was learned of it on the way.

    Attributes
    ----------
    corpus
        With its hash.
    empty
        Documents without any text.
    """

    corpus: Corpus
    empty: int


def collect(documents: Iterable[RawDocument], template: str, stamp: Stamp | None, name: str) -> Collected:
    """Build a corpus; title and text are joined by the template.

    A large source with a stamp is written to the cache while it is read; as long as the stamp stays the same it is
    never read again.

    Raises
    ------
    InputError
        If the template cannot be used.
    DataFormatError
        If there are no documents, or two with one id.
    """
    progress = tqdm(documents, desc=f"{name}: reading", unit="document", disable=None, delay=1)
    joined = _join(template, progress)
    if stamp is None or stamp.size_bytes < LARGE_BYTES:
        return _in_memory(joined)
    key = cache_key([_FORMAT, template, stamp.key])
    return _open(get_or_build(cache_folder() / "corpora" / key, partial(_write, joined)))


def _join(template: str, documents: Iterable[RawDocument]) -> Iterator[tuple[str, str]]:
    """Return ``(doc_id, text)`` of every document; one without a title is its text alone."""
    fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    if not fields or not fields <= {"title", "text"}:
        raise InputError(
            f"the template {template!r} cannot be used", "use {title} and {text}, e.g. '{title}\\n{text}'"
        )
    join = template.format
    titled = "title" in fields
    return (
        (one.doc_id, join(title=one.title, text=one.text) if titled and one.title else one.text)
        for one in documents
    )


def _in_memory(joined: Iterable[tuple[str, str]]) -> Collected:
    content, empty = ContentHash(), 0
    ids: list[str] = []
    texts: list[str] = []
    for doc_id, text in joined:
        content.add(doc_id, text)
        empty += _is_empty(text)
        ids.append(doc_id)
        texts.append(text)
    if not ids:
        raise DataFormatError("the corpus holds no documents")
    return Collected(Corpus(tuple(ids), tuple(texts), content.hex()), empty)


def _is_empty(text: str) -> bool:
    return not text or text.isspace()


def _write(joined: Iterable[tuple[str, str]], folder: Path) -> None:
    """Write ids, texts and offsets: what is held meanwhile is 8 bytes a document, and its id to find repeats."""
    content, empty = ContentHash(), 0
    offsets = array("q", [0])
    with (folder / "ids").open("wb") as ids, (folder / "texts").open("wb") as texts:
        for doc_id, text in joined:
            name, data = content.add(doc_id, text)
            empty += _is_empty(text)
            ids.write(name + b"\n")
            offsets.append(offsets[-1] + texts.write(data))
    if len(offsets) == 1:
        raise DataFormatError("the corpus holds no documents")
    np.save(folder / "offsets.npy", np.frombuffer(offsets, dtype=np.int64))
    (folder / "facts.json").write_bytes(orjson.dumps({"content": content.hex(), "empty": empty}))


def _open(folder: Path) -> Collected:
    facts = orjson.loads((folder / "facts.json").read_bytes())
    ids = (folder / "ids").read_bytes().decode("utf-8", "surrogatepass").split("\n")
    data = np.asarray(_mapped(folder / "texts"))
    texts = PackedTexts(data, np.asarray(np.load(folder / "offsets.npy", mmap_mode="r")))
    return Collected(Corpus(tuple(ids[:-1]), texts, facts["content"]), facts["empty"])


def _mapped(file: Path) -> Any:
    """Map a file; one without a byte cannot be."""
    return np.memmap(file, dtype=np.uint8, mode="r") if file.stat().st_size else np.empty(0, dtype=np.uint8)
