"""Judgments by subtopic and runs without ties, random and small, and the same under other identifiers."""

from __future__ import annotations

import random
from collections.abc import Callable

from evalkit.records import Qrels, Run

Rows = list[tuple[str, str, str, int]]
Listed = dict[str, list[str]]


def random_judgments(seed: int, *, queries: int = 5, documents: int = 14, subtopics: int = 4) -> Rows:
    """Return ``(query, subtopic, document, grade)`` rows; every query has a relevant document."""
    chance = random.Random(seed)  # noqa: S311 - test data
    rows = []
    for query in range(queries):
        for subtopic in range(subtopics):
            for document in range(documents):
                if chance.random() < 0.5:
                    grade = chance.choice([-1, 0, 0, 1, 1, 2, 3])
                    rows.append((f"q{query}", f"s{subtopic}", f"d{document:02d}", grade))
        rows.append((f"q{query}", "s0", "always", 1))
    return rows


def random_lists(seed: int, *, queries: int = 5, documents: int = 18) -> Listed:
    """Return query -> documents, best first; some are unjudged."""
    chance = random.Random(-seed)  # noqa: S311 - test data
    names = [f"d{document:02d}" for document in range(documents)] + ["always"]
    return {f"q{query}": chance.sample(names, chance.randint(1, len(names))) for query in range(queries)}


def qrels_of(rows: Rows, name: Callable[[str], str] = str) -> Qrels:
    """Return judgments by subtopic; `name` replaces identifiers."""
    return Qrels.from_subtopic_rows((name(q), name(s), name(d), grade) for q, s, d, grade in rows)


def run_of(lists: Listed, name: Callable[[str], str] = str) -> Run:
    """Return a run without ties; `name` replaces identifiers."""
    rows = [(name(q), name(d), -float(place)) for q, docs in lists.items() for place, d in enumerate(docs)]
    queries, docs, scores = ([row[column] for row in rows] for column in range(3))
    return Run.from_rows("r", queries, docs, scores)  # type: ignore[arg-type]
