"""Data of the page's query explorer: all values, and lists and texts of the queries with the largest differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from markupsafe import Markup

from evalkit.comparison import ComparisonSet
from evalkit.records import shown_grade
from evalkit.results.raw_tables import SHOWN, snippet

MOST_QUERIES = 2000
"""Most queries of a report with lists: those with the largest differences between systems."""
MOST_CHARACTERS = 6_000_000
"""Most characters of all documents' texts in a report; texts are added in the order of the lists."""
SNIPPET = 250
"""Most characters of one document's text."""
MOST_RELEVANT = 20
"""Most relevant documents of a query that are shown although no list has them near its top."""

Texts = Mapping[str, str]


@dataclass(slots=True)
class _DocumentList:
    """Documents of one dataset, each once, with texts up to a number of characters.

    Attributes
    ----------
    texts
        Document -> text, of the documents whose text is known.
    room
        Characters left for further texts.
    place
        Document -> its index in the columns of the page.
    shown
        The text at each index; None where it is not known, or no characters were left.
    """

    texts: Texts
    room: int
    place: dict[str, int] = field(default_factory=dict)
    shown: list[str | None] = field(default_factory=list)

    def put(self, doc_id: str) -> int:
        """Return the index of a document; a new document is added at the end."""
        if doc_id not in self.place:
            self.place[doc_id] = len(self.place)
            text = snippet(self.texts[doc_id], SNIPPET) if self.room > 0 and doc_id in self.texts else None
            self.room -= len(text or "")
            self.shown.append(text)
        return self.place[doc_id]


def explorer_data(
    fields: Sequence[ComparisonSet], metric: str, texts: Mapping[str, Texts]
) -> dict[str, Any] | None:
    """Return the data of the explorer; None if no query has a value.

    Parameters
    ----------
    fields
        The datasets at the depth of the comparison.
    metric
        The primary metric.
    texts
        Dataset -> document -> text; empty if the result has no texts.
    """
    share = max(len(fields), 1)
    datasets = [_dataset(one, metric, texts.get(one.dataset, {}), share) for one in fields]
    datasets = [one for one in datasets if one["ids"]]
    return {"metric": metric, "datasets": datasets} if datasets else None


def as_script(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON in which ``<`` is escaped, so that it cannot end a script element."""
    return Markup(orjson.dumps(data).decode().replace("<", "\\u003c"))  # noqa: S704 - nothing opens a tag


def explorer_note(data: Mapping[str, Any]) -> str:
    """Return how to use the explorer, and which queries have no lists or texts in it."""
    use = (
        "Choose two systems, sort by a column, then open a query to compare its documents. Lists show the first"
        f" {SHOWN} documents, and relevant ones below them."
    )
    notes = [use]
    for one in data["datasets"]:
        queries, lists, with_texts = len(one["ids"]), len(one["lists"]), one["with_texts"]
        if lists < queries:
            notes.append(
                f"{one['name']}: document lists are included for the {lists} of {queries} queries with the largest"
                " differences."
            )
        if not any(one["texts"]):
            notes.append(
                f"{one['name']}: this result has no texts (texts.parquet), so documents are shown by id."
            )
        elif with_texts < lists:
            notes.append(f"{one['name']}: texts are included for the first {with_texts} of them.")
    return " ".join(notes)


def _dataset(comparison_set: ComparisonSet, metric: str, texts: Texts, share: int) -> dict[str, Any]:
    systems = list(comparison_set.systems)
    query_ids = list(
        dict.fromkeys(q for entry in comparison_set.systems.values() for q in entry.values.query_ids)
    )
    values = np.array([_values(comparison_set, name, metric, query_ids) for name in systems]).reshape(
        len(systems), -1
    )
    documents = _DocumentList(texts, MOST_CHARACTERS // share)
    lists, with_texts = {}, 0
    for row in _most_moved(values)[: MOST_QUERIES // share]:
        lists[str(row)] = _list(comparison_set, query_ids[row], documents)
        with_texts += bool(texts) and documents.room > 0
    means = [np.nanmean(row) if np.isfinite(row).any() else -np.inf for row in values]
    return {
        "name": comparison_set.dataset,
        "depth": comparison_set.deepest,
        "runs": bool(comparison_set.own_candidates),
        "systems": systems,
        "best": int(np.argmax(means[1:])) + 1 if len(systems) > 1 else 0,
        "ids": query_ids,
        "queries": [
            snippet(comparison_set.queries[q].text) if q in comparison_set.queries else None
            for q in query_ids
        ],
        "instructions": _instructions(comparison_set, query_ids),
        "values": [[None if np.isnan(x) else round(x, 4) for x in row] for row in values.tolist()],
        "docs": list(documents.place),
        "texts": documents.shown,
        "lists": lists,
        "with_texts": with_texts,
    }


def _values(comparison_set: ComparisonSet, name: str, metric: str, query_ids: Sequence[str]) -> list[float]:
    values = comparison_set.systems[name].values
    known = values.by_query(metric)
    return [known.get(query_id, np.nan) for query_id in query_ids]


def _instructions(comparison_set: ComparisonSet, query_ids: Sequence[str]) -> dict[str, str]:
    """Return the index of each query with an instruction -> its instruction; keys are text, as in JSON."""
    queries = comparison_set.queries
    return {
        str(row): snippet(queries[q].instruction)
        for row, q in enumerate(query_ids)
        if q in queries and queries[q].instruction
    }


def _most_moved(values: Any) -> list[int]:
    """Return the indices of queries, the largest range of values over systems first."""
    if not values.size:
        return []
    known = np.isfinite(values)
    spread = np.where(known, values, -np.inf).max(axis=0) - np.where(known, values, np.inf).min(axis=0)
    return [int(row) for row in np.argsort(-spread, kind="stable")]


def _list(comparison_set: ComparisonSet, query_id: str, documents: _DocumentList) -> dict[str, Any]:
    """Return the documents of one query, their grades, and their rank in every system's list, 0 for none."""
    ranked = [entry.run.docs(query_id) for entry in comparison_set.systems.values()]
    grades = comparison_set.qrels.of(query_id)
    top = dict.fromkeys(doc_id for docs in ranked for doc_id in docs[:SHOWN])
    relevant = sorted((d for d, g in grades.items() if g > 0 and d not in top), key=lambda d: -grades[d])
    shown = [*top, *relevant[:MOST_RELEVANT]]
    places = [dict(zip(docs, range(1, len(docs) + 1), strict=True)) for docs in ranked]
    return {
        "docs": [documents.put(doc_id) for doc_id in shown],
        "grades": [_in_short(grades.get(doc_id)) for doc_id in shown],
        "ranks": [[place.get(doc_id, 0) for doc_id in shown] for place in places],
    }


def _in_short(grade: float | None) -> float | None:
    return grade if grade is None or grade == int(grade) else float(shown_grade(grade))
