"""Read the derived documents and the manifest of a result folder, with the check of their version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evalkit.errors import InputError
from evalkit.results.json_shapes import from_plain, read_json
from evalkit.results.manifest import Manifest

if TYPE_CHECKING:
    from evalkit.results.comparison_document import Comparisons
    from evalkit.results.latency_document import LatencyAnswers
    from evalkit.results.summary_document import Summary
    from evalkit.results.tuning_document import Tuning

DocumentT = TypeVar("DocumentT", Manifest, "Summary", "Comparisons", "Tuning", "LatencyAnswers")


def read_document(kind: type[DocumentT], file: Path, remedy: str) -> DocumentT:
    """Read a document of this version.

    Parameters
    ----------
    kind, file
        Its record, and the file.
    remedy
        What to do about a file that is missing, damaged or of an earlier version.

    Raises
    ------
    InputError
        If the file is missing, damaged or of another schema version.
    """
    data = read_json(file, remedy)
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
