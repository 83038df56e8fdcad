"""Numbers for names in columns that Arrow read."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from evalkit.formats.arrow_names import Codes, in_runs, names_and_codes, numbers, text_array

PARTS = st.lists(st.lists(st.sampled_from(["a", "b", "é", "☃☃"]), max_size=5), max_size=4)


@given(parts=PARTS)
def test_rows_of_all_parts_share_their_names(parts: list[list[str]]) -> None:
    """Names are in the order of their first row, whichever part it is in."""
    names, codes = names_and_codes([text_array(part) for part in parts])
    rows = [text for part in parts for text in part]
    assert [names[code] for code in codes.tolist()] == rows
    assert list(names) == list(dict.fromkeys(rows))


@given(parts=PARTS)
def test_codes_go_on_from_column_to_column(parts: list[list[str]]) -> None:
    """A name keeps its code."""
    codes = Codes()
    found = [
        codes.of_column(in_runs(pa.chunked_array([pa.array(part, pa.string())]))).tolist() for part in parts
    ]
    assert [[codes.names[code] for code in part] for part in found] == parts


def test_numbers_of_several_chunks_are_one_array() -> None:
    """Also of none."""
    assert numbers(pa.chunked_array([[1, 2], [3]])).tolist() == [1, 2, 3]
    assert numbers(pa.chunked_array([], pa.int64())).shape == (0,)


def test_a_run_is_read_without_pandas() -> None:
    """Arrow's conversions to numpy import it, which takes longer than a file."""
    program = (
        "import sys, pathlib, tempfile\n"
        "from evalkit.formats import read_run\n"
        "path = pathlib.Path(tempfile.mkdtemp()) / 'run'\n"
        "path.write_text('\\n'.join(f'q{i // 9} Q0 d{i % 9} {i} {-i} t' for i in range(9000)) + '\\n')\n"
        "assert len(read_run(path)) == 9000\n"
        "sys.exit('pandas' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
