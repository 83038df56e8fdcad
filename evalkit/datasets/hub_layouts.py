"""Find out which configuration of a hub repository is which table, by the names that publishers use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalkit.errors import DataFormatError

_FORMS = ("{part}-{table}", "{table}-{part}", "{part}_{table}", "{table}_{part}")
"""How a configuration is named for a part of a repository, such as a language."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The configurations of a repository with separate tables; None for each that it lacks.

    Attributes
    ----------
    corpus, queries, qrels
        Of documents, queries and judgments.
    candidates
        Of the candidates of each query (mteb: ``top_ranked``).
    instructions
        Of the instructions of each query (FollowIR).
    relevant
        The column of `qrels` with the ids of relevant documents; None for the usual columns.
    """

    corpus: str | None
    queries: str | None
    qrels: str | None
    candidates: str | None = None
    instructions: str | None = None
    relevant: str | None = None


BEIR = Layout("corpus", "queries", None)
"""The repositories of BeIR, whose judgments are in a repository of their own."""


def find_layout(configs: Sequence[str], part: str | None, *, long_documents: bool) -> Layout:
    """Return the layout of a repository.

    Parameters
    ----------
    configs
        Names of its configurations.
    part
        The language or part to read; None if there is only one.
    long_documents
        Whether to read BRIGHT's long documents.

    Raises
    ------
    DataFormatError
        If the long documents are asked for and there are none.
    """
    if {"documents", "examples"} <= set(configs) and "corpus" not in configs:
        corpus, relevant = (
            ("long_documents", "gold_ids_long") if long_documents else ("documents", "gold_ids")
        )
        return Layout(corpus, "examples", "examples", relevant=relevant)
    if long_documents:
        raise DataFormatError(
            f"the repository has no long documents; its configurations: {', '.join(configs)}",
            "remove long_documents, or name the tables with corpus:, queries: and qrels:",
        )

    def find(*tables: str) -> str | None:
        return _first(configs, (name for table in tables for name in _names(table, part)))

    corpus_config = find("corpus")
    qrels = find("qrels", "relevance", "default")
    if qrels is None and part in configs:
        qrels = part
    return Layout(
        corpus_config, find("queries"), qrels, find("top_ranked"), find("instruction", "instructions")
    )


def parts_of(configs: Iterable[str]) -> list[str]:
    """Return the parts of a repository, such as languages, that have a corpus of their own."""
    found = (re.fullmatch(r"(?:corpus[-_](.+)|(.+)[-_]corpus)", name) for name in configs)
    return [match[1] or match[2] for match in found if match]


def _names(table: str, part: str | None) -> list[str]:
    return [table] if part is None else [form.format(part=part, table=table) for form in _FORMS]


def _first(configs: Sequence[str], wanted: Iterable[str]) -> str | None:
    return next((name for name in wanted if name in configs), None)
