"""Ask a rerank service with the clients of one environment; print what each made of the reply, as JSON.

``python ask.py ENVIRONMENT ADDRESS KEY QUESTION``; QUESTION is JSON: a query, documents and top_n. It runs outside
of evalkit's own environment, and imports nothing but the clients.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Ranking = list[tuple[int, float | None]]
Ask = Callable[[str, str, dict[str, Any]], Ranking]


def of_results(results: Any, score: str = "relevance_score") -> Ranking:
    """Return index and score of results, whether they are objects or mappings."""
    return [(r["index"], r[score]) if isinstance(r, dict) else (r.index, getattr(r, score)) for r in results]


def assisters(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with the official SDK."""
    from assisters import Assisters

    client = Assisters(key, base_url=f"{base}/v1")
    reply = client.rerank(model="any", return_documents=True, **asked)
    assert [asked["documents"][r["index"]] for r in reply["results"]] == [
        r["document"] for r in reply["results"]
    ]
    return of_results(reply["results"])


def cohere_v2(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as the second version does."""
    import cohere

    return of_results(cohere.ClientV2(api_key=key, base_url=base).rerank(model="any", **asked).results)


def cohere_v1(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as the first version does, with objects, and want them back."""
    import cohere

    objects = {**asked, "documents": [{"text": text} for text in asked["documents"]]}
    client = cohere.Client(api_key=key, base_url=f"{base}/cohere_v1")
    results = client.rerank(model="any", return_documents=True, **objects).results
    assert [asked["documents"][r.index] for r in results] == [r.document.text for r in results]
    return of_results(results)


def voyage(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Voyage's client."""
    import voyageai

    client = voyageai.Client(api_key=key, base_url=f"{base}/voyage/v1")
    reply = client.rerank(asked["query"], asked["documents"], model="any", top_k=asked["top_n"])
    return of_results(reply.results)


def litellm(provider: str, path: str) -> Ask:
    """Return what asks by way of litellm as if we were a provider."""

    def ask(base: str, key: str, asked: dict[str, Any]) -> Ranking:
        import litellm as library

        reply = library.rerank(model=f"{provider}/any", api_base=base + path, api_key=key, **asked)
        return of_results(reply.results)

    return ask


def langchain_cohere(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as a step of a chain."""
    from langchain_cohere import CohereRerank

    step = CohereRerank(model="any", cohere_api_key=key, base_url=base, top_n=asked["top_n"])
    return of_results(step.rerank(asked["documents"], asked["query"]))


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


def rerankers(provider: str, path: str) -> Ask:
    """Return what asks by way of rerankers as if we were a provider; it wants all documents."""

    def ask(base: str, key: str, asked: dict[str, Any]) -> Ranking:
        from rerankers.models.api_rankers import APIRanker

        ranker = APIRanker("any", key, provider, url=base + path)
        found = ranker.rank(asked["query"], asked["documents"]).results
        return [(one.doc_id, one.score) for one in found[: asked["top_n"]]]

    return ask


CLIENTS: dict[str, dict[str, Ask]] = {
    "assisters": {"assisters": assisters},
    "cohere": {"cohere ClientV2": cohere_v2, "cohere Client": cohere_v1},
    "voyageai": {"voyageai": voyage},
    "litellm": {
        "litellm cohere": litellm("cohere", ""),
        "litellm jina_ai": litellm("jina_ai", ""),
        "litellm hosted_vllm": litellm("hosted_vllm", "/vllm/v1"),
        "litellm infinity": litellm("infinity", ""),
        "litellm together_ai": litellm("together_ai", "/together/v1"),
        "litellm voyage": litellm("voyage", "/voyage"),
    },
    "langchain": {"langchain-cohere": langchain_cohere},
    "llama_index": {"llama-index Jina": llama_index_jina, "llama-index TEI": llama_index_tei},
    "haystack": {"haystack Cohere": haystack_cohere, "haystack Jina": haystack_jina},
    "rerankers": {
        "rerankers cohere": rerankers("cohere", "/v2/rerank"),
        "rerankers jina": rerankers("jina", "/jina/v1/rerank"),
        "rerankers voyage": rerankers("voyage", "/voyage/v1/rerank"),
        "rerankers mixedbread": rerankers("mixedbread.ai", "/v1/reranking"),
        "rerankers isaacus": rerankers("isaacus", "/v1/rerankings"),
        "rerankers TEI": rerankers("text-embeddings-inference", "/tei/rerank"),
    },
}


def main() -> None:
    """Print one JSON object: client -> its ranking, or what it raised; asked with the right and with a wrong key."""
    environment, base, key, question = sys.argv[1:]
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    asked = json.loads(question)
    told = {}
    for name, ask in CLIENTS[environment].items():
        try:
            told[name] = {"ranking": ask(base, key, asked)}
        except Exception as error:  # noqa: BLE001 - whatever a client makes of our reply
            told[name] = {"error": f"{type(error).__name__}: {error}"[:300]}
        try:
            ask(base, "wrong", asked)
            told[name]["with a wrong key"] = "nothing"
        except Exception as error:  # noqa: BLE001 - as above
            told[name]["with a wrong key"] = f"{type(error).__name__}: {error}"[:160]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
