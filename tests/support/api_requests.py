"""Requests as vendors describe them and as their clients send them, written anew; and what each returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CAT, DOG, RAIN = "the cat sleeps on the roof", "a dog barks", "rain falls"
QUERY = "where does the cat sleep"
TEXTS = [CAT, DOG, RAIN]
FLAT: dict[str, Any] = {"query": QUERY, "documents": TEXTS}
NAMED: dict[str, Any] = {"model": "m", **FLAT}
OBJECTS = [{"text": CAT, "id": "a"}, {"text": DOG, "id": "b"}]
FIELDS: dict[str, Any] = {
    "model": "m",
    "query": QUERY,
    "documents": [
        {"id": "a", "head": "rain", "body": "falls"},
        {"id": "b", "head": "the cat", "body": "sleeps"},
    ],
}
"""Objects of which the second is the better one by ``head`` and ``body``."""
IMAGE = {"image": "https://images.example/cat.png"}
INPUT = {"query": QUERY, "input": TEXTS}
NIM: dict[str, Any] = {
    "model": "m", "query": {"text": QUERY}, "passages": [{"text": CAT}, {"text": DOG}, {"text": RAIN}],
}  # fmt: skip
DASHSCOPE: dict[str, Any] = {"model": "m", "input": {"query": QUERY, "documents": TEXTS}}
RECORDS: dict[str, Any] = {
    "query": QUERY, "records": [{"id": "x", "title": "Rain", "content": RAIN}, {"id": "y", "title": CAT}],
}  # fmt: skip
XINFERENCE: dict[str, Any] = {
    **NAMED, "top_n": None, "max_chunks_per_doc": None, "return_documents": None, "return_len": None, "kwargs": "{}",
}  # fmt: skip
VERTEX = "/v1/projects/p/locations/global/rankingConfigs/default_ranking_config:rank"
CONTEXTS: dict[str, Any] = {"query": QUERY, "contexts": [{"text": one} for one in TEXTS]}
CLOUDFLARE_PATH = "/client/v4/accounts/0a1b/ai/run/@cf/baai/bge-reranker-base"
INPUTS: dict[str, Any] = {"model_id": "m", "query": QUERY, "inputs": [{"text": one} for one in TEXTS]}
WATSONX_PATH = "/ml/v1/text/rerank"
INVOKE_PATH = "/model/cohere.rerank-v3-5:0/invoke"
INVOCATIONS_PATH = "/endpoints/my-endpoint/invocations"
CONFIGURATION = "rerankingConfiguration.bedrockRerankingConfiguration"
PARTS = [{"type": "text", "text": "the cat"}, {"type": "text", "text": "sleeps"}]
PICTURE = [{"type": "image_url", "image_url": {"url": "https://images.example/cat.png"}}]


def bedrock(sources: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a request of Bedrock's Rerank; `more` is added to its configuration."""
    model = {"modelArn": "arn:aws:bedrock:us-west-2::foundation-model/cohere.rerank-v3-5:0"}
    return {
        "queries": [{"type": "TEXT", "textQuery": {"text": QUERY}}],
        "sources": [{"type": "INLINE", "inlineDocumentSource": one} for one in sources],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {"modelConfiguration": model, **more},
        },
    }


SOURCES: list[dict[str, Any]] = [{"type": "TEXT", "textDocument": {"text": one}} for one in TEXTS]
JSON_SOURCES: list[dict[str, Any]] = [
    {"type": "JSON", "jsonDocument": {"head": head, "body": body}}
    for head, body in (("rain", "falls"), ("the cat", "sleeps"))
]
DASHSCOPE_PATH = "/api/v1/services/rerank/text-rerank/text-rerank"


