"""What each vendor's published description requires of a reply and of an error, as JSON Schema.

Written from the sources named, not from what evalkit writes: fields that the description requires, and those that a
client of the vendor refuses to miss, with their types and constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
SOME_TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
NULL: Schema = {"type": "null"}


@dataclass(frozen=True)
class Required:
    """What a description requires.

    Attributes
    ----------
    source
        Where the vendor says so.
    reply, returned
        Schema of a reply to a request without and with returned documents; None if the latter is the same.
    error
        Schema of the reply to a malformed request and to one with a wrong key.
    headers
        Header of a successful reply -> regular expression of its value.
    """

    source: str
    reply: Schema
    error: Schema
    returned: Schema | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def thing(**required: Any) -> Schema:
    """Return the schema of an object with these fields; a value that is no schema is a constant."""
    properties = {
        name.rstrip("_"): one if isinstance(one, dict) else {"const": one} for name, one in required.items()
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def many(one: Schema) -> Schema:
    """Return the schema of a list with at least one item."""
    return {"type": "array", "minItems": 1, "items": one}


def either(*schemas: Schema) -> Schema:
    """Return a schema that accepts what one of several does."""
    return {"anyOf": list(schemas)}


def ranked(score: str = "relevance_score", **more: Any) -> Schema:
    """Return the schema of a list of results."""
    return many(thing(index=COUNT, **{score: NUMBER}, **more))


def without(key: str, one: Schema) -> Schema:
    """Return the schema of a list whose items do not have a key."""
    return {**one, "items": {**one["items"], "not": {"required": [key]}}}


def tokens(*names: str) -> Schema:
    """Return the schema of an object of counts."""
    return thing(**dict.fromkeys(names, COUNT))


MESSAGE = thing(message=SOME_TEXT)
DETAIL = thing(detail=SOME_TEXT)
FIELDS = thing(detail=many(thing(loc=many(either(TEXT, COUNT)), msg=SOME_TEXT, type=TEXT)))
OPENAI = thing(error=thing(message=SOME_TEXT, type=SOME_TEXT))
NUMBERED = thing(error=thing(message=SOME_TEXT, type=SOME_TEXT, code=COUNT))
PROBLEM = thing(type=SOME_TEXT, title=SOME_TEXT, status=COUNT, detail=SOME_TEXT)
DOCUMENT = thing(text=TEXT)
USED = tokens("prompt_tokens", "total_tokens")
USED_OF_THREE = tokens("prompt_tokens", "completion_tokens", "total_tokens")
MILLISECONDS = r"\d+"


def cohere(version: str, **more: Any) -> Schema:
    """Return the schema of a reply of Cohere."""
    meta = thing(
        api_version=thing(version=version),
        billed_units=thing(search_units=NUMBER),
        tokens=tokens("input_tokens"),
    )
    return thing(id=SOME_TEXT, results=ranked(**more), meta=meta)


def listed(**more: Any) -> Schema:
    """Return the schema of Jina's reply."""
    return thing(model=TEXT, object="list", usage=tokens("total_tokens"), results=ranked(**more))


def voyage(**more: Any) -> Schema:
    """Return the schema of Voyage's reply."""
    return thing(model=TEXT, object="list", usage=tokens("total_tokens"), data=ranked(**more))


def mixedbread(flag: bool, **more: Any) -> Schema:
    """Return the schema of Mixedbread's reply."""
    data = ranked("score", object="rank_result", **more)
    return thing(usage=USED_OF_THREE, model=TEXT, data=data, object="list", top_k=COUNT, return_input=flag)


def pinecone(data: Schema) -> Schema:
    """Return the schema of Pinecone's reply."""
    return thing(model=TEXT, data=data, usage=thing(rerank_units={"type": "integer", "minimum": 1}))


def infinity(document: Schema) -> Schema:
    """Return the schema of Infinity's reply."""
    results = ranked(document=document)
    prefixed = {"type": "string", "pattern": "^infinity-."}
    return thing(object="rerank", results=results, model=TEXT, usage=USED, id=prefixed, created=COUNT)


def fireworks(data: Schema) -> Schema:
    """Return the schema of the reply of Fireworks."""
    return thing(object="list", model=TEXT, data=data, usage=USED)


