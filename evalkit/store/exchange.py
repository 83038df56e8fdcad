"""Export the scores of a store to a Parquet file, and import such a file into another store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError, StorageError
from evalkit.files import replacing_file
from evalkit.progress import progress_bar
from evalkit.store.database import Database
from evalkit.store.stored_values import Wrong, find_wrong

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

_ROWS = 100_000
"""Maximum number of scores in memory."""
_COLUMNS = {
    "identity": "string",
    "query_hash": "binary",
    "list_hash": "binary",
    "document_hash": "binary",
    "score": "float64",
    "list_rank": "int32",
    "stored_s": "float64",
    "model": "string",
}
_HASHES = {"query_hash": {16}, "list_hash": {0, 16}, "document_hash": {16}}
"""Column -> possible numbers of bytes."""
_DAY_S = 86_400.0
_HINT = "use a file written by 'evalkit store export'"


def export_scores(database: Database, path: Path) -> int:
    """Write all scores of a store to a Parquet file, and return their number.

    Raises
    ------
    InputError
        If the file exists.
    StorageError
        If the file cannot be written, or the store is damaged.
    """
    from pyarrow import parquet

    if path.exists():
        raise InputError(f"{path.resolve()} exists already", "choose another file, or delete this one")
    ((total,),) = database.rows("SELECT count(*) FROM scores")
    try:
        with (
            replacing_file(path) as file,
            parquet.ParquetWriter(file, _schema(), compression="zstd") as writer,
            progress_bar(total=total, desc="exporting", unit="score") as progress,
        ):
            for rows in database.stream(
                "SELECT b.identity, q.text_hash, q.list_hash, d.text_hash, s.score, s.list_rank, c.stored_s, c.model"
                " FROM scores s JOIN queries q ON q.query = s.query JOIN backends b ON b.backend = q.backend"
                " JOIN documents d ON d.document = s.document JOIN calls c ON c.call = s.call",
                _ROWS,
            ):
                _check_stored(database, rows)
                writer.write_table(_table(rows))
                progress.update(len(rows))
    except OSError as error:
        raise StorageError(f"cannot write {path.resolve()}: {error}") from None
    return int(total)


@contextmanager
def open_export(path: Path) -> Iterator[parquet.ParquetFile]:
    """Open an exported file.

    Raises
    ------
    InputError
        If the file is missing or not an export, or if reading it fails inside the block.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            if not _schema().equals(file.schema_arrow):
                raise InputError(f"{path.resolve()} is not an export of a score store", _HINT)
            yield file
    except FileNotFoundError:
        raise InputError(f"file not found: {path.resolve()}", _HINT) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        why = str(error).partition(". ")[0]
        raise InputError(f"{path.resolve()} cannot be read: {why}", _HINT) from None


def import_scores(database: Database, file: parquet.ParquetFile) -> tuple[int, int]:
    """Import the scores of an exported file into a store; of two scores of one pair the later one is kept.

    The time of an imported score is what the file says. Its session is unknown, so no gate takes it for a new score.

    Returns
    -------
    The number of scores in the file, and the number imported.

    Raises
    ------
    InputError
        If the file has invalid rows; the store is unchanged then.
    """
    total, imported = file.metadata.num_rows, 0
    seen = 0
    with database.transaction(), progress_bar(total=total, desc="importing", unit="score") as progress:
        for batch in file.iter_batches(_ROWS):
            imported += _insert_newer(database, _checked(batch, seen))
            seen += len(batch)
            progress.update(len(batch))
    return total, imported


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, getattr(pa, kind)()) for name, kind in _COLUMNS.items()])


