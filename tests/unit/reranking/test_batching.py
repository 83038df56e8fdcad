"""Lists of candidates in batches."""

from __future__ import annotations

import pytest

from evalkit.config import TextTemplates
from evalkit.errors import InputError
from evalkit.records import Dataset, Run
from evalkit.reranking import batch
from evalkit.reranking.batching import Caps, call_ends


@pytest.mark.parametrize("size", [1, 2, 3, None])
def test_batches_cover_every_candidate_once(tiny: Dataset, candidates: Run, size: int | None) -> None:
    """However lists are cut, every candidate is sent once, in first-stage order, with its own text."""
    batches = list(batch(candidates, tiny, Caps(size), pointwise=True))
    assert max(len(b.request.documents) for b in batches) <= (size or 3)
    for query_id, docs, _ in candidates:
        sent = [d for b in batches if b.request.query_id == query_id for d in b.request.doc_ids]
        assert tuple(sent) == docs
    assert all(
        t == tiny.corpus.text(d)
        for b in batches
        for d, t in zip(b.request.doc_ids, b.request.documents, strict=True)
    )


def test_a_list_is_never_split_for_a_reranker_that_looks_at_it(tiny: Dataset, candidates: Run) -> None:
    """Splitting a list of a reranker that is not pointwise is refused."""
    with pytest.raises(InputError, match="needs the whole list"):
        list(batch(candidates, tiny, Caps(2), pointwise=False))
    assert len(list(batch(candidates, tiny, Caps(3), pointwise=False))) == 2


def test_requests_keep_their_caps() -> None:
    """No request is beyond a cap unless it is one document; all documents go out once and in order."""
    texts = tuple("x" * n for n in (5, 50, 500, 5, 5, 200, 1, 1, 1))
    for caps in (Caps(2), Caps(bytes=120), Caps(tokens=40), Caps(3, 600, 100), Caps()):
        ends = list(call_ends("query", texts, caps))
        starts = [0, *ends[:-1]]
        assert ends[-1] == len(texts)
        assert all(a < b for a, b in zip(starts, ends, strict=True))
        if caps.bytes is None and caps.tokens is None:
            assert list(call_ends("query", texts, Caps(caps.documents, bytes=10**9))) == ends
        for start, end in zip(starts, ends, strict=True):
            part = texts[start:end]
            weight = sum(len(t) for t in part)
            assert len(part) == 1 or caps.documents is None or len(part) <= caps.documents
            assert len(part) == 1 or caps.bytes is None or weight <= caps.bytes
            assert len(part) == 1 or caps.tokens is None or weight * 0.4 <= caps.tokens


def test_caps_count_texts_as_they_are_sent() -> None:
    """A template takes room in every request: of the query once for bytes and per pair for tokens."""
    texts = ("x" * 10,) * 12
    framed = TextTemplates("q" * 40 + "{query}", "d" * 30 + "{document}")
    sent = framed.sent("query", texts)
    for caps in (Caps(bytes=200), Caps(tokens=120)):
        longer = Caps(bytes=caps.bytes, tokens=caps.tokens, templates=framed)
        assert list(call_ends("query", texts, longer)) == list(call_ends(*sent, caps))
        assert len(list(call_ends("query", texts, longer))) > len(list(call_ends("query", texts, caps)))


def test_what_is_sent_for_each_document_counts() -> None:
    """A question about each document takes its part of the limits, as a longer document would."""
    texts = ("a" * 40,) * 9
    asked = list(call_ends("query", texts, Caps(tokens=120, more_characters=30)))
    assert asked == list(call_ends("query", ("a" * 70,) * 9, Caps(tokens=120)))
    assert asked != list(call_ends("query", texts, Caps(tokens=120)))
