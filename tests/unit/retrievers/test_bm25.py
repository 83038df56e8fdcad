"""The BM25 retriever: the cache, documents without terms, queries barred from finding themselves."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.config import RetrieverSettings, validate_block
from evalkit.config.blocks import DatasetSettings
from evalkit.datasets import load_dataset
from evalkit.datasets.assemble import Parts, RawDocument, assemble
from evalkit.errors import InputError, StorageError
from evalkit.records import Dataset, Qrels, Query, Run
from evalkit.retrievers import bm25_index, open_retriever, retrieve_candidates
from evalkit.retrievers.bm25 import Bm25
from evalkit.retrievers.bm25_search import TopDocuments, search
from evalkit.text_analysis import Analyzer


def load(folder: Path, **settings: object) -> Dataset:
    """Load a BEIR folder."""
    return load_dataset({"source": "beir_folder", "path": str(folder), **settings})


def test_any_snowball_language_is_understood(beir_folder: Path) -> None:
    """BM25 takes any Snowball language; an unknown one is reported with the nearest name."""
    from evalkit.retrievers import open_retriever

    settings = validate_block("retriever kind", {"kind": "bm25"})
    for language in ("german", "arabic", "finnish"):
        open_retriever(settings, load(beir_folder, language=language))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown language 'germn'"):
        open_retriever(settings, load(beir_folder, language="germn"))  # type: ignore[arg-type]


CORPUS = {"a": "apple pie", "b": "apple apple", "c": "", "d": "the !", "e": "cherry pie"}


def dataset(corpus: dict[str, str], queries: dict[str, str], **settings: Any) -> Dataset:
    """Return a dataset whose queries are all judged."""
    documents = [RawDocument(d, "", text) for d, text in corpus.items()]
    asked = [Query(query_id, text) for query_id, text in queries.items()]
    parts = Parts("test", None, documents, asked, Qrels({q: {next(iter(corpus)): 1} for q in queries}))
    return assemble(DatasetSettings(source="test", **settings), parts)


def candidates(held: Dataset, depth: int = 10, **settings: Any) -> Run:
    """Return BM25's candidates."""
    checked = validate_block("retriever kind", {"kind": "bm25", **settings})
    assert isinstance(checked, RetrieverSettings)
    return retrieve_candidates(open_retriever(checked, held), held, depth)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache of its own."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bm25"


def indexes(cache: Path) -> list[Path]:
    """Return what lies in the cache beside locks."""
    return [path for path in cache.iterdir() if path.suffix != ".lock"]


def forbidden(*_: object) -> None:
    """Fail."""
    pytest.fail("counted again")


@pytest.mark.parametrize("shards", [1, 3])
def test_an_index_is_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch, shards: int) -> None:
    """The second time it is read, counts no text, and finds the same; nothing but the index is left in the cache."""
    held = dataset(CORPUS, {"q": "apple pie"})
    first = candidates(held, shards=shards)
    monkeypatch.setattr(bm25_index, "count", forbidden)
    second = candidates(held, shards=shards)
    assert (first.docs("q"), first.scores.tolist()) == (second.docs("q"), second.scores.tolist())
    (index,) = indexes(cache)
    assert sorted(folder.name for folder in index.iterdir() if folder.is_dir()) == [
        str(i) for i in range(shards)
    ]


@pytest.mark.parametrize(
    "change", [{"k1": 1.2}, {"b": 0.5}, {"language": "german"}, {"shards": 2}], ids=lambda c: next(iter(c))
)
def test_an_index_is_another_if_anything_of_it_is(cache: Path, change: dict[str, Any]) -> None:
    """Each setting that decides what lies on disk has an index of its own; other texts have, too."""
    held = dataset(CORPUS, {"q": "apple"})
    candidates(held)
    candidates(held, **change)
    candidates(dataset({**CORPUS, "e": "cherry"}, {"q": "apple"}))
    assert len(indexes(cache)) == 3


