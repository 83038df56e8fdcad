"""Judgments that a result folder keeps: an export of grades that may be of models, in a format that names no rater."""

from __future__ import annotations

from pathlib import Path

import orjson

from evalkit.errors import InputError
from evalkit.records import known_judged_by

_MANIFEST = "manifest.json"


def check_by_people(path: Path) -> None:
    """Check that a file of judgments without raters is not one of a result whose judgments are of models.

    Parameters
    ----------
    path
        The file that a dataset names as its ``qrels``, whose grades count as those of people.

    Raises
    ------
    InputError
        If it lies in a result folder whose manifest says that models judged.
    """
    folder = path.resolve().parent.parent
    manifest = folder / _MANIFEST
    if path.resolve().parent.name != "qrels" or not manifest.is_file():
        return
    try:
        datasets = orjson.loads(manifest.read_bytes())["datasets"]
        judges = {known_judged_by(one.get("judged_by")) for one in datasets}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return  # a manifest of another tool
    if not judges <= {"human"}:
        raise InputError(
            f"{path}: models gave judgments of this result ({manifest}), and grades of 'qrels' count as people's",
            "remove 'qrels', and name the files with the raters under judgments: [...], as its configuration does",
        )
