"""An index elsewhere as a first stage: whole lists in one order, or one clear line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from support.stand_in_search import Answer, Engine, Index, good, refused, stand_in_search

from evalkit.config import retriever_settings
from evalkit.datasets import load_dataset
from evalkit.errors import CallError, EvalkitError, EvalkitWarning, InputError
from evalkit.records import Dataset, Run
from evalkit.retrievers import open_retriever

WORDS = ("cat", "dog", "roof", "garden", "pond", "bird")
DEPTHS = (1, 2, 5, 17, 60, 500)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return documents of few words, so that many scores are tied, with queries of one, two and no words."""
    rng = np.random.default_rng(7)
    texts = [" ".join(rng.choice(WORDS, size=rng.integers(1, 4))) for _ in range(200)]
    ids = [f"d{i}" for i in rng.permutation(200)]
    queries = {"one": "cat", "two": "dog pond", "all": " ".join(WORDS), "none": "zebra", "empty": " "}
    folder = tmp_path_factory.mktemp("ties")
    rows = {
        "corpus": [{"_id": i, "title": "", "text": text} for i, text in zip(ids, texts, strict=True)],
        "queries": [{"_id": q, "text": text} for q, text in queries.items()],
    }
    for name, lines in rows.items():
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    (folder / "qrels").mkdir()
    judged = "".join(f"{q}\t{ids[0]}\t1\n" for q in queries)
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")
    return load_dataset({"source": "beir_folder", "path": str(folder)})


def index_of(dataset: Dataset, **more: Any) -> Index:
    """Return an engine's index of a dataset, in the dataset's order."""
    return Index(dataset.corpus.doc_ids, list(dataset.corpus.texts), **more)


def larger_than(dataset: Dataset) -> Index:
    """Return an index that holds other documents, too."""
    more = range(50)
    return Index(
        [*(f"x{i}" for i in more), *dataset.corpus.doc_ids],
        [*(WORDS[i % 6] for i in more), *dataset.corpus.texts],
    )


@pytest.fixture(scope="module")
def engine(dataset: Dataset) -> Iterator[Engine]:
    """Return an engine with several indices: as it comes, strict about ids, and larger than the dataset."""
    indices = {
        "plain": index_of(dataset),
        "strict": index_of(dataset, id_sorts=False),
        "larger": larger_than(dataset),
    }
    with stand_in_search(indices) as running:
        yield running


def search(engine: Engine, dataset: Dataset, depth: int, **settings: Any) -> Run:
    """Return what the first stage finds."""
    asked = {
        "kind": "opensearch",
        "url": engine.url,
        "index": "plain",
        "fields": ["text"],
        "retry_wait_s": 0.01,
    }
    checked = retriever_settings({**asked, **settings})
    return open_retriever(checked, dataset).retrieve(dataset.queries, depth)


def expected(index: Index, dataset: Dataset, depth: int) -> Run:
    """Return all that the engine scores above 0, by score then id, cut at the depth, of the dataset's documents."""
    rows = []
    for query in dataset.queries:
        rows += [
            (query.query_id, doc, score)
            for doc, score in zip(index.ids, index.scores(query.text).tolist(), strict=True)
            if score > 0 and doc in dataset.corpus
        ]
    return Run.from_rows("e", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]).cut(depth)


def same(one: Run, other: Run) -> bool:
    """Return whether two runs hold the same rows."""
    return (one.query_ids, one.doc_ids, one.scores.tolist()) == (
        other.query_ids,
        other.doc_ids,
        other.scores.tolist(),
    )


@pytest.mark.parametrize("page_size", [7, 20, 60, 10_000])
def test_lists_stand_in_the_total_order_and_are_cut_by_it(
    engine: Engine, dataset: Dataset, page_size: int
) -> None:
    """Ties at the cut, too, whatever fits into one reply, and though the engine breaks ties by its own order."""
    for depth in DEPTHS:
        found = search(engine, dataset, depth, page_size=page_size)
        assert same(found, expected(index_of(dataset), dataset, depth)), depth


def test_an_engine_need_not_sort_by_id(engine: Engine, dataset: Dataset) -> None:
    """It is asked to only for lists longer than its replies; then one that refuses gets a way out told."""
    found = search(engine, dataset, 60, index="strict")
    assert same(found, expected(index_of(dataset), dataset, 60))
    with pytest.raises(InputError, match="Fielddata access on the _id field") as caught:
        search(engine, dataset, 60, index="strict", page_size=50)
    assert "set id_field to a keyword field" in (caught.value.hint or "")
    by_field = search(engine, dataset, 60, index="strict", page_size=50, id_field="doc_id")
    assert same(by_field, found)


def test_documents_of_another_corpus_are_refused_or_left_out(engine: Engine, dataset: Dataset) -> None:
    """They are named; left out where that is agreed, lists are as long as without them, and it is said."""
    with pytest.raises(InputError, match=r"query 'one' finds 'x0', 'x6', 'x12' and \d more"):
        search(engine, dataset, 40, index="larger")
    for page_size in (20, 10_000):
        with pytest.warns(EvalkitWarning, match=f"are not in the corpus of {dataset.name!r}"):
            found = search(engine, dataset, 40, index="larger", missing="drop", page_size=page_size)
        assert same(found, expected(larger_than(dataset), dataset, 40))


