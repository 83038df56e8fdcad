"""The first stage that searches an existing index on OpenSearch or Elasticsearch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from typing import Any

from evalkit.errors import EvalkitWarning, InputError
from evalkit.progress import progress_bar
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.opensearch_client import OpenSearchClient
from evalkit.retrievers.opensearch_replies import Hit
from evalkit.retrievers.opensearch_settings import OpenSearchSettings

_EXTRA_HITS = 16
"""Hits requested beyond the depth: usually enough to see that no further hit ties with the last document."""
_IDS_IN_MESSAGE = 3


class OpenSearch:
    """BM25 or any other query on an existing index of OpenSearch or Elasticsearch, over HTTP.

    Equal scores are ordered by doc_id as everywhere, and at the cut, too: lists are read on until no further document
    can tie with their last one.
    """

    Settings = OpenSearchSettings

    def __init__(self, settings: OpenSearchSettings, dataset: Dataset) -> None:
        self._settings = settings
        self._dataset = dataset

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the `depth` best documents of each query.

        Raises
        ------
        InputError
            If the index does not belong to this dataset, or rejects the query.
        CallError
            If any query fails or has an incomplete response; no partial run is returned.
        """
        tag = self._settings.label
        query_ids: list[str] = []
        doc_ids: list[str] = []
        scores: list[float] = []
        dropped = 0
        with OpenSearchClient(self._settings) as client, ThreadPool(self._settings.concurrency) as pool:
            found = pool.imap(partial(self._search, client, depth), queries)
            progress = progress_bar(found, total=len(queries), desc=f"{tag}: retrieving", unit="query")
            for query, result in zip(queries, progress, strict=True):
                dropped += result.dropped
                query_ids += [query.query_id] * len(result.hits)
                doc_ids += [hit.doc_id for hit in result.hits]
                scores += [hit.score for hit in result.hits]
        if dropped:
            text = f"{tag}: {dropped} documents found are not in the corpus of {self._dataset.name!r}"
            warnings.warn(f"{text} and were replaced by the next hits.", EvalkitWarning, stacklevel=2)
        return Run.from_rows(tag, query_ids, doc_ids, scores).cut(depth)

    def _search(self, client: OpenSearchClient, depth: int, query: Query) -> _QueryResult:
        """Return the first documents of a query, including all that may tie with the document at `depth`."""
        for hit_list in self._lists(client, depth, query):
            hits = self._hits_in_corpus(query, hit_list.hits)
            enough = len(hits) >= depth and (
                hit_list.by_id or hits[depth - 1].score > hit_list.hits[-1].score
            )
            if hit_list.complete or enough:
                return _QueryResult(hits, len(hit_list.hits) - len(hits))
        raise AssertionError("the last list is whole")

    def _lists(self, client: OpenSearchClient, depth: int, query: Query) -> Iterator[_HitList]:
        """Yield longer and longer lists: up to one page in the engine's order, then pages sorted by score and id."""
        search = partial(self._request, client, query)
        page_size = self._settings.page_size
        size = depth + _EXTRA_HITS
        while depth < page_size and size < 2 * page_size:
            requested = min(size, page_size)
            hits = search(requested)
            yield _HitList(hits, complete=len(hits) < requested, by_id=False)
            size *= 2
        hits = []
        paging: dict[str, Any] = {"sort": [{"_score": "desc"}, {self._settings.id_field: "desc"}]}
        while True:
            page = search(page_size, **paging)
            hits += page
            yield _HitList(hits, complete=len(page) < page_size, by_id=True)
            paging["search_after"] = page[-1].sort_values

    def _request(self, client: OpenSearchClient, query: Query, size: int, **paging: Any) -> list[Hit]:
        name = self._settings.id_field
        body = {
            "query": self._settings.query_for(query.text),
            "size": size,
            "_source": False,
            "track_total_hits": False,
            **({} if name == "_id" else {"docvalue_fields": [name]}),
            **paging,
        }
        return client.search(query.query_id, body)

    def _hits_in_corpus(self, query: Query, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits that the corpus contains.

        Raises
        ------
        InputError
            If the corpus lacks a hit, unless the settings allow it.
        """
        known = [hit for hit in hits if hit.doc_id in self._dataset.corpus]
        if len(known) < len(hits) and self._settings.missing == "fail":
            unknown = [repr(hit.doc_id) for hit in hits if hit.doc_id not in self._dataset.corpus]
            more = f" and {len(unknown) - _IDS_IN_MESSAGE} more" if len(unknown) > _IDS_IN_MESSAGE else ""
            raise InputError(
                f"the index {self._settings.index!r} contains documents that are not in the corpus of"
                f" {self._dataset.name!r}: query {query.query_id!r} finds"
                f" {', '.join(unknown[:_IDS_IN_MESSAGE])}{more}",
                "use the index of this corpus, set id_field to the field with its ids, or set missing: drop",
            )
        return known


@dataclass(frozen=True, slots=True)
class _QueryResult:
    """The documents of one query.

    Attributes
    ----------
    hits
        Hits that the corpus contains, best first.
    dropped
        Number of hits that the corpus lacks.
    """

    hits: list[Hit]
    dropped: int


@dataclass(frozen=True, slots=True)
class _HitList:
    """The first hits of one query.

    Attributes
    ----------
    hits
        The hits, best first.
    complete
        Whether these are all hits of the query.
    by_id
        Whether hits with equal scores are sorted by id; otherwise their order is arbitrary.
    """

    hits: list[Hit]
    complete: bool
    by_id: bool
