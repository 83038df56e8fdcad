"""Judgments of Elasticsearch, OpenSearch and Quepid in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.messages import said

from evalkit.formats import NamedJudgments, query_id_of, read_judgments, read_named_judgments

WARS = query_id_of("star wars")


def read(folder: Path, document: Any, *, indent: int | None = None) -> NamedJudgments:
    """Write a document and read its judgments."""
    file = folder / "x.json"
    file.write_text(json.dumps(document, indent=indent), encoding="utf-8")
    return read_named_judgments(file)


def rated(query: Any, *ratings: Any, **request: Any) -> dict[str, Any]:
    """Return a rated request of _rank_eval."""
    return {"id": query, "ratings": list(ratings), **request}


def rating(doc_id: Any, grade: Any, index: str = "x") -> dict[str, Any]:
    """Return a rating of _rank_eval."""
    return {"_index": index, "_id": doc_id, "rating": grade}


@pytest.mark.parametrize("indent", [None, 1])
def test_rank_eval_has_ids_and_ratings(tmp_path: Path, indent: int | None) -> None:
    """On one line or on several; an id with blanks becomes one without."""
    document = {
        "requests": [
            rated("q0", rating("d1", 3), rating("d2", 0), request={"query": {"match_all": {}}}),
            rated("JFK query", rating("d1", 1)),
            rated("unrated"),
        ],
        "metric": {"precision": {"k": 20}},
    }
    judged = read(tmp_path, document, indent=indent)
    assert judged.qrels.grades == {"q0": {"d1": 3, "d2": 0}, query_id_of("JFK query"): {"d1": 1}}
    assert judged.texts == {}


@pytest.mark.parametrize(
    "request_",
    [
        {"request": {"query": {"match": {"title": "star wars"}}}},
        {"request": {"query": {"match": {"title": {"query": "star wars", "operator": "and"}}}}},
        {"request": {"query": {"multi_match": {"query": "star wars", "fields": ["a", "b"]}}}},
        {
            "request": {
                "query": {
                    "bool": {
                        "must": [{"match": {"a": "star wars"}}, {"match_phrase": {"b": "star wars"}}],
                        "filter": {"term": {"lang": "en"}},
                    }
                }
            }
        },
        {"request": {"query": {"semantic": {"field": "f", "query": "star wars"}}}},
        {"request": {"query": {"neural": {"embedding": {"query_text": "star wars", "model_id": "m"}}}}},
        {"template_id": "t", "params": {"query_string": "star wars", "field": "title"}},
        {"template_id": "t", "params": {"anything": "star wars", "size": 10}},
    ],
)
def test_the_text_that_a_request_searches_for_is_that_of_the_query(
    tmp_path: Path, request_: dict[str, Any]
) -> None:
    """In the request, or among the parameters of a template."""
    judged = read(tmp_path, {"requests": [rated("q", rating("d", 1), **request_)]})
    assert judged.texts == {"q": "star wars"}


@pytest.mark.parametrize(
    "request_",
    [
        {"request": {"query": {"bool": {"must": [{"match": {"a": "x"}}, {"match": {"b": "y"}}]}}}},
        {"request": {"query": {"term": {"a": "x"}}}},
        {"template_id": "t", "params": {"a": "x", "b": "y"}},
        {"request": 7},
    ],
)
def test_an_uncertain_text_is_unknown(tmp_path: Path, request_: dict[str, Any]) -> None:
    """Two texts, or none."""
    assert read(tmp_path, {"requests": [rated("q", rating("d", 1), **request_)]}).texts == {}


def test_a_search_request_may_be_nested_deeply(tmp_path: Path) -> None:
    """Its depth is no problem."""
    file = tmp_path / "x.json"
    body = {"requests": [rated("q", rating("d", 1), request={"query": "QUERY"})]}
    nested = '{"bool":{"must":[' * 300 + '{"match":{"a":"star wars"}}' + "]}}" * 300
    file.write_text(json.dumps(body).replace('"QUERY"', nested), encoding="utf-8")
    assert read_named_judgments(file).texts == {"q": "star wars"}


def test_opensearch_names_queries_by_text(tmp_path: Path) -> None:
    """Ratings are text; what a search of the list returns is the same."""
    document = {
        "name": "n",
        "judgmentRatings": [
            {
                "query": "star wars",
                "ratings": [{"docId": "d1", "rating": "3.000"}, {"docId": "d2", "rating": 0.0}],
            },
            {"query": "button", "ratings": [{"rating": "1", "docId": "d1"}]},
            {"query": "nothing found", "ratings": []},
        ],
    }
    reply = {"took": 1, "hits": {"total": {"value": 1}, "hits": [{"_index": "i", "_source": document}]}}
    for written in (document, reply):
        judged = read(tmp_path, written)
        assert judged.qrels.grades == {WARS: {"d1": 3, "d2": 0}, "button": {"d1": 1}}
        assert judged.texts == {WARS: "star wars", "button": "button"}
    two = {"hits": {"hits": [{"_source": document}, {"_source": document}]}}
    assert "contains 2 judgment lists" in said(lambda: read(tmp_path, two))


QUEPID = {
    "ratings": {
        "queries": [
            {"query": "star wars", "ratings": {"d1": 3.0, "d2": None}},
            {"query": "a b", "ratings": {}},
        ]
    },
    "case": {
        "case_name": "c",
        "queries": [
            {
                "query_text": "star wars",
                "ratings": [{"doc_id": "d1", "rating": 3}, {"doc_id": "d2", "rating": None}],
            },
            {"query_text": "a b", "ratings": []},
        ],
    },
    "Rated Ranking Evaluator": {
        "id_field": "id",
        "queries": [
            {"placeholders": {"$query": "star wars"}, "relevant_documents": {"d1": {"gain": 3}}},
            {"placeholders": {"$query": "a b"}},
        ],
    },
    "what Quepid imports from it": {
        "queries": [{"placeholders": {"$query": "star wars"}, "relevant_documents": {"3": ["d1"]}}]
    },
}


@pytest.mark.parametrize("name", QUEPID)
def test_quepid_s_exports_say_the_same(tmp_path: Path, name: str) -> None:
    """A document without a rating is unjudged, not 0."""
    judged = read(tmp_path, QUEPID[name], indent=2)
    assert judged.qrels.grades == {WARS: {"d1": 3}}
    assert judged.texts[WARS] == "star wars"


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"hits": [1], "a": 1}, "is a JSON document without known judgments; its keys: 'hits', 'a'"),
        ({"query_doc_pairs": []}, "is a book of Quepid, with ratings by several people"),
        ({"requests": [rated("q", rating("d", 2000.5))]}, "request 1, rating 1 has the grade 2000.5"),
        ({"requests": [rated("q", rating("d", True))]}, "request 1, rating 1 has the grade True"),
        ({"requests": [rated("q", {"_id": "d"})]}, "request 1, rating 1 has no 'rating'"),
        ({"requests": [rated("q"), rated("q")]}, "request 2: the id 'q' occurs twice"),
        ({"requests": [rated(7.5)]}, "request 1 has no text under 'id'"),
        ({"requests": {}}, "'requests' is not a list of objects"),
        (
            {"requests": [rated("q", rating("d", 1, "a"), rating("d", 1, "b"))]},
            "the document 'd' is rated in two indexes",
        ),
        (
            {"judgmentRatings": [{"query": "q", "ratings": [{"docId": "d", "rating": "good"}]}]},
            "item 1, rating 1 has the grade 'good'\n  hint: map every value to a number",
        ),
        (
            {"judgmentRatings": [{"query": "q", "ratings": [{"docId": "a b", "rating": "1"}]}]},
            "invalid identifier",
        ),
        ({"queries": [{"placeholders": {}, "relevant_documents": {}}]}, "query 1 has no text under '$query'"),
        (
            {"queries": [{"placeholders": {"$query": "q"}, "relevant_documents": {"d": 3}}]},
            "the document 'd' has no gain",
        ),
    ],
)
def test_what_is_not_as_documented_is_refused(tmp_path: Path, document: Any, problem: str) -> None:
    """With the place in the document."""
    assert problem in said(lambda: read(tmp_path, document))


def test_judgments_in_json_are_recognised_under_any_name(tmp_path: Path) -> None:
    """By what is in them."""
    file = tmp_path / "judgments.txt"
    file.write_text(json.dumps(QUEPID["ratings"], indent=1), encoding="utf-8")
    assert read_judgments(file).qrels.grades == {WARS: {"d1": 3}}


@pytest.mark.parametrize("suffix", [".json", ".txt"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_request_of_a_console_is_read(tmp_path: Path, suffix: str, indent: int | None) -> None:
    """The line with the address may be above the body."""
    file = tmp_path / f"x{suffix}"
    body = json.dumps({"requests": [rated("q0", rating("d1", 3))]}, indent=indent)
    file.write_text(f"GET /my-index/_rank_eval?pretty\n{body}\n", encoding="utf-8")
    assert read_judgments(file).qrels.grades == {"q0": {"d1": 3}}


@pytest.mark.parametrize("suffix", [".json", ".ndjson"])
def test_several_bodies_are_one_set_of_judgments(tmp_path: Path, suffix: str) -> None:
    """One per line; a whole number is an id, and an id may occur once only."""
    file = tmp_path / f"x{suffix}"
    bodies = [{"requests": [rated(query, rating("d1", 1))]} for query in ("q0", 7)]
    file.write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")
    assert read_judgments(file).qrels.grades == {"q0": {"d1": 1}, "7": {"d1": 1}}
    file.write_text(2 * (json.dumps(bodies[0]) + "\n"), encoding="utf-8")
    assert "request 2: the id 'q0' occurs twice" in said(lambda: read_judgments(file))


@pytest.mark.parametrize("indent", [None, 1])
def test_a_judgment_list_is_found_where_the_api_puts_it(tmp_path: Path, indent: int | None) -> None:
    """In a stored document, in a list of one, and as the list of queries alone; two lists are refused."""
    ratings = [{"query": "star wars", "ratings": [{"docId": "d1", "rating": "3.000"}]}]
    one = {"name": "mine", "judgmentRatings": ratings}
    for document in ({"_index": "x", "_source": one}, [one], ratings):
        assert read(tmp_path, document, indent=indent).qrels.grades == {WARS: {"d1": 3}}
    assert "contains 2 judgment lists" in said(lambda: read(tmp_path, [one, one], indent=indent))


def test_other_documents_are_no_tables(tmp_path: Path) -> None:
    """A reply of _rank_eval, or grades by query, on one line: the keys are named, not columns."""
    for document in ({"metric_score": 0.4, "details": {}}, {"q1": {"d1": 1}}):
        assert "is a JSON document without known judgments" in said(lambda d=document: read(tmp_path, d))
