"""Find the class of a plugin by its kind and name.

A built-in plugin is one line in `BUILTIN`, another distribution registers its plugins as entry points, and plugin
files named in a configuration are registered when the configuration is read. Targets are ``module:Class`` strings, so
that names can be listed without imports and a heavy backend is imported only when it is used.
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
    "judge backend": "evalkit.judges",
    "dialect": "evalkit.dialects",
}
"""Kind of plugin -> entry point group for plugins of other distributions."""
DISTRIBUTION = "rerank-evalkit"
"""The distribution of evalkit itself: the owner of the built-in plugins."""


def own_code() -> str:
    """Return evalkit's name and version, which identify the code of its own rerankers."""
    return f"evalkit {version(DISTRIBUTION)}"


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
        "cascade": "evalkit.rerankers.cascade:Cascade",
        "chat": "evalkit.rerankers.chat_reranker:Chat",
        "cross_encoder": "evalkit.rerankers.cross_encoder:CrossEncoder",
        "decisions": "evalkit.rerankers.decisions:Decisions",
        "http": "evalkit.rerankers.http:Http",
        "identity": "evalkit.rerankers.identity:Identity",
        "late_interaction": "evalkit.rerankers.late_interaction:LateInteraction",
        "lexical": "evalkit.rerankers.lexical:Lexical",
        "listwise": "evalkit.rerankers.listwise:Listwise",
        "replay": "evalkit.rerankers.replay:Replay",
    },
    "judge backend": {
        "causal": "evalkit.judges.causal_judge:CausalJudge",
        "chat": "evalkit.judges.chat_judge:ChatJudge",
        "decisions": "evalkit.judges.decision_judge:DecisionJudge",
        "ensemble": "evalkit.judges.ensemble:Ensemble",
        "replay": "evalkit.judges.replay:Replay",
    },
    "dialect": {
        "assisters": "evalkit.dialects.assisters:Assisters",
        "azure_cohere": "evalkit.dialects.azure_cohere:AzureCohere",
        "bedrock": "evalkit.dialects.bedrock:Bedrock",
        "bedrock_invoke": "evalkit.dialects.bedrock_invoke:BedrockInvoke",
        "cloudflare": "evalkit.dialects.cloudflare:Cloudflare",
        "cohere_v1": "evalkit.dialects.cohere_v1:CohereV1",
        "cohere_v2": "evalkit.dialects.cohere_v2:CohereV2",
        "dashscope": "evalkit.dialects.dashscope:Dashscope",
        "dashscope_compat": "evalkit.dialects.dashscope_compat:DashscopeCompat",
        "deepinfra": "evalkit.dialects.deepinfra:Deepinfra",
        "elastic": "evalkit.dialects.elastic:Elastic",
        "fireworks": "evalkit.dialects.fireworks:Fireworks",
        "generic": "evalkit.dialects.generic:Generic",
        "infinity": "evalkit.dialects.infinity:Infinity",
        "isaacus": "evalkit.dialects.isaacus:Isaacus",
        "jina": "evalkit.dialects.jina:Jina",
        "litellm_proxy": "evalkit.dialects.litellm_proxy:LitellmProxy",
        "llamacpp": "evalkit.dialects.llamacpp:Llamacpp",
        "localai": "evalkit.dialects.localai:Localai",
        "mixedbread": "evalkit.dialects.mixedbread:Mixedbread",
        "nim": "evalkit.dialects.nim:Nim",
        "novita": "evalkit.dialects.novita:Novita",
        "nvidia_hosted": "evalkit.dialects.nvidia_hosted:NvidiaHosted",
        "openrouter": "evalkit.dialects.openrouter:Openrouter",
        "pinecone": "evalkit.dialects.pinecone:Pinecone",
        "sagemaker": "evalkit.dialects.sagemaker:Sagemaker",
        "sagemaker_tei": "evalkit.dialects.sagemaker_tei:SagemakerTei",
        "scaleway": "evalkit.dialects.scaleway:Scaleway",
        "sglang": "evalkit.dialects.sglang:Sglang",
        "siliconflow": "evalkit.dialects.siliconflow:Siliconflow",
        "tei": "evalkit.dialects.tei:Tei",
        "together": "evalkit.dialects.together:Together",
        "vertex_rank": "evalkit.dialects.vertex_rank:VertexRank",
        "vllm": "evalkit.dialects.vllm:Vllm",
        "vllm_score": "evalkit.dialects.vllm_score:VllmScore",
        "voyage": "evalkit.dialects.voyage:Voyage",
        "watsonx": "evalkit.dialects.watsonx:Watsonx",
        "xinference": "evalkit.dialects.xinference:Xinference",
        "zeroentropy": "evalkit.dialects.zeroentropy:Zeroentropy",
    },
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """A class that a configuration can name.

    Attributes
    ----------
    kind, name
        Kind of plugin (a key of `GROUPS`) and its name in a configuration.
    target
        ``module:Class``, or the class itself.
    owner
        The distribution or the file that defines it.
    version
        Version of the distribution, or a hash of the file.
    """

    kind: str
    name: str
    target: Any
    owner: str
    version: str

    def load(self) -> Any:
        """Import the class and return it.

        Raises
        ------
        InputError
            If it belongs to another distribution and cannot be imported.
        """
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        if self.owner == DISTRIBUTION:
            return getattr(importlib.import_module(module), attribute)
        try:
            return getattr(importlib.import_module(module), attribute)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third-party module can raise anything, or exit
            raise InputError(
                f"the {self.kind} {self.name!r} of package {self.owner} {self.version} cannot be"
                f" imported: {type(error).__name__}: {error}",
                f"fix or uninstall {self.owner}",
            ) from None