def test_a_query_of_ones_own_is_filled_in_as_a_value(engine: Engine, dataset: Dataset) -> None:
    """The text replaces the value wherever it stands in the tree, and nothing in it can break out."""
    template = {"bool": {"must": [{"match": {"text": {"query": "{query}"}}}], "boost": 1}}
    found = search(engine, dataset, 10, fields=None, query=template)
    assert same(found, search(engine, dataset, 10))
    path, asked, headers, body = engine.requests[-1]
    assert path == "/plain/_search"
    assert asked == {
        "allow_no_indices": "false",
        "allow_partial_search_results": "false",
        "preference": "evalkit",
        "request_cache": "false",
        "search_type": "query_then_fetch",
    }
    assert "authorization" not in headers
    assert body["_source"] is False
    evil = '"}}, "x": {query}'
    settings = retriever_settings({"kind": "opensearch", "url": "http://x", "index": "i", "query": template})
    asked_for = settings.query_for(evil)  # type: ignore[attr-defined]
    assert asked_for["bool"] == {"must": [{"match": {"text": {"query": evil}}}], "boost": 1}


FAULTS: dict[str, tuple[Answer, type[EvalkitError], str, int]] = {
    "no such index": (refused("no such index [plain]", 404), InputError, "404 .*no such index", 1),
    "a field that is not there": (refused("failed to create query: [text] x"), InputError, "failed to create", 1),
    "a wrong key": (refused("unable to authenticate", 401), CallError, "401 .*unable to authenticate", 1),
    "too many at once": (refused("rejected execution", 429), CallError, "429 .*rejected execution", 3),
    "out of order": (refused("all shards failed", 503), CallError, "503 .*all shards failed", 3),
    "a proxy's page": ((502, b"<html>bad gateway</html>", {}), CallError, "returned 502 for query", 3),
    "a redirect": ((301, b"", {"Location": "/"}), CallError, "returned 301 for query", 1),
    "a shard that failed": ((200, good([], failed=1), {}), CallError, "1 of 5 shards failed on .*: a disk is gone", 3),
    "time that ran out": ((200, good([], late=True), {}), CallError, "query .* reached the search timeout", 3),
    "no engine at all": ((200, {"hello": "world"}, {}), CallError, "returned a reply that is not a search result", 1),
    "no JSON": ((200, b"<html>hello</html>", {}), CallError, "returned a reply that is not a search result", 1),
    "no score": ((200, good([{"_id": "d1", "_score": None}]), {}), CallError, "'d1' was found .* without a score", 1),
    "no id": ((200, good([{"_score": 1.0}]), {}), InputError, "has no single '_id'", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_no_whole_answer_is_one_clear_line(dataset: Dataset, case: str) -> None:
    """It names what failed and why, after as many attempts as may help; no candidates come of it."""
    answer, kind, said, attempts = FAULTS[case]
    only = Dataset(dataset.name, dataset.corpus, dataset.queries[:1], dataset.qrels, dataset.origin)
    with stand_in_search({}, lambda _number, _headers: answer) as engine:
        with pytest.raises(kind, match=said) as caught:
            search(engine, only, 10, retries=2)
        assert "\n" not in caught.value.message
        assert len(engine.requests) == attempts


def test_what_passes_is_waited_for(dataset: Dataset) -> None:
    """A refusal with Retry-After, a failing shard and a half answer, and then the whole list, each query once."""
    faults: dict[int, Answer] = {
        1: (429, {}, {"Retry-After": "0"}),
        3: (200, good([], failed=2), {}),
        4: (200, good([], late=True), {}),
        6: (503, b"", {}),
    }
    index = index_of(dataset)
    with stand_in_search({"plain": index}, lambda number, _headers: faults.get(number)) as engine:
        assert same(search(engine, dataset, 10, concurrency=1), expected(index, dataset, 10))
    patient = {"Retry-After": "3600"}
    with stand_in_search({"plain": index}, lambda _number, _headers: (429, {}, patient)) as engine:
        with pytest.raises(CallError, match="returned 429"):
            search(engine, dataset, 10, concurrency=1)
        assert len(engine.requests) <= len(dataset.queries)  # no query is asked a second time


def test_keys_are_sent_and_never_told(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the engine wants them, from the environment; an answer that repeats one is reported without it."""
    monkeypatch.setenv("MY_KEY", "sesame-42")
    monkeypatch.setenv("MY_USER", "ada")
    monkeypatch.setenv("MY_PASSWORD", "löve-lace")
    ways = {
        "ApiKey sesame-42": {"api_key_env": "MY_KEY"},
        "Bearer sesame-42": {"api_key_env": "MY_KEY", "api_key_scheme": "Bearer"},
        "Basic YWRhOmzDtnZlLWxhY2U=": {"user_env": "MY_USER", "password_env": "MY_PASSWORD"},
    }
    for header, settings in ways.items():
        with (
            stand_in_search(
                {}, lambda _number, headers: refused(f"bad {headers['authorization']}", 401)
            ) as engine,
            pytest.raises(CallError, match=r": bad \w+ \[key\]$") as caught,
        ):
            search(engine, dataset, 10, **settings)
        assert engine.requests[0][2]["authorization"] == header
        assert str(
            next(reversed(settings.values()) if "user_env" in settings else iter(settings.values()))
        ) in str(caught.value.hint)


def test_an_address_where_no_one_answers_is_reported_at_once(dataset: Dataset) -> None:
    """Without waiting: before anything was answered the address is wrong, rather than the moment bad."""
    gone = Engine("http://127.0.0.1:9")
    with pytest.raises(CallError, match=r"cannot reach http://127\.0\.0\.1:9/plain/_search"):
        search(gone, dataset, 10, retry_wait_s=60.0)
