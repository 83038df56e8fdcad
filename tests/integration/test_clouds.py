"""Whole runs against stand-ins of the clouds' APIs, with credentials of the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import write_collection
from support.clouds import (
    ENVIRONMENT,
    SECRET,
    Asked,
    Cloud,
    Reply,
    bedrock_rerank,
    cloud,
    endpoint,
    foundry,
    invoke,
    refused,
    scored,
    workers_ai,
)
from support.command import evalkit, only_folder, serving

from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse
from evalkit.rerankers import load_reranker
from evalkit.testing import request

pytestmark = pytest.mark.long
KEYS = {"CF_TOKEN": "cf-token-of-the-test", "AZURE_KEY": "azure-key-of-the-test"}
APIS: dict[str, tuple[Callable[[Asked], Reply], str, str]] = {
    "bedrock": (bedrock_rerank(), "/rerank", "model: 'cohere.rerank-v3-5:0'"),
    "bedrock in pages": (bedrock_rerank(page=2), "/rerank", "model: 'amazon.rerank-v1:0'"),
    "bedrock_invoke": (
        invoke, "/model/cohere.rerank-v3-5%3A0/invoke",
        "model: 'cohere.rerank-v3-5:0', options: {max_tokens_per_doc: 9}",
    ),
    "bedrock_invoke of amazon": (invoke, "/model/amazon.rerank-v1%3A0/invoke", "model: 'amazon.rerank-v1:0'"),
    "sagemaker": (endpoint, "/endpoints/cohere/invocations", "model: cohere"),
    "sagemaker_tei": (endpoint, "/endpoints/tei/invocations", "model: tei"),
    "tei": (endpoint, "/endpoints/tei/invocations", "aws: {service: sagemaker}"),
    "cloudflare": (
        workers_ai, "/client/v4/accounts/acc0/ai/run/@cf/baai/bge-reranker-base",
        "model: '@cf/baai/bge-reranker-base', api_key_env: CF_TOKEN",
    ),
    "azure_cohere": (foundry, "/providers/cohere/v2/rerank", "model: Cohere-rerank-v4.0-fast, api_key_env: AZURE_KEY"),
}  # fmt: skip
"""Dialect, and what is special -> the stand-in, the path, and further settings."""


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Set the credentials; skip what is signed where the extra is missing."""
    for name, value in {**ENVIRONMENT, **KEYS}.items():
        monkeypatch.setenv(name, value)
    case = str(getattr(getattr(request.node, "callspec", None), "id", ""))
    if not case.startswith(("cloudflare", "azure")):
        pytest.importorskip("botocore", reason="needs the aws extra")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a working directory with a small collection."""
    made = tmp_path_factory.mktemp("clouds")
    write_collection(made / "small", 12)
    return made


def configured(place: Path, dialect: str, url: str, more: str) -> Path:
    """Return a configuration with one API."""
    config = place / "c.yaml"
    config.write_text(
        f"name: clouds\ndatasets: [{{source: beir_folder, path: {place / 'small'}}}]\nretriever: {{depth: 5}}\n"
        f"rerankers:\n  api: {{backend: http, dialect: {dialect}, url: '{url}', retry_wait_s: 0.01, {more}}}\n",
        encoding="utf-8",
    )
    return config


def leaked(folder: Path) -> list[str]:
    """Return the files of a folder that contain a secret."""
    secrets = [SECRET, ENVIRONMENT["AWS_SESSION_TOKEN"], *KEYS.values()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)]


@pytest.mark.parametrize("api", APIS)
def test_a_run_scores_every_query(place: Path, tmp_path: Path, api: str) -> None:
    """The stand-in, which verifies signatures and keys, accepts every call; scores are its own; no secret is stored."""
    answer, path, more = APIS[api]
    with cloud(answer) as served:
        config = configured(place, api.partition(" ")[0], served.origin + path, more)
        done = evalkit(
            "run", config, "--into", tmp_path / "results", env={"EVALKIT_CACHE": str(tmp_path / "cache")}
        )
    assert done.returncode == 0, done.stderr
    scores = pd.read_parquet(only_folder(tmp_path / "results") / "scores.parquet")
    assert scores[scores.reranker == "api"].query_id.nunique() == 12
    assert leaked(tmp_path) == []
    assert not any(secret in done.stdout + done.stderr for secret in (SECRET, *KEYS.values()))
    assert {asked.target for asked in served.asked} == {path}


def api_of(served: Cloud, dialect: str, **more: Any) -> Callable[[tuple[str, ...]], RerankResponse]:
    """Return a function that scores documents with a stand-in."""
    reranker = load_reranker(
        "http", dialect=dialect, url=f"{served.origin}/rerank", retry_wait_s=0.01, **more
    )

    def score(documents: tuple[str, ...]) -> RerankResponse:
        try:
            return reranker.score(request(documents))
        finally:
            reranker.close()

    return score


def test_all_pages_of_a_reply_are_read() -> None:
    """A reply in pages of 3 gives the scores of the reply in one; each page has the token of the one before it."""
    documents = tuple(f"text {i}" for i in range(8))
    with cloud(bedrock_rerank()) as whole, cloud(bedrock_rerank(page=3)) as paged:
        expected = api_of(whole, "bedrock", model="m")(documents)
        read = api_of(paged, "bedrock", model="m")(documents)
    assert read.scores.tolist() == expected.scores.tolist()
    assert read.order is not None
    assert expected.order is not None
    assert read.order.tolist() == expected.order.tolist()
    assert [asked.body.get("nextToken") for asked in paged.asked] == [None, "3", "6"]


def test_pages_without_end_are_refused() -> None:
    """A server that always names a next page fails the call after as many pages as there are documents."""

    def endless(_asked: Asked) -> Reply:
        results = scored("q", ["a"], score="relevanceScore")
        return 200, {"results": results, "nextToken": "again"}, {}

    with cloud(endless) as served, pytest.raises(CallError, match="more pages than documents"):
        api_of(served, "bedrock", model="m")(("a", "b"))
    assert len(served.asked) == 3


def test_a_page_that_fails_fails_the_call() -> None:
    """A throttled second page is a transient failure of the whole call, not a reply with fewer results."""

    def throttled(asked: Asked) -> Reply:
        if "nextToken" in asked.body:
            return refused(429, "ThrottlingException", "Too many requests")
        return bedrock_rerank(page=1)(asked)

    with cloud(throttled) as served, pytest.raises(CallError, match="429") as raised:
        api_of(served, "bedrock", model="m")(("a", "b"))
    assert raised.value.remedy.transient


@pytest.mark.parametrize(
    ("dialect", "reply", "transient", "hint"),
    [
        ("bedrock", refused(429, "ThrottlingException", "slow down"), True, None),
        ("bedrock", refused(400, "ServiceQuotaExceededException", "resubmit later"), True, None),
        ("bedrock_invoke", refused(400, "ServiceQuotaExceededException", "quota"), False, None),
        ("bedrock_invoke", refused(429, "ModelNotReadyException", "not ready"), True, None),
        ("bedrock_invoke", refused(408, "ModelTimeoutException", "too slow"), True, None),
        ("bedrock_invoke", refused(424, "ModelErrorException", "x", originalStatusCode=503), True, None),
        ("bedrock_invoke", refused(424, "ModelErrorException", "x", originalStatusCode=400), False, None),
        ("bedrock_invoke", refused(424, "ModelErrorException", "x"), False, None),
        ("bedrock", refused(424, "DependencyFailedException", "x"), False, None),
        ("sagemaker", (424, {"Message": "model", "OriginalStatusCode": 500}, {"x-amzn-errortype": "ModelError"}),
         True, None),
        ("sagemaker", (424, {"Message": "model", "OriginalStatusCode": 422}, {"x-amzn-errortype": "ModelError"}),
         False, None),
        ("sagemaker", (530, {"Message": "m"}, {"x-amzn-errortype": "InternalDependencyException"}), True, None),
        ("bedrock", refused(403, "ExpiredTokenException", "The security token included in the request is expired"),
         False, "aws sso login"),
        ("bedrock", refused(403, "InvalidSignatureException", "Signature expired: 1 is now earlier than 2"),
         False, "check the clock"),
        ("bedrock", refused(403, "UnrecognizedClientException", "invalid token"), False, "AWS_PROFILE"),
        ("bedrock", refused(403, "AccessDeniedException", "not authorized"), False, "allow bedrock:Rerank"),
        ("bedrock_invoke", refused(404, "ResourceNotFoundException", "no model"), False, "check model and aws.region"),
    ],
)  # fmt: skip
def test_errors_are_retried_as_documented(
    dialect: str, reply: Reply, transient: bool, hint: str | None
) -> None:
    """The type of an error and the status of the model behind it decide; hints say what to do about credentials."""
    with cloud(lambda _asked: reply) as served, pytest.raises(CallError) as raised:
        api_of(served, dialect, model="m")(("a", "b"))
    error = raised.value
    assert (error.http_status, error.remedy.transient) == (reply[0], transient)
    assert error.remedy.permanent == (reply[0] in {403, 404})
    assert (hint or "") in (error.hint or "")
    message = reply[1].get("message") or reply[1]["Message"]
    assert error.message.endswith(f"returned {reply[0]}: {message}")


def test_a_refusal_that_quotes_the_credentials_is_stored_without_them() -> None:
    """AWS quotes the canonical request, with the session token, when a signature is wrong."""

    def quoting(asked: Asked) -> Reply:
        return refused(
            403, "InvalidSignatureException", f"canonical: {asked.headers['x-amz-security-token']} {SECRET}"
        )

    with cloud(quoting) as served, pytest.raises(CallError) as raised:
        api_of(served, "bedrock", model="m")(("a",))
    assert raised.value.message.endswith("canonical: [key] [key]")
    assert ENVIRONMENT["AWS_SESSION_TOKEN"] not in str(raised.value.body)


def test_a_key_replaces_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Bedrock API key is sent as a bearer token, without botocore and without credentials."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BEDROCK_KEY", "bedrock-api-key-of-the-test")

    def answer(asked: Asked) -> Reply:
        assert asked.headers["authorization"] == "Bearer bedrock-api-key-of-the-test"
        assert "x-amz-date" not in asked.headers
        return 200, {"results": scored(asked.body["query"], asked.body["documents"])}, {}

    with cloud(answer) as served:
        read = api_of(served, "bedrock_invoke", model="m", api_key_env="BEDROCK_KEY")(("a", "b"))
    assert len(read.scores) == 2


def test_cloudflare_is_always_asked_for_all_results() -> None:
    """The stand-in returns three results unless more are asked for."""
    with cloud(workers_ai) as served:
        reranker = load_reranker(
            "http", dialect="cloudflare", model="@cf/baai/bge-reranker-base", api_key_env="CF_TOKEN",
            url=f"{served.origin}/client/v4/accounts/acc0/ai/run/@cf/baai/bge-reranker-base",
        )  # fmt: skip
        documents = tuple(f"text {i}" for i in range(9))
        assert reranker.score(RerankRequest("q", "query", documents, documents)).scores.shape == (9,)
        reranker.close()


def test_a_failure_inside_a_reply_is_one() -> None:
    """Cloudflare's ``success: false`` with status 200 fails the call with its message."""
    body = {
        "result": None,
        "success": False,
        "errors": [{"code": 1, "message": "out of capacity"}],
        "messages": [],
    }
    with cloud(lambda _asked: (200, body, {})) as served, pytest.raises(CallError, match="out of capacity"):
        api_of(served, "cloudflare", model="m")(("a",))