_registered: dict[tuple[str, str], Plugin] = {}


def register(plugin: Plugin) -> None:
    """Add a plugin to the registry of this process; registering the same plugin again has no effect.

    Raises
    ------
    InputError
        If a plugin of the same kind and name has another owner.
    """
    conflicts = [other for other in _with_name(plugin.kind, plugin.name) if other.owner != plugin.owner]
    if conflicts:
        raise _duplicate_name([*conflicts, plugin])
    _registered[plugin.kind, plugin.name] = plugin


def plugins(kind: str) -> list[Plugin]:
    """Return all plugins of a kind, sorted by name; two owners of the same name give two plugins."""
    registered = [plugin for plugin in _registered.values() if plugin.kind == kind]
    return sorted(
        [*_builtin(kind), *_from_entry_points(kind), *registered],
        key=lambda plugin: (plugin.name, plugin.owner),
    )


def names(kind: str) -> tuple[str, ...]:
    """Return the names of all plugins of a kind, sorted."""
    return tuple(dict.fromkeys(plugin.name for plugin in plugins(kind)))


def find(kind: str, name: str) -> Plugin:
    """Return the plugin with a name.

    Raises
    ------
    UnknownNameError
        If no plugin has this name; the hint contains the nearest name.
    InputError
        If two plugins have this name.
    """
    found = _with_name(kind, name)
    if not found:
        raise UnknownNameError(kind, name, names(kind))
    if len(found) > 1:
        raise _duplicate_name(found)
    return found[0]


def lookup(kind: str, name: str) -> Any:
    """Return the class of the plugin with a name; see `find` and `Plugin.load` for errors."""
    return find(kind, name).load()


def _with_name(kind: str, name: str) -> list[Plugin]:
    return [plugin for plugin in plugins(kind) if plugin.name == name]


@cache
def _builtin(kind: str) -> tuple[Plugin, ...]:
    current = version(DISTRIBUTION)
    return tuple(Plugin(kind, name, target, DISTRIBUTION, current) for name, target in BUILTIN[kind].items())


@cache
def _from_entry_points(kind: str) -> tuple[Plugin, ...]:
    found = []
    for entry_point in entry_points(group=GROUPS[kind]):
        distribution = entry_point.dist
        owner, current = (distribution.name, distribution.version) if distribution else ("?", "?")
        found.append(Plugin(kind, entry_point.name, entry_point.value, owner, current))
    return tuple(found)


def _duplicate_name(claims: list[Plugin]) -> InputError:
    owners = " and ".join(f"{plugin.owner} {plugin.version}" for plugin in claims)
    first = claims[0]
    return InputError(
        f"the {first.kind} {first.name!r} is registered by {owners}",
        "rename one of them, or uninstall its package",
    )
