"""Read judgments in the JSON of search engines and of tools that rate: Elasticsearch, OpenSearch, Quepid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from evalkit.errors import DataFormatError
from evalkit.formats.json_tables import MOST_CHARACTERS, parse_document
from evalkit.formats.rated_rows import RatedRow, RatedRows
from evalkit.formats.text_files import File, read_text

DOCUMENT_KEYS = ("requests", "judgmentRatings", "queries", "query_doc_pairs", "hits")
"""Keys of the documents that are read, or known; see `read_judgment_json`."""
_REQUEST_LINE = re.compile(r"\s*(?:GET|POST|PUT)[ \t]+/?[\w*,.~%/-]+(?:\?\S*)?[ \t]*(?=\n|\r|\{|$)")
_TEXT_QUERIES = (
    "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "multi_match", "query_string",
    "simple_query_string", "semantic", "sparse_vector", "text_expansion", "neural", "combined_fields",
)  # fmt: skip
"""Queries of Elasticsearch and OpenSearch that search for a text."""
_TEXT_KEYS = ("query", "query_text", "model_text")
"""Keys of such a query that hold the text."""
_OTHER_PARTS = {"highlight", "aggs", "aggregations", "suggest", "rescore", "_source"}
"""Parts of a request that may search for other texts, or show them."""
_TEXT_PARAMETERS = ("query", "query_string", "query_text", "search_term", "keywords", "text", "q")
"""Usual names of the parameter of a search template that is the text."""


def read_judgment_json(path: File) -> RatedRows:
    """Return the judgments of one JSON document of another tool.

    - Elasticsearch's ``_rank_eval``: ``requests[]`` with ``id`` and ``ratings[] {_index, _id, rating}``; also below the
      request line of a console, and several bodies, one per line.
    - OpenSearch's judgment lists: ``judgmentRatings[]`` with ``query`` and ``ratings[] {docId, rating}``; also a reply
      or a list that contains one such list, and the value of ``judgmentRatings`` alone.
    - Quepid: ratings (``queries[] {query, ratings}``), a case (``queries[] {query_text, ratings[]}``), and what it
      exports for the Rated Ranking Evaluator (``queries[] {placeholders, relevant_documents}``).

    Raises
    ------
    DataFormatError
        If the document is none of these, or lacks a part; the message names the part.
    """
    document = _unwrapped(_read_documents(path), path)
    if "requests" in document:
        return _rank_eval(document, str(path))
    if "judgmentRatings" in document:
        return RatedRows(_opensearch(document, str(path)), "text")
    if "query_doc_pairs" in document:
        raise DataFormatError(
            f"{path} is a book of Quepid, with ratings by several people", "export a case of Quepid instead"
        )
    if "queries" in document:
        return RatedRows(_quepid(document, str(path)), "text")
    keys = ", ".join(map(repr, list(document)[:5])) or "none"
    raise DataFormatError(
        f"{path} is a JSON document without known judgments; its keys: {keys}",
        "use a request of _rank_eval, a judgment list of OpenSearch, an export of Quepid or a table",
    )


def is_console_request(line: str) -> bool:
    """Return whether a line is that above a request in the console of Kibana or OpenSearch: ``GET /_rank_eval``."""
    return _REQUEST_LINE.match(line) is not None


def _read_documents(path: File) -> Any:
    """Return the JSON document of a file; of several bodies of ``_rank_eval``, one with the requests of all of them."""
    text = read_text(path, MOST_CHARACTERS)
    # An empty line in its place keeps the numbers of the lines.
    text = _REQUEST_LINE.sub("\n", text, count=1) if is_console_request(text) else text
    bodies = [_body(line) for line in text.splitlines() if line.strip()]
    if len(bodies) > 1 and all(bodies):
        return {"requests": [request for body in bodies for request in body["requests"]]}
    return parse_document(text, path)


def _body(line: str) -> dict[str, Any]:
    """Return the body of ``_rank_eval`` that a line contains; empty for other lines."""
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) and isinstance(body.get("requests"), list) else {}


def _unwrapped(document: Any, path: File) -> dict[str, Any]:
    """Return a document, or the one that a reply of OpenSearch contains."""
    if isinstance(document, list) and document and all(isinstance(item, dict) for item in document):
        if all(isinstance(item.get("ratings"), list) for item in document):
            return {"judgmentRatings": document}
        found = document
    elif not isinstance(document, dict):
        raise DataFormatError(f"{path} is not a JSON object", "use one object with all judgments")
    elif isinstance(document.get("_source"), dict):
        found = [document["_source"]]
    elif isinstance(hits := document.get("hits"), dict) and isinstance(hits.get("hits"), list):
        found = [hit.get("_source") for hit in hits["hits"] if isinstance(hit, dict)]
    else:
        return document
    if len(found) != 1 or not isinstance(found[0], dict):
        raise DataFormatError(f"{path} contains {len(found)} judgment lists", "keep one of them")
    return found[0]


def _rank_eval(document: dict[str, Any], path: str) -> RatedRows:
    texts: dict[str, str] = {}
    return RatedRows(_rank_eval_rows(document, path, texts), "id", texts)


def _rank_eval_rows(document: dict[str, Any], path: str, texts: dict[str, str]) -> Iterator[RatedRow]:
    """Yield the ratings; schema: RankEvalRequestItem and DocumentRating of the elasticsearch-specification."""
    seen: set[str] = set()
    for number, request in _items(document, "requests", path):
        where = f"{path}, request {number}"
        query = _text(request, "id", where)
        if query in seen:
            raise DataFormatError(f"{where}: the id {query!r} occurs twice", "give every request its own id")
        seen.add(query)
        text = _searched_text(request)
        if text:
            texts[query] = text
        indexes: dict[str, Any] = {}
        for place, rating in _items(request, "ratings", where):
            row = _row(rating, "_id", query, f"{where}, rating {place}")
            if indexes.setdefault(row.doc_id, rating.get("_index")) != rating.get("_index"):
                raise DataFormatError(
                    f"{row.where}: the document {row.doc_id!r} is rated in two indexes",
                    "keep the ratings of one index",
                )
            yield row


def _searched_text(request: dict[str, Any]) -> str:
    """Return the text that a request searches for; empty if it is not certain."""
    parameters = request.get("params")
    if isinstance(parameters, dict):
        texts = {name: value for name, value in parameters.items() if isinstance(value, str)}
        named = [texts[name] for name in _TEXT_PARAMETERS if name in texts]
        found = set(named) or (set(texts.values()) if len(texts) == 1 else set())
    else:
        found = set(_texts_of(request.get("request")))
    return found.pop().strip() if len(found) == 1 else ""


def _texts_of(request: Any) -> Iterator[str]:
    """Yield the texts of all text queries in a search request."""
    parts = [request]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            for name, value in part.items():
                if name in _TEXT_QUERIES and isinstance(value, dict):
                    yield from _texts_of_query(value)
                elif name not in _OTHER_PARTS:
                    parts.append(value)


def _texts_of_query(query: dict[str, Any]) -> Iterator[str]:
    """Yield the text of one text query: under a usual key, or under the name of the field."""
    direct = [query[key] for key in _TEXT_KEYS if isinstance(query.get(key), str)]
    if direct:
        yield from direct
        return
    for value in query.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from (value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str))


def _opensearch(document: dict[str, Any], path: str) -> Iterator[RatedRow]:
    for number, judged in _items(document, "judgmentRatings", path):
        where = f"{path}, item {number}"
        query = _text(judged, "query", where)
        for place, rating in _items(judged, "ratings", where):
            yield _row(rating, "docId", query, f"{where}, rating {place}")


def _quepid(document: dict[str, Any], path: str) -> Iterator[RatedRow]:
    for number, item in _items(document, "queries", path):
        where = f"{path}, query {number}"
        if "placeholders" in item:
            placeholders = item["placeholders"]
            query = _text(placeholders if isinstance(placeholders, dict) else {}, "$query", where)
            yield from _rre(item.get("relevant_documents"), query, where)
            continue
        query = _text(item, "query_text" if "query_text" in item else "query", where)
        ratings = item.get("ratings")
        if isinstance(ratings, dict):
            yield from (RatedRow(where, query, doc_id, rating) for doc_id, rating in ratings.items())
        elif ratings is not None:
            for place, rating in _items(item, "ratings", where):
                yield _row(rating, "doc_id", query, f"{where}, rating {place}")


def _rre(documents: Any, query: str, where: str) -> Iterator[RatedRow]:
    """Yield ratings of the Rated Ranking Evaluator: by document as Quepid exports them, or documents by gain."""
    if documents is None:
        return
    if not isinstance(documents, dict):
        raise DataFormatError(f"{where}: 'relevant_documents' is not an object", "check the export")
    for key, value in documents.items():
        if isinstance(value, dict) and "gain" in value:
            yield RatedRow(where, query, key, value["gain"])
        elif isinstance(value, list):
            yield from (RatedRow(where, query, doc_id, key) for doc_id in value)
        else:
            raise DataFormatError(f"{where}: the document {key!r} has no gain", "check the export")


def _row(rating: dict[str, Any], key: str, query: str, where: str) -> RatedRow:
    if key not in rating or "rating" not in rating:
        lacking = key if key not in rating else "rating"
        raise DataFormatError(f"{where} has no {lacking!r}", "check the file")
    return RatedRow(where, query, rating[key], rating["rating"])


def _text(part: dict[str, Any], key: str, where: str) -> str:
    value = part.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise DataFormatError(f"{where} has no text under {key!r}", f"give every query its {key!r}")
    return value.strip()


def _items(part: dict[str, Any], key: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the object of each item of a list."""
    items = part.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise DataFormatError(f"{where}: {key!r} is not a list of objects", "check the file")
    yield from enumerate(items, start=1)