def test_messages_of_clouds_are_read() -> None:
    """Cloudflare's list of errors and SageMaker's capital letter give the sentence, not the JSON."""
    with cloud(workers_ai) as served, pytest.raises(CallError) as raised:
        api_of(served, "cloudflare", model="m")(("a",))
    assert raised.value.message.endswith("returned 401: Authentication error")
    assert orjson.loads(str(raised.value.body))["errors"]


@pytest.mark.parametrize(
    ("unset", "said", "hint"),
    [
        (["AWS_ACCESS_KEY_ID"], "no AWS credentials found", "AWS_PROFILE"),
        (
            ["AWS_SECRET_ACCESS_KEY"],
            "no usable AWS credentials: Partial credentials found in env",
            "export AWS_ACCESS",
        ),
        (["AWS_REGION"], "no AWS region is configured", "set aws.region"),
    ],
)
def test_missing_credentials_are_reported_before_the_first_call(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unset: list[str], said: str, hint: str
) -> None:
    """A run stops with one line and a hint; the check of a configuration warns; a plan says nothing."""
    for name in unset:
        monkeypatch.delenv(name)
    with cloud(bedrock_rerank()) as served:
        config = configured(place, "bedrock", served.origin + "/rerank", "model: m")
        done = evalkit("run", config, "--into", tmp_path)
        checked = evalkit("config", "check", config)
        planned = evalkit("run", "--plan", config)
    assert (done.returncode, served.asked) == (2, [])
    assert said in done.stderr
    assert hint in done.stderr
    assert "rerankers.api" in done.stderr or "c.yaml:5" in done.stderr
    assert checked.returncode == 0
    assert f"warning: {config.name}" in checked.stderr.replace(str(config.parent) + "/", "")
    assert said in checked.stderr
    assert planned.returncode == 0
    assert said not in planned.stderr


