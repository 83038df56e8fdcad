"""The note that grades of models count."""

from __future__ import annotations

from pathlib import Path

from evalkit.errors import InputError, tell
from evalkit.formats import QrelsFile
from evalkit.records import JudgedBy, fewest_people


def note_synthetic(written: int, queries: int, where: str) -> None:
    """Print how many queries a model wrote, if it wrote any."""
    if written:
        tell(f"{where}: a model wrote {written} of {queries} queries (synthetic queries)")


def warn_raters_lost(judged_by: JudgedBy, file: str) -> None:
    """Print that a file without raters holds grades of models, if it does."""
    if judged_by != "human":
        which = "the grades are" if judged_by == "judge only" else "some grades are"
        tell(
            f"{file}: {which} of models, and this format does not say so: evalkit and its reports will take them for"
            " judgments of people. Export to .jsonl to keep the raters"
        )


def judges_of(judged: QrelsFile, path: Path) -> JudgedBy:
    """Return whose grades a file of judgments has: as it says itself, or as the result folder that it is in says."""
    resolved = path.resolve()
    if not (resolved.parent.parent / "manifest.json").is_file():
        return judged.judged_by
    from evalkit.results import ResultFolder

    folder = ResultFolder(resolved.parent.parent)
    try:
        origins = folder.read_manifest().origins
    except InputError:
        return judged.judged_by  # another tool's file
    recorded = (one.judged_by for name, one in origins.items() if folder.qrels_file(name) == resolved)
    return fewest_people(judged.judged_by, *recorded)


def note_judges(judged_by: JudgedBy, where: str) -> None:
    """Print that figures are an indication, if grades of models count."""
    if judged_by not in {"human", "corrected"}:
        who = "all" if judged_by == "judge only" else "some"
        tell(
            f"{where}: models gave {who} judgments, so that its figures are an indication and carry no verdict"
        )
