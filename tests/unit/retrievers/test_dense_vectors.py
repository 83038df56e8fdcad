"""Vectors of a corpus: embedded once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.errors import StorageError
from evalkit.retrievers import dense_vectors
from evalkit.retrievers.dense_vectors import cached_lengths, cached_vectors

TEXTS = [f"text {i}" for i in range(10)]


class Model:
    """Embeds a text as its number, three times; may be stopped before some text."""

    def __init__(self, stop: str | None = None) -> None:
        self.asked: list[str] = []
        self.stop = stop

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed some texts."""
        if self.stop in texts:
            raise KeyboardInterrupt
        self.asked += texts
        return np.array([[int(text.split()[1])] * 3 for text in texts], dtype=np.float32)


def test_every_text_is_embedded_once(tmp_path: Path) -> None:
    """In chunks; a second time nothing is embedded, and the vectors come from the file."""
    first, second = Model(), Model()
    for model in (first, second):
        vectors = cached_vectors(tmp_path / "v", TEXTS, model, 4, "dense")
        assert vectors.tolist() == [[float(i)] * 3 for i in range(10)]
        assert not vectors.flags.writeable
    assert (first.asked, second.asked) == (TEXTS, [])


@pytest.mark.parametrize("torn", [b"", b"\x00", b"\x01" * 11])
def test_an_interrupted_pass_is_taken_up_where_it_stopped(tmp_path: Path, torn: bytes) -> None:
    """Whole chunks are kept; what was half written is written anew; the file is that of an undisturbed pass."""
    first, second, other = Model(stop="text 9"), Model(), Model()
    with pytest.raises(KeyboardInterrupt):
        cached_vectors(tmp_path / "v", TEXTS, first, 4, "dense")
    with (tmp_path / "v" / "3.part").open("ab") as stream:
        stream.write(torn)
    vectors = cached_vectors(tmp_path / "v", TEXTS, second, 3, "dense")
    assert first.asked + second.asked == TEXTS
    assert (vectors == cached_vectors(tmp_path / "w", TEXTS, other, 10, "dense")).all()


def test_a_cache_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    """It names the folder and the way out."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot write vectors to"):
        cached_vectors(tmp_path / "file" / "v", TEXTS, Model(), 4, "dense")


def test_a_damaged_file_is_embedded_again(tmp_path: Path) -> None:
    """A file that is cut, or named as no dimension, is not taken for vectors."""
    cached_vectors(tmp_path / "v", TEXTS, Model(), 4, "dense")
    (file,) = (tmp_path / "v").glob("3.*")
    file.write_bytes(file.read_bytes()[:-5])
    (tmp_path / "v" / f"x{file.suffix}").write_bytes(b"x")
    again = Model()
    assert cached_vectors(tmp_path / "v", TEXTS, again, 4, "dense").tolist() == [
        [float(i)] * 3 for i in range(10)
    ]
    assert again.asked == TEXTS


def test_lengths_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second time they come from the cache next to the vectors; a damaged file is computed again."""
    vectors = cached_vectors(tmp_path / "v", TEXTS, Model(), 4, "dense")
    wanted = [max(i, 3**-0.5) * 3**0.5 for i in range(10)]
    assert cached_lengths(tmp_path / "v", vectors).tolist() == pytest.approx(wanted)
    with monkeypatch.context() as patch:
        patch.setattr(dense_vectors, "lengths_of", None)
        assert cached_lengths(tmp_path / "v", vectors).tolist() == pytest.approx(wanted)
    (file,) = tmp_path.rglob("lengths.npy")
    file.write_bytes(b"")
    assert cached_lengths(tmp_path / "v", vectors).tolist() == pytest.approx(wanted)