def test_the_vendors_own_client_is_served() -> None:
    """Clients of botocore, unchanged but for their endpoint, get scores and their own exceptions from our service.

    The service verifies no signature: the access key ID is the API key.
    """
    session = pytest.importorskip("botocore.session", reason="needs the aws extra").Session()
    texts = ["bread", "the dog barks"]
    sources = [
        {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}}}
        for text in texts
    ]
    arn = "arn:aws:bedrock:eu-west-3::foundation-model/lexical"
    configuration = {
        "type": "BEDROCK_RERANKING_MODEL",
        "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": arn}, "numberOfResults": 1},
    }
    body = orjson.dumps({"query": "dog", "documents": texts, "api_version": 2, "top_n": 1})
    with serving("--backend", "lexical") as url:
        origin = url.removesuffix("/v1/rerank")
        agents = session.create_client(
            "bedrock-agent-runtime", endpoint_url=f"{origin}/bedrock", region_name="eu-west-3"
        )
        runtime = session.create_client("bedrock-runtime", endpoint_url=origin, region_name="eu-west-3")
        endpoints = session.create_client("sagemaker-runtime", endpoint_url=origin, region_name="eu-west-3")
        query = [{"type": "TEXT", "textQuery": {"text": "dog"}}]
        ranked = agents.rerank(queries=query, sources=sources, rerankingConfiguration=configuration)[
            "results"
        ]
        invoked = orjson.loads(runtime.invoke_model(modelId="lexical", body=body)["body"].read())["results"]
        answered = orjson.loads(endpoints.invoke_endpoint(EndpointName="lexical", Body=body)["Body"].read())[
            "results"
        ]
        with pytest.raises(runtime.exceptions.ValidationException, match="'documents' is required"):
            runtime.invoke_model(modelId="lexical", body=b'{"query": "dog"}')
    assert [result["index"] for result in ranked] == [1]
    assert invoked == answered == [{"index": 1, "relevance_score": ranked[0]["relevanceScore"]}]
