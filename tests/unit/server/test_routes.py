"""Every dialect says where it is served, and is served there."""

from __future__ import annotations

import pytest
from support.services import BODY, Lengths, post

from evalkit import registry
from evalkit.dialects import Dialect, Shape, WireRequest
from evalkit.dialects.generic import Generic
from evalkit.dialects.tei import Tei
from evalkit.registry import BUILTIN, Plugin
from evalkit.server.app import build_app
from evalkit.server.routes import MAIN, dialects_by_path

AT_OWN_PATH = (
    "cohere_v2",
    "tei",
    "sagemaker_tei",
    "azure_cohere",
    "bedrock_invoke",
    "cloudflare",
    "infinity",
    "pinecone",
    "vllm_score",
    "mixedbread",
    "nim",
    "isaacus",
    "zeroentropy",
    "fireworks",
    "openrouter",
    "deepinfra",
    "dashscope",
    "dashscope_compat",
    "elastic",
    "vertex_rank",
    "nvidia_hosted",
    "novita",
    "sagemaker",
    "watsonx",
)
"""Dialects at their own paths; of two that share one, the first here is tried first unless the other is chosen."""


ALIASES = {
    "tei": ("/", "/invocations"),
    "vllm_score": ("/score",),
    "llamacpp": ("/reranking", "/v1/reranking"),
    "vllm": ("/v2/rerank",),
}
"""Further paths at which dialects are served whatever is chosen."""


class Plain(Dialect):
    """A plugin that sets a path and nothing else."""

    path = "/rerank"


class Texts(Tei):
    """A plugin that derives from a dialect served at its own path."""

    path = "/texts"


class Named(Generic):
    """A plugin that derives from the dialect that is not served under its name."""

    shape = Shape(documents="items")


PLUGINS = {"plain": Plain, "texts": Texts, "named": Named}


@pytest.fixture
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the plugins for one test."""
    monkeypatch.setattr(registry, "_registered", {})
    for name, dialect in PLUGINS.items():
        registry.register(Plugin("dialect", name, dialect, "mine.py", "0"))


def expected(chosen: str) -> dict[str, tuple[str, ...]]:
    """Return path -> dialects as the list above has them."""
    paths: dict[str, list[str]] = {MAIN: [chosen]}
    for name in dict.fromkeys([chosen, *AT_OWN_PATH, *ALIASES]):
        dialect = registry.lookup("dialect", name)
        own = [dialect.path] if name == chosen or name in AT_OWN_PATH else []
        for path in (*own, *(dialect.aliases if name == chosen else ALIASES.get(name, ()))):
            if path != MAIN:
                paths.setdefault(path, []).append(name)
    for name in registry.names("dialect"):
        if name != "generic":
            dialect = registry.lookup("dialect", name)
            paths |= {f"/{name}{path}": [name] for path in (dialect.path, *dialect.aliases)}
    return {path: tuple(names) for path, names in paths.items()}


@pytest.mark.parametrize("chosen", BUILTIN["dialect"])
def test_every_dialect_is_at_its_paths(chosen: str) -> None:
    """Whichever dialect is chosen, the same ones answer at each path, in the same order."""
    assert dialects_by_path(chosen) == expected(chosen)


@pytest.mark.usefixtures("_plugins")
@pytest.mark.parametrize("chosen", [*BUILTIN["dialect"], *PLUGINS])
def test_a_plugin_needs_to_set_nothing(chosen: str) -> None:
    """A plugin is served under its name, and at its own path only if chosen, whatever it derives from."""
    found = dialects_by_path(chosen)
    assert found == expected(chosen)
    assert found["/texts/texts"] == ("texts",)
    assert found["/named/v1/rerank"] == ("named",)


def test_the_first_of_a_shared_path_is_the_one_with_a_key_of_its_own() -> None:
    """A dialect with an uncommon key for documents is tried before one with the common key."""
    assert dialects_by_path("assisters")["/rerank"] == ("tei", "infinity", "pinecone")
    assert dialects_by_path("infinity")["/rerank"] == ("infinity", "tei", "pinecone")
    assert dialects_by_path("pinecone")["/rerank"] == ("pinecone", "tei", "infinity")


@pytest.mark.parametrize("chosen", registry.names("dialect"))
def test_every_dialect_is_served_wherever_it_is_asked(chosen: str) -> None:
    """Each speaks at its own path behind its name whatever ``--dialect`` is, and at /v1/rerank where it is chosen."""
    app = build_app({"m": Lengths()}, chosen)
    dialect = registry.lookup("dialect", chosen)()
    asked = WireRequest("m", "q", ("a", "bbb"))
    body = dialect.encode_request(asked)
    paths = ["/v1/rerank"] if chosen == "generic" else ["/v1/rerank", f"/{chosen}{dialect.served_path('m')}"]
    if "{model}" in dialect.path:
        paths = paths[1:]  # the path names the model there
    for path in paths:
        reply = post(app, body, path=path)
        assert reply.status_code == 200, reply.text
        scores = dialect.decode_response(reply.json(), reply.headers, asked).scores
        assert scores[0] < scores[1]


def test_paths_that_dialects_share_are_told_apart_by_the_body() -> None:
    """At /rerank, ``texts`` are TEI's and ``documents`` Infinity's."""
    app = build_app({"m": Lengths()})
    assert isinstance(post(app, {"query": "q", "texts": ["a"]}, path="/rerank").json(), list)
    assert "results" in post(app, BODY, path="/rerank").json()


def test_a_body_without_a_model_is_meant_for_the_dialect_that_needs_none() -> None:
    """At /v2/rerank, vLLM's clients may leave out the model and Cohere's may not; documents decide first."""
    app = build_app({"m": Lengths()})
    with_model = post(app, BODY, path="/v2/rerank").json()
    without = post(app, {"query": "q", "documents": ["a"]}, path="/v2/rerank").json()
    assert "meta" in with_model
    assert without["results"][0]["document"]["text"] == "a"
    assert "data" in post(app, {"query": "q", "input": ["a"]}, path="/v1/reranking").json()
    assert "results" in post(app, {"query": "q", "documents": ["a"]}, path="/v1/reranking").json()


def test_a_required_header_chooses_the_format_where_path_and_body_are_shared() -> None:
    """Pinecone's clients ask at /rerank with documents, as Infinity's do; only they send its version header."""
    app = build_app({"m": Lengths()})
    body = {"model": "m", "query": "q", "documents": [{"text": "a"}]}
    versioned = post(app, body, path="/rerank", headers={"X-Pinecone-Api-Version": "2026-07"})
    assert versioned.json()["usage"] == {"rerank_units": 1}
    assert "results" in post(app, body, path="/rerank").json()
