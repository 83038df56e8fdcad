"""Replies as the vendors' pages, specifications and servers give them, for two documents; the second is better."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Published:
    """One reply to a request with two documents, and what it says."""

    dialect: str
    source: str
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    scores: tuple[float, float] = (LOW, HIGH)
    usage: dict[str, float] = field(default_factory=dict)
    server_s: float | None = None
    model: str | None = None


def listed(score: str = "relevance_score", **echo: Any) -> list[dict[str, Any]]:
    """Return results best first; `echo` adds keys to each."""
    return [{"index": 1, score: HIGH, **echo}, {"index": 0, score: LOW, **echo}]


PUBLISHED = [
    Published("assisters", "docs.assisters.dev", {
        "model": "assisters-rerank-v1", "results": listed(document="b"), "usage": {"total_tokens": 12}},
        {"x-processing-time-ms": "45"}, usage={"tokens": 12}, server_s=0.045, model="assisters-rerank-v1"),
    Published("assisters", "www.assisters.dev", {
        "id": "r-1", "results": listed(document={"text": "b"}), "meta": {"billed_units": {"search_units": 1}}},
        usage={"units": 1}),
    Published("assisters", "docs.assisters.io", {
        "id": "r-1", "model": "bge-reranker-v2", "results": listed(), "usage": {"total_tokens": 12}},
        usage={"tokens": 12}, model="bge-reranker-v2"),
    Published("cohere_v1", "cohere-openapi.yaml", {
        "id": "x", "results": listed(document={"text": "b", "title": "t"}),
        "meta": {"api_version": {"version": "1"}, "billed_units": {"search_units": 1.0}}}, usage={"units": 1}),
    Published("cohere_v2", "cohere-openapi.yaml", {
        "id": "x", "results": listed(), "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1},
        "tokens": {"input_tokens": 33}}}, {"x-envoy-upstream-service-time": "7"}, usage={"units": 1, "tokens": 33}),
    Published("jina", "Jina openapi v2026.04", {
        "model": "jina-reranker-v2-base-multilingual", "object": "list", "usage": {"total_tokens": 15},
        "results": listed(document={"text": "b"})}, usage={"tokens": 15},
        model="jina-reranker-v2-base-multilingual"),
    Published("voyage", "voyage-openapi.yml", {
        "object": "list", "data": listed(document="b"), "model": "rerank-2.5", "usage": {"total_tokens": 26}},
        {"voyage-processing-ms": "12.5"}, usage={"tokens": 26}, server_s=0.0125, model="rerank-2.5"),
    Published("mixedbread", "Mixedbread openapi.yaml", {
        "usage": {"prompt_tokens": 20, "total_tokens": 20}, "model": "mixedbread-ai/mxbai-rerank-large-v2",
        "data": listed("score", input="b", object="rank_result"), "object": "list", "top_k": 2,
        "return_input": True}, usage={"tokens": 20}, model="mixedbread-ai/mxbai-rerank-large-v2"),
    Published("pinecone", "inference_2026-04.oas.yaml", {
        "model": "bge-reranker-v2-m3", "data": listed("score", document={"id": "d", "text": "b"}),
        "usage": {"rerank_units": 1}}, usage={"units": 1}, model="bge-reranker-v2-m3"),
    Published("together", "togethercomputer/openapi", {
        "object": "rerank", "id": "9dfa1a09", "model": "Salesforce/Llama-Rank-v1",
        "results": listed(document={"text": '{"title": "b"}'}),
        "usage": {"prompt_tokens": 1837, "completion_tokens": 0, "total_tokens": 1837}}, usage={"tokens": 1837},
        model="Salesforce/Llama-Rank-v1"),
    Published("nim", "docs.nvidia.com text-reranking", {
        "rankings": [{"index": 1, "logit": 4.2}, {"index": 0, "logit": -8.5}]}, scores=(-8.5, 4.2)),
    Published("nvidia_hosted", "langchain-nvidia reranking.py", {
        "rankings": [{"index": 1, "logit": 4.2}, {"index": 0, "logit": -8.5}], "usage": {"total_tokens": 9}},
        scores=(-8.5, 4.2), usage={"tokens": 9}),
    Published("tei", "router/src/http/server.rs", [
        {"index": 1, "text": "b", "score": HIGH}, {"index": 0, "text": "a", "score": LOW}],
        {"x-compute-tokens": "31", "x-total-time": "11", "x-queue-time": "2", "x-inference-time": "3"},
        usage={"tokens": 31}, server_s=0.011),
    Published("vllm", "vllm scoring/protocol.py", {
        "id": "rerank-1", "model": "m", "usage": {"prompt_tokens": 56, "total_tokens": 56},
        "results": listed(document={"text": "b", "multi_modal": None})}, usage={"tokens": 56}, model="m"),
    Published("vllm_score", "vllm docs scoring.md", {
        "id": "score-1", "object": "list", "created": 693447, "model": "m",
        "data": [{"index": 0, "object": "score", "score": LOW}, {"index": 1, "object": "score", "score": HIGH}],
        "usage": {}}, model="m"),
    Published("infinity", "infinity_emb 0.0.78, run", {
        "object": "rerank", "results": [
            {"relevance_score": HIGH, "index": 1, "document": None},
            {"relevance_score": LOW, "index": 0, "document": None}],
        "model": "tiny", "usage": {"prompt_tokens": 21, "total_tokens": 21}, "id": "infinity-1", "created": 1},
        usage={"tokens": 21}, model="tiny"),
    Published("infinity", "the same, counting characters: 2 times 1 of the query and 2 of the documents", {
        "results": listed(), "model": "tiny", "usage": {"prompt_tokens": 4, "total_tokens": 4}},
        usage={"characters": 4}, model="tiny"),
    Published("llamacpp", "xllamacpp, run", {
        "model": "m", "object": "list", "usage": {"prompt_tokens": 34, "total_tokens": 34},
        "results": [{"index": 1, "relevance_score": 3.5}, {"index": 0, "relevance_score": -2.25}]},
        scores=(-2.25, 3.5), usage={"tokens": 34}, model="m"),
    Published("sglang", "sglang serving_rerank.py", [
        {"score": HIGH, "document": "b", "index": 1, "meta_info": {"id": "1", "prompt_tokens": 9, "e2e_latency": 0.02}},
        {"score": LOW, "document": "a", "index": 0, "meta_info": {"id": "0", "prompt_tokens": 8, "e2e_latency": 0.02}}],
        usage={"tokens": 17}),
    Published("sglang", "sglang-router 0.3.2, run", {
        "results": [{"score": HIGH, "index": 1}, {"score": LOW, "index": 0, "meta_info": None}], "model": "unknown",
        "usage": None, "object": "rerank", "id": None, "created": 1764453600}),
    Published("siliconflow", "docs.siliconflow.cn", {
        "id": "x", "results": listed(document={"text": "b"}),
        "meta": {"tokens": {"input_tokens": 18, "output_tokens": 0}}}, usage={"tokens": 18}),
    Published("siliconflow", "SiliconFlow openapi.yaml", {
        "id": "x", "results": listed(), "tokens": {"input_tokens": 18, "output_tokens": 0}}, usage={"tokens": 18}),
    Published("dashscope", "help.aliyun.com text-rerank", {
        "output": {"results": listed(document={"text": "b"})}, "usage": {"total_tokens": 79}, "request_id": "r"},
        usage={"tokens": 79}),
    Published("dashscope_compat", "help.aliyun.com, compatible", {
        "object": "list", "model": "qwen3-rerank", "id": "r", "results": listed(document={"text": "b"}),
        "usage": {"total_tokens": 79}}, usage={"tokens": 79}, model="qwen3-rerank"),
    Published("openrouter", "OpenRouter openapi.yaml", {
        "id": "gen-rerank-1", "model": "cohere/rerank-v3.5", "provider": "Cohere",
        "results": listed(document={"text": "b"}), "usage": {"total_tokens": 15, "search_units": 1, "cost": 0.001}},
        usage={"tokens": 15, "units": 1, "cost_usd": 0.001}, model="cohere/rerank-v3.5"),
    Published("zeroentropy", "zeroentropy 0.1.0a11", {
        "actual_latency_mode": "fast", "e2e_latency": 0.2, "inference_latency": 0.1, "results": listed(),
        "total_bytes": 310, "total_tokens": 40}, usage={"billed_bytes": 310, "tokens": 40}, server_s=0.2),
    Published("isaacus", "docs.isaacus.com", {"results": listed("score"), "usage": {"input_tokens": 19}},
        usage={"tokens": 19}),
    Published("deepinfra", "docs.deepinfra.com/apis/reranker", {
        "scores": [LOW, HIGH], "input_tokens": 42, "request_id": None,
        "inference_status": {"status": "succeeded", "runtime_ms": 21, "cost": 0.00002, "tokens_input": 42}},
        usage={"tokens": 42, "cost_usd": 0.00002}, server_s=0.021),
    Published("fireworks", "docs.fireworks.ai rerank-documents", {
        "object": "list", "model": "accounts/fireworks/models/qwen3-reranker-8b", "data": listed(document="b"),
        "usage": {"prompt_tokens": 30, "total_tokens": 30, "completion_tokens": 0}}, usage={"tokens": 30},
        model="accounts/fireworks/models/qwen3-reranker-8b"),
    Published("elastic", "elasticsearch-specification, its first example", {
        "rerank": [{"index": "1", "relevance_score": "0.9", "text": "b"},
                   {"index": "0", "relevance_score": "0.1", "text": "a"}]}),
    Published("elastic", "RankedDocsResults.java", {"rerank": listed(text="b")}),
    Published("vertex_rank", "google-cloud-discoveryengine rank_service", {
        "records": [{"id": "1", "score": HIGH, "content": "b"}, {"id": "0", "score": LOW}]}),
    Published("litellm_proxy", "litellm, run", {
        "id": "x", "results": listed(), "meta": {"billed_units": {"total_tokens": 12}, "tokens": {"input_tokens": 12}}},
        {"x-litellm-response-duration-ms": "8.5", "x-litellm-response-cost": "0.002"},
        usage={"tokens": 12, "cost_usd": 0.002}, server_s=0.0085),
    Published("xinference", "xinference 4.1.0, run", {
        "id": "x", "results": listed(document=None),
        "meta": {"api_version": None, "billed_units": None, "tokens": None, "warnings": None}}),
    Published("bedrock", "botocore bedrock-agent-runtime 2023-07-26", {
        "results": [{"index": 1, "relevanceScore": HIGH, "document": {"type": "TEXT", "textDocument": {"text": "b"}}},
                    {"index": 0, "relevanceScore": LOW}]}),
    Published("bedrock_invoke", "docs.aws.amazon.com, Cohere's body", {"results": listed()},
        {"x-amzn-bedrock-invocation-latency": "125"}, server_s=0.125),
    Published("bedrock_invoke", "cohere-ai/cohere-python aws_client.py", {
        "id": "x", "results": listed(), "meta": {"billed_units": {"search_units": 1}}}, usage={"units": 1}),
    Published("sagemaker", "cohere-ai/cohere-python aws_client.py", {
        "id": "x", "results": listed(), "meta": {"billed_units": {"search_units": 1}}}, usage={"units": 1}),
    Published("sagemaker_tei", "router/src/http/server.rs at /invocations", [
        {"index": 1, "score": HIGH}, {"index": 0, "score": LOW}]),
    Published("azure_cohere", "a reply of Foundry to Cohere-rerank-v4.0-fast", {
        "id": "ff9e", "results": listed(), "meta": {"api_version": {"version": "2"}, "billed_units": {
        "search_units": 1}}}, usage={"units": 1}),
    Published("cloudflare", "developers.cloudflare.com, in the envelope of its API", {
        "result": {"response": [{"id": 1, "score": HIGH}, {"id": 0, "score": LOW}]}, "success": True, "errors": [],
        "messages": []}),
    Published("localai", "core/schema/jina.go", {
        "model": "m", "usage": {"total_tokens": 9, "prompt_tokens": 9}, "results": listed(document={"text": "b"})},
        usage={"tokens": 9}, model="m"),
    Published("novita", "novita.ai create-rerank", {
        "id": "x", "results": listed(document={"text": "b"}),
        "usage": {"completion_tokens": 0, "prompt_tokens": 8, "total_tokens": 8}}, usage={"tokens": 8}),
    Published("scaleway", "litellm scaleway", {
        "id": "x", "model": "m", "results": listed(document={"text": "b"}), "usage": {"total_tokens": 8}},
        usage={"tokens": 8}, model="m"),
    Published("watsonx", "IBM watsonx-ai-node-sdk RerankResponse", {
        "model_id": "cross-encoder/ms-marco-minilm-l-12-v2", "created_at": "2025-01-01T00:00:00Z",
        "results": [{"index": 1, "score": 2.9}, {"index": 0, "score": -0.9, "input": {"text": "a"}}],
        "input_token_count": 20}, scores=(-0.9, 2.9), usage={"tokens": 20}),
    Published("generic", "the names that most APIs use", {"results": listed(), "usage": {"total_tokens": 3}},
        usage={"tokens": 3}),
]  # fmt: skip
