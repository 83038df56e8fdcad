"""Choose the prompts of queries and documents among those that a model lists."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from evalkit.encoding.embeddings.token_vectors import Task
from evalkit.errors import EvalkitWarning

_EXACT: Mapping[Task, tuple[str, ...]] = {"query": ("query",), "document": ("document", "passage", "corpus")}
"""Names under which sentence-transformers looks for the prompt of a role, in this order."""
_ROLE_WORDS: Mapping[Task, frozenset[str]] = {
    "query": frozenset({"query", "queries", "question"}),
    "document": frozenset({"document", "documents", "doc", "docs", "passage", "passages", "corpus"}),
}
_RETRIEVAL_WORDS = frozenset({"retrieval", "retrieve", "search", "s2p", "web"})
"""Parts of the names of prompts for search; ``s2p`` is short for sentence to passage."""
_OTHER_TASKS = frozenset(
    {"sts", "s2s", "clustering", "cluster", "classification", "multilabel", "similarity", "summarization"}
    | {
        "summarisation",
        "summary",
        "bitext",
        "translation",
        "paraphrase",
        "paraphrases",
        "duplicate",
        "duplicates",
    }
    | {"pair", "matching", "separation", "sentiment", "nli", "stsb", "topic", "intent", "speed"}
)
"""Parts of the names of prompts for other tasks than search."""
_E5 = re.compile(r"(multilingual-)?e5-(small|base|large)(-v2|-unsupervised)?")
"""Models whose card requires ``query: `` and ``passage: `` before every text, and whose files list no prompts."""


@dataclass(frozen=True, slots=True)
class OwnPrompt:
    """The prompt that a model has for a role.

    Attributes
    ----------
    name, text
        Its name and text; None if none was chosen.
    unused
        Names of prompts that may have been meant for the role and are not used.
    """

    name: str | None
    text: str | None
    unused: tuple[str, ...] = ()


def own_prompts(listed: Mapping[str, str]) -> dict[Task, OwnPrompt]:
    """Return the prompt of each role among those that a model lists.

    A prompt is chosen by its name: first ``query``, or ``document``, ``passage`` or ``corpus``, even if its text is
    empty. Otherwise by a part of its name, such as ``retrieval.query`` or ``search_document``, if exactly one text
    fits; names with a part such as ``retrieval`` or ``search`` take precedence, and names of other tasks, such as
    ``sts_query``, never fit. Where a role has no such prompt, those that name neither the other role nor another task
    may have been meant for it, and are unused.

    Parameters
    ----------
    listed
        Prompt name -> text.
    """
    chosen = {role: _choice(role, listed) for role in get_args(Task)}
    if any(prompt.text for prompt in chosen.values()):
        return chosen
    return {
        role: replace(prompt, unused=prompt.unused or _of_no_other(role, listed))
        for role, prompt in chosen.items()
    }


def warn_of_unused(model: str, listed: Mapping[str, str], roles: Iterable[Task]) -> None:
    """Warn if a model may have a prompt for a role, and none is used.

    Parameters
    ----------
    model
        Folder or hub id.
    listed
        Prompt name -> text.
    roles
        Roles that have no configured prompt.
    """
    chosen = own_prompts(listed)
    unset = tuple(roles)
    for role in unset:
        if chosen[role].unused and not chosen[role].text:
            _warn_of_none(model, role, chosen[role].unused)
    if unset and not any(listed.values()) and _E5.fullmatch(re.split(r"[\\/]", model.rstrip("\\/"))[-1]):
        _warn(
            f"the model {model!r} lists no prompts, but E5 models need them:"
            " set query_prompt: 'query: ' and document_prompt: 'passage: '."
        )


def warn_of_other_names(model: str, listed: Mapping[str, str], roles: Iterable[Task]) -> None:
    """Warn if prompts are used by the names ``query`` and ``document`` alone, and that of a role has another name.

    Parameters are those of `warn_of_unused`; the library lists empty prompts of these names where the files have none.
    """
    filled = {name: text for name, text in listed.items() if text}
    for role, prompt in own_prompts(filled).items():
        unused = (prompt.name,) if prompt.name is not None else prompt.unused
        if role in roles and role not in filled and unused:
            _warn_of_none(model, role, unused)


def _warn_of_none(model: str, role: Task, unused: Iterable[str]) -> None:
    texts = "queries" if role == "query" else "documents"
    _warn(
        f"the model {model!r} lists prompts, but none was used for {texts}: {', '.join(map(repr, unused))}."
        f" Set {role}_prompt to the right text, or to '' for none."
    )


def _choice(role: Task, listed: Mapping[str, str]) -> OwnPrompt:
    fitting = {
        name: text
        for name, text in listed.items()
        if _parts(name) & _ROLE_WORDS[role] and not _parts(name) & _OTHER_TASKS
    }
    exact = next((name for name in _EXACT[role] if name in listed), None)
    if exact is not None:
        return OwnPrompt(exact, listed[exact], _filled(fitting))
    for_search = {name: text for name, text in fitting.items() if _parts(name) & _RETRIEVAL_WORDS} or fitting
    if len(set(for_search.values())) == 1:
        name, text = next(iter(for_search.items()))
        return OwnPrompt(name, text)
    if for_search:
        return OwnPrompt(None, None, tuple(for_search))
    unnamed = _of_no_other(role, listed)
    return OwnPrompt(None, None, tuple(name for name in unnamed if not _parts(name) & _OTHER_TASKS))


def _of_no_other(role: Task, listed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of prompts that are not those of the other role."""
    other: Task = "document" if role == "query" else "query"
    return tuple(name for name in _filled(listed) if not _parts(name) & _ROLE_WORDS[other])


def _filled(prompts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of prompts that are not empty."""
    return tuple(name for name, text in prompts.items() if text)


def _parts(name: str) -> frozenset[str]:
    """Return the words of a prompt's name: ``retrieval.query``, ``s2p_query``, ``BitextMining``."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return frozenset(re.split(r"[^a-z0-9]+", spaced.lower())) - {""}


def _warn(text: str) -> None:
    warnings.warn(text, EvalkitWarning, stacklevel=4)
