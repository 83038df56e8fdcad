"""Frameworks and gateways in front of several vendors' APIs."""

from __future__ import annotations

import os
from typing import Any

from rankings import Ask, Ranking, of_results


def litellm(provider: str, path: str) -> Ask:
    """Return what asks by way of litellm as if we were a provider."""

    def ask(base: str, key: str, asked: dict[str, Any]) -> Ranking:
        import litellm as library

        reply = library.rerank(model=f"{provider}/any", api_base=base + path, api_key=key, **asked)
        results = of_results(reply.results)
        if provider == "deepinfra":  # its list is in the order of the documents
            results.sort(key=lambda one: -(one[1] or 0))
        return results[: asked["top_n"]]  # some providers have no top_n

    return ask


def langchain(step: Any, asked: dict[str, Any]) -> Ranking:
    """Compress documents with a step of a chain."""
    from langchain_core.documents import Document

    documents = [
        Document(page_content=text, metadata={"place": i}) for i, text in enumerate(asked["documents"])
    ]
    found = step.compress_documents(documents, asked["query"])
    return [(one.metadata["place"], one.metadata.get("relevance_score")) for one in found]


def langchain_cohere(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as a step of a chain."""
    from langchain_cohere import CohereRerank

    step = CohereRerank(model="any", cohere_api_key=key, base_url=base, top_n=asked["top_n"])
    return of_results(step.rerank(asked["documents"], asked["query"]))


def langchain_nvidia(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as langchain's NVIDIARerank; it lists the models first."""
    from langchain_nvidia_ai_endpoints import NVIDIARerank

    return langchain(
        NVIDIARerank(base_url=f"{base}/v1", model="any", api_key=key, top_n=asked["top_n"]), asked
    )


def langchain_voyage(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as langchain's VoyageAIRerank."""
    from langchain_voyageai import VoyageAIRerank

    step = VoyageAIRerank(model="any", api_key=key, base_url=f"{base}/voyage/v1", top_k=asked["top_n"])
    return langchain(step, asked)


def langchain_fireworks(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as langchain's FireworksRerank."""
    from langchain_fireworks import FireworksRerank

    url = f"{base}/inference/v1"
    step = FireworksRerank(model="any", fireworks_api_key=key, base_url=url, top_n=asked["top_n"])
    return langchain(step, asked)


def langchain_infinity(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as langchain's InfinityRerank, which cuts the list itself."""
    from infinity_client import AuthenticatedClient
    from langchain_community.document_compressors.infinity_rerank import InfinityRerank

    client = AuthenticatedClient(base_url=base, token=key)
    step = InfinityRerank.model_construct(client=client, model="any", top_n=asked["top_n"])
    return langchain(step, asked)


def langchain_jina(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as langchain's JinaRerank, whose address is a constant of its module."""
    from langchain_community.document_compressors import jina_rerank

    jina_rerank.JINA_API_URL = f"{base}/jina/v1/rerank"
    return langchain(jina_rerank.JinaRerank(model="any", jina_api_key=key, top_n=asked["top_n"]), asked)


def llama_index(step: Any, asked: dict[str, Any]) -> Ranking:
    """Run a postprocessor of llama-index."""
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

    nodes = [NodeWithScore(node=TextNode(text=text, id_=str(i))) for i, text in enumerate(asked["documents"])]
    found = step.postprocess_nodes(nodes, QueryBundle(asked["query"]))
    return [(int(one.node.id_), one.score) for one in found]


def llama_index_jina(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Jina's postprocessor."""
    from llama_index.postprocessor.jinaai_rerank import JinaRerank

    step = JinaRerank(api_key=key, base_url=f"{base}/jina/v1", model="any", top_n=asked["top_n"])
    return llama_index(step, asked)


def llama_index_tei(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as the client of Text Embeddings Inference."""
    from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

    step = TextEmbeddingInference(base_url=base, top_n=asked["top_n"], auth_token=f"Bearer {key}")
    return llama_index(step, asked)


def llama_index_cohere(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Cohere's postprocessor."""
    from llama_index.postprocessor.cohere_rerank import CohereRerank

    return llama_index(CohereRerank(api_key=key, base_url=base, model="any", top_n=asked["top_n"]), asked)


def llama_index_nvidia(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as NVIDIA's postprocessor, which lists the models first."""
    from llama_index.postprocessor.nvidia_rerank import NVIDIARerank

    step = NVIDIARerank(base_url=f"{base}/v1", model="lexical", api_key=key, top_n=asked["top_n"])
    return llama_index(step, asked)


def llama_index_siliconflow(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as SiliconFlow's postprocessor."""
    from llama_index.postprocessor.siliconflow_rerank import SiliconFlowRerank

    url = f"{base}/siliconflow/v1/rerank"
    return llama_index(SiliconFlowRerank(api_key=key, base_url=url, model="any", top_n=asked["top_n"]), asked)


def llama_index_xinference(base: str, _key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Xinference's postprocessor, which sends no key."""
    from llama_index.postprocessor.xinference_rerank import XinferenceRerank

    step = XinferenceRerank(base_url=f"{base}/xinference", model="any", top_n=asked["top_n"])
    return llama_index(step, asked)


def llama_index_dashscope(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as DashScope's postprocessor, whose address is a setting of DashScope's client."""
    import dashscope
    from llama_index.postprocessor.dashscope_rerank import DashScopeRerank

    dashscope.base_http_api_url = f"{base}/api/v1"
    return llama_index(DashScopeRerank(api_key=key, model="any", top_n=asked["top_n"]), asked)


def llama_index_mixedbread(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Mixedbread's postprocessor, whose address is an environment variable."""
    from llama_index.postprocessor.mixedbreadai_rerank import MixedbreadAIRerank

    os.environ["MIXEDBREAD_BASE_URL"] = base
    return llama_index(MixedbreadAIRerank(api_key=key, model="any", top_n=asked["top_n"]), asked)


def llama_index_pinecone(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Pinecone's postprocessor, whose address is an environment variable."""
    from llama_index.postprocessor.pinecone_native_rerank import PineconeNativeRerank

    os.environ["PINECONE_CONTROLLER_HOST"] = f"{base}/pinecone"
    return llama_index(PineconeNativeRerank(api_key=key, top_n=asked["top_n"]), asked)


def bedrock_client(base: str, key: str) -> Any:
    """Return AWS's client of Bedrock, which signs requests; the key is the ID of its credentials."""
    import boto3

    return boto3.client(
        "bedrock-agent-runtime", endpoint_url=f"{base}/bedrock", region_name="us-east-1",
        aws_access_key_id=key, aws_secret_access_key=key,
    )  # fmt: skip


def llama_index_bedrock(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Bedrock's postprocessor."""
    from llama_index.postprocessor.bedrock_rerank import BedrockRerank

    client = bedrock_client(base, key)
    step = BedrockRerank(
        client=client, region_name="us-east-1", top_n=asked["top_n"], rerank_model_name="any"
    )
    return llama_index(step, asked)


def llama_index_voyage(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Voyage's postprocessor, whose client has no setting for the address."""
    import voyageai
    from llama_index.postprocessor.voyageai_rerank import VoyageAIRerank

    step = VoyageAIRerank(model="any", api_key=key, top_k=asked["top_n"])
    step._client = voyageai.Client(api_key=key, base_url=f"{base}/voyage/v1")
    return llama_index(step, asked)


def haystack(ranker: Any, asked: dict[str, Any]) -> Ranking:
    """Run a ranker of Haystack."""
    from haystack import Document

    documents = [Document(content=text, meta={"place": i}) for i, text in enumerate(asked["documents"])]
    found = ranker.run(query=asked["query"], documents=documents)["documents"]
    return [(one.meta["place"], one.score) for one in found]


def haystack_cohere(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Haystack's Cohere ranker."""
    from haystack.utils import Secret
    from haystack_integrations.components.rankers.cohere import CohereRanker

    ranker = CohereRanker(
        model="any", top_k=asked["top_n"], api_key=Secret.from_token(key), api_base_url=base
    )
    return haystack(ranker, asked)


def haystack_jina(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Haystack's Jina ranker."""
    from haystack.utils import Secret
    from haystack_integrations.components.rankers.jina import JinaRanker

    url = f"{base}/jina/v1/rerank"
    ranker = JinaRanker(model="any", top_k=asked["top_n"], api_key=Secret.from_token(key), base_url=url)
    return haystack(ranker, asked)


def haystack_nvidia(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as Haystack's NVIDIA ranker."""
    from haystack.utils import Secret
    from haystack_integrations.components.rankers.nvidia import NvidiaRanker

    ranker = NvidiaRanker(
        model="any", top_k=asked["top_n"], api_key=Secret.from_token(key), api_url=f"{base}/v1"
    )
    ranker.warm_up()
    return haystack(ranker, asked)


def rerankers(provider: str, path: str) -> Ask:
    """Return what asks by way of rerankers as if we were a provider; it wants all documents."""

    def ask(base: str, key: str, asked: dict[str, Any]) -> Ranking:
        from rerankers.models.api_rankers import APIRanker

        ranker = APIRanker("any", key, provider, url=base + path)
        found = ranker.rank(asked["query"], asked["documents"]).results
        return [(one.doc_id, one.score) for one in found[: asked["top_n"]]]

    return ask


FRAMEWORKS: dict[str, dict[str, Ask]] = {
    "litellm": {
        "litellm cohere": litellm("cohere", ""),
        "litellm jina_ai": litellm("jina_ai", ""),
        "litellm hosted_vllm": litellm("hosted_vllm", "/vllm/v1"),
        "litellm infinity": litellm("infinity", ""),
        "litellm together_ai": litellm("together_ai", "/together/v1"),
        "litellm voyage": litellm("voyage", "/voyage"),
        "litellm fireworks_ai": litellm("fireworks_ai", "/inference/v1"),
        "litellm huggingface": litellm("huggingface", "/tei"),
        "litellm nvidia_nim": litellm("nvidia_nim", ""),
        "litellm nvidia_nim/ranking": litellm("nvidia_nim/ranking", ""),
        "litellm deepinfra": litellm("deepinfra", "/v1"),
        "litellm dashscope": litellm("dashscope", "/compatible-api/v1"),
        "litellm azure_ai": litellm("azure_ai", "/cohere_v1"),
        "litellm litellm_proxy": litellm("litellm_proxy", "/litellm_proxy"),
    },
    "langchain": {"langchain-cohere": langchain_cohere},
    "langchain_more": {
        "langchain NVIDIA": langchain_nvidia,
        "langchain Voyage": langchain_voyage,
        "langchain Fireworks": langchain_fireworks,
    },
    "infinity": {"langchain Infinity": langchain_infinity, "langchain Jina": langchain_jina},
    "llama_index": {
        "llama-index Jina": llama_index_jina,
        "llama-index TEI": llama_index_tei,
        "llama-index Cohere": llama_index_cohere,
        "llama-index NVIDIA": llama_index_nvidia,
        "llama-index SiliconFlow": llama_index_siliconflow,
        "llama-index Xinference": llama_index_xinference,
        "llama-index DashScope": llama_index_dashscope,
    },
    "llama_index_hosted": {
        "llama-index Mixedbread": llama_index_mixedbread,
        "llama-index Pinecone": llama_index_pinecone,
        "llama-index Voyage": llama_index_voyage,
        "llama-index Bedrock": llama_index_bedrock,
    },
    "haystack": {
        "haystack Cohere": haystack_cohere,
        "haystack Jina": haystack_jina,
        "haystack NVIDIA": haystack_nvidia,
    },
    "rerankers": {
        "rerankers cohere": rerankers("cohere", "/v2/rerank"),
        "rerankers jina": rerankers("jina", "/jina/v1/rerank"),
        "rerankers voyage": rerankers("voyage", "/voyage/v1/rerank"),
        "rerankers mixedbread": rerankers("mixedbread.ai", "/v1/reranking"),
        "rerankers pinecone": rerankers("pinecone", "/pinecone/rerank"),
        "rerankers isaacus": rerankers("isaacus", "/v1/rerankings"),
        "rerankers TEI": rerankers("text-embeddings-inference", "/tei/rerank"),
    },
}
