"""The vendors' own SDKs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rankings import Ask, Ranking, of_results, returned


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

    reply = cohere.ClientV2(api_key=key, base_url=base).rerank(model="any", **asked)
    assert reply.id
    assert reply.meta.billed_units.search_units == 1
    return of_results(reply.results)


def cohere_v1(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as the first version does, with objects, and expect them back."""
    import cohere

    objects = {**asked, "documents": [{"text": text, "title": text[:3]} for text in asked["documents"]]}
    client = cohere.Client(api_key=key, base_url=f"{base}/cohere_v1")
    results = client.rerank(model="any", return_documents=True, **objects).results
    assert [r.document.title for r in results] == [r.document.text[:3] for r in results]
    return of_results(returned(asked, results, lambda r: r.document.text))


def cohere_v1_without_model(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask as the first version does, with the API's default model."""
    import cohere

    return of_results(cohere.Client(api_key=key, base_url=f"{base}/cohere_v1").rerank(**asked).results)


def voyage(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Voyage's client."""
    import voyageai

    client = voyageai.Client(api_key=key, base_url=f"{base}/voyage/v1")
    reply = client.rerank(asked["query"], asked["documents"], model="any", top_k=asked["top_n"])
    return of_results(reply.results)


def pinecone(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Pinecone's client, and expect objects and usage."""
    from pinecone import Pinecone

    client = Pinecone(api_key=key, host=f"{base}/pinecone")
    reply = client.inference.rerank(model="any", **asked)
    assert reply.usage.rerank_units == 1
    return of_results(returned(asked, reply.data, lambda r: r.document["text"]), "score")


def pinecone_rank_fields(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Pinecone's client about a field of the caller's own."""
    from pinecone import Pinecone

    objects = [{"id": f"d{i}", "chunk_text": text} for i, text in enumerate(asked["documents"])]
    reply = Pinecone(api_key=key, host=f"{base}/pinecone").inference.rerank(
        model="any", rank_fields=["chunk_text"], **{**asked, "documents": objects}
    )
    for key_of_object in ("id", "chunk_text"):
        assert all(r.document[key_of_object] == objects[r.index][key_of_object] for r in reply.data)
    return of_results(reply.data, "score")


def pinecone_at_the_root(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Pinecone's client at a path that other formats share."""
    from pinecone import Pinecone

    reply = Pinecone(api_key=key, host=base).inference.rerank(model="any", **asked)
    return of_results(returned(asked, reply.data, lambda r: r.document["text"]), "score")


def together(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Together's client."""
    from together import Together

    reply = Together(api_key=key, base_url=f"{base}/together").rerank.create(
        model="any", return_documents=True, **asked
    )
    assert reply.object == "rerank"
    assert reply.usage.prompt_tokens == reply.usage.total_tokens
    return of_results(returned(asked, reply.results, lambda r: r.document.text))


def mixedbread(base: str, key: str, asked: dict[str, Any], **model: str) -> Ranking:
    """Ask with Mixedbread's client, and expect the input back."""
    from mixedbread import Mixedbread

    texts = {"query": asked["query"], "input": asked["documents"], "top_k": asked["top_n"]}
    reply = Mixedbread(api_key=key, base_url=base).rerank(return_input=True, **texts, **model)
    assert (reply.top_k, reply.return_input, reply.usage.prompt_tokens > 0) == (asked["top_n"], True, True)
    return of_results(returned(asked, reply.data, lambda r: r.input), "score")


def mixedbread_model(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Mixedbread's client for a model."""
    return mixedbread(base, key, asked, model="any")


def zeroentropy(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with ZeroEntropy's client."""
    from zeroentropy import ZeroEntropy

    reply = ZeroEntropy(api_key=key, base_url=f"{base}/v1").models.rerank(model="any", **asked)
    assert reply.e2e_latency >= reply.inference_latency >= 0
    assert reply.total_bytes > 150 * len(asked["documents"])
    return of_results(reply.results)


def isaacus(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Isaacus' client."""
    from isaacus import Isaacus

    texts = {"query": asked["query"], "texts": asked["documents"], "top_n": asked["top_n"]}
    reply = Isaacus(api_key=key, base_url=f"{base}/v1").rerankings.create(model="any", **texts)
    assert reply.usage.input_tokens > 0
    return of_results(reply.results, "score")


def openrouter(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with OpenRouter's client, which checks every field."""
    from openrouter import OpenRouter

    with OpenRouter(api_key=key, server_url=f"{base}/api/v1") as client:
        reply = client.rerank.rerank(model="any", **asked)
    assert reply.usage.search_units == 1
    return of_results(returned(asked, reply.results, lambda r: r.document.text))


def elasticsearch(credentials: Callable[[str], dict[str, Any]]) -> Ask:
    """Return what asks with Elasticsearch's client, which accepts replies of Elasticsearch only."""

    def ask(base: str, key: str, asked: dict[str, Any]) -> Ranking:
        from elasticsearch import Elasticsearch

        reply = Elasticsearch(base, **credentials(key)).inference.rerank(
            inference_id="any", query=asked["query"], input=asked["documents"], top_n=asked["top_n"]
        )
        return of_results(reply["rerank"])

    return ask


def dashscope(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with DashScope's client, which returns errors instead of raising them, and documents only as items."""
    import dashscope as sdk

    sdk.base_http_api_url = f"{base}/api/v1"
    reply = sdk.TextReRank.call(model="any", return_documents=True, api_key=key, **asked)
    assert reply.request_id
    assert reply.status_code == 200, f"{reply.status_code} {reply.code}: {reply.message}"
    return of_results(returned(asked, reply.output.results, lambda r: r["document"]["text"]))


def infinity(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Infinity's client."""
    from infinity_client import AuthenticatedClient
    from infinity_client.api.default import rerank
    from infinity_client.models import RerankInput

    body = RerankInput.from_dict({"model": "any", "return_documents": True, **asked})
    reply = rerank.sync(client=AuthenticatedClient(base_url=base, token=key), body=body)
    return of_results(returned(asked, reply.results, lambda r: r.document))


def infinity_without_model(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Infinity's client for its default model."""
    from infinity_client import AuthenticatedClient
    from infinity_client.api.default import rerank
    from infinity_client.models import RerankInput

    reply = rerank.sync(client=AuthenticatedClient(base_url=base, token=key), body=RerankInput(**asked))
    return of_results(reply.results)


def xinference_handle(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Xinference's handle of a model."""
    from xinference_client.client.restful.restful_client import RESTfulRerankModelHandle

    handle = RESTfulRerankModelHandle(
        "any", f"{base}/xinference", auth_headers={"Authorization": f"Bearer {key}"}
    )
    reply = handle.rerank(return_documents=True, **asked)
    assert set(reply["meta"]) == {"api_version", "billed_units", "tokens", "warnings"}
    assert all(r["document"]["text"] == asked["documents"][r["index"]] for r in reply["results"])
    return of_results(reply["results"])


def xinference_client(base: str, _key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Xinference's client, which first asks for the model; it sends no key."""
    from xinference_client import RESTfulClient

    return of_results(RESTfulClient(f"{base}/xinference").get_model("any").rerank(**asked)["results"])


def google(base: str, key: str, asked: dict[str, Any]) -> Ranking:
    """Ask with Google's client; results have the ids of the records."""
    from google.cloud import discoveryengine_v1 as api
    from google.cloud.discoveryengine_v1.services.rank_service.transports.rest import RankServiceRestTransport
    from google.oauth2.credentials import Credentials

    transport = RankServiceRestTransport(
        host=base.partition("//")[2], url_scheme="http", credentials=Credentials(key)
    )
    records = [api.RankingRecord(id=f"doc-{i}", content=text) for i, text in enumerate(asked["documents"])]
    reply = api.RankServiceClient(transport=transport).rank(
        api.RankRequest(
            ranking_config="projects/p/locations/global/rankingConfigs/default_ranking_config",
            model="any", query=asked["query"], records=records, top_n=asked["top_n"],
        )
    )  # fmt: skip
    assert all(r.content == asked["documents"][int(r.id[4:])] for r in reply.records)
    return [(int(r.id[4:]), r.score) for r in reply.records]


VENDORS: dict[str, dict[str, Ask]] = {
    "assisters": {"assisters": assisters},
    "cohere": {
        "cohere ClientV2": cohere_v2,
        "cohere Client": cohere_v1,
        "cohere Client, no model": cohere_v1_without_model,
    },
    "cohere_5": {
        "cohere 5 ClientV2": cohere_v2,
        "cohere 5 Client": cohere_v1,
        "cohere 5 Client, no model": cohere_v1_without_model,
    },
    "voyageai": {"voyageai": voyage},
    "pinecone": {
        "pinecone": pinecone,
        "pinecone rank_fields": pinecone_rank_fields,
        "pinecone at /rerank": pinecone_at_the_root,
    },
    "pinecone_7": {"pinecone 7": pinecone, "pinecone 7 rank_fields": pinecone_rank_fields},
    "stainless": {
        "together": together,
        "mixedbread": mixedbread_model,
        "mixedbread, no model": mixedbread,
        "zeroentropy": zeroentropy,
        "isaacus": isaacus,
    },
    "openrouter": {"openrouter": openrouter},
    "elasticsearch": {
        "elasticsearch": elasticsearch(lambda key: {"api_key": key}),
        "elasticsearch, ID and key": elasticsearch(lambda key: {"api_key": ("any", key)}),
        "elasticsearch, password": elasticsearch(lambda key: {"basic_auth": ("any", key)}),
        "elasticsearch, token": elasticsearch(lambda key: {"bearer_auth": key}),
    },
    "dashscope": {"dashscope": dashscope},
    "infinity": {"infinity_client": infinity, "infinity_client, no model": infinity_without_model},
    "xinference": {"xinference handle": xinference_handle, "xinference client": xinference_client},
    "google": {"discoveryengine": google},
}
