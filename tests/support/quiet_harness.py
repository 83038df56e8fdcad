"""Results of timed calls on a machine that runs other tests at the same time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from evalkit.results import ResultFolder
from support.command import evalkit


def report_with_quiet_harness(folder: Path) -> str:
    """Report a result as if its load generator had not been late, and return what is printed.

    Other tests need the processors, too, so that threads resume late and latencies would rightly be withheld.
    """
    path = ResultFolder(folder).calls_file
    table = pq.read_table(path)
    for name in ("harness_delay_s", "harness_cpu"):
        place = table.column_names.index(name)
        field = table.schema.field(place)
        table = table.set_column(place, field, pa.nulls(len(table), field.type))
    pq.write_table(table, path)
    done = evalkit("report", folder)
    assert done.returncode == 0, done.stderr
    return done.stdout
