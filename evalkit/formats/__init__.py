"""Read and write TREC runs, qrels, topics and collections, JSON Lines and tables. Errors name file and line."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.formats.identifiers import check_id, is_from_text, query_id_of, text_id
    from evalkit.formats.judgment_files import read_judgments, read_named_judgments
    from evalkit.formats.judgment_tables import JudgmentNames
    from evalkit.formats.plain_numbers import grade_of, is_plain, number_of
    from evalkit.formats.qrels_files import QrelsFile, judgment_rows, read_qrels, read_qrels_file, write_qrels
    from evalkit.formats.rated_rows import NamedJudgments
    from evalkit.formats.rater_judgments import agreed_judgments
    from evalkit.formats.rater_lines import (
        judgment_lines,
        judgment_of_line,
        names_raters,
        read_judgment_lines,
    )
    from evalkit.formats.row_files import JSON_SUFFIXES, WITHOUT_HEADER, Rows, looks_like_data, read_rows
    from evalkit.formats.run_files import RunFile, read_run, read_run_file
    from evalkit.formats.run_writing import PackedRuns, write_run
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
    "WITHOUT_HEADER",
    "File",
    "JudgmentNames",
    "NamedJudgments",
    "PackedRuns",
    "QrelsFile",
    "Rows",
    "RunFile",
    "absolute_path",
    "agreed_judgments",
    "check_id",
    "format_suffix",
    "grade_of",
    "is_from_text",
    "is_plain",
    "judgment_lines",
    "judgment_of_line",
    "judgment_rows",
    "looks_like_data",
    "names_raters",
    "number_of",
    "open_lines",
    "query_id_of",
    "read_json_lines",
    "read_judgment_lines",
    "read_judgments",
    "read_lines",
    "read_named_judgments",
    "read_qrels",
    "read_qrels_file",
    "read_rows",
    "read_run",
    "read_run_file",
    "read_sgml_documents",
    "read_text",
    "read_topics",
    "text_id",
    "write_gzip",
    "write_qrels",
    "write_run",
]

__getattr__ = load_on_use(__name__)
