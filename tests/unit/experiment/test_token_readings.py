"""What a local reranker would read of a configuration's pairs, compared with what it reads when it scores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.checked import Backend
from support.experiments import config_for
from support.inspected import check_input, dataset
from support.late_models import make_late_interaction
from support.models import make_classifier

from evalkit.config.load import build_config
from evalkit.config.source import Source
from evalkit.dataset_checks import CheckInput, Reading
from evalkit.errors import MissingExtraError
from evalkit.experiment import sessions, token_readings
from evalkit.experiment.passage_view import PassageView
from evalkit.experiment.token_readings import read_pairs
from evalkit.records import Corpus, RerankRequest
from evalkit.rerankers import Measuring, load_reranker
from evalkit.results.passage_rows import PassageFacts

pytestmark = pytest.mark.filterwarnings("default")
needs_models = pytest.mark.skipif(find_spec("sentence_transformers") is None, reason="needs the local extra")

DOCUMENTS = {"short": "the cat sat", "long": "the dog sat on a mat " * 9, "other": "no cat"}
DATA = dataset(DOCUMENTS, {"q": "a cat on the mat"}, {"q": {"long": 1, "other": 0}})
SEEN = check_input(DATA, {"q": ["short", "long", "other"]})


MODEL = {"backend": "cross_encoder", "model": "any/model"}


class Words(Backend):
    """A model that reads one token for each word, four of them at most."""

    def measure(self, pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return tokens and cuts."""
        words = np.array([len(f"{query} {document}".split()) for query, document in pairs], dtype=np.int64)
        return np.minimum(words, 4), words > 4

    def facts(self) -> dict[str, Any]:
        """Return the limit."""
        return {"max_length_tokens": 4}


def read(
    patch: pytest.MonkeyPatch, data: CheckInput, reranker: Backend | Exception, **more: Any
) -> list[Reading]:
    """Return what a local model reads."""

    def open_reranker(_settings: Any) -> Backend:
        if isinstance(reranker, Exception):
            raise reranker
        return reranker

    patch.setattr(sessions, "open_reranker", open_reranker)
    return list(read_pairs(config_for({"m": MODEL}, retriever={"depth": 1000}, **more), data))


def numbered(queries: int, documents: int, **grades: int) -> CheckInput:
    """Return queries with the same lists; document dN has N + 1 words."""
    texts = {f"d{n}": "word " * (n + 1) for n in range(documents)}
    asked = {f"q{n}": "ask" for n in range(queries)}
    data = dataset(texts, asked, {query: grades or {"d0": 1} for query in asked})
    return check_input(data, {query: list(texts) for query in asked})


@given(queries=st.integers(1, 4), documents=st.integers(1, 8), depth=st.integers(1, 9))
def test_every_candidate_within_the_depth_is_read(queries: int, documents: int, depth: int) -> None:
    """Its tokens and whether they were cut, in the order of the lists; no pair is scored."""
    with pytest.MonkeyPatch.context() as patch:
        (found,) = read(patch, numbered(queries, documents), model := Words(), depths=[depth])
    words = [2 + n for n in range(min(depth, documents))] * queries
    assert (found.reranker, found.limit, found.pairs) == ("m", 4, len(words))
    assert found.tokens.tolist() == [min(count, 4) for count in words]
    assert found.truncated.tolist() == [count > 4 for count in words]
    assert not model.asked


def test_relevant_documents_are_read_wherever_they_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those judged 0, and not those that the corpus lacks."""
    data = numbered(1, 6, d0=1, d4=2, d5=0, gone=1)
    (found,) = read(monkeypatch, data, Words(), depths=[1])
    assert found.relevant_truncated.tolist() == [False, True]


@given(seed=st.integers(0, 99), most=st.integers(1, 30))
def test_many_pairs_are_sampled_without_repetition(seed: int, most: int) -> None:
    """The number of all pairs is reported with the sample; the same seed draws the same pairs, in their order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_readings, "MOST_PAIRS", most)
        one, other = (read(patch, numbered(1, 20), Words(), seed=seed)[0] for _ in range(2))
    assert one.pairs == 20
    assert len(one.tokens) == min(most, 20)
    assert one.tokens.tolist() == sorted(one.tokens.tolist()) == other.tokens.tolist()
    assert (~one.truncated).sum() <= 3, "three documents fit, each of them drawn once at most"


