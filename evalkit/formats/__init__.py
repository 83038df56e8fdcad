"""Files of the field: TREC runs and qrels, BEIR's JSON lines and TSV. Errors name file and line."""

from evalkit.formats.qrels import read_qrels, write_qrels
from evalkit.formats.text_files import open_lines, read_json_lines, write_gzip
from evalkit.formats.trec_run import read_run, write_run

__all__ = [
    "open_lines",
    "read_json_lines",
    "read_qrels",
    "read_run",
    "write_gzip",
    "write_qrels",
    "write_run",
]