def test_an_interrupted_build_is_no_index(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interrupt leaves behind is not taken for an index, and the next run builds one."""
    held = dataset(CORPUS, {"q": "apple"})

    def interrupted(*_: object) -> None:
        """Stop the build between counting and scoring."""
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bm25_index, "score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            candidates(held)
    assert candidates(held).docs("q") == ("b", "a")
    assert len(indexes(cache)) == 1


def test_a_cache_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with the variable that moves it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="cannot write the cache") as caught:
        candidates(dataset(CORPUS, {"q": "apple"}))
    assert "EVALKIT_CACHE" in caught.value.render()


@pytest.mark.parametrize("shards", [1, 5, 9])
def test_what_shares_no_term_is_not_found(shards: int) -> None:
    """Empty documents, stop words and unknown words find nothing; a query that finds nothing has no rows."""
    queries = {"q1": "apple", "q2": "the", "q3": "unknown", "q4": "pie cherry"}
    found = candidates(dataset(CORPUS, queries), shards=shards)
    assert found.query_ids == ("q1", "q4")
    assert (found.docs("q1"), found.docs("q4")) == (("b", "a"), ("e", "a"))
    assert len(candidates(dataset({"a": "", "b": "the"}, queries), shards=shards)) == 0


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_document_that_is_the_query_is_barred(depth: int) -> None:
    """It is left out before the cut, so that lists keep their length."""
    held = dataset(CORPUS, {"b": "apple pie", "q": "apple pie"}, exclude_same_id=True)
    found = candidates(held, depth)
    plain = found.docs("q")
    assert "b" in candidates(held, 3).docs("q")
    assert found.docs("b") == tuple(d for d in candidates(held, 3).docs("q") if d != "b")[:depth]
    assert len(plain) == depth


def test_queries_beyond_one_batch_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, each with its own list."""
    queries = {f"q{i}": ("apple", "pie", "unknown")[i % 3] for i in range(10)}
    held = dataset(CORPUS, queries)
    whole = candidates(held, shards=2)
    monkeypatch.setattr("evalkit.retrievers.bm25._QUERIES_PER_BATCH", 3)
    batched = candidates(held, shards=2)
    assert (
        whole.query_ids == batched.query_ids == tuple(q for q, text in queries.items() if text != "unknown")
    )
    assert (whole.doc_ids, whole.scores.tolist()) == (batched.doc_ids, batched.scores.tolist())


class Elsewhere:
    """Parts that someone else keeps."""

    def __init__(self, ask: Callable[[list[list[str]], int], list[TopDocuments]]) -> None:
        self.search = ask


def test_parts_may_be_kept_elsewhere(cache: Path) -> None:
    """The retriever asks whoever keeps them, builds nothing itself, and its run is that of its own index."""
    held = dataset(CORPUS, {"q": "apple pie"})
    own = candidates(held, shards=2)
    (index,) = indexes(cache)
    kept = [bm25_index.load(index / str(i), bm25_index.Bm25Index) for i in range(2)]
    ranks = np.arange(len(CORPUS))
    rows = bm25_index.split_rows(len(CORPUS), 2)

    def ask(queries: list[list[str]], depth: int) -> list[TopDocuments]:
        """Search what is kept."""
        return [search(part, ranks[where], queries, depth) for part, where in zip(kept, rows, strict=True)]

    theirs = Bm25(Bm25.Settings(b=0.9), held, Elsewhere(ask)).retrieve(held.queries, 10)
    assert (own.docs("q"), own.scores.tolist()) == (theirs.docs("q"), theirs.scores.tolist())
    assert len(indexes(cache)) == 1


def test_an_analyzer_travels() -> None:
    """What arrives in another process splits texts alike."""
    analyzer = Analyzer("german")
    text = "Die Äpfel der Bäume"
    assert pickle.loads(pickle.dumps(analyzer)).terms(text) == analyzer.terms(text)  # noqa: S301