@pytest.mark.parametrize(
    ("reranker", "why"),
    [
        (Backend(), "the backend does not report it"),
        (MissingExtraError("the backend", "local"), "packages that are not installed"),
    ],
    ids=["no measure", "no package"],
)
def test_what_cannot_be_measured_is_unknown(
    monkeypatch: pytest.MonkeyPatch, reranker: Backend | Exception, why: str
) -> None:
    """A reason and no pairs, instead of pairs of 0 tokens; other errors are not hidden."""
    (found,) = read(monkeypatch, numbered(1, 3), reranker)
    assert found.missing is not None
    assert why in found.missing
    assert (found.limit, found.pairs, len(found.tokens), len(found.truncated)) == (None, 0, 0, 0)
    with pytest.raises(ZeroDivisionError):
        read(monkeypatch, numbered(1, 3), ZeroDivisionError())


def test_without_candidates_there_is_nothing_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """No reranker is opened."""
    assert read(monkeypatch, check_input(DATA), ZeroDivisionError()) == []


@needs_models
@pytest.mark.parametrize(
    ("backend", "make"), [("cross_encoder", make_classifier), ("late_interaction", make_late_interaction)]
)
def test_what_is_measured_is_what_is_read(tmp_path: Path, backend: str, make: Any) -> None:
    """Tokens and cuts of each pair are those that the reranker reports when it scores."""
    reranker = load_reranker(backend, model=str(make(tmp_path / "model")))
    assert isinstance(reranker, Measuring)
    query, documents = "a cat on the mat", tuple(DOCUMENTS.values())
    tokens, truncated = reranker.measure([(query, document) for document in documents])
    for row, document in enumerate(documents):
        reported = reranker.score(RerankRequest("q", query, (document,), ("d",)))
        assert tokens[row] == reported.usage.tokens
        assert reported.truncated is not None
        assert truncated[row] == reported.truncated[0]
    assert truncated.tolist() == [False, True, False]


@needs_models
def test_every_local_reranker_is_read_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All candidates of a small experiment, a seeded sample of a large one; an API and a broken model are unknown."""
    model = str(make_classifier(tmp_path / "model"))
    rerankers = {
        "own": {"backend": "cross_encoder", "model": model},
        "served": {"backend": "http", "serve": {"backend": "cross_encoder", "model": model}},
        "far": {"backend": "http", "url": "http://127.0.0.1:1/rerank", "model": "any"},
        "broken": {"backend": "cross_encoder", "model": str(tmp_path)},
        "words": {"backend": "lexical"},
    }
    config = build_config(Source("c", data={"name": "c", "datasets": ["demo"], "rerankers": rerankers}))
    found = {reading.reranker: reading for reading in read_pairs(config, SEEN)}
    assert list(found) == ["own", "served", "far", "broken"]
    assert found["own"].limit == 24
    assert found["own"].truncated.tolist() == found["served"].truncated.tolist() == [False, True, False]
    assert found["own"].relevant_truncated.tolist() == [True]
    assert found["far"].missing is not None
    assert found["broken"].missing is not None
    monkeypatch.setattr(token_readings, "MOST_PAIRS", 2)
    sampled = next(iter(read_pairs(config, SEEN)))
    assert (sampled.pairs, len(sampled.truncated)) == (3, 2)
    assert np.array_equal(next(iter(read_pairs(config, SEEN))).tokens, sampled.tokens)


def test_passages_are_read_in_place_of_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the candidates within the depth, and those of the relevant documents: none is cut if all are short."""
    data = numbered(1, 3, d2=1)
    words = {doc: data.dataset.corpus.text(doc).split() for doc in data.dataset.corpus.doc_ids}
    ids = {doc: tuple(f"{doc}#{n}" for n in range(1, len(own) + 1)) for doc, own in words.items()}
    corpus = Corpus(
        tuple(one for own in ids.values() for one in own), tuple(one for own in words.values() for one in own)
    )
    facts = PassageFacts("t", "0" * 64, 1, 0, "max", 3, 6, 2.0, 3)
    view = PassageView(replace(data.dataset, corpus=corpus), ids, "max", facts)
    monkeypatch.setattr(sessions, "open_reranker", lambda _settings: Words())
    config = config_for({"m": MODEL}, retriever={"depth": 1000}, depths=[2])
    (found,) = read_pairs(config, data, view)
    assert (found.pairs, found.tokens.tolist()) == (1 + 2, [2, 2, 2])
    assert found.relevant_truncated.tolist() == [False] * 3
    (plain,) = read_pairs(config, data)
    assert plain.tokens.tolist() == [2, 3]
