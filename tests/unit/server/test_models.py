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
