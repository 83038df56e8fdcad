"""``evalkit store``: show, prune, export, import and verify stored scores, and check them for drift."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import CONFIG, JSON, SET

if TYPE_CHECKING:
    from evalkit.store.database import Database, Mode
    from evalkit.store.upkeep import Holding

STORE = click.argument("store", metavar="STORE", type=click.Path(path_type=Path))
FILE = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def store() -> None:
    """Look after stored scores. STORE is the file, or the folder that holds scores.sqlite."""


@store.command()
@STORE
@JSON
def size(store: Path, *, as_json: bool) -> None:
    """Print what a store holds, backend by backend."""
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.store.upkeep import file_bytes, holdings

    base = _opened(store, "read")
    backends = holdings(base)
    if as_json:
        click.echo(to_json([_row(one) for one in backends]), nl=False)
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
    note = "All settings of a backend stand in --json."
    click.echo(as_text(Table(f"scores in {base.path}", columns, cells, note, left=2)))
    click.echo(f"total: {sum(one.scores for one in backends)} scores, {file_bytes(base.path)} bytes")


@store.command()
@STORE
@click.option(
    "--before",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Remove what was stored before that day (UTC).",
)
@click.option(
    "--backend",
    "backends",
    type=int,
    multiple=True,
    metavar="N",
    help="Remove what this backend gave. Repeatable.",
)
@click.option("--plan", is_flag=True, help="Count alone; remove nothing.")
def prune(store: Path, before: datetime | None, backends: tuple[int, ...], *, plan: bool) -> None:
    """Remove scores, and what nothing needs any more; give the space back.

    With --before and --backend a score must meet both. With neither, only what nothing needs goes:
    notes of unfinished runs whose result folders are gone, and unused space.
    """
    from evalkit.store import upkeep

    base = _opened(store, "read" if plan else "write")
    bytes_before = upkeep.file_bytes(base.path)
    since = before.replace(tzinfo=UTC).timestamp() if before else None
    done = upkeep.prune(base, since, backends, plan=plan)
    what = f"{done.scores} scores and the notes of {done.journals} vanished runs"
    if plan:
        click.echo(f"{what} would be removed from {base.path}")
    else:
        click.echo(f"removed {what}; {base.path}: {bytes_before} -> {upkeep.file_bytes(base.path)} bytes")


@store.command("export")
@STORE
@FILE
def export_(store: Path, file: Path) -> None:
    """Write every score to FILE, a Parquet table; texts are in it as hashes alone."""
    from evalkit.store.exchange import export_scores

    click.echo(f"{export_scores(_opened(store, 'read'), file)} scores written to {file}")
    click.echo(f"next: evalkit store import STORE {file}")


@store.command("import")
@STORE
@FILE
def import_(store: Path, file: Path) -> None:
    """Take the scores of an exported FILE into a store, made if need be. Of two scores of a pair the later stays."""
    from evalkit.store.exchange import import_scores, open_export

    with open_export(file) as incoming:
        base = _opened(store, "create")
        offered, taken = import_scores(base, incoming)
    click.echo(
        f"{taken} of {offered} scores taken into {base.path}; the others were there already, or later ones"
    )


@store.command()
@STORE
def verify(store: Path) -> None:
    """Check that a store is whole. Exits with 3 if it is not."""
    from evalkit.errors import StorageError
    from evalkit.store.upkeep import faults, holdings

    base = _opened(store, "read")
    found = faults(base)
    if found:
        for fault in found:
            click.echo(fault)
        raise StorageError(
            f"{base.path} is damaged in {len(found)} ways",
            "move it away; what is in it will be asked for again",
        )
    backends = holdings(base)
    click.echo(
        f"{base.path} is whole: {sum(one.scores for one in backends)} scores of {len(backends)} backends"
    )


@store.command()
@CONFIG
@click.option("--reranker", "tags", metavar="TAG", multiple=True, help="Only this one. Repeatable.")
@SET
@click.option("--into", metavar="DIR", help="Parent of the result folders [default: results/<name>].")
@JSON
def drift(
    config: str, tags: tuple[str, ...], overrides: tuple[str, ...], into: str | None, *, as_json: bool
) -> None:
    """Ask for a small sample of stored scores again: do they still hold? Exits with 3 if they do not.

    Nothing is stored. Of every reranker and dataset a few queries are asked twice, so that a server
    that never answers alike is told from one that has changed.
    """
    from dataclasses import asdict

    from evalkit.config import load_config
    from evalkit.errors import IncompleteError
    from evalkit.progress import progress_bar
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.store import drift_checks

    settings = load_config(config, overrides)
    found = list(progress_bar(drift_checks(settings, tags, into), desc="asking again", unit="check"))
    if as_json:
        rows = [{**asdict(one), "verdict": one.verdict, "evidence": one.evidence()} for one in found]
        click.echo(to_json(rows), nl=False)
    else:
        cells = tuple((one.dataset, one.reranker, one.verdict, one.evidence()) for one in found)
        columns = ("dataset", "reranker", "verdict", "evidence")
        click.echo(as_text(Table("do the stored scores still hold?", columns, cells, left=4)))
    if drifted := sorted({one.reranker for one in found if one.verdict == "drifted"}):
        raise IncompleteError(
            f"stored scores of {', '.join(drifted)} do not hold any more",
            f"ask for all again with: evalkit run {config} --refresh; or forget the old ones: evalkit store prune",
        )
    if not as_json:
        click.echo(f"next: evalkit run {config}")


def _opened(path: Path, mode: Mode) -> Database:
    from evalkit.errors import InputError
    from evalkit.store.database import Database

    file = path / "scores.sqlite" if path.is_dir() else path
    if mode != "create" and not file.is_file():
        raise InputError(
            f"no score store at {file.absolute()}",
            "give the file, or the folder it is in: the parent of the result folders",
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