def xinference(document: Schema) -> Schema:
    """Return the schema of Xinference's reply."""
    counts = either(NULL, tokens("input_tokens", "output_tokens"))
    meta = thing(api_version={}, billed_units={}, tokens=counts, warnings={})
    return thing(id=SOME_TEXT, results=ranked(document=document), meta=meta)


def siliconflow(**more: Any) -> Schema:
    """Return the schema of SiliconFlow's reply: its page and its OpenAPI file put tokens in different places."""
    counts = tokens("input_tokens", "output_tokens")
    return thing(id=SOME_TEXT, results=ranked(**more), tokens=counts, meta=thing(tokens=counts))


def dashscope_compat(**more: Any) -> Schema:
    """Return the schema of the reply of DashScope's flat format."""
    return thing(model=TEXT, results=ranked(**more), usage=tokens("total_tokens"), id=SOME_TEXT)


def dashscope(**more: Any) -> Schema:
    """Return the schema of DashScope's reply."""
    return thing(output=thing(results=ranked(**more)), usage=tokens("total_tokens"), request_id=SOME_TEXT)


def watsonx(**more: Any) -> Schema:
    """Return the schema of the reply of watsonx.ai."""
    moment = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT[\d:.]+Z$"}
    return thing(model_id=TEXT, results=ranked("score", **more), created_at=moment, input_token_count=COUNT)


def aws_error(key: str) -> Schema:
    """Return the schema of an error from which botocore reads type and message."""
    return thing(**{key: SOME_TEXT, "__type": {"type": "string", "pattern": "Exception$"}})


NIM = thing(rankings=ranked("logit"), usage=USED)
VLLM = thing(
    id={"type": "string", "pattern": "^rerank-."}, model=TEXT, usage=USED,
    results=ranked(document=thing(text=TEXT, multi_modal=NULL)),
)  # fmt: skip
VERTEX_RECORD = thing(id=SOME_TEXT, score=NUMBER)
TEI_HEADERS = {
    "x-compute-type": ".+", "x-compute-time": MILLISECONDS, "x-total-time": MILLISECONDS,
    "x-tokenization-time": MILLISECONDS, "x-queue-time": MILLISECONDS, "x-inference-time": MILLISECONDS,
    "x-compute-characters": r"\d+", "x-compute-tokens": r"\d+",
}  # fmt: skip

