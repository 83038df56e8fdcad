"""Requests are read as the API reads them: what means all, what may be left out, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit import registry
from evalkit.dialects import ANY_MODEL, Dialect, WireError, WireRequest
from evalkit.dialects.shape import put

FLAT: dict[str, Any] = {"query": "q", "documents": ["a", "b"]}


def read(name: str, body: Any, **more: Any) -> WireRequest:
    """Return the request that the server of a dialect reads."""
    dialect: Dialect = registry.lookup("dialect", name)()
    return dialect.decode_request({**body, **more})


def refusal(name: str, body: Any, **more: Any) -> WireError:
    """Return the error with which a request is refused."""
    with pytest.raises(WireError) as raised:
        read(name, body, **more)
    return raised.value


def test_some_values_of_top_n_mean_all_and_others_none() -> None:
    """0 is all results at vLLM, no result at llama.cpp, and an error where the API says so."""
    sent = {"vllm": 0, "llamacpp": 0, "xinference": 0}
    found = {name: read(name, FLAT, model="m", top_n=value).top_n for name, value in sent.items()}
    assert found == {"vllm": None, "llamacpp": 0, "xinference": 0}
    assert read("vllm", FLAT, top_n=1.0).top_n == 1
    for name in ("cohere_v1", "infinity", "jina", "fireworks", "assisters"):
        assert refusal(name, FLAT, model="m", top_n=0).param == "top_n"
        assert read(name, FLAT, model="m", top_n=None).top_n is None
    ranked = {"query": "q", "input": ["a"]}
    assert read("mixedbread", ranked, top_k=-1).top_n is None
    assert refusal("mixedbread", ranked, top_k=-2).param == "top_k"


def test_no_results_are_an_empty_list() -> None:
    """A reply to ``top_n: 0`` has no result where the API returns none."""
    dialect = registry.lookup("dialect", "llamacpp")()
    request = dialect.decode_request({**FLAT, "top_n": 0})
    assert dialect.encode_response(request, [0.5, 0.25], 2)["results"] == []


@pytest.mark.parametrize("value", [None, "", "missing"])
def test_the_model_may_be_left_out_where_the_api_allows_it(value: str | None) -> None:
    """Absent, null and empty are the same; elsewhere the error names the key."""
    body = FLAT if value == "missing" else {**FLAT, "model": value}
    for name in ("vllm", "llamacpp", "infinity", "cohere_v1", "fireworks"):
        assert read(name, body).model == ANY_MODEL
    for name in ("cohere_v2", "jina", "voyage", "together", "assisters", "xinference"):
        assert value == "" or refusal(name, body).param == "model"


def test_the_path_names_a_model_that_the_body_does_not() -> None:
    """A model in the body comes first."""
    dialect = registry.lookup("dialect", "nvidia_hosted")()
    body = {"query": {"text": "q"}, "passages": [{"text": "a"}]}
    assert dialect.decode_request(body, "org/m").model == "org/m"
    assert dialect.decode_request({**body, "model": "n"}, "org/m").model == "n"


def test_pairs_have_a_query_each() -> None:
    """One text against many is one query; as many as documents are one for each, and equal ones are one."""
    one = read("vllm_score", {"text_1": "q", "text_2": ["a", "b"]})
    assert (one.query, one.documents, one.queries) == ("q", ("a", "b"), None)
    pairs = read("vllm_score", {"queries": ["p", "q"], "items": ["a", "b"]})
    assert (pairs.query, pairs.documents, pairs.queries) == ("p", ("a", "b"), ("p", "q"))
    assert read("deepinfra", {"queries": ["q", "q"], "documents": ["a", "b"]}).queries is None
    assert refusal("vllm_score", {"data_1": ["p", "q"], "data_2": ["a"]}).param == "data_1"


def test_objects_are_kept_as_they_were_sent() -> None:
    """A reply can return the whole object; strings need no copy."""
    objects = [{"body": "x", "id": 1}, "y"]
    kept = read("cohere_v1", FLAT, documents=objects, rank_fields=["body"])
    assert (kept.documents, kept.originals) == (("x", "y"), tuple(objects))
    assert read("cohere_v1", FLAT).originals is None


def test_a_field_to_rank_by_must_be_in_a_document() -> None:
    """A misspelt key is refused by name, although other keys give every document a text."""
    error = refusal("cohere_v1", FLAT, documents=[{"a": "x"}, {"a": "y"}], rank_fields=["a", "boddy"])
    assert (error.param, error.status) == ("rank_fields", 400)
    assert "'boddy'" in error.message


def test_a_wrong_top_n_has_a_status_of_its_own_at_localai() -> None:
    """Its body is a bare text there; every other malformed request has 400."""
    error = refusal("localai", FLAT, model="m", top_n=0)
    assert (error.status, error.param) == (422, "top_n")
    assert registry.lookup("dialect", "localai")().encode_error(error) == error.message
    assert refusal("localai", FLAT).status == 400


def test_values_of_json_documents_are_ranked_at_bedrock() -> None:
    """A JSON document may be any value that has a text."""
    query = {"type": "TEXT", "textQuery": {"text": "q"}}
    inline = {"type": "JSON", "jsonDocument": {"title": "a", "body": "b"}}
    body = {
        "queries": [query],
        "sources": [{"type": "INLINE", "inlineDocumentSource": inline}],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": "m"}},
        },
    }
    assert read("bedrock", body).documents == ("a\nb",)


def test_keys_that_a_strict_api_does_not_know_are_refused() -> None:
    """Others ignore them."""
    assert refusal("together", FLAT, model="m", unknown=1).param == "unknown"
    assert read("jina", FLAT, model="m", unknown=1).query == "q"


@pytest.mark.parametrize("name", [n for n in registry.names("dialect") if n != "generic"])
def test_what_holds_an_option_is_an_object(name: str) -> None:
    """A list or a text in its place is refused at every depth, and null is as good as nothing."""
    dialect: Dialect = registry.lookup("dialect", name)()
    path = dialect.shape.top_n or ""
    outer = [path[:end] for end, character in enumerate(path) if character == "."]
    for holder in outer if not dialect.strict else ():
        for wrong in ([None], "text", 1, True):
            body = dialect.encode_request(WireRequest("m", "q", ("a", "b")))
            put(body, holder, wrong)
            assert refusal(name, body).param == holder
        put(body, holder, None)
        assert read(name, body).top_n is None or holder == "input"


def test_some_apis_read_a_boolean_from_a_text() -> None:
    """RAGFlow sends ``"true"`` to Xinference; elsewhere, and with another text, it is refused."""
    for name in ("xinference", "infinity"):
        for text, flag in (("true", True), ("false", False)):
            assert read(name, FLAT, model="m", return_documents=text).return_documents is flag
        assert refusal(name, FLAT, model="m", return_documents="maybe").param == "return_documents"
    assert refusal("jina", FLAT, model="m", return_documents="true").param == "return_documents"


def test_nvidias_hosted_rerankers_take_the_number_of_results_by_two_names() -> None:
    """``top_k``, and ``top_n`` as RAGFlow sends it; a server of one's own takes neither."""
    body = {
        "model": "m",
        "query": {"text": "q"},
        "passages": [{"text": "a"}, {"text": "b"}],
        "truncate": "END",
    }
    for name in ("top_k", "top_n"):
        assert read("nvidia_hosted", body, **{name: 1}).top_n == 1
        assert refusal("nim", body, **{name: 1}).param == name
    assert refusal("nvidia_hosted", body, top_n="all").param == "top_k"
