"""Markers and similarity of late-interaction models, in the files of Stanford's ColBERT and of PyLate."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.encoding.checkpoints.late_markers import check_late
from evalkit.errors import InputError


def check(folder: Path, *, stanford: Any = None, pylate: Any = None, words: tuple[str, ...]) -> None:
    """Check a model whose tokenizer has these words: one in Stanford's layout unless PyLate's settings are given."""
    architectures = () if pylate is not None else ("HF_ColBERT",)
    if stanford is not None:
        (folder / "artifact.metadata").write_text(json.dumps(stanford), encoding="utf-8")
    files: Any = SimpleNamespace(
        name="m", folder=folder, architectures=architectures, library_config=pylate or {}
    )
    check_late(files, SimpleNamespace(get_vocab=lambda: dict.fromkeys(words, 0)))


@pytest.mark.parametrize(
    "files",
    [
        {"words": ("[unused0]", "[unused1]")},
        {"stanford": {"query_token_id": "[q]", "doc_token_id": "[d]"}, "words": ("[q]", "[d]")},
        {"stanford": {"similarity": "cosine"}, "words": ("[unused0]", "[unused1]")},
        {"pylate": {"query_prefix": "[Q] ", "document_prefix": "[D] "}, "words": ("[Q] ", "[D]")},
        {"pylate": {"query_prefix": "", "document_prefix": None}, "words": ()},
        {"pylate": {}, "words": ()},
    ],
)
def test_markers_are_tokens_or_absent(tmp_path: Path, files: dict[str, Any]) -> None:
    """With and without the space that PyLate adds; Stanford's have defaults."""
    check(tmp_path, **files)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"words": ("[unused0]",)}, r"'\[unused1\]' \(doc_token_id in artifact.metadata\)"),
        (
            {"stanford": {"query_token_id": "[q]"}, "words": ("[unused0]", "[unused1]")},
            r"'\[q\]' \(query_token_id",
        ),
        ({"pylate": {"document_prefix": "[D] "}, "words": ("[Q] ",)}, r"'\[D\] ' \(document_prefix\)"),
        ({"stanford": {"similarity": "l2"}, "words": ("[unused0]", "[unused1]")}, "similarity 'l2'"),
    ],
)
def test_other_markers_and_similarities_are_refused_by_name(
    tmp_path: Path, files: dict[str, Any], message: str
) -> None:
    """The sentence has the value, and the place of it."""
    with pytest.raises(InputError, match=message):
        check(tmp_path, **files)
