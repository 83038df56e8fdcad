"""``evalkit store``: show, prune, export, import and verify stored scores, and check them for drift."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import CONFIG, JSON, SET, WholeNumber
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.store.database import Database, Mode
    from evalkit.store.upkeep import Holding

STORE = click.argument("store", metavar="STORE", type=click.Path(path_type=Path))
FILE = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def store() -> None:
    """Manage stored scores. STORE is the file, or the folder that contains scores.sqlite."""


@store.command()
@STORE
@JSON
def size(store: Path, *, as_json: bool) -> None:
    """Print the contents of a store by backend."""
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.store.upkeep import count_judgments, file_bytes, holdings

    base = _opened(store, "read")
    backends = holdings(base)
    if as_json:
        echo_json(to_json([_row(one) for one in backends]))
        return
    cells = tuple(
        (
            str(one.backend),
            _described(one),
            str(one.queries),
            str(one.scores),
            _day(one.oldest_s),
            _day(one.newest_s),
        )
        for one in backends
    )
    columns = ("backend", "settings", "queries", "scores", "oldest", "newest")
    note = "Use --json for all settings of a backend."
    echo_text(as_text(Table(f"scores in {base.path}", columns, cells, note, left=2)))
    judgments, judges = count_judgments(base)
    graded = f", {judgments} judgments (judges: {judges})" if judgments else ""
    echo(f"total: {sum(one.scores for one in backends)} scores{graded}, {file_bytes(base.path)} bytes")


@store.command()
@STORE
@click.option(
    "--before",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Remove scores stored before this day (UTC).",
)
@click.option(
    "--backend",
    "backends",
    type=WholeNumber(min=1),
    multiple=True,
    metavar="N",
    help="Remove the scores of this backend. Repeatable.",
)
@click.option("--plan", is_flag=True, help="Print the number of scores without removing them.")
def prune(store: Path, before: datetime | None, backends: tuple[int, ...], *, plan: bool) -> None:
    """Remove scores and unused data, and free disk space. Judgments are kept.

    With both --before and --backend, only scores that match both are removed. Without them, only unused data is
    removed: journals of unfinished runs whose result folders no longer exist, and unused space.
    """
    from evalkit.store import upkeep

    base = _opened(store, "read" if plan else "write")
    bytes_before = upkeep.file_bytes(base.path)
    since = before.replace(tzinfo=UTC).timestamp() if before else None
    done = upkeep.prune(base, since, backends, plan=plan)
    what = f"{done.scores} scores and the journals of {done.journals} deleted runs"
    if plan:
        echo(f"{what} would be removed from {base.path}")
    else:
        echo(f"removed {what}; {base.path}: {bytes_before} -> {upkeep.file_bytes(base.path)} bytes")
    if done.moved:
        echo(f"kept the journals of {done.moved} runs whose result folders may have been moved")
    judgments, _ = upkeep.count_judgments(base)
    if judgments:
        echo(f"all {judgments} judgments are kept")


@store.command("export")
@STORE
@FILE
def export_(store: Path, file: Path) -> None:
    """Write all scores to FILE, a Parquet table with hashes instead of texts. Judgments are not exported."""
    from evalkit.store.exchange import export_scores
    from evalkit.store.upkeep import count_judgments

    base = _opened(store, "read")
    echo(f"{export_scores(base, file)} scores written to {file}")
    judgments, _ = count_judgments(base)
    if judgments:
        echo(
            f"{judgments} judgments of the store are not part of {file}: copy the files in judgments/ next to the"
            " configuration, or the store itself"
        )
    echo(f"next: evalkit store import STORE {quote(str(file))}")


@store.command("import")
@STORE
@FILE
def import_(store: Path, file: Path) -> None:
    """Import the scores of an exported FILE; of two scores of a pair, keep the later one.

    The store is created if necessary.
    """
    from evalkit.store.exchange import import_scores, open_export

    with open_export(file) as incoming:
        base = _opened(store, "create")
        offered, taken = import_scores(base, incoming)
    echo(
        f"{taken} of {offered} scores imported into {base.path}; the others were already stored, or"
        " later scores were"
    )


@store.command()
@STORE
def verify(store: Path) -> None:
    """Check a store for damage. Exits with code 3 if it is damaged."""
    from evalkit.errors import StorageError
    from evalkit.store.upkeep import count_judgments, faults, holdings

    base = _opened(store, "read")
    found = faults(base)
    if found:
        for fault in found:
            echo(fault)
        raise StorageError(
            f"{base.path} has {len(found)} kinds of damage",
            "move it away; the next run scores its contents again",
        )
    backends = holdings(base)
    judgments, judges = count_judgments(base)
    graded = f", {judgments} judgments (judges: {judges})" if judgments else ""
    scores = sum(one.scores for one in backends)
    echo(f"{base.path} is intact: {scores} scores of {len(backends)} backends{graded}")


@store.command()
@CONFIG
@click.option(
    "--reranker", "tags", metavar="TAG", multiple=True, help="Check only this reranker. Repeatable."
)
@SET
@click.option("--into", metavar="DIR", help="Parent folder of the results [default: results/<name>].")
@JSON
def drift(
    config: str, tags: tuple[str, ...], overrides: tuple[str, ...], into: str | None, *, as_json: bool
) -> None:
    """Compare a sample of stored scores with new ones. Exits with code 3 if they differ.

    Nothing is stored. For every reranker and dataset a few queries are scored twice, to distinguish a server that
    changed from one whose scores vary between calls.
    """
    from dataclasses import asdict

    from evalkit.config import load_config
    from evalkit.errors import IncompleteError
    from evalkit.progress import progress_bar
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.store import drift_checks

    settings = load_config(config, overrides)
    found = list(progress_bar(drift_checks(settings, tags, into), desc="scoring again", unit="check"))
    if as_json:
        rows = [{**asdict(one), "verdict": one.verdict, "evidence": one.evidence()} for one in found]
        echo_json(to_json(rows))
    else:
        cells = tuple((one.dataset, one.reranker, one.verdict, one.evidence()) for one in found)
        columns = ("dataset", "reranker", "verdict", "evidence")
        echo_text(as_text(Table("comparison with new scores", columns, cells, left=4)))
    if drifted := sorted({one.reranker for one in found if one.verdict == "drifted"}):
        raise IncompleteError(
            f"stored scores of {', '.join(drifted)} differ from new ones",
            f"score everything again with: evalkit run {quote(str(config))} --refresh; or remove the old scores"
            " with: evalkit store prune",
        )
    if not as_json:
        echo(f"next: evalkit run {quote(str(config))}")


def _opened(path: Path, mode: Mode) -> Database:
    from evalkit.errors import InputError
    from evalkit.store.database import Database

    file = path / "scores.sqlite" if path.is_dir() else path
    if mode != "create" and not file.is_file():
        raise InputError(
            f"score store not found: {file.absolute()}",
            "give the file or its folder, which is the parent folder of the results",
        )
    base = Database(file, mode)
    click.get_current_context().call_on_close(base.close)
    return base


def _row(holding: Holding) -> dict[str, Any]:
    import orjson

    return {
        "backend": holding.backend,
        "settings": orjson.loads(holding.identity),
        "queries": holding.queries,
        "scores": holding.scores,
        "oldest": _time(holding.oldest_s),
        "newest": _time(holding.newest_s),
        "models": list(holding.models),
    }


def _described(holding: Holding) -> str:
    """Return the settings that identify a backend in a table."""
    import orjson

    settings = orjson.loads(holding.identity)
    parts = [settings.get(name) for name in ("backend", "dialect", "url", "model")]
    parts += [(settings.get("serve") or {}).get(name) for name in ("backend", "model")]
    return " ".join(str(value) for value in parts if value)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _day(seconds: float) -> str:
    return _time(seconds).partition("T")[0]
