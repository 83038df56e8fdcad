"""What rerankers see of long documents, and how their scores come back to the documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.experiments import api, config_for, eval_set
from support.inspected import candidates, dataset
from support.long_documents import write_long_documents

from evalkit.config import PassageSettings
from evalkit.encoding.text_tokenizer import open_text_tokenizer
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.passage_view import PassageView, make_passages, passage_of, split_texts
from evalkit.experiment.precision_pass import sampled_candidates
from evalkit.records import Corpus
from evalkit.reranking import ScoredCandidates
from evalkit.results.passage_rows import PassageFacts

pytest.importorskip("tokenizers")

FACTS = PassageFacts("t", "0" * 64, 2, 0, "max", 0, 0, None, 0)


def view_of(counts: dict[str, int]) -> PassageView:
    """Return a view in which each document has some passages, whose text is their id."""
    ids = {doc: tuple(f"{doc}#{number}" for number in range(1, count + 1)) for doc, count in counts.items()}
    every = tuple(one for own in ids.values() for one in own)
    data = dataset({"d": "text"}, {"q": "query", "p": "other"}, {"q": {"d": 1}})
    data = type(data)(data.name, Corpus(every, every), data.queries, data.qrels, data.origin)
    return PassageView(data, ids, "max", FACTS)


@given(
    counts=st.dictionaries(
        st.text(alphabet="ab#1", min_size=1, max_size=4), st.integers(1, 4), min_size=1, max_size=6
    ),
    depth=st.integers(1, 7),
    data=st.data(),
)
def test_a_depth_counts_documents_and_their_scores_come_back(
    counts: dict[str, int], depth: int, data: st.DataObject
) -> None:
    """All passages of the first candidates are sent in order; each document has its highest score, whatever its id."""
    view = view_of(counts)
    lists = {"q": list(counts), "p": list(counts)[:1]}
    one = EvalSet(view.dataset, candidates(lists), passages=view)
    sent = one.sent_run(depth)
    for query_id, docs in lists.items():
        expected = [f"{doc}#{number}" for doc in docs[:depth] for number in range(1, counts[doc] + 1)]
        assert list(sent.docs(query_id)) == expected == list(one.sent_docs(query_id, depth))
        assert [passage_of(passage)[0] for passage in expected] == [
            doc for doc in docs[:depth] for _ in range(counts[doc])
        ]
    scores = np.array(data.draw(st.lists(st.floats(-9, 9), min_size=len(sent), max_size=len(sent))))
    query_ids = [query_id for query_id, docs, _ in sent for _ in docs]
    ranks = np.concatenate([np.arange(1, len(docs) + 1) for _, docs, _ in sent])
    scored = ScoredCandidates(
        "r", tuple(query_ids), sent.doc_ids, ranks, scores, (None,) * len(sent), ("lost",), 0
    )
    combined = one.combined(scored)
    best: dict[tuple[str, str], float] = {}
    for query_id, passage, score in zip(query_ids, sent.doc_ids, scores.tolist(), strict=True):
        key = (query_id, passage_of(passage)[0])
        best[key] = max(score, best.get(key, -np.inf))
    assert (
        dict(zip(zip(combined.query_ids, combined.doc_ids, strict=True), combined.scores, strict=True))
        == best
    )
    assert combined.retriever_rank.tolist() == [
        rank for _, docs, _ in one.candidates.cut(depth) for rank in range(1, len(docs) + 1)
    ]
    assert combined.failed == ("lost",)


def test_without_passages_documents_are_sent() -> None:
    """The candidates as they are, and their scores as they are."""
    one = eval_set(queries=2, documents=3)
    assert one.sent_dataset is one.dataset
    assert one.sent_run(2).doc_ids == one.candidates.cut(2).doc_ids
    nothing = ScoredCandidates("r", (), (), np.empty(0, dtype=np.int64), np.empty(0), (), (), 0)
    assert one.combined(nothing) is nothing


def test_no_scored_query_is_no_document() -> None:
    """A pass in which every call failed has no rows."""
    nothing = ScoredCandidates("r", (), (), np.empty(0, dtype=np.int64), np.empty(0), (), ("q",), 0)
    combined = view_of({"d": 2}).combined(nothing)
    assert (combined.doc_ids, len(combined.scores), combined.failed) == ((), 0, ("q",))


def test_passages_are_made_once_of_each_document(tmp_path: Path) -> None:
    """With the facts that the manifest records; a passage has as many tokens as it may have."""
    folder = write_long_documents(tmp_path / "small", queries=1)
    settings = PassageSettings(tokens=64, overlap=16, tokenizer=str(folder / "tokenizer"))
    tokenizer = open_text_tokenizer(settings.tokenizer)
    text = "planet " * 200
    data = dataset({"long": text, "empty": "", "short": "planet"}, {"q": "planet"}, {"q": {"long": 1}})
    view = make_passages(settings, data, ["long", "empty", "short", "long"])
    assert view.dataset.corpus.text("empty#1") == ""
    assert view.dataset.corpus.text("short#1") == "planet"
    own = [view.dataset.corpus.text(one) for one in view.ids["long"]]
    assert [own] == split_texts([text], tokenizer, settings)
    assert max(tokenizer.counts(own)) == 64
    facts = view.facts
    assert (facts.documents, facts.passages, facts.most_per_document) == (3, 2 + len(own), len(own))
    assert facts.per_document == pytest.approx((2 + len(own)) / 3)
    assert facts.tokenizer_sha256 == tokenizer.sha256


def test_the_precision_check_samples_passages_too() -> None:
    """All passages of the candidates of the sampled queries, up to the deepest depth."""
    view = view_of({"d": 2, "e": 1, "f": 3})
    one = EvalSet(view.dataset, candidates({"q": ["d", "e", "f"], "p": ["e"]}), passages=view)
    config = config_for({"a": api()}, depths=[2], retriever={"depth": 3})
    assert sampled_candidates(config, one).doc_ids == ("d#1", "d#2", "e#1"), "only q has a relevant document"


class BlankTokens:
    """A tokenizer in which every character is a token, blanks too."""

    def offsets(self, texts: list[str]) -> list[NDArray[np.int64]]:
        """Return one token for each character."""
        return [np.array([(place, place + 1) for place in range(len(text))]) for text in texts]


@pytest.mark.parametrize(
    ("text", "passages"),
    [("ab    cd", ["ab", "cd"]), ("   ", [""]), ("a     ", ["a"]), ("    b", ["", "b"][1:])],
)
def test_no_passage_of_a_text_is_blank(text: str, passages: list[str]) -> None:
    """An API that refuses blank texts would fail the query; a blank document is one passage."""
    settings = PassageSettings(tokens=2, overlap=0, tokenizer="t")
    (found,) = split_texts([text], BlankTokens(), settings)  # type: ignore[arg-type]
    assert [passage.strip() for passage in found] == passages


def test_documents_are_split_as_they_are_alone(tmp_path: Path) -> None:
    """Texts are tokenized together, which changes no passage."""
    folder = write_long_documents(tmp_path / "small", queries=1)
    settings = PassageSettings(tokens=8, overlap=3, tokenizer=str(folder / "tokenizer"))
    tokenizer = open_text_tokenizer(settings.tokenizer)
    texts = ["planet " * n + "\N{GRINNING FACE} e\u0301 " * (n % 3) for n in range(150)]
    data = dataset({f"d{n}": text for n, text in enumerate(texts)}, {"q": "planet"}, {"q": {"d1": 1}})
    view = make_passages(settings, data, data.corpus.doc_ids)
    for doc_id, text in zip(data.corpus.doc_ids, texts, strict=True):
        own = [view.dataset.corpus.text(one) for one in view.ids[doc_id]]
        assert [own] == split_texts([text], tokenizer, settings)


def test_passages_of_excluded_documents_are_excluded(tmp_path: Path) -> None:
    """Timed calls are filled up with other passages, never with those of a document that the query excludes."""
    folder = write_long_documents(tmp_path / "small", queries=1)
    settings = PassageSettings(tokens=8, overlap=0, tokenizer=str(folder / "tokenizer"))
    data = dataset({"a": "planet " * 12, "b": "planet"}, {"q": "planet"}, {"q": {"b": 1}})
    data = replace(data, excluded={"q": frozenset({"a", "not a candidate of any query"})})
    view = make_passages(settings, data, ["a", "b"])
    assert view.dataset.excluded == {"q": frozenset(view.ids["a"])}