def _table(rows: list[Any]) -> pa.Table:
    import pyarrow as pa

    arrays = [
        pa.array(column, type=field.type)
        for column, field in zip(zip(*rows, strict=True), _schema(), strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=_schema())


def _checked(batch: pa.RecordBatch, before: int) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a batch that follows `before` others.

    Raises
    ------
    InputError
        If a value violates what a store relies on; it names the row and the column.
    """
    columns = {name: batch.column(name).to_pylist() for name in _COLUMNS}
    wrong = _find_wrong(columns)
    if wrong is not None:
        raise InputError(f"row {before + wrong.row + 1} is no score: its {wrong}", _HINT)
    return zip(*columns.values(), strict=True)


def _find_wrong(columns: dict[str, list[Any]]) -> Wrong | None:
    """Return the first value that cannot be one; see `find_wrong`. No score can be of the future, but clocks differ."""
    for name, lengths in _HASHES.items():
        for row, value in enumerate(columns[name]):
            if value is None or len(value) not in lengths:
                return Wrong(name, row, "missing" if value is None else f"of {len(value)} bytes")
    latest = time.time() + _DAY_S
    late = next((row for row, value in enumerate(columns["stored_s"]) if value and value > latest), None)
    if late is not None:
        return Wrong("stored_s", late, f"{columns['stored_s'][late]}, which is in the future")
    return find_wrong(columns)


def _check_stored(database: Database, rows: list[Any]) -> None:
    """Check what is exported.

    Raises
    ------
    StorageError
        If the store is damaged.
    """
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    wrong = find_wrong(columns)
    if wrong is not None:
        raise database.damaged(f"a stored score has the {wrong}")
    for name, lengths in _HASHES.items():
        if any(type(value) is not bytes or len(value) not in lengths for value in set(columns[name])):
            raise database.damaged(f"a stored score has an invalid {name}")


def _insert_newer(database: Database, rows: Iterator[tuple[Any, ...]]) -> int:
    """Insert rows through a temporary table; return the number of scores that were new or later."""
    database.write(_INCOMING)
    database.write_many("INSERT INTO incoming VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    for sql in _NAMES.split(";"):
        database.write(sql)
    imported = database.write(_SCORES)
    database.write("DROP TABLE incoming")
    return imported


_INCOMING = """
CREATE TEMP TABLE incoming (identity TEXT, query_hash BLOB, list_hash BLOB, document_hash BLOB,
    score REAL, list_rank INTEGER, stored_s REAL, model TEXT)
"""
_NAMES = """
INSERT OR IGNORE INTO backends (identity) SELECT DISTINCT identity FROM incoming;
INSERT OR IGNORE INTO queries (backend, text_hash, list_hash)
    SELECT DISTINCT b.backend, i.query_hash, i.list_hash
    FROM incoming i JOIN backends b ON b.identity = i.identity;
INSERT OR IGNORE INTO documents (text_hash) SELECT DISTINCT document_hash FROM incoming;
INSERT INTO calls (stored_s, model)
    SELECT DISTINCT stored_s, model FROM incoming EXCEPT SELECT stored_s, model FROM calls WHERE session IS NULL
"""
# An imported score belongs to no session of this store, also if a call here was made at the same time.
# With max() in the select list, SQLite takes the other columns from the row with the maximum.
_SCORES = """
INSERT INTO scores (query, document, score, list_rank, call)
SELECT query, document, score, list_rank, call FROM (
    SELECT q.query, d.document, i.score, i.list_rank, c.call, max(i.stored_s)
    FROM incoming i
    JOIN backends b ON b.identity = i.identity
    JOIN queries q ON q.backend = b.backend AND q.text_hash = i.query_hash AND q.list_hash = i.list_hash
    JOIN documents d ON d.text_hash = i.document_hash
    JOIN calls c ON c.stored_s = i.stored_s AND c.model IS i.model AND c.session IS NULL
    GROUP BY q.query, d.document)
WHERE TRUE
ON CONFLICT DO UPDATE SET score = excluded.score, list_rank = excluded.list_rank, call = excluded.call
WHERE (SELECT stored_s FROM calls WHERE call = excluded.call)
    > (SELECT stored_s FROM calls WHERE call = scores.call)
"""
