"""Models of a service are chosen by name."""

from __future__ import annotations

from support.services import BODY, Scripted, get, post

from evalkit.server.app import build_app


def test_models_are_chosen_by_name() -> None:
    """Each reranker answers to its own name; an unknown one is 400 and names those there are."""
    app = build_app({"one": Scripted([1.0, 0.0]), "two": Scripted([0.0, 1.0])}, any_name=True)
    for name, best in (("one", 0), ("two", 1)):
        reply = post(app, {**BODY, "model": name}).json()
        assert (reply["model"], reply["results"][0]["index"]) == (name, best)
    refused = post(app, {**BODY, "model": "three"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_model")
    assert "'one', 'two'" in refused.json()["error"]["message"]
    assert [one["id"] for one in get(app, "/v1/models").json()["data"]] == ["one", "two"]
    assert get(app, "/v1/models/two").json()["id"] == "two"
    assert get(app, "/v1/models/three").status_code == 404


def test_the_only_model_may_answer_to_any_name() -> None:
    """Then the reply repeats the name it was asked by; ``any`` stands for the model's own."""
    app = build_app({"own": Scripted([1.0, 0.0])}, any_name=True)
    named = {name: post(app, {**BODY, "model": name}).json()["model"] for name in ("gpt", "own", "any")}
    assert named == {"gpt": "gpt", "own": "own", "any": "own"}
    strict = build_app({"own": Scripted([1.0, 0.0])})
    assert post(strict, {**BODY, "model": "gpt"}).status_code == 400


def test_a_request_without_a_model_uses_the_only_one() -> None:
    """The reply names the model that was used; of several none is guessed, and the error lists them."""
    nameless = {"query": "q", "documents": ["a", "bb"]}
    for any_name in (True, False):
        app = build_app({"own": Scripted([1.0, 0.0])}, any_name=any_name)
        for path in ("/vllm/v1/rerank", "/infinity/rerank", "/llamacpp/reranking", "/cohere_v1/v1/rerank"):
            assert post(app, nameless, path=path).json().get("model", "own") == "own"
    several = build_app({"one": Scripted([1.0, 0.0]), "two": Scripted([0.0, 1.0])})
    refused = post(several, nameless, path="/vllm/v1/rerank")
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "the request names no model; available models: 'one', 'two'"


def test_the_default_name_of_an_api_names_no_model_but_one_that_is_served() -> None:
    """Clients send it without being asked; a served model of that name is meant all the same."""
    default = "default/not-specified"
    body = {"query": "q", "documents": ["a", "bb"]}
    alone = build_app({"own": Scripted([1.0, 0.0])})
    assert post(alone, {**body, "model": default}, path="/rerank").json()["model"] == "own"
    assert post(alone, {**body, "model": "other"}, path="/rerank").status_code == 400
    several = {"own": Scripted([1.0, 0.0]), "two": Scripted([0.0, 1.0])}
    assert post(build_app(several), {**body, "model": default}, path="/rerank").status_code == 400
    named = build_app({**several, default: Scripted([0.0, 1.0])})
    assert post(named, body, path="/rerank").json()["model"] == default
