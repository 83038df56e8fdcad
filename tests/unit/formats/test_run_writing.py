"""Files of runs: their text, written out row by row, and what is read back."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import EvalkitError
from evalkit.formats import PackedRuns, read_run, run_writing, write_run
from evalkit.records import Run

SCORES = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, 1e-4, 9.999e-5, -1e-5, 1e16, 9999999999999998.0, 1e22, 5e-324, 100.0, -0.1]
)


def run_of(scores: list[float], query_ids: str = "pq") -> Run:
    """Return a run of documents with these scores, in turn of each query."""
    queries = [query_ids[row % len(query_ids)] for row in range(len(scores))]
    return Run.from_rows("täg", queries, [f"dé{row}" for row in range(len(scores))], np.array(scores))


def text_of(run: Run, blank: str = " ") -> str:
    """Return the rows of a run, with Python's text of the scores."""
    return "".join(
        blank.join((query_id, "Q0", doc_id, str(rank), repr(score), run.tag)) + "\n"
        for query_id, docs, scores in run
        for rank, (doc_id, score) in enumerate(zip(docs, scores.tolist(), strict=True), 1)
    )


@given(st.lists(SCORES, min_size=1, max_size=20))
def test_the_text_is_that_of_python(scores: list[float]) -> None:
    """Every score has the text that Python gives it, very large and very small ones included."""
    run = run_of(scores)
    assert b"".join(run_writing.run_texts(run)).decode() == text_of(run)


def test_a_run_is_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of several parts is that of one; the file reads back equal and has no time in its header."""
    run = run_of(np.random.default_rng(0).normal(size=25).tolist())
    monkeypatch.setattr(run_writing, "_ROWS", 7)
    write_run(run, tmp_path / "a.trec.gz")
    written = (tmp_path / "a.trec.gz").read_bytes()
    assert gzip.decompress(written).decode() == text_of(run)
    assert written[4:8] == bytes(4)
    found = read_run(tmp_path / "a.trec.gz")
    assert (found.query_ids, found.doc_ids, found.scores.tolist()) == (
        run.query_ids,
        run.doc_ids,
        run.scores.tolist(),
    )


def test_ids_that_look_like_comments_get_a_header(tmp_path: Path) -> None:
    """The file has tabs and names of columns, and reads back equal."""
    run = run_of([1.0, 2.0, 3.0], "#q")
    write_run(run, tmp_path / "a.trec.gz")
    text = gzip.decompress((tmp_path / "a.trec.gz").read_bytes()).decode()
    assert text == "query_id\tQ0\tdoc_id\trank\tscore\ttag\n" + text_of(run, "\t")
    assert read_run(tmp_path / "a.trec.gz").doc_ids == run.doc_ids


def test_several_runs_are_packed_side_by_side(tmp_path: Path) -> None:
    """Each file has its own run, an empty one included, and the bytes of `write_run`; an error is raised."""
    runs = {f"{number}.trec.gz": run_of([float(number)] * number) for number in range(6)}
    PackedRuns(runs).write(tmp_path)
    for name, run in runs.items():
        write_run(run, tmp_path / "alone.trec.gz")
        assert (tmp_path / name).read_bytes() == (tmp_path / "alone.trec.gz").read_bytes()
    (tmp_path / "file").touch()
    with pytest.raises((OSError, EvalkitError)):
        PackedRuns(runs).write(tmp_path / "file")


def test_packing_stops_where_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs whose turn has not come when the packing is cancelled are not packed."""
    begun, go_on = threading.Semaphore(0), threading.Event()
    packed: list[str] = []

    def slowly(run: Run) -> bytes:
        begun.release()
        go_on.wait(30)
        packed.append(run.tag)
        return b""

    monkeypatch.setattr(run_writing, "packed_run", slowly)
    monkeypatch.setattr(run_writing, "_MOST_WRITERS", 1)
    packing = PackedRuns({str(number): run_of([1.0]) for number in range(3)})
    begun.acquire()
    threading.Timer(0.1, go_on.set).start()
    packing.cancel()
    assert len(packed) == 1
