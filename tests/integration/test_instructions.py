"""The instruction of a query reaches every backend and every dialect, and is part of what is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
from numpy.typing import NDArray
from support.causal_models import make_qwen3
from support.command import evalkit, only_folder, serving
from support.late_models import make_late_interaction
from support.models import make_classifier, make_embedder
from support.stand_in import by_length, stand_in
from support.stand_in_chat import ChatServer
from support.stand_in_forms import FormServer

from evalkit import registry
from evalkit.config import reranker_settings
from evalkit.dialects import WireRequest
from evalkit.dialects.shape import put
from evalkit.dialects.wire import WireError
from evalkit.errors import ConfigError
from evalkit.records import RerankRequest
from evalkit.rerankers import instruction_place, load_reranker, readable
from evalkit.rerankers.http import Http
from evalkit.rerankers.http_settings import HttpSettings

pytestmark = [pytest.mark.usefixtures("blank_plots"), pytest.mark.filterwarnings("default")]

PLAIN = RerankRequest("q", "a cat", ("the cat sat on the mat", "a dog barks", "yes no"), ("1", "2", "3"))
MATS, DOGS = replace(PLAIN, instruction="on the mat"), replace(PLAIN, instruction="a dog")
URL = "https://r.example/v1/rerank"
AWS = ("bedrock", "bedrock_invoke", "sagemaker", "sagemaker_tei")
FIELDS = {
    "dashscope": "parameters.instruct",
    "dashscope_compat": "instruct",
    "deepinfra": "instruction",
    "fireworks": "task",
    "sglang": "instruct",
    "siliconflow": "instruction",
    "vllm": "instruction",
    "vllm_score": "instruction",
    "xinference": "instruction",
}
"""Dialects whose API documents a field for an instruction, and its path."""


def http(dialect: str, **more: Any) -> Http:
    """Return an API in a dialect."""
    if dialect == "generic":
        more = {"shape": {}, **more}
    if dialect in AWS:
        more = {"aws": {"region": "us-east-1"}, **more}
    block = {"backend": "http", "url": URL, "dialect": dialect, "model": "m", **more}
    settings = reranker_settings(block)
    assert isinstance(settings, HttpSettings)
    return Http(settings)


def body(api: Http, request: RerankRequest) -> Any:
    """Return the body that is sent for a request."""
    return api.body_of(api.wire_request(request))


def at(sent: Any, path: str) -> Any:
    """Return the value at a path."""
    for part in path.split("."):
        sent = sent[part]
    return sent


@pytest.mark.parametrize("dialect", registry.names("dialect"))
def test_an_instruction_is_in_every_request(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It follows the query's text, and a query without one is sent as before."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    if dialect.startswith(("bedrock", "sagemaker")):
        pytest.importorskip("botocore", reason="needs the aws extra")
    api = http(dialect)
    joined = replace(PLAIN, query="a cat on the mat")
    assert body(api, MATS) == body(api, joined) != body(api, DOGS)
    assert b"on the mat" not in orjson.dumps(body(api, replace(PLAIN, documents=("x",), doc_ids=("1",))))
    assert api.instruction_place == "the text of the query"


@pytest.mark.parametrize("dialect", sorted(FIELDS))
def test_an_instruction_has_a_field(dialect: str) -> None:
    """Where the API has a field, `instruction_place: field` uses it, in place of the option for all queries."""
    path = FIELDS[dialect]
    outer, _, inner = path.partition(".")
    api = http(
        dialect,
        instruction_place="field",
        options={outer: {inner: "all queries"} if inner else "all queries"},
    )
    sent = body(api, MATS)
    assert at(sent, path) == "on the mat"
    assert at(body(api, PLAIN), path) == "all queries"
    queries = [text for text in _texts(sent) if text not in PLAIN.documents and "cat" in text]
    assert set(queries) == {"a cat"}
    assert api.instruction_place == f"the field {path} of the request"


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]


@pytest.mark.parametrize(
    ("dialect", "model", "more", "path"),
    [
        ("siliconflow", "Qwen/Qwen3-Reranker-8B", {}, "instruction"),
        ("siliconflow", "BAAI/bge-reranker-v2-m3", {}, None),
        ("dashscope_compat", "qwen3-rerank", {}, "instruct"),
        ("dashscope", "gte-rerank-v2", {}, None),
        ("deepinfra", "Qwen/Qwen3-Reranker-4B", {}, "instruction"),
        ("fireworks", "accounts/fireworks/models/qwen3-reranker-8b", {}, "task"),
        ("vllm", "Qwen/Qwen3-Reranker-8B", {}, None),
        ("generic", "m", {"shape": {"instruction": "params.task"}}, "params.task"),
        ("siliconflow", "Qwen/Qwen3-Reranker-8B", {"query_template": "<Query>: {query}"}, None),
        ("siliconflow", "Qwen/Qwen3-Reranker-8B", {"instruction_place": "query"}, None),
    ],
)
def test_the_field_is_used_only_where_it_is_applied(
    dialect: str, model: str, more: dict[str, Any], path: str | None
) -> None:
    """An API ignores the field for other models, and a server without a template does: there the query contains it."""
    api = http(dialect, model=model, **more)
    sent = body(api, MATS)
    if path is None:
        assert "a cat on the mat" in " ".join(_texts(sent))
    else:
        assert at(sent, path) == "on the mat"
        assert "a cat on the mat" not in " ".join(_texts(sent))


@pytest.mark.parametrize("dialect", sorted(FIELDS))
def test_a_service_reads_the_field(dialect: str) -> None:
    """What a client sends there is the instruction of the query; the default of the API is none."""
    own = registry.lookup("dialect", dialect)()
    sent = WireRequest("m", "a cat", ("x", "y"), instruction="on the mat")
    assert own.decode_request(own.encode_request(sent), "m").instruction == "on the mat"
    for default in own.forms.default_instructions:
        assert (
            own.decode_request(own.encode_request(replace(sent, instruction=default)), "m").instruction == ""
        )
    wrong = own.encode_request(sent)
    put(wrong, FIELDS[dialect], 3)
    with pytest.raises(WireError, match="must be a string"):
        own.decode_request(wrong, "m")


def test_a_service_applies_the_field() -> None:
    """A served backend that has no place for an instruction reads it after the query."""
    documents = list(PLAIN.documents)
    with serving("--backend", "lexical") as url:

        def scores(**body: Any) -> list[float]:
            reply = httpx.post(
                httpx.URL(url).join("/v1/score"), json={"model": "lexical", "text_2": documents, **body}
            )
            assert reply.status_code == 200, reply.text
            return [one["score"] for one in reply.json()["data"]]

        instructed = scores(text_1="a cat", instruction="on the mat")
        assert instructed == scores(text_1="a cat on the mat") != scores(text_1="a cat")


def test_a_field_that_an_api_lacks_is_refused() -> None:
    """An instruction that would be dropped is a problem of the configuration."""
    with pytest.raises(ConfigError, match="dialect jina has no field for instructions"):
        http("jina", instruction_place="field")


def test_the_old_identity_is_unchanged() -> None:
    """A configuration that does not set the new keys finds its stored scores."""
    from evalkit.store import identity_of

    identity = identity_of(http("generic").settings)
    assert "instruction" not in identity
    assert "instruction" in identity_of(http("generic", instruction_place="query").settings)


Scored = NDArray[np.float64]


def scores_of(backend: str, tmp_path: Path) -> list[Scored]:
    """Return the scores of a backend without an instruction, with one, with another, and with the joined text."""
    joined = replace(PLAIN, query="a cat on the mat")
    requests = [PLAIN, MATS, DOGS, joined]
    settings: dict[str, Any] = {}
    if backend in {"cross_encoder", "bi_encoder", "late_interaction"}:
        pytest.importorskip("sentence_transformers", reason="needs the local extra")
        make: Callable[[Path], Path] = {
            "cross_encoder": make_classifier,
            "bi_encoder": make_embedder,
            "late_interaction": make_late_interaction,
        }[backend]
        settings = {"model": str(make(tmp_path)), "device": "cpu"}
    if backend == "replay":
        (tmp_path / "r.trec").write_text("".join(f"q Q0 {d} 1 {d} r\n" for d in "123"))
        settings = {"path": str(tmp_path / "r.trec")}
    reranker = load_reranker(backend, **settings)
    return [reranker.score(readable(reranker, request)).scores for request in requests]


@pytest.mark.parametrize("backend", ["lexical", "cross_encoder", "bi_encoder", "late_interaction"])
def test_a_local_backend_reads_the_instruction(backend: str, tmp_path: Path) -> None:
    """Two instructions give two scores, and a model without a place for it reads it after the query."""
    plain, mats, dogs, joined = scores_of(backend, tmp_path)
    assert mats == pytest.approx(joined)
    assert not np.allclose(mats, dogs)
    assert not np.allclose(mats, plain)


@pytest.mark.parametrize("backend", ["identity", "replay"])
def test_a_backend_that_reads_no_text_ignores_it(backend: str, tmp_path: Path) -> None:
    """Positions and ids are the same with and without an instruction."""
    plain, *others = scores_of(backend, tmp_path)
    assert all(np.array_equal(plain, other) for other in others)


def test_a_plugin_that_knows_no_instructions_reads_them_in_the_query() -> None:
    """A reranker of before receives one text, so that it cannot drop an instruction."""

    class Old:
        """Knows the query alone."""

        pointwise, score_kind = True, "unbounded"

    given = readable(Old(), MATS)  # type: ignore[arg-type]
    assert (given.query, given.instruction) == ("a cat on the mat", "")
    assert readable(Old(), PLAIN) is PLAIN  # type: ignore[arg-type]


def test_all_backends_are_tested() -> None:
    """A new backend needs a test here; other tests may have registered plugins."""
    tested = {"lexical", "cross_encoder", "bi_encoder", "late_interaction", "identity", "replay"}
    own = {
        name
        for name in registry.names("reranker backend")
        if registry.find("reranker backend", name).owner == registry.DISTRIBUTION
    }
    assert {*tested, "http", "listwise", "chat", "decisions", "cascade"} == own


@pytest.mark.long
def test_a_template_with_a_place_has_the_instruction_there(tmp_path: Path) -> None:
    """The instruction of a query replaces that of the model, and the query is sent alone."""
    pytest.importorskip("sentence_transformers", reason="needs the local extra")
    folder = tmp_path / "Qwen3-Reranker-0.6B"
    make_qwen3(folder)
    settings = {"model": str(folder), "device": "cpu"}
    one = load_reranker("cross_encoder", instruction="Find pets.", **settings)
    other = load_reranker("cross_encoder", instruction="on the mat", **settings)
    assert instruction_place(one) == "the instruction of the model's template"
    assert one.score(MATS).scores == pytest.approx(other.score(PLAIN).scores)
    assert not np.allclose(one.score(MATS).scores, one.score(PLAIN).scores)
    together = one.score_many([PLAIN, MATS, DOGS, MATS])  # type: ignore[attr-defined]
    apart = [one.score(request) for request in (PLAIN, MATS, DOGS, MATS)]
    assert [list(r.scores) for r in together] == [pytest.approx(list(r.scores)) for r in apart]


def test_a_listwise_prompt_has_the_instruction() -> None:
    """The definition of relevance of a query replaces that of the settings, on one line."""
    server = ChatServer()
    with server.running() as url:
        reranker = load_reranker("listwise", url=url, model="m", instruction="General.")
        reranker.score(replace(PLAIN, instruction="Only\nmats [2]."))
        reranker.score(PLAIN)
        reranker.close()
    asked, plain = (one["messages"][0]["content"] for one in server.bodies)
    assert "relevance to a query. Only mats (2).\n" in asked
    assert "General." not in asked
    assert "relevance to a query. General.\n" in plain


@pytest.mark.parametrize("form", ["yes_no", "graded"])
def test_a_question_about_one_document_has_the_instruction(form: str) -> None:
    """What a query requires is added to what matters in the domain, which the settings say."""
    server = FormServer(lambda _query, _text: 0.5)
    with server.running() as url:
        reranker = load_reranker("chat", url=url, model="m", form=form, instruction="General.")
        reranker.score(replace(PLAIN, instruction="Only mats."))
        asked = len(server.bodies)
        reranker.score(PLAIN)
        reranker.close()
    texts = [one["messages"][0]["content"] for one in server.bodies]
    assert ["Only mats." in text for text in texts] == [True] * asked + [False] * (len(texts) - asked)
    assert all("General." in text for text in texts)


CORPUS = {f"d{n}": f"battery manual {n} word{n}" for n in range(6)} | {"r": "battery review of shops"}
GRADES = {"1-og": {"d1": 1, "r": 1}, "1-changed": {"d1": 1, "r": 0}, "2": {"d2": 1}}


def write_data(folder: Path, narrow: str = "Only manuals are relevant.") -> None:
    """Write a collection with two queries of the same text and different instructions, and one without."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    queries = [
        {"_id": "1-og", "text": "battery", "instruction": "Anything on batteries is relevant."},
        {"_id": "1-changed", "text": "battery", "instruction": narrow},
        {"_id": "2", "text": "manual word2"},
    ]
    corpus = [{"_id": doc, "title": "", "text": text} for doc, text in CORPUS.items()]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    lines = [f"{q}\t{d}\t{g}\n" for q, docs in GRADES.items() for d, g in docs.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))


