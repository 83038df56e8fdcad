"""Conformance tests for plugins: derive a class from one of these, set what is under test, and run pytest.

``class TestMine(RerankerConformance): settings = {"backend": "mine"}``; a plugin in a file must first be loaded with
`evalkit.config.load_plugins`.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import orjson

from evalkit import registry
from evalkit.config import validate_block
from evalkit.datasets import load_dataset
from evalkit.dialects import Dialect, WireError, WireRequest
from evalkit.errors import CallError
from evalkit.judges import Judge, open_judge
from evalkit.records import Dataset, RerankRequest, RerankResponse
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
"""Largest absolute difference of a score between two batches."""


class _Conformance:
    """Tests for every plugin: settings survive serialisation, and the docstring has a first line."""

    kind: ClassVar[str]
    selector: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]]

    def _checked(self) -> Any:
        return validate_block(self.kind, dict(self.settings))

    def test_it_says_what_it_is(self) -> None:
        """The docstring has a first line: ``evalkit plugin list`` shows it."""
        plugin = registry.lookup(self.kind, str(self.settings[self.selector]))
        assert (plugin.__doc__ or "").strip().partition("\n")[0]

    def test_settings_survive_a_file_and_another_process(self) -> None:
        """Settings are equal after a round trip through JSON values and through pickle."""
        checked = self._checked()
        assert validate_block(self.kind, checked.model_dump(mode="json", exclude_none=True)) == checked
        assert pickle.loads(pickle.dumps(checked)) == checked  # noqa: S301 - our own bytes


class RerankerConformance(_Conformance):
    """Tests for a reranker. Set ``settings``; override `reranker` if it is not built from settings."""

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
        """Scores are finite float64 in the order of the documents, for empty and long texts too."""
        scores = self._scores(DOCUMENTS)
        assert scores.shape == (len(DOCUMENTS),)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()

    def test_no_document_is_no_score(self) -> None:
        """A request without documents returns no scores."""
        assert self._scores(()).shape == (0,)

    def test_the_same_request_has_the_same_scores(self) -> None:
        """Two rerankers with the same settings score the same request identically, within one process."""
        assert np.array_equal(self._scores(DOCUMENTS), self._scores(DOCUMENTS))

    def test_what_is_called_pointwise_is(self) -> None:
        """If a reranker is pointwise, its scores depend neither on the other documents nor on their order."""
        reranker = self.reranker()
        if not reranker.pointwise:
            return
        together = reranker.score(request(DOCUMENTS)).scores
        reversed_order = reranker.score(request(DOCUMENTS[::-1])).scores[::-1]
        one_by_one = np.concatenate([reranker.score(request((text,))).scores for text in DOCUMENTS])
        reranker.close()
        np.testing.assert_allclose(reversed_order, together, atol=TOLERANCE)
        np.testing.assert_allclose(one_by_one, together, atol=TOLERANCE)

    def test_it_can_be_closed_twice(self) -> None:
        """A second close has no effect."""
        reranker = self.reranker()
        reranker.close()
        reranker.close()


class JudgeConformance(_Conformance):
    """Tests for a judge. Set ``settings``; set ``ungraded`` to a document for which it fails, if there is one."""

    kind = "judge backend"
    selector = "backend"
    ungraded: ClassVar[str | None] = None

    def judge(self, **changes: Any) -> Judge:
        """Return the judge under test, with some settings changed."""
        settings: Any = validate_block(self.kind, {**self.settings, **changes})
        return open_judge(settings)

    def request(self, document: str) -> RerankRequest:
        """Return the request for the grade of a document; override it if the judge needs its ids."""
        return request((document,))

    def _graded(self, judge: Judge) -> list[tuple[str, RerankResponse | CallError]]:
        found: list[tuple[str, RerankResponse | CallError]] = []
        for document in DOCUMENTS:
            try:
                found.append((document, judge.score(self.request(document))))
            except CallError as error:
                found.append((document, error))
        return found

    def test_each_document_has_one_grade_of_the_scale_or_a_failure(self) -> None:
        """A grade is one finite float64 between 0 and the highest grade; else a `CallError` names the reason."""
        judge = self.judge()
        for document, graded in self._graded(judge):
            if isinstance(graded, CallError):
                assert graded.kind, document
                assert graded.message, document
                continue
            assert graded.scores.shape == (1,), document
            assert graded.scores.dtype == np.float64
            assert 0 <= graded.scores[0] <= len(self._checked().scale) - 1, document
        judge.close()

    def test_a_failure_is_no_grade(self) -> None:
        """A document without a grade raises a `CallError`, again and again; it is never graded 0."""
        if self.ungraded is None:
            return
        judge = self.judge()
        for _ in range(2):
            try:
                response = judge.score(self.request(self.ungraded))
            except CallError:
                continue
            raise AssertionError(f"the document {self.ungraded!r} was graded {response.scores}")
        judge.close()

    def test_the_same_pair_has_the_same_grade_of_the_same_rater(self) -> None:
        """Two judges with the same settings grade alike, and their raters are equal."""
        first, second = self.judge(), self.judge()
        for (_, one), (_, other) in zip(self._graded(first), self._graded(second), strict=True):
            if isinstance(one, RerankResponse) and isinstance(other, RerankResponse):
                assert one.scores == other.scores
                assert first.rater(one) == second.rater(other)
        first.close()
        second.close()

    def test_another_prompt_is_another_rater(self) -> None:
        """Another scale or instruction changes the hash of the prompt; a judge without a prompt has no hash."""
        scale = ["No use.", "Use."]
        judges = [self.judge(), self.judge(instruction="Only manuals are of use."), self.judge(scale=scale)]
        raters = [judge.known_rater for judge in judges]
        for judge in judges:
            judge.close()
        hashes = {rater.prompt_sha256 for rater in raters}
        assert hashes == {None} or len(hashes) == 3
        assert all(rater.kind == "model" and rater.name for rater in raters)

    def test_a_rater_can_be_written_down(self) -> None:
        """Raters are JSON values: their line is read back as the same rater."""
        judge = self.judge()
        graded = (one for _, one in self._graded(judge) if isinstance(one, RerankResponse))
        raters = [judge.known_rater, *map(judge.rater, graded)]
        judge.close()
        for rater in raters:
            assert orjson.loads(rater.key)[1] == rater.name

    def test_it_can_be_closed_twice(self) -> None:
        """A second close has no effect."""
        judge = self.judge()
        judge.close()
        judge.close()


class RetrieverConformance(_Conformance):
    """Tests for a first stage. Set ``settings``; override `dataset` if the bundled collection does not suit."""

    kind = "retriever kind"
    selector = "kind"

    def dataset(self) -> Dataset:
        """Return the dataset to search."""
        return load_dataset("demo")

    def test_candidates_are_documents_in_order_and_no_more_than_asked(self) -> None:
        """Each query has at most `depth` documents, all from the corpus, in descending order of score."""
        dataset = self.dataset()
        run = retrieve_candidates(open_retriever(self._checked(), dataset), dataset, 7)
        assert set(run.query_ids) <= {query.query_id for query in dataset.queries}
        for _, docs, scores in run:
            assert len(docs) <= 7
            assert all(doc in dataset.corpus for doc in docs)
            assert (np.diff(scores) <= 0).all()

    def test_a_shallower_list_is_the_beginning_of_a_deeper_one(self) -> None:
        """The candidates at depth 5 are the first candidates at depth 20."""
        dataset = self.dataset()
        retriever = open_retriever(self._checked(), dataset)
        deep, shallow = (retrieve_candidates(retriever, dataset, depth) for depth in (20, 5))
        for query_id, docs, _ in shallow:
            assert deep.docs(query_id)[: len(docs)] == docs


class DatasetConformance(_Conformance):
    """Tests for a dataset source. Set ``settings`` to a block that can be loaded."""

    kind = "dataset source"
    selector = "source"

    def test_it_is_a_collection(self) -> None:
        """The dataset has documents, queries with unique ids, and no judgment of an unknown query."""
        dataset = load_dataset(dict(self.settings))
        ids = [query.query_id for query in dataset.queries]
        assert len(dataset.corpus) > 0
        assert len(set(ids)) == len(ids) > 0
        assert set(dataset.qrels.grades) <= set(ids)

    def test_reading_it_again_gives_the_same(self) -> None:
        """Two loads have the same content hash."""
        first, second = (load_dataset(dict(self.settings)).origin.content_hash for _ in range(2))
        assert first == second


class DialectConformance:
    """Tests for a wire format. Set ``name``."""

    name: ClassVar[str]

    def dialect(self) -> Dialect:
        """Return the dialect under test."""
        dialect: Dialect = registry.lookup("dialect", self.name)()
        return dialect

    def test_the_server_reads_what_the_client_writes(self) -> None:
        """A decoded request has the query, the documents and the ``top_n`` that were encoded."""
        dialect = self.dialect()
        sent = WireRequest("m", QUERY, DOCUMENTS, 2 if dialect.shape.top_n else None)
        read = dialect.decode_request(dialect.encode_request(sent), "m")
        assert (read.query, read.documents, read.top_n) == (sent.query, sent.documents, sent.top_n)

    def test_the_client_reads_what_the_server_writes(self) -> None:
        """A decoded response has exactly the encoded scores, in the order of the documents."""
        dialect = self.dialect()
        sent = WireRequest("m", QUERY, DOCUMENTS)
        scores = [0.1, 0.9, 0.5, 0.1, 0.3]
        response = dialect.decode_response(dialect.encode_response(sent, scores, 7), {}, sent)
        assert response.scores.tolist() == scores

    def test_a_wrong_request_is_refused(self) -> None:
        """An invalid body raises a `WireError` with a 4xx status that the dialect can encode."""
        dialect = self.dialect()
        invalid: tuple[Any, ...] = (None, [], {}, 3)
        for body in invalid:
            error = _decoding_error(dialect, body)
            assert error is not None, f"{body!r} was accepted as a request"
            assert 400 <= error.status < 500
            assert dialect.encode_error(error)


def _decoding_error(dialect: Dialect, body: Any) -> WireError | None:
    try:
        dialect.decode_request(body)
    except WireError as error:
        return error
    return None


def request(documents: tuple[str, ...]) -> RerankRequest:
    """Return a request that scores `documents` for `QUERY`."""
    return RerankRequest("q", QUERY, documents, tuple(map(str, range(len(documents)))))