REQUIRED: dict[str, Required] = {
    "assisters": Required(
        "docs.assisters.dev/api-reference/rerank and /errors",
        thing(model=TEXT, results=ranked(), usage=tokens("total_tokens")),
        thing(error=thing(message=SOME_TEXT, type=SOME_TEXT, code=SOME_TEXT)),
        thing(model=TEXT, results=ranked(document=TEXT), usage=tokens("total_tokens")),
        {"x-processing-time-ms": r"[\d.]+"},
    ),
    "azure_cohere": Required(
        "docs.cohere.com/docs/cohere-on-microsoft-azure: as Cohere v2", cohere("2"), MESSAGE,
    ),
    "bedrock": Required(
        "botocore bedrock-agent-runtime 2023-07-26, RerankResponse",
        thing(results=ranked("relevanceScore")), aws_error("message"),
    ),
    "bedrock_invoke": Required(
        "docs.aws.amazon.com rerank-supported; cohere 7.3 aws_client.py reads tokens from a header",
        thing(results=ranked()), aws_error("message"),
        headers={"x-amzn-bedrock-invocation-latency": MILLISECONDS, "x-amzn-bedrock-input-token-count": r"\d+"},
    ),
    "cloudflare": Required(
        "Cloudflare openapi.yaml, /accounts/{account_id}/ai/run/@cf/baai/bge-reranker-base",
        thing(result=thing(response=many(thing(id=COUNT, score=NUMBER))), success=True, errors={}, messages={}),
        thing(success=False, errors=many(thing(code=COUNT, message=SOME_TEXT)), messages={"type": "array"}),
    ),
    "cohere_v1": Required("cohere-openapi.yaml /v1/rerank", cohere("1"), MESSAGE, cohere("1", document=DOCUMENT)),
    "cohere_v2": Required("cohere-openapi.yaml /v2/rerank", cohere("2"), MESSAGE),
    "dashscope": Required(
        "help.aliyun.com/zh/model-studio/text-rerank-api",
        dashscope(), thing(code=SOME_TEXT, message=SOME_TEXT, request_id=SOME_TEXT), dashscope(document=DOCUMENT),
    ),
    "dashscope_compat": Required(
        "help.aliyun.com/zh/model-studio/text-rerank-api, the compatible API",
        dashscope_compat(), thing(code=SOME_TEXT, message=SOME_TEXT, request_id=SOME_TEXT),
        dashscope_compat(document=DOCUMENT),
    ),
    "deepinfra": Required(
        "docs.deepinfra.com/apis/reranker",
        thing(
            scores=many(NUMBER), input_tokens=COUNT, request_id=SOME_TEXT,
            inference_status=thing(status="succeeded", runtime_ms=COUNT, cost=NUMBER, tokens_input=COUNT),
        ),
        thing(detail=either(SOME_TEXT, thing(error=SOME_TEXT))),
    ),
    "elastic": Required(
        "elasticsearch-specification inference/rerank; elasticsearch-py and -js refuse a reply without the header",
        thing(rerank=ranked()),
        thing(error=thing(root_cause=many(thing(type=TEXT, reason=TEXT)), type=TEXT, reason=TEXT), status=COUNT),
        thing(rerank=ranked(text=TEXT)),
        {"x-elastic-product": "Elasticsearch"},
    ),
    "fireworks": Required(
        "docs.fireworks.ai/api-reference/rerank-documents",
        fireworks(ranked()), OPENAI, fireworks(ranked(document=TEXT)),
    ),
    "infinity": Required(
        "infinity_emb/fastapi_schemas/pymodels.py, ReRankResult",
        infinity(NULL), either(FIELDS, DETAIL), infinity(TEXT),
    ),
    "isaacus": Required(
        "docs.isaacus.com/api-reference/rerankings, isaacus 0.22.1",
        thing(results=ranked("score"), usage=tokens("input_tokens")), PROBLEM,
    ),
    "jina": Required("Jina OpenAPI 2026.04, /v1/rerank", listed(), DETAIL, listed(document=DOCUMENT)),
    "litellm_proxy": Required(
        "litellm/types/rerank.py, RerankResponse",
        thing(id=SOME_TEXT, results=ranked(), meta=thing(billed_units={}, tokens=tokens("input_tokens"))),
        thing(error=thing(message=SOME_TEXT, type=SOME_TEXT, param={}, code=SOME_TEXT)),
    ),
    "llamacpp": Required(
        "llama.cpp tools/server, format_response_rerank",
        thing(model=TEXT, object="list", usage=USED, results=without("document", ranked())), NUMBERED,
    ),
    "localai": Required(
        "LocalAI core/schema/jina.go, JINARerankResponse",
        thing(model=TEXT, usage=USED, results=ranked(document=DOCUMENT)), NUMBERED,
    ),
    "mixedbread": Required(
        "Mixedbread openapi.yaml, /v1/reranking; mixedbread-ai-provider 4.0.0",
        mixedbread(flag=False), FIELDS, mixedbread(flag=True, input=TEXT),
    ),
    "nim": Required(
        "docs.nvidia.com/nim/nemo-retriever/text-reranking, POST /v1/ranking",
        NIM, thing(object="error", message=SOME_TEXT),
    ),
    "novita": Required(
        "novita.ai/docs/api-reference/model-apis-llm-create-rerank",
        thing(id=SOME_TEXT, results=ranked(document=DOCUMENT), usage=USED_OF_THREE), OPENAI,
    ),
    "nvidia_hosted": Required("docs.api.nvidia.com reranking; langchain-nvidia _common.py", NIM, PROBLEM),
    "openrouter": Required(
        "OpenRouter openapi.yaml, /rerank",
        thing(
            id=SOME_TEXT, provider=SOME_TEXT, model=TEXT, results=ranked(document=DOCUMENT),
            usage=tokens("total_tokens", "search_units"),
        ),
        thing(error=thing(code=COUNT, message=SOME_TEXT)),
    ),
    "pinecone": Required(
        "pinecone-api 2026-04/inference_2026-04.oas.yaml, RerankResult and ErrorResponse",
        pinecone(without("document", ranked("score"))),
        thing(
            status=COUNT,
            error=thing(message=SOME_TEXT, code={"enum": ["INVALID_ARGUMENT", "UNAUTHENTICATED", "NOT_FOUND"]}),
        ),
        pinecone(ranked("score", document=DOCUMENT)),
    ),
    "sagemaker": Required(
        "cohere-openapi.yaml /v2/rerank; cohere 7.3 aws_client.py", cohere("2"), aws_error("Message"),
    ),
    "sagemaker_tei": Required(
        "text-embeddings-inference router/src/http/types.rs; botocore sagemaker-runtime 2017-05-13",
        without("text", ranked("score")), aws_error("Message"), ranked("score", text=TEXT),
    ),
    "scaleway": Required(
        "litellm's tests of Scaleway",
        thing(
            id={"type": "string", "pattern": "^rerank-."}, model=TEXT, usage=tokens("total_tokens"),
            results=ranked(document=thing(text=TEXT, multi_modal=NULL)),
        ),
        OPENAI,
    ),
    "sglang": Required(
        "sglang entrypoints/openai/protocol.py, RerankResponse and ErrorResponse",
        without("document", ranked("score", meta_info={})),
        thing(object="error", message=SOME_TEXT, type=SOME_TEXT, param={}, code=COUNT),
        ranked("score", meta_info={}, document=TEXT),
    ),
    "siliconflow": Required(
        "docs.siliconflow.cn and SiliconFlow openapi.yaml, /rerank",
        siliconflow(), either(SOME_TEXT, MESSAGE), siliconflow(document=DOCUMENT),
    ),
    "tei": Required(
        "text-embeddings-inference router/src/http/types.rs and lib.rs",
        without("text", ranked("score")), thing(error=SOME_TEXT, error_type=SOME_TEXT), ranked("score", text=TEXT),
        TEI_HEADERS,
    ),
    "together": Required(
        "togethercomputer/openapi, /rerank; @ai-sdk/togetherai needs usage",
        thing(object="rerank", id=SOME_TEXT, model=TEXT, results=ranked(document=DOCUMENT), usage=USED_OF_THREE),
        OPENAI,
    ),
    "vertex_rank": Required(
        "google.cloud.discoveryengine.v1 RankResponse and RankingRecord",
        thing(records=many(VERTEX_RECORD)),
        thing(error=thing(code=COUNT, message=SOME_TEXT, status=SOME_TEXT)),
        thing(records=many(thing(id=SOME_TEXT, score=NUMBER, content=TEXT))),
    ),
    "vllm": Required("vllm/entrypoints/pooling/scoring/protocol.py, RerankResponse", VLLM, NUMBERED),
    "vllm_score": Required(
        "vllm/entrypoints/pooling/scoring/protocol.py, ScoreResponse",
        thing(
            id={"type": "string", "pattern": "^score-."}, object="list", created=COUNT, model=TEXT, usage=USED,
            data=ranked("score", object="score"),
        ),
        NUMBERED,
    ),
    "voyage": Required("voyage-openapi.yml, /rerank", voyage(), DETAIL, voyage(document=TEXT)),
    "watsonx": Required(
        "watsonx-ai-node-sdk, WatsonXAI.RerankResponse; cloud.ibm.com/apidocs/watsonx-ai, ApiErrorResponse",
        watsonx(), thing(trace=SOME_TEXT, errors=many(thing(code=SOME_TEXT, message=SOME_TEXT)), status_code=COUNT),
        watsonx(input=DOCUMENT),
    ),
    "xinference": Required(
        "xinference 4.1.0, types.py Rerank", xinference(NULL), DETAIL, xinference(DOCUMENT)
    ),
    "zeroentropy": Required(
        "zeroentropy 0.1.0a11, ModelRerankResponse",
        thing(
            actual_latency_mode={"enum": ["fast", "slow"]}, e2e_latency=NUMBER, inference_latency=NUMBER,
            results=ranked(), total_bytes=COUNT, total_tokens=COUNT,
        ),
        DETAIL,
    ),
}  # fmt: skip
"""Dialect -> what its API's description requires."""