def test_a_run_asks_with_instructions_and_stores_by_them(tmp_path: Path) -> None:
    """Requests carry them, a second run calls nothing, and a changed instruction is asked for its query alone."""
    seen: list[Any] = []

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append(body)
        return by_length(body, headers)

    chat = ChatServer()
    write_data(tmp_path / "data")
    local = ""
    try:
        import sentence_transformers  # noqa: F401 - only whether it is there

        model = make_classifier(tmp_path / "model")
        local = f"  local: {{backend: cross_encoder, model: {model}, device: cpu}}\n"
    except ImportError:
        pass
    with stand_in(answer) as url, chat.running() as chat_url:
        config = tmp_path / "c.yaml"
        config.write_text(
            f"name: t\ndatasets: [{{source: beir_folder, path: {tmp_path / 'data'}}}]\nretriever: {{depth: 7}}\n"
            f"rerankers:\n  api: {{backend: http, url: '{url}', dialect: jina, model: m}}\n"
            "  words: {backend: lexical}\n"
            f"  llm: {{backend: listwise, url: '{chat_url}', model: m}}\n{local}"
            "metrics: [nDCG@10, p-MRR]\n"
        )

        def run(number: int) -> Path:
            seen.clear()
            chat.bodies.clear()
            done = evalkit(
                "run", config, "--into", tmp_path / f"results{number}", "--set", f"store.path={store}"
            )
            assert done.returncode == 0, done.stderr
            return only_folder(tmp_path / f"results{number}")

        store = tmp_path / "store.sqlite"
        result = run(1)
        asked = {body["query"] for body in seen if len(body["documents"]) == 7}
        assert "battery Anything on batteries is relevant." in asked
        assert "battery Only manuals are relevant." in asked
        assert "battery" not in {body["query"] for body in seen}
        prompts = [body["messages"][0]["content"] for body in chat.bodies]
        assert any("query. Only manuals are relevant.\n" in prompt for prompt in prompts)
        manifest = orjson.loads((result / "manifest.json").read_bytes())
        places = {tag: facts.get("instruction_place") for tag, facts in manifest["rerankers"].items()}
        assert places["api"] == places["words"] == "the text of the query"
        assert places["llm"] == "the definition of relevance in the prompt"
        values = pd.read_parquet(result / "values.parquet").query("metric == 'pMRR' and reranker == 'words'")
        assert values["query_id"].tolist() == ["1-changed"]
        assert values["value"].between(-1, 1).all()

        again = run(2)
        assert seen == chat.bodies == []
        assert (again / "scores.parquet").read_bytes() == (result / "scores.parquet").read_bytes()

        write_data(tmp_path / "data", "Only reviews are relevant.")
        run(3)
        full = [body["query"] for body in seen if len(body["documents"]) == 7]
        assert full == ["battery Only reviews are relevant."]
        assert len([one for one in chat.bodies if "Only reviews" in one["messages"][0]["content"]]) > 0


def test_judgments_without_pairs_stop_a_run_before_it_asks(tmp_path: Path) -> None:
    """The metric is refused before anything is sent or paid."""
    config = tmp_path / "c.yaml"
    config.write_text("name: t\ndatasets: [demo]\nrerankers: {words: {backend: lexical}}\nmetrics: [p-MRR]\n")
    done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 2
    assert "pairs of queries X-og and X-changed, but the judgments of 'demo' have none" in done.stderr
