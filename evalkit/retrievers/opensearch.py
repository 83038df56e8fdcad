"""An index that exists already, on OpenSearch or Elasticsearch, as a first stage."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import ThreadPool
from typing import Any

from tqdm import tqdm

from evalkit.errors import InputError
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.opensearch_client import OpenSearchClient
from evalkit.retrievers.opensearch_replies import Hit
from evalkit.retrievers.opensearch_settings import OpenSearchSettings

_BEYOND = 16
"""Documents asked for beyond the depth: enough to see, mostly, that none of the others ties with the last."""
_NAMED = 3


class OpenSearch:
    """BM25, or any query, on an index that exists on OpenSearch or Elasticsearch, asked over HTTP.

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
            If the index is not this dataset's, or cannot answer.
        CallError
            If any query has no whole answer: there is no run with holes.
        """
        tag = self._settings.label
        query_ids: list[str] = []
        doc_ids: list[str] = []
        scores: list[float] = []
        dropped = 0
        with OpenSearchClient(self._settings) as client, ThreadPool(self._settings.concurrency) as pool:
            found = pool.imap(partial(self._search, client, depth), queries)
            progress = tqdm(found, total=len(queries), desc=f"{tag}: retrieving", unit="query", disable=None)
            for query, one in zip(queries, progress, strict=True):
                dropped += one.dropped
                query_ids += [query.query_id] * len(one.own)
                doc_ids += [hit.doc_id for hit in one.own]
                scores += [hit.score for hit in one.own]
        if dropped:
            told = f"{tag}: {dropped} documents found are not in the corpus of {self._dataset.name!r}"
            tqdm.write(f"{told}: the next ones took their places", file=sys.stderr)
        return Run.from_rows(tag, query_ids, doc_ids, scores).cut(depth)

    def _search(self, client: OpenSearchClient, depth: int, query: Query) -> _Found:
        """Return the first documents of a query, and whatever may tie with the last of them."""
        for part in self._lists(client, depth, query):
            own = self._own(query, part.hits)
            enough = len(own) >= depth and (part.by_id or own[depth - 1].score > part.hits[-1].score)
            if part.whole or enough:
                return _Found(own, len(part.hits) - len(own))
        raise AssertionError("the last list is whole")

    def _lists(self, client: OpenSearchClient, depth: int, query: Query) -> Iterator[_List]:
        """Yield ever longer lists; where even the longest leaves ties open, pages that are sorted by id, too."""
        ask = partial(self._ask, client, query)
        longest = self._settings.page_size
        size = depth + _BEYOND
        while depth < longest and size < 2 * longest:
            asked = min(size, longest)
            hits = ask(asked)
            yield _List(hits, whole=len(hits) < asked, by_id=False)
            size *= 2
        hits = []
        after: dict[str, Any] = {"sort": [{"_score": "desc"}, {self._settings.id_field: "desc"}]}
        while True:
            page = ask(longest, **after)
            hits += page
            yield _List(hits, whole=len(page) < longest, by_id=True)
            after["search_after"] = page[-1].place

    def _ask(self, client: OpenSearchClient, query: Query, size: int, **more: Any) -> list[Hit]:
        name = self._settings.id_field
        body = {
            "query": self._settings.query_for(query.text),
            "size": size,
            "_source": False,
            "track_total_hits": False,
            **({} if name == "_id" else {"docvalue_fields": [name]}),
            **more,
        }
        return client.search(query.query_id, body)

    def _own(self, query: Query, hits: Sequence[Hit]) -> list[Hit]:
        """Return what of a list the corpus holds.

        Raises
        ------
        InputError
            If it does not hold all, and that is not agreed.
        """
        own = [hit for hit in hits if hit.doc_id in self._dataset.corpus]
        if len(own) < len(hits) and self._settings.missing == "fail":
            foreign = [repr(hit.doc_id) for hit in hits if hit.doc_id not in self._dataset.corpus]
            more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
            raise InputError(
                f"the index {self._settings.index!r} holds documents that the corpus of {self._dataset.name!r} lacks:"
                f" query {query.query_id!r} finds {', '.join(foreign[:_NAMED])}{more}",
                "give the index of this corpus, set id_field to where its ids stand, or set missing: drop",
            )
        return own


@dataclass(frozen=True, slots=True)
class _Found:
    """What a query found in the corpus, best first, and how many documents beside it that the corpus lacks."""

    own: list[Hit]
    dropped: int


@dataclass(frozen=True, slots=True)
class _List:
    """The beginning of a query's list, or the whole of it; equal scores are in the order of ids, or in any."""

    hits: list[Hit]
    whole: bool
    by_id: bool
