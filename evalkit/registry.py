"""Kind and name -> class, without importing any of them before it is asked for.

A built-in is one line in `BUILTIN`; other distributions add theirs as entry points, and a configuration's own files are
registered while it is read. Values are ``module:Class``, so that listing names costs nothing and a heavy backend is
imported only where it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points, version
from typing import Any

from evalkit.errors import InputError, UnknownNameError

GROUPS: Mapping[str, str] = {
    "dataset source": "evalkit.datasets",
    "retriever kind": "evalkit.retrievers",
    "reranker backend": "evalkit.rerankers",
    "dialect": "evalkit.dialects",
}
"""Kind -> the entry point group in which other distributions name theirs."""
OWN = "rerank-evalkit"

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


@dataclass(frozen=True, slots=True)
class Plugin:
    """A class that can be named in a configuration.

    Attributes
    ----------
    kind, name
        What it is, and what it is called.
    target
        ``module:Class``, or the class itself.
    owner
        The distribution it comes from, or the file.
    version
        Of the distribution, or a hash of the file: what may change under the same name.
    """

    kind: str
    name: str
    target: Any
    owner: str
    version: str

    def load(self) -> Any:
        """Return the class.

        Raises
        ------
        InputError
            If it is another distribution's, and cannot be imported.
        """
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        if self.owner == OWN:
            return getattr(importlib.import_module(module), attribute)
        try:
            return getattr(importlib.import_module(module), attribute)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module does while it is imported
            raise InputError(
                f"the {self.kind} {self.name!r} of {self.owner} {self.version} is broken:"
                f" {type(error).__name__}: {error}",
                f"mend or uninstall {self.owner}",
            ) from None


_registered: dict[tuple[str, str], Plugin] = {}


def register(plugin: Plugin) -> None:
    """Add a plugin for the time of this process; the same one again changes nothing.

    Raises
    ------
    InputError
        If the name is taken by another.
    """
    found = [one for one in plugins(plugin.kind) if one.name == plugin.name and one.owner != plugin.owner]
    if found:
        raise _taken([*found, plugin])
    _registered[plugin.kind, plugin.name] = plugin


def plugins(kind: str) -> list[Plugin]:
    """Return everything of a kind, by name; a name that two claim stands there twice."""
    added = [plugin for plugin in _registered.values() if plugin.kind == kind]
    return sorted([*_own(kind), *_from_distributions(kind), *added], key=lambda one: (one.name, one.owner))


def names(kind: str) -> tuple[str, ...]:
    """Return the names of a kind, sorted."""
    return tuple(dict.fromkeys(plugin.name for plugin in plugins(kind)))


def find(kind: str, name: str) -> Plugin:
    """Return what goes by a name.

    Raises
    ------
    UnknownNameError
        If nothing does; the hint holds the nearest name.
    InputError
        If two do.
    """
    found = [plugin for plugin in plugins(kind) if plugin.name == name]
    if not found:
        raise UnknownNameError(kind, name, names(kind))
    if len(found) > 1:
        raise _taken(found)
    return found[0]


def lookup(kind: str, name: str) -> Any:
    """Return the class that goes by a name; see `find` and `Plugin.load` for errors."""
    return find(kind, name).load()


@cache
def _own(kind: str) -> tuple[Plugin, ...]:
    current = version(OWN)
    return tuple(Plugin(kind, name, target, OWN, current) for name, target in BUILTIN[kind].items())


@cache
def _from_distributions(kind: str) -> tuple[Plugin, ...]:
    return tuple(
        Plugin(kind, one.name, one.value, one.dist.name if one.dist else "?", one.dist.version if one.dist else "?")
        for one in entry_points(group=GROUPS[kind])
    )  # fmt: skip


def _taken(claims: list[Plugin]) -> InputError:
    owners = " and ".join(f"{one.owner} {one.version}" for one in claims)
    one = claims[0]
    return InputError(
        f"the {one.kind} {one.name!r} is there twice: of {owners}", "rename one, or uninstall its owner"
    )
