"""Read and write TREC runs, qrels, topics and collections, JSON Lines and tables. Errors name file and line."""

from evalkit.formats.plain_numbers import is_plain, number_of
from evalkit.formats.qrels_files import QrelsFile, judgment_rows, read_qrels, read_qrels_file, write_qrels
from evalkit.formats.row_files import JSON_SUFFIXES, Rows, read_rows
from evalkit.formats.run_files import RunFile, read_run, read_run_file, write_run
from evalkit.formats.sgml import read_sgml_documents, read_topics
from evalkit.formats.text_files import (
    COMPRESSED_SUFFIXES,
    File,
    absolute_path,
    format_suffix,
    open_lines,
    read_json_lines,
    read_lines,
    read_text,
    write_gzip,
)

__all__ = [
    "COMPRESSED_SUFFIXES",
    "JSON_SUFFIXES",
    "File",
    "QrelsFile",
    "Rows",
    "RunFile",
    "absolute_path",
    "format_suffix",
    "is_plain",
    "judgment_rows",
    "number_of",
    "open_lines",
    "read_json_lines",
    "read_lines",
    "read_qrels",
    "read_qrels_file",
    "read_rows",
    "read_run",
    "read_run_file",
    "read_sgml_documents",
    "read_text",
    "read_topics",
    "write_gzip",
    "write_qrels",
    "write_run",
]
