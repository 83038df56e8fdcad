"""What scores mean, and what is sent: settings of the http backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from ruamel.yaml import YAML
from support.checked import Lines, api, honest
from support.stand_in import by_length, stand_in

from evalkit import registry
from evalkit.config import reranker_settings
from evalkit.dialects import Dialect
from evalkit.encoding.input_forms.qwen3_reranker import PRESET
from evalkit.errors import CallError, ConfigError
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.store import identity_of
from evalkit.store.backend_identity import material_settings

URL = "https://r.example/v1/rerank"
REQUEST = RerankRequest("q1", "which?", ("one", "three"), ("a", "b"))
TASK = "Given a web search query, retrieve relevant passages that answer the query"
MANUAL = Path(__file__).parents[3] / "configs" / "rerankers.md"


def templates_of_the_manual() -> dict[str, str]:
    """Return the templates of the example for Qwen3-Reranker."""
    example = MANUAL.read_text(encoding="utf-8").partition("name: qwen3\n")[2].partition("```")[0]
    found = YAML(typ="safe").load(example)["rerankers"]["qwen3"]
    return {key: found[key] for key in ("query_template", "document_template")}


QWEN3 = templates_of_the_manual()


def block(**settings: Any) -> dict[str, Any]:
    """Return the block of an API."""
    return {"backend": "http", "url": URL, "dialect": "jina", "model": "m", **settings}


def problem_of(**settings: Any) -> str:
    """Return the message of a refused block."""
    with pytest.raises(ConfigError) as caught:
        reranker_settings({key: value for key, value in block(**settings).items() if value is not None})
    return str(caught.value)


def sent_by(**settings: Any) -> dict[str, Any]:
    """Return the body that arrives at a server."""
    seen: list[dict[str, Any]] = []

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append(body)
        return by_length(body, headers)

    with stand_in(answer) as url:
        reranker = load_reranker("http", **{"url": url, "dialect": "jina", "model": "m", **settings})
        reranker.score(REQUEST)
        reranker.close()
    return seen[0]


def test_the_stated_kind_of_scores_replaces_that_of_the_dialect() -> None:
    """Also where options of the dialect say what it would be."""
    for dialect, options, kind in (
        ("jina", {}, "unknown"),
        ("llamacpp", {}, "unknown"),
        ("nim", {}, "logit"),
        ("tei", {"raw_scores": True}, "logit"),
    ):
        more = {"url": URL, "dialect": dialect, "options": options}
        assert load_reranker("http", **more).score_kind == kind
        for stated in ("probability", "logit", "cosine", "unbounded"):
            assert load_reranker("http", **more, scores=stated).score_kind == stated


def test_stored_scores_hold_for_every_kind() -> None:
    """The kind says how to read them, and does not change them."""
    plain = identity_of(reranker_settings(block()))
    assert identity_of(reranker_settings(block(scores="logit", send_top_n=True))) == plain


def test_an_identity_of_an_earlier_version_is_still_found() -> None:
    """Settings that an earlier version did not have are no part of it unless they have a value."""
    settings = reranker_settings(block(options={"truncation": True}, headers={"X-Team": "a"}))
    assert identity_of(settings) == (
        '{"backend":"http","dialect":"jina","headers":{"X-Team":"a"},"model":"m","options":{"truncation":true},'
        '"serve":null,"shape":null,"url":"https://r.example/v1/rerank"}'
    )


def test_a_template_is_part_of_the_identity() -> None:
    """A score of one template is never taken for that of another, in the store and in production.json."""
    blocks = [block(), block(query_template="q: {query}"), block(document_template="d: {document}")]
    settings = [reranker_settings(one) for one in blocks]
    assert len({identity_of(one) for one in settings}) == 3
    assert material_settings(settings[1])["query_template"] == "q: {query}"
    assert "query_template" not in material_settings(settings[0])


def test_the_template_of_qwen3_reranker_arrives_as_on_its_card() -> None:
    """With the example of the manual, both texts are those that the model's own preset builds."""
    body = sent_by(dialect="vllm", **QWEN3)
    assert PRESET.classifier_form is not None
    first, second = PRESET.classifier_form.pieces
    assert body["query"] == first.replace("{instruction}", TASK).replace("{query}", "which?")
    assert body["documents"] == [second.replace("{document}", text) for text in REQUEST.documents]