@dataclass(frozen=True)
class ApiRequest:
    """One request at an API.

    Attributes
    ----------
    dialect, path
        The API, and the path of the request at it.
    body
        The request.
    source
        The vendor's description, or the client that sends it.
    best
        Positions of the documents that are returned, best first or in input order; None for any.
    refused_for
        The key that the error names; None if the request is answered.
    at_root
        Whether the service answers it without the name of the dialect in the path, too.
    """

    dialect: str
    path: str
    body: dict[str, Any]
    source: str
    best: tuple[int, ...] | None = field(default=None, kw_only=True)
    refused_for: str | None = field(default=None, kw_only=True)
    at_root: bool = field(default=False, kw_only=True)


def refused(dialect: str, path: str, body: dict[str, Any], key: str, source: str) -> ApiRequest:
    """Return a request that the API refuses for a key."""
    return ApiRequest(dialect, path, body, source, refused_for=key)


API_REQUESTS = [
    ApiRequest("assisters", "/v1/rerank", {**NAMED, "top_n": 1}, "docs.assisters.dev", best=(0,), at_root=True),
    ApiRequest("assisters", "/v1/rerank", {**NAMED, "documents": OBJECTS}, "docs.assisters.dev"),
    refused("assisters", "/v1/rerank", FLAT, "model", "docs.assisters.dev: the model is required"),
    # Cohere, Azure, litellm's proxy
    ApiRequest("cohere_v1", "/v1/rerank", FLAT, "cohere-openapi.yaml: the model is optional"),
    ApiRequest("cohere_v1", "/v1/rerank", {**NAMED, "documents": OBJECTS, "rank_fields": ["text"]}, "cohere 5.21"),
    ApiRequest("cohere_v1", "/v1/rerank", {**FIELDS, "rank_fields": ["head", "body"]}, "cohere-openapi.yaml",
               best=(1, 0)),
    ApiRequest("cohere_v1", "/v1/rerank", {**NAMED, "max_chunks_per_doc": 10, "top_n": 1.0}, "cohere-openapi.yaml",
               best=(0,)),
    refused("cohere_v1", "/v1/rerank", {**FIELDS, "rank_fields": ["missing"]}, "rank_fields", "cohere-openapi.yaml"),
    refused("cohere_v1", "/v1/rerank", {**NAMED, "top_n": 0}, "top_n", "cohere-openapi.yaml: minimum 1"),
    ApiRequest("cohere_v2", "/v2/rerank", {**NAMED, "max_tokens_per_doc": None}, "langchain-cohere 0.6", at_root=True),
    ApiRequest("cohere_v2", "/v2/rerank", {**NAMED, "return_documents": True, "rank_fields": None}, "litellm 1.109"),
    ApiRequest("cohere_v2", "/v2/rerank", {**NAMED, "priority": 0, "max_tokens_per_doc": 4096}, "haystack 11"),
    ApiRequest("azure_cohere", "/providers/cohere/v2/rerank", {**NAMED, "top_n": 2}, "Azure AI Foundry", at_root=True),
    ApiRequest("azure_cohere", "/v2/rerank", {**NAMED, "max_tokens_per_doc": 4096, "top_n": 1},
               "cohere-on-microsoft-azure: a serverless deployment", best=(0,)),
    refused("azure_cohere", "/providers/cohere/v2/rerank", FLAT, "model", "cohere-openapi.yaml"),
    refused("cohere_v2", "/v2/rerank", FLAT, "model", "cohere-openapi.yaml"),
    refused("cohere_v2", "/v2/rerank", {**NAMED, "relevant_spans": {"mode": "enabled"}}, "relevant_spans",
            "cohere 7.3"),
    ApiRequest("litellm_proxy", "/rerank", NAMED, "litellm proxy routes"),
    ApiRequest("litellm_proxy", "/v2/rerank", {**FIELDS, "rank_fields": ["head"]}, "litellm proxy routes", best=(1, 0)),
    refused("litellm_proxy", "/v1/rerank", {**FIELDS, "rank_fields": []}, "rank_fields", "litellm proxy"),
    # Jina, Voyage, Mixedbread, Pinecone, Together
    ApiRequest("jina", "/v1/rerank", {**NAMED, "documents": [{"text": DOG}, {"text": CAT}]}, "Jina openapi", best=(1,
            0)),
    ApiRequest("jina", "/v1/rerank", {**NAMED, "truncation": True, "top_n": None}, "Jina openapi"),
    ApiRequest("jina", "/v1/rerank", {**NAMED, "return_embeddings": False, "max_doc_length": 2048}, "Jina openapi"),
    refused("jina", "/v1/rerank", {**NAMED, "documents": [CAT, IMAGE]}, "documents", "Jina openapi: m0"),
    refused("jina", "/v1/rerank", {**NAMED, "documents": [{"text": CAT, **IMAGE}]}, "documents", "Jina openapi: m0"),
    refused("jina", "/v1/rerank", {**NAMED, "return_embeddings": True}, "return_embeddings", "Jina openapi"),
    refused("jina", "/v1/rerank", {**NAMED, "top_n": 0}, "top_n", "Jina openapi: minimum 1"),
    refused("jina", "/v1/rerank", FLAT, "model", "Jina openapi"),
    ApiRequest("voyage", "/v1/rerank", {**NAMED, "top_k": None, "truncation": True}, "voyageai 0.5"),
    ApiRequest("voyage", "/v1/rerank", {**NAMED, "top_k": 9, "return_documents": True}, "voyage-openapi.yml"),
    refused("voyage", "/v1/rerank", {**NAMED, "top_k": 0}, "top_k", "voyage-openapi.yml: minimum 1"),
    refused("voyage", "/v1/rerank", FLAT, "model", "voyage-openapi.yml"),
    ApiRequest("mixedbread", "/v1/reranking", INPUT, "mixedbread 0.54 without model", at_root=True),
    ApiRequest("mixedbread", "/v1/reranking", {**INPUT, "model": "mixedbread-ai/mxbai-rerank-large-v2", "top_k": -1,
               "return_input": True}, "Mixedbread openapi.yaml: -1 means all", at_root=True),
    ApiRequest("mixedbread", "/v1/reranking", {"query": QUERY, "input": FIELDS["documents"], "rank_fields": ["head"]},
               "Mixedbread openapi.yaml", best=(1, 0)),
    ApiRequest("mixedbread", "/v1/reranking", {"query": QUERY, "input": FIELDS["documents"], "rewrite_query": False},
               "Mixedbread openapi.yaml: all keys of an object", best=(1, 0)),
    refused("mixedbread", "/v1/reranking", {**INPUT, "rewrite_query": True}, "rewrite_query",
            "Mixedbread openapi.yaml"),
    refused("mixedbread", "/v1/reranking", {**INPUT, "top_k": 0}, "top_k", "Mixedbread openapi.yaml: minimum 1"),
    ApiRequest("pinecone", "/rerank", {**NAMED, "documents": OBJECTS, "rank_fields": ["text"], "return_documents": True,
               "parameters": {"truncate": "END"}}, "pinecone 10.2"),
    ApiRequest("pinecone", "/rerank", {**FIELDS, "rank_fields": ["body"]}, "Pinecone's guide", best=(1, 0)),
    refused("pinecone", "/rerank", FIELDS, "documents", "Pinecone's guide: text is the default field"),
    refused("pinecone", "/rerank", {**FIELDS, "rank_fields": "body"}, "rank_fields", "inference_2026-04.oas.yaml"),
    ApiRequest("together", "/v1/rerank", {**FIELDS, "return_documents": True}, "Together openapi.yaml: all keys",
               best=(1, 0)),
    ApiRequest("together", "/v1/rerank", {**FIELDS, "rank_fields": ["head", "body"]}, "Together openapi.yaml",
               best=(1, 0)),
    refused("together", "/v1/rerank", {**NAMED, "top_k": 2}, "top_k", "Together openapi.yaml: no further keys"),
    # NVIDIA, TEI, vLLM, Infinity, llama.cpp
    ApiRequest("nim", "/v1/ranking", {**NIM, "truncate": "END"}, "docs.nvidia.com", best=(0, 1, 2), at_root=True),
    refused("nim", "/v1/ranking", {**NIM, "passages": [{"text": CAT}, IMAGE]}, "passages", "docs.nvidia.com"),
    refused("nim", "/v1/ranking", {**NIM, "top_k": 2}, "top_k", "litellm: NIM rejects top_k"),
    ApiRequest("nvidia_hosted", "/v1/retrieval/nvidia/m-1b_v2/reranking", {**NIM, "top_k": 1}, "litellm 1.109",
               best=(0,), at_root=True),
    ApiRequest("tei", "/rerank", {"query": QUERY, "texts": TEXTS, "raw_scores": False}, "TEI 0d124dc", at_root=True),
    ApiRequest("tei", "/", {"query": QUERY, "texts": TEXTS, "truncate": True}, "TEI 0d124dc", at_root=True),
    ApiRequest("tei", "/invocations", {"query": QUERY, "texts": TEXTS, "top_n": 1}, "rerankers 0.10", at_root=True),
    refused("tei", "/rerank", {"query": QUERY, "texts": []}, "texts", "TEI 0d124dc: Empty"),
    *(ApiRequest("vllm", path, FLAT, "vllm protocol.py: the model is optional")
      for path in ("/rerank", "/v1/rerank", "/v2/rerank")),
    ApiRequest("vllm", "/v2/rerank", {**FLAT, "top_n": 0, "truncate_prompt_tokens": -1},
            "vllm protocol.py: 0 means all",
               best=(0, 1, 2), at_root=True),
    ApiRequest("vllm", "/v1/rerank", {**FLAT, "documents": CAT}, "vllm protocol.py: one document", best=(0,)),
    ApiRequest("vllm", "/v1/rerank", {
        "query": {"content": [{"type": "text", "text": QUERY}]},
        "documents": [DOG, {"content": [{"type": "text", "text": "the cat"}, {"type": "text", "text": "sleeps"}]}],
        }, "vllm protocol.py: content", best=(1, 0)),
    refused("vllm", "/v1/rerank", {**FLAT, "documents": [{"content": [{"type": "image_url",
            "image_url": {"url": "x"}}]}]},
            "documents", "vllm protocol.py"),
    ApiRequest("vllm", "/v1/rerank", {**NAMED, "instruction": "rank by size"}, "vllm docs"),
    refused("vllm", "/v1/rerank", {**NAMED, "top_n": -1}, "top_n", "vllm: ge=0"),
    *(ApiRequest("vllm_score", path, {"text_1": QUERY, "text_2": CAT}, "vllm docs scoring.md", best=(0,), at_root=True)
      for path in ("/score", "/v1/score")),
    ApiRequest("vllm_score", "/score", {"model": "m", "text_1": [QUERY], "text_2": TEXTS}, "vllm docs", best=(0, 1, 2)),
    ApiRequest("vllm_score", "/score", {"text_1": [QUERY, "dog"], "text_2": [CAT, DOG]}, "vllm docs", best=(0, 1),
               at_root=True),
    *(ApiRequest("vllm_score", "/v1/score", {one: [QUERY, "dog", "rain"], two: TEXTS}, "vllm protocol.py", best=(0,
            1, 2))
      for one, two in (("queries", "documents"), ("queries", "items"), ("data_1", "data_2"))),
    refused("vllm_score", "/score", {"text_1": [QUERY, "dog"], "text_2": TEXTS}, "text_1", "vllm: 1:1, 1:N or N:N"),
    refused("vllm_score", "/score", {"queries": "dog"}, "documents", "vllm protocol.py"),
    ApiRequest("infinity", "/rerank", FLAT, "infinity 0.0.78 without model", at_root=True),
    ApiRequest("infinity", "/rerank", {**FLAT, "model": "default/not-specified", "return_documents": False,
               "raw_scores": False}, "infinity-client 0.0.78", at_root=True),
    ApiRequest("infinity", "/v1/rerank", NAMED, "infinity --url-prefix /v1"),
    refused("infinity", "/rerank", {**NAMED, "top_n": 0}, "top_n", "infinity 0.0.78"),
    *(ApiRequest("llamacpp", path, FLAT, "llama.cpp test_rerank.py", best=(0, 1, 2), at_root=path in {"/reranking",
            "/v1/reranking"})
      for path in ("/rerank", "/reranking", "/v1/rerank", "/v1/reranking")),
    ApiRequest("llamacpp", "/v1/rerank", {**NAMED, "top_n": 0}, "xllamacpp, run: an empty list", best=()),
    refused("llamacpp", "/v1/rerank", {**NAMED, "top_n": -1}, "top_n", "xllamacpp, run"),
    # DashScope, SiliconFlow, Xinference
    ApiRequest("dashscope", DASHSCOPE_PATH, {**DASHSCOPE, "parameters": {"top_n": 1, "return_documents": True}},
               "dashscope 2.0.2", at_root=True),
    ApiRequest("dashscope", DASHSCOPE_PATH, {**DASHSCOPE, "parameters": {"instruct": "by size"}},
            "help.aliyun.com"),
    ApiRequest("dashscope_compat", "/compatible-api/v1/reranks", {**NAMED, "top_n": 2,
               "instruct": "Given a web search query, retrieve relevant passages that answer the query."},
               "help.aliyun.com", best=(0, 1), at_root=True),
    ApiRequest("dashscope_compat", "/compatible-api/v1/reranks", {**NAMED, "instruct": "by size"},
            "help.aliyun.com"),
    ApiRequest("siliconflow", "/v1/rerank", {**NAMED, "return_documents": True, "max_chunks_per_doc": 1024,
               "overlap_tokens": 80}, "llama-index siliconflow 0.5"),
    ApiRequest("siliconflow", "/v1/rerank", {**NAMED, "documents": CAT}, "SiliconFlow openapi.yaml", best=(0,)),
    ApiRequest("siliconflow", "/v1/rerank", {**NAMED, "instruction": "by size"}, "docs.siliconflow.cn"),
    ApiRequest("xinference", "/v1/rerank", XINFERENCE, "xinference-client 4.1"),
    ApiRequest("xinference", "/v1/rerank", {**XINFERENCE, "query": {"text": QUERY}, "top_n": 0},
            "xinference 4.1: empty",
               best=()),
    refused("xinference", "/v1/rerank", {**XINFERENCE, "kwargs": '{"instruction": "by size"}'}, "kwargs",
            "xinference 4.1"),
    refused("xinference", "/v1/rerank", FLAT, "model", "xinference 4.1"),
    # the others
    ApiRequest("deepinfra", "/v1/inference/org/m", FLAT, "docs.deepinfra.com", at_root=True),
    ApiRequest("deepinfra", "/v1/inference/org/m", {"queries": [QUERY], "documents": [CAT]}, "deepinfra.com/Qwen/api"),
    ApiRequest("deepinfra", "/v1/inference/org/m", {"queries": [QUERY] * 3, "documents": TEXTS}, "litellm 1.109"),
    ApiRequest("deepinfra", "/v1/inference/org/m", {"queries": ["cat", "dog"], "documents": [CAT, DOG]},
            "deepinfra.com"),
    refused("deepinfra", "/v1/inference/org/m", {"queries": ["cat", "dog"], "documents": TEXTS}, "queries",
            "deepinfra.com"),
    ApiRequest("deepinfra", "/v1/inference/org/m", {**FLAT, "instruction": "by size"}, "deepinfra.com"),
    ApiRequest("elastic", "/_inference/rerank/m", INPUT, "elasticsearch 9.5", at_root=True),
    ApiRequest("elastic", "/_inference/rerank/m", {"query": QUERY, "input": CAT}, "elasticsearch-specification",
            best=(0,)),
    ApiRequest("elastic", "/_inference/rerank/m", {**INPUT, "task_settings": {"top_n": 1, "return_documents": True}},
               "elasticsearch-specification", best=(0,)),
    ApiRequest("fireworks", "/inference/v1/rerank", {"model": None, **FLAT}, "docs.fireworks.ai", at_root=True),
    ApiRequest("fireworks", "/inference/v1/rerank", {**NAMED, "return_documents": False, "top_n": 1},
            "langchain-fireworks",
               best=(0,)),
    ApiRequest("fireworks", "/inference/v1/rerank", {**NAMED, "task": "rank by size"}, "docs.fireworks.ai"),
    refused("fireworks", "/inference/v1/rerank", {**NAMED, "user": "u"}, "user", "docs.fireworks.ai: no further keys"),
    ApiRequest("isaacus", "/v1/rerankings", {"model": "m", "query": QUERY, "texts": TEXTS, "is_iql": False,
               "scoring_method": "auto", "chunking_options": {"size": 512}}, "docs.isaacus.com", at_root=True),
    refused("isaacus", "/v1/rerankings", {"model": "m", "query": QUERY, "texts": TEXTS, "is_iql": True}, "is_iql",
            "docs.isaacus.com"),
    refused("isaacus", "/v1/rerankings", {"model": "m", "query": QUERY, "texts": TEXTS, "scoring_method": "chunk_max"},
            "scoring_method", "docs.isaacus.com"),
    ApiRequest("openrouter", "/api/v1/rerank", {**NAMED, "provider": {"order": ["x"]}, "user": "u"}, "openrouter 1.3",
               at_root=True),
    refused("openrouter", "/api/v1/rerank", {**NAMED, "documents": [{"text": CAT, **IMAGE}]}, "documents",
            "OpenRouter"),
    ApiRequest("vertex_rank", VERTEX, RECORDS, "discoveryengine 0.20", best=(1, 0), at_root=True),
    ApiRequest("vertex_rank", VERTEX, {**RECORDS, "model": "semantic-ranker-512@latest", "topN": 0,
               "ignoreRecordDetailsInResponse": True}, "rank_service: 0 or less means all", best=(1, 0)),
    refused("vertex_rank", VERTEX, {"query": QUERY, "records": [{"id": "x"}]}, "records", "rank_service"),
    ApiRequest("zeroentropy", "/v1/models/rerank", {**NAMED, "latency": "fast", "top_n": None}, "zeroentropy 0.1",
               at_root=True),
    # the clouds
    ApiRequest("bedrock", "/rerank", bedrock(SOURCES, numberOfResults=1), "botocore bedrock-agent-runtime", best=(0,)),
    ApiRequest("bedrock", "/rerank", bedrock(JSON_SOURCES), "botocore: JSON documents", best=(1, 0)),
    refused("bedrock", "/rerank", bedrock(SOURCES, numberOfResults=0), f"{CONFIGURATION}.numberOfResults",
            "botocore: 1 to 1000"),
    refused("bedrock", "/rerank", {**bedrock(SOURCES), "queries": []}, "queries", "botocore: one query"),
    refused("bedrock", "/rerank", {**bedrock(SOURCES), "documents": TEXTS}, "documents", "botocore: no further keys"),
    ApiRequest("bedrock_invoke", INVOKE_PATH, {**FLAT, "api_version": 2, "top_n": 2}, "cohere 7.3 BedrockClientV2",
               at_root=True),
    ApiRequest("bedrock_invoke", "/model/amazon.rerank-v1:0/invoke", {**FLAT, "top_n": 1}, "rerank-supported",
               best=(0,), at_root=True),
    refused("bedrock_invoke", INVOKE_PATH, {**NAMED, "api_version": 2}, "model", "aws_client.py removes the model"),
    ApiRequest("sagemaker", INVOCATIONS_PATH, {**FLAT, "api_version": 2, "top_n": 2}, "cohere 7.3 SagemakerClientV2",
               at_root=True),
    refused("sagemaker", INVOCATIONS_PATH, {**FLAT, "top_n": 0}, "top_n", "cohere-openapi.yaml: minimum 1"),
    ApiRequest("sagemaker_tei", INVOCATIONS_PATH, {"query": QUERY, "texts": TEXTS, "raw_scores": False,
               "return_text": True, "truncate": True}, "TEI 0d124dc /invocations", best=(0, 1, 2), at_root=True),
    ApiRequest("sagemaker_tei", INVOCATIONS_PATH, {"query": QUERY, "texts": TEXTS, "top_n": 1}, "TEI: other keys",
               best=(0, 1, 2)),
    refused("sagemaker_tei", INVOCATIONS_PATH, {"query": QUERY, "texts": []}, "texts", "TEI 0d124dc: Empty"),
    ApiRequest("cloudflare", CLOUDFLARE_PATH, {**CONTEXTS, "top_k": 3}, "workers-ai/models/bge-reranker-base",
               best=(0, 1, 2), at_root=True),
    ApiRequest("cloudflare", CLOUDFLARE_PATH, CONTEXTS, "@cloudflare/workers-types: top_k is optional", at_root=True),
    refused("cloudflare", CLOUDFLARE_PATH, {**CONTEXTS, "top_k": 0}, "top_k", "bge-reranker-base: minimum 1"),
    refused("cloudflare", CLOUDFLARE_PATH, {"query": QUERY}, "contexts", "bge-reranker-base"),
    ApiRequest("watsonx", WATSONX_PATH, {**INPUTS, "project_id": "p", "parameters": {"truncate_input_tokens": 512,
               "return_options": {"top_n": 1, "inputs": True, "query": False}}}, "watsonx-ai-node-sdk 1.7", best=(0,),
               at_root=True),
    ApiRequest("watsonx", WATSONX_PATH, {**INPUTS, "space_id": "s"}, "ibm-watsonx-ai 1.1", at_root=True),
    refused("watsonx", WATSONX_PATH, {"query": QUERY, "inputs": INPUTS["inputs"]}, "model_id", "watsonx-ai-node-sdk"),
    # servers and hosts in the shape of others
    ApiRequest("sglang", "/v1/rerank", FLAT, "sglang protocol.py V1RerankReqInput", best=(0, 1, 2)),
    ApiRequest("sglang", "/v1/rerank", {**NAMED, "top_n": 1, "return_documents": False, "instruct": None},
               "sglang protocol.py", best=(0,)),
    ApiRequest("sglang", "/v1/rerank", {"query": PARTS, "documents": [DOG, PARTS]}, "sglang protocol.py: parts",
               best=(1, 0)),
    refused("sglang", "/v1/rerank", {**FLAT, "documents": [CAT, PICTURE]}, "documents", "sglang protocol.py: parts"),
    refused("sglang", "/v1/rerank", {**FLAT, "top_n": 0}, "top_n", "sglang protocol.py: larger than 0"),
    ApiRequest("sglang", "/v1/rerank", {**FLAT, "instruct": "by size"}, "sglang protocol.py"),
    *(ApiRequest("localai", path, {**NAMED, "top_n": 9, "backend": "rerankers"}, "LocalAI's list of statuses",
                 best=(0, 1, 2)) for path in ("/v1/rerank", "/jina/v1/rerank")),
    refused("localai", "/v1/rerank", FLAT, "model", "LocalAI rerank.go"),
    ApiRequest("novita", "/openai/v1/rerank", {**NAMED, "top_n": 2}, "novita.ai/docs", best=(0, 1), at_root=True),
    refused("novita", "/openai/v1/rerank", FLAT, "model", "novita.ai/docs"),
    ApiRequest("scaleway", "/v1/rerank", {**NAMED, "top_n": 2, "return_documents": True}, "litellm's tests",
               best=(0, 1)),
    refused("scaleway", "/v1/rerank", {**FLAT, "top_n": 2}, "model", "litellm's tests"),
    ApiRequest("generic", "/v1/rerank", NAMED, "the names that most APIs use"),
]  # fmt: skip
