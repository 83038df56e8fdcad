"""Passages in the documents of a result: how they were made, and what each rule of combining their scores gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evalkit.config import PassageRule
from evalkit.results.bounds import Amount, AtLeastOne, Count
from evalkit.results.json_shapes import JsonObject, Key
from evalkit.stats import Interval


@dataclass(frozen=True, slots=True)
class PassageFacts:
    """How passages were made of the candidates of a dataset.

    Attributes
    ----------
    tokenizer, tokenizer_sha256
        The tokenizer as the configuration names it, and the hash of its file.
    tokens, overlap
        Tokens of a passage, and those that it shares with the next one.
    combine
        How the scores of a document's passages become its score.
    documents, passages
        Different candidates up to the deepest depth, and their passages.
    per_document, most_per_document
        Average and largest number of passages of a document; the average is None without documents.
    """

    tokenizer: str
    tokenizer_sha256: str
    tokens: AtLeastOne
    overlap: Count
    combine: PassageRule
    documents: Count
    passages: Count
    per_document: Amount | None
    most_per_document: Count


@dataclass(frozen=True, slots=True)
class PassageRuleRow:
    """The primary metric of one reranker under one rule, from the recorded scores of passages.

    Attributes
    ----------
    depth
        Candidates per query.
    configured
        Whether it is the rule of the configuration, whose scores all other figures are of.
    mean
        The mean over the queries.
    difference
        Mean paired difference to the configured rule; None for that rule. The intervals of all rules, rerankers and
        datasets of a result hold together.
    """

    dataset: str
    reranker: str
    depth: AtLeastOne
    metric: str
    rule: PassageRule
    configured: bool
    mean: Interval
    difference: Interval | None


@dataclass(frozen=True, slots=True)
class PassageSummary(JsonObject):
    """The passages of one dataset.

    Attributes
    ----------
    facts
        How they were made.
    sent
        Mean number of passages of the first 1, 2, ... candidates of a query, up to the deepest depth; empty where no
        query was scored.
    pairs
        Passages of all queries at the deepest depth.
    rules
        One row for each reranker and rule.
    why_not
        Why no rule is recommended by the differences; None where one may be.
    rests_on
        Whose grades of which queries count for the rules; None where all do.
    """

    dataset: str
    facts: PassageFacts
    sent: tuple[Amount, ...]
    pairs: Count
    rules: tuple[PassageRuleRow, ...]
    why_not: Annotated[str | None, Key(omit_none=True)] = None
    rests_on: Annotated[str | None, Key(omit_none=True)] = None
