"""Kind and name -> class, without importing any of them before it is asked for.

A built-in is one line in `BUILTIN`. Values are ``module:Class``, so that listing names costs
nothing and a heavy backend is imported only where it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from evalkit.errors import UnknownNameError

BUILTIN: Mapping[str, Mapping[str, str]] = {
    "dataset source": {
        "beir_folder": "evalkit.datasets.beir_folder:BeirFolder",
        "demo": "evalkit.datasets.demo:Demo",
        "hub": "evalkit.datasets.hub:Hub",
        "ir_datasets": "evalkit.datasets.irds:IrDatasets",
        "tables": "evalkit.datasets.tables:Tables",
        "trec_files": "evalkit.datasets.trec_files:TrecFiles",
    },
    "retriever kind": {
        "bm25": "evalkit.retrievers.bm25:Bm25",
        "dense": "evalkit.retrievers.dense:Dense",
        "hybrid": "evalkit.retrievers.hybrid:Hybrid",
        "listed": "evalkit.retrievers.listed:Listed",
        "opensearch": "evalkit.retrievers.opensearch:OpenSearch",
        "trec_run": "evalkit.retrievers.trec_run:TrecRun",
    },
    "reranker backend": {
        "bi_encoder": "evalkit.rerankers.bi_encoder:BiEncoder",
        "cross_encoder": "evalkit.rerankers.cross_encoder:CrossEncoder",
        "http": "evalkit.rerankers.http:Http",
        "identity": "evalkit.rerankers.identity:Identity",
        "late_interaction": "evalkit.rerankers.late_interaction:LateInteraction",
        "lexical": "evalkit.rerankers.lexical:Lexical",
        "listwise": "evalkit.rerankers.listwise:Listwise",
        "replay": "evalkit.rerankers.replay:Replay",
    },
    "dialect": {
        "assisters": "evalkit.dialects.assisters:Assisters",
        "cohere_v1": "evalkit.dialects.cohere_v1:CohereV1",
        "cohere_v2": "evalkit.dialects.cohere_v2:CohereV2",
        "dashscope": "evalkit.dialects.dashscope:Dashscope",
        "deepinfra": "evalkit.dialects.deepinfra:Deepinfra",
        "elastic": "evalkit.dialects.elastic:Elastic",
        "fireworks": "evalkit.dialects.fireworks:Fireworks",
        "generic": "evalkit.dialects.generic:Generic",
        "infinity": "evalkit.dialects.infinity:Infinity",
        "isaacus": "evalkit.dialects.isaacus:Isaacus",
        "jina": "evalkit.dialects.jina:Jina",
        "litellm_proxy": "evalkit.dialects.litellm_proxy:LitellmProxy",
        "llamacpp": "evalkit.dialects.llamacpp:Llamacpp",
        "mixedbread": "evalkit.dialects.mixedbread:Mixedbread",
        "nim": "evalkit.dialects.nim:Nim",
        "nvidia_hosted": "evalkit.dialects.nvidia_hosted:NvidiaHosted",
        "openrouter": "evalkit.dialects.openrouter:Openrouter",
        "pinecone": "evalkit.dialects.pinecone:Pinecone",
        "siliconflow": "evalkit.dialects.siliconflow:Siliconflow",
        "tei": "evalkit.dialects.tei:Tei",
        "together": "evalkit.dialects.together:Together",
        "vertex_rank": "evalkit.dialects.vertex_rank:VertexRank",
        "vllm": "evalkit.dialects.vllm:Vllm",
        "vllm_score": "evalkit.dialects.vllm_score:VllmScore",
        "voyage": "evalkit.dialects.voyage:Voyage",
        "xinference": "evalkit.dialects.xinference:Xinference",
        "zeroentropy": "evalkit.dialects.zeroentropy:Zeroentropy",
    },
}


def names(kind: str) -> tuple[str, ...]:
    """Return the names registered under a kind, sorted."""
    return tuple(sorted(BUILTIN[kind]))


def lookup(kind: str, name: str) -> Any:
    """Return the class registered under a kind and a name.

    Raises
    ------
    UnknownNameError
        If no such name is registered; the hint holds the nearest one.
    """
    try:
        target = BUILTIN[kind][name]
    except KeyError:
        raise UnknownNameError(kind, name, BUILTIN[kind]) from None
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
