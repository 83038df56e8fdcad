"""Laws that a plugin has to keep, as test classes: derive from one, say what is under test, and run pytest.

``class TestMine(RerankerConformance): settings = {"backend": "mine"}``; a plugin of a file is loaded first with
`evalkit.config.load_plugins`.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from evalkit import registry
from evalkit.config import validate_block
from evalkit.datasets import load_dataset
from evalkit.dialects import Dialect, WireError, WireRequest
from evalkit.records import Dataset, RerankRequest
from evalkit.rerankers import Reranker, load_reranker
from evalkit.retrievers import open_retriever, retrieve_candidates

QUERY = "how do I reset my password"
DOCUMENTS = (
    "Reset your password in the settings of your account.",
    "",
    "Ein Dokument in einer anderen Sprache: Passwort zurücksetzen 重置密码 🔑",
    "Reset your password in the settings of your account.",
    "Billing " * 300,
)
TOLERANCE = 1e-5
"""How far a score may move with the batch it was computed in."""


class _Conformance:
    """What every plugin has: settings that can be written and sent elsewhere, and a sentence that says what it is."""

    kind: ClassVar[str]
    selector: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]]

    def _checked(self) -> Any:
        return validate_block(self.kind, dict(self.settings))

    def test_it_says_what_it_is(self) -> None:
        """The first line of the docstring is what ``evalkit plugin list`` shows."""
        plugin = registry.lookup(self.kind, str(self.settings[self.selector]))
        assert (plugin.__doc__ or "").strip().partition("\n")[0]

    def test_settings_survive_a_file_and_another_process(self) -> None:
        """Written and read, or pickled, they are the same."""
        checked = self._checked()
        assert validate_block(self.kind, checked.model_dump(mode="json", exclude_none=True)) == checked
        assert pickle.loads(pickle.dumps(checked)) == checked  # noqa: S301 - our own bytes


class RerankerConformance(_Conformance):
    """Laws of a reranker. Set ``settings``; override `reranker` where it is made otherwise."""

    kind = "reranker backend"
    selector = "backend"

    def reranker(self) -> Reranker:
        """Return the reranker under test."""
        return load_reranker(**dict(self.settings))

    def _scores(self, documents: tuple[str, ...]) -> np.ndarray:
        reranker = self.reranker()
        try:
            return reranker.score(request(documents)).scores
        finally:
            reranker.close()

    def test_every_document_has_one_finite_score(self) -> None:
        """Whatever the text, empty and long ones included; float64, in the order of the documents."""
        scores = self._scores(DOCUMENTS)
        assert scores.shape == (len(DOCUMENTS),)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()

    def test_no_document_is_no_score(self) -> None:
        """An empty request has an empty answer."""
        assert self._scores(()).shape == (0,)

    def test_the_same_request_has_the_same_scores(self) -> None:
        """In one process and on the same machine nothing is left to chance."""
        assert np.array_equal(self._scores(DOCUMENTS), self._scores(DOCUMENTS))

    def test_what_is_called_pointwise_is(self) -> None:
        """A score does not hang on the other documents of the request, nor on their order."""
        reranker = self.reranker()
        if not reranker.pointwise:
            return
        whole = reranker.score(request(DOCUMENTS)).scores
        turned = reranker.score(request(DOCUMENTS[::-1])).scores[::-1]
        alone = np.concatenate([reranker.score(request((text,))).scores for text in DOCUMENTS])
        reranker.close()
        np.testing.assert_allclose(turned, whole, atol=TOLERANCE)
        np.testing.assert_allclose(alone, whole, atol=TOLERANCE)

    def test_it_can_be_closed_twice(self) -> None:
        """Closing releases what is held, and does no harm again."""
        reranker = self.reranker()
        reranker.close()
        reranker.close()


class RetrieverConformance(_Conformance):
    """Laws of a first stage. Set ``settings``, and `dataset` where the bundled collection does not suit."""

    kind = "retriever kind"
    selector = "kind"

    def dataset(self) -> Dataset:
        """Return the collection that is searched."""
        return load_dataset("demo")

    def test_candidates_are_documents_in_order_and_no_more_than_asked(self) -> None:
        """At most `depth` documents of the corpus a query, each once, best first."""
        dataset = self.dataset()
        run = retrieve_candidates(open_retriever(self._checked(), dataset), dataset, 7)
        assert set(run.query_ids) <= {query.query_id for query in dataset.queries}
        for _, docs, scores in run:
            assert len(docs) <= 7
            assert all(doc in dataset.corpus for doc in docs)
            assert (np.diff(scores) <= 0).all()

    def test_a_shallower_list_is_the_beginning_of_a_deeper_one(self) -> None:
        """Depth cuts, and does not choose."""
        dataset = self.dataset()
        retriever = open_retriever(self._checked(), dataset)
        deep, shallow = (retrieve_candidates(retriever, dataset, depth) for depth in (20, 5))
        for query_id, docs, _ in shallow:
            assert deep.docs(query_id)[: len(docs)] == docs


class DatasetConformance(_Conformance):
    """Laws of a dataset source. Set ``settings`` to a block that can be read."""

    kind = "dataset source"
    selector = "source"

    def test_it_is_a_collection(self) -> None:
        """Documents and queries have ids of their own, and every judged query has a text."""
        dataset = load_dataset(dict(self.settings))
        ids = [query.query_id for query in dataset.queries]
        assert len(dataset.corpus) > 0
        assert len(set(ids)) == len(ids) > 0
        assert set(dataset.qrels.grades) <= set(ids)

    def test_reading_it_again_gives_the_same(self) -> None:
        """Its content hash says so."""
        first, second = (load_dataset(dict(self.settings)).origin.content_hash for _ in range(2))
        assert first == second


class DialectConformance:
    """Laws of a wire format. Set ``name``."""

    name: ClassVar[str]

    def dialect(self) -> Dialect:
        """Return the dialect under test."""
        dialect: Dialect = registry.lookup("dialect", self.name)()
        return dialect

    def test_the_server_reads_what_the_client_writes(self) -> None:
        """Query, documents and options arrive as they were sent."""
        dialect = self.dialect()
        sent = WireRequest("m", QUERY, DOCUMENTS, 2 if dialect.shape.top_n else None)
        read = dialect.decode_request(dialect.encode_request(sent), "m")
        assert (read.query, read.documents, read.top_n) == (sent.query, sent.documents, sent.top_n)

    def test_the_client_reads_what_the_server_writes(self) -> None:
        """Every score arrives at its document, bit for bit."""
        dialect = self.dialect()
        asked = WireRequest("m", QUERY, DOCUMENTS)
        scores = [0.1, 0.9, 0.5, 0.1, 0.3]
        reply = dialect.decode_response(dialect.encode_response(asked, scores, 7), {}, asked)
        assert reply.scores.tolist() == scores

    def test_a_wrong_request_is_refused(self) -> None:
        """With a status of the client's fault, in the dialect's own words."""
        dialect = self.dialect()
        wrong: tuple[Any, ...] = (None, [], {}, 3)
        for body in wrong:
            error = _refusal(dialect, body)
            assert error is not None, f"{body!r} was taken for a request"
            assert 400 <= error.status < 500
            assert dialect.encode_error(error)


def _refusal(dialect: Dialect, body: Any) -> WireError | None:
    try:
        dialect.decode_request(body)
    except WireError as error:
        return error
    return None


def request(documents: tuple[str, ...]) -> RerankRequest:
    """Return a request for some documents."""
    return RerankRequest("q", QUERY, documents, tuple(map(str, range(len(documents)))))
