"""Model families by name: a judge may favour rerankers that are made of its own kind of model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from evalkit.report.cautions import Caution
from evalkit.results.judgment_facts import RaterFacts
from evalkit.results.manifest import Manifest

_FAMILIES: Mapping[str, str] = {
    "GPT": r"(?<!rank)gpt(?!q|-?neo|-?j(?![a-z]))|gpt-?\d|openai|(?<![a-z0-9])o[1345](?![a-z0-9])|davinci",
    "Claude": r"claude|anthropic",
    "Gemini or Gemma": r"gemini|gemma|(?<![a-z])palm-?2|generativelanguage\.googleapis",
    "Llama": r"(?<!o)llama(?![-_.]?(?:cpp|file|server|index))|vicuna|alpaca",
    "Qwen": r"qwen|qwq|jina-reranker-(?:v3|m0)|mxbai-rerank-[a-z]+-v2|(?<![a-z])zerank",
    "Mistral": r"mistral|mixtral|ministral|zephyr",
    "DeepSeek": r"deepseek",
    "Command": r"command-[ar](?![a-z])|cohere(?!n)|(?<![a-z])aya-",
    "Phi": r"(?<![a-z])phi-?\d",
    "GLM": r"(?<![a-z])(?:chat)?glm",
    "Grok": r"grok(?![a-z])",
    "Granite": r"granite",
}
"""Family -> what its names contain, in lower case. Names of programs, file formats and methods are left out: Ollama and
llama.cpp serve any model, GPTQ quantises any, RankGPT prompts any. The rerankers of other names are those whose model
cards name their base: jina-reranker-v3 and -m0, mxbai-rerank-v2 and zerank are made of Qwen."""


def families_of(names: Iterable[str]) -> frozenset[str]:
    """Return the families that names of models show."""
    lower = [name.lower() for name in names]
    return frozenset(
        family for family, pattern in _FAMILIES.items() if any(re.search(pattern, name) for name in lower)
    )


def family_cautions(manifest: Manifest) -> Iterator[Caution]:
    """Yield a warning for each reranker or run that shares a model family with a judge whose grades are used.

    References
    ----------
    arXiv 2503.19092: judges favour rankers that are made of language models.
    """
    systems = {tag: families_of(names) for tag, names in _names(manifest).items()}
    for facts in manifest.datasets:
        raters = () if facts.judgments is None else facts.judgments.raters
        for judge, known in _judges(raters).items():
            for tag, families in systems.items():
                shared = known & families
                if shared:
                    yield Caution(
                        "verdict",
                        f"{facts.name}: the judge {judge} shares a model family with {tag}"
                        f" ({', '.join(sorted(shared))}), which it may favour.",
                        "Use a judge of another family; people's grades of a random sample correct the bias.",
                    )


def _judges(raters: Iterable[RaterFacts]) -> dict[str, frozenset[str]]:
    """Return the families of each model that gave grades, by its name; of an ensemble, those of its members."""
    found: dict[str, frozenset[str]] = {}
    for rater in raters:
        if rater.kind == "model":
            families = families_of((rater.label, *(rater.models or ())))
            found[rater.label] = found.get(rater.label, frozenset()) | families
    return found


def _names(manifest: Manifest) -> dict[str, list[str]]:
    """Return the names of each system: its tag, what its settings, files and responses name, and its stages."""
    names = {tag: [tag] for tag in (*manifest.rerankers, *manifest.run_tags)}
    for tag, about in manifest.rerankers.items():
        names[tag] += about.models or ()
    for tag, endpoint in manifest.endpoints.items():
        names.setdefault(tag, [tag]).extend(endpoint.models)
    for pairs in manifest.pairs:
        names.setdefault(pairs.reranker, [pairs.reranker]).extend(pairs.models)
    for tag, about in manifest.rerankers.items():
        if about.cascade is not None:
            names[tag] += [name for stage in about.cascade.stages for name in names.get(stage.reranker, ())]
    return names
