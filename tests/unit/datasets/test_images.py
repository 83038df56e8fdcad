"""Tables of images."""

from __future__ import annotations

from support.messages import said

from evalkit.datasets.images import refuse_images


def test_a_table_of_images_is_named() -> None:
    """The hint names the setting for a column with texts."""
    error = said(lambda: refuse_images({"id": 1, "image": b"x"}, "t, row 1", "corpus: {text: ...}"))
    assert "t, row 1: the documents are images (column 'image')" in error
    assert "corpus: {text: ...}" in error


def test_other_tables_pass() -> None:
    """Nothing is raised for a table without a column of images."""
    refuse_images({"id": 1, "body": "x"}, "t, row 1", "corpus: {text: ...}")