def test_templates_count_where_texts_are_measured() -> None:
    """Limits and estimates take the texts as they are sent; the request itself keeps its own."""
    settings = reranker_settings(block(**QWEN3))
    query, documents = settings.traffic().templates.sent("q", ("d",))
    assert len(query) > 200
    assert documents[0].startswith("<Document>: d<|im_end|>")
    reranker = load_reranker("http", url=URL, dialect="infinity", document_template="[{document}]")
    wire = reranker.wire_request(REQUEST)  # type: ignore[attr-defined]
    assert wire.documents == ("[one]", "[three]")
    usage = registry.lookup("dialect", "infinity")().read_usage({"usage": {"total_tokens": 24}}, {}, wire)
    assert (usage.characters, usage.tokens) == (24, None)


def test_the_number_of_documents_is_sent_where_it_is_asked_for() -> None:
    """Under the key of the dialect; by default no dialect sends it."""
    assert "top_n" not in sent_by()
    assert sent_by(send_top_n=True)["top_n"] == 2
    for name in ("voyage", "vertex_rank", "dashscope"):
        dialect = registry.lookup("dialect", name)()
        reranker = load_reranker("http", url=URL, dialect=name, send_top_n=True)
        wire = reranker.wire_request(REQUEST)  # type: ignore[attr-defined]
        body = reranker.body_of(wire)  # type: ignore[attr-defined]
        assert dialect.decode_request(body).top_n == 2


def test_an_api_with_a_default_number_of_results_scores_every_document() -> None:
    """It cuts its list at ten unless it is asked for more."""

    def cutting(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        status, reply = by_length(body, headers)
        parsed = orjson.loads(reply)
        return status, orjson.dumps({**parsed, "results": parsed["results"][: body.get("top_n", 10)]})

    texts = tuple("x" * (i + 1) for i in range(20))
    request = RerankRequest("q", "which?", texts, tuple(map(str, range(20))))
    with stand_in(cutting) as url:
        without = load_reranker("http", url=url, dialect="jina", model="m")
        with pytest.raises(CallError, match="10 of 20 documents have no score"):
            without.score(request)
        without.close()
        reranker = load_reranker("http", url=url, dialect="jina", model="m", send_top_n=True)
        assert len(reranker.score(request).scores) == 20
        reranker.close()


def test_a_dialect_may_require_the_number_of_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is then sent without a setting, and left out if the setting says so."""
    monkeypatch.setattr(Dialect, "needs_top_n", True)
    assert sent_by()["top_n"] == 2
    assert "top_n" not in sent_by(send_top_n=False)


def test_a_probe_sends_what_a_run_sends() -> None:
    """Templates and the number of documents are in the requests of its checks, too."""
    from evalkit.backend_checks.wire_checks import Wire

    session, lines = api(honest, send_top_n=True, query_template="Q {query}")
    assert isinstance(lines, Lines)
    wire = Wire(session, session.reranker, REQUEST)  # type: ignore[arg-type]
    wire.send(wire.request)
    assert (lines.sent[-1]["query"], lines.sent[-1]["top_n"]) == ("Q which?", 2)


SERVED = {"url": None, "model": None, "dialect": None, "serve": {"backend": "lexical"}}
REFUSED = {
    "a kind that is none": ({"scores": "percent"}, "'scores' should be 'probability', 'logit', 'cosine'"),
    "a served backend knows what its scores mean": (
        {**SERVED, "scores": "logit"},
        "must not have 'scores' with 'serve': the served backend itself defines what its scores mean",
    ),
    "a served backend has prompts of its own": (
        {**SERVED, "query_template": "{query}"},
        "must not have 'query_template' with 'serve'",
    ),
    "no placeholder": ({"query_template": "query"}, "'query_template' must contain {query} exactly once"),
    "two placeholders": (
        {"document_template": "{document}{document}"},
        "'document_template' must contain {document} exactly once (found: 2)",
    ),
    "a dialect without the option": (
        {"dialect": "tei", "send_top_n": True},
        "must not have 'send_top_n': dialect tei has no key for the number of results",
    ),
    "a shape without the option": (
        {"dialect": "generic", "shape": {"top_n": ""}, "send_top_n": True},
        "must not have 'send_top_n': dialect generic names no key for it: set shape.top_n",
    ),
    "a number of results": (
        {"options": {"top_n": 100}},
        "must not set option 'top_n': a reply must contain every document; send_top_n: true sends their number",
    ),
    "documents in replies": (
        {"options": {"return_documents": True}},
        "must not set option 'return_documents': evalkit reads no documents from replies",
    ),
    "a key that is always sent": (
        {"options": {"query": "x"}},
        "must not set option 'query': the jina dialect sets it",
    ),
}


@pytest.mark.parametrize(("settings", "message"), REFUSED.values(), ids=REFUSED)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], message: str) -> None:
    """With the setting, the reason and what to use instead."""
    assert message in problem_of(**settings)
