"""A hash over documents: what is derived from them can be kept under it."""

from __future__ import annotations

import hashlib


class ContentHash:
    """SHA-256 over ids and texts of documents, in their order; how they are divided counts, too."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add(self, doc_id: str, text: str) -> tuple[bytes, bytes]:
        """Take one document in; return its id and text as UTF-8."""
        name, data = doc_id.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")
        self._sha.update(b"".join((len(name).to_bytes(8, "big"), name, len(data).to_bytes(8, "big"), data)))
        return name, data

    def hex(self) -> str:
        """Return the hash."""
        return self._sha.hexdigest()
