"""Large corpora: mapped from files of the cache, with the behaviour of small ones."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from evalkit.datasets import corpora, load_dataset
from evalkit.errors import DataFormatError
from evalkit.records import Dataset, PackedTexts


@pytest.fixture
def _all_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take every source for a large one, with a cache of its own."""
    monkeypatch.setattr(corpora, "LARGE_BYTES", 0)
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))


def load(folder: Path, **settings: Any) -> Dataset:
    """Load a BEIR folder."""
    return load_dataset({"source": "beir_folder", "path": str(folder), **settings})


def test_a_mapped_corpus_is_the_corpus(beir_folder: Path, request: pytest.FixtureRequest) -> None:
    """Ids, texts, counts and content hash are those of the corpus in memory."""
    small = load(beir_folder)
    request.getfixturevalue("_all_large")
    for large in (load(beir_folder), load(beir_folder)):  # read, then taken from the cache
        assert isinstance(large.corpus.texts, PackedTexts)
        assert large.corpus.doc_ids == small.corpus.doc_ids
        assert tuple(large.corpus.texts) == small.corpus.texts
        assert large.corpus.text("d3") == small.corpus.text("d3")
        assert large.origin.content_hash == small.origin.content_hash
        assert large.origin.counts == small.origin.counts


@pytest.mark.usefixtures("_all_large")
def test_a_source_that_did_not_change_is_not_read_again(
    beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second load reads no document; another template, or a touched file, is read anew."""
    before = load(beir_folder)

    def read_again(*_: object) -> None:
        raise AssertionError("the documents were read again")

    with monkeypatch.context() as patched:
        patched.setattr(corpora, "_write", read_again)
        assert load(beir_folder).origin.content_hash == before.origin.content_hash
        with pytest.raises(AssertionError, match="read again"):
            load(beir_folder, template="{text}")
    file = beir_folder / "corpus.jsonl"
    file.write_bytes(file.read_bytes().replace(b"warm roof", b"warm  roof"))
    after = load(beir_folder)
    assert after.corpus.text("d1").endswith("warm  roof.")
    assert after.origin.content_hash != before.origin.content_hash


@pytest.mark.usefixtures("_all_large")
def test_a_bad_source_leaves_nothing_in_the_cache(beir_folder: Path, tmp_path: Path) -> None:
    """A file that cannot be read to its end is an error every time, never half a corpus."""
    file = beir_folder / "corpus.jsonl"
    good = file.read_bytes()
    file.write_bytes(good + b"{")
    for _ in range(2):
        with pytest.raises(DataFormatError, match=r"corpus\.jsonl:6 is not JSON"):
            load(beir_folder)
    assert not [path for path in (tmp_path / "cache" / "corpora").iterdir() if path.is_dir()]
    file.write_bytes(good + good)
    with pytest.raises(DataFormatError, match="document 'd1' occurs twice"):
        load(beir_folder)


@pytest.mark.usefixtures("_all_large")
def test_a_mapped_corpus_travels(beir_folder: Path) -> None:
    """Another process gets a corpus with the same texts, be its machine without the files."""
    corpus = load(beir_folder).corpus
    sent = pickle.loads(pickle.dumps(corpus))  # noqa: S301 - our own bytes
    assert list(sent.texts) == list(corpus.texts)
    assert sent.text("d2") == corpus.text("d2")
    assert "d2" in sent
    assert "d9" not in sent


@pytest.mark.usefixtures("_all_large")
def test_a_corpus_of_empty_texts_is_refused(tmp_path: Path) -> None:
    """A corpus without a single character cannot be ranked, so that another column must be meant."""
    (tmp_path / "c.tsv").write_text("d1\t\nd2\t\n", encoding="utf-8")
    (tmp_path / "q.tsv").write_text("q1\thi\n", encoding="utf-8")
    (tmp_path / "r.txt").write_text("q1 0 d1 1\n", encoding="utf-8")
    block = {"corpus": "c.tsv", "queries": "q.tsv", "qrels": "r.txt"}
    with pytest.raises(DataFormatError, match="all 2 documents are empty"):
        load_dataset({"source": "trec_files", **{key: str(tmp_path / f) for key, f in block.items()}})
