"""The input of the checks: a dataset, its candidates, and statistics of its texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.dataset_checks.text_stats import TextStats
from evalkit.metrics import evaluate
from evalkit.metrics.names import Metric
from evalkit.progress import progress_bar
from evalkit.records import Dataset, Qrels, Query, Run


@dataclass(frozen=True, slots=True, eq=False)
class CheckInput:
    """The input of the dataset checks.

    Attributes
    ----------
    dataset
        The dataset to check.
    documents, queries
        Statistics of its texts, in the dataset's order.
    metrics
        Metrics to compute: only those with an evalkit kernel and without a budget of tokens, for which the lengths of
        all documents would have to be known.
    depth
        Requested candidates per query.
    candidates
        The candidates; None if no first stage ran.
    alternative_candidates
        The candidates with the opposite value of `exclude_same_id`; None if not computed.
    train
        Queries of the train split; None if there is none.
    """

    dataset: Dataset
    documents: TextStats
    queries: TextStats
    metrics: tuple[Metric, ...]
    depth: int
    candidates: Run | None = None
    alternative_candidates: Run | None = None
    train: tuple[Query, ...] | None = None

    @classmethod
    def of(
        cls, dataset: Dataset, metrics: tuple[Metric, ...], depth: int, candidates: Run | None = None
    ) -> CheckInput:
        """Return the input for a dataset; reads every text once."""
        texts = progress_bar(dataset.corpus.texts, desc=f"{dataset.name}: checking", unit="text", delay=2)
        computed = tuple(
            metric
            for metric in metrics
            if metric.definition is not None
            and metric.name != "Judged"
            and not metric.summed
            and metric.budget_tokens is None
        )
        queries = TextStats.of(query.text for query in dataset.queries)
        return cls(dataset, TextStats.of(texts), queries, computed, depth, candidates)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.dataset.name

    @property
    def qrels(self) -> Qrels:
        """The dataset's judgments."""
        return self.dataset.qrels

    def doc_ids(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> list[str]:
        """Return the ids of the documents that a mask or row numbers select."""
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return [self.dataset.corpus.doc_ids[place] for place in places.tolist()]

    def query_ids(self, rows: NDArray[np.bool_]) -> list[str]:
        """Return the ids of the queries that a mask selects."""
        return [self.dataset.queries[place].query_id for place in np.flatnonzero(rows).tolist()]

    def relevant(self, doc_ids: set[str]) -> int:
        """Return the number of judgments by which one of these documents is relevant."""
        return sum(
            grade > 0 and doc in doc_ids for docs in self.qrels.grades.values() for doc, grade in docs.items()
        )

    def means(self, run: Run, qrels: Qrels | None = None) -> dict[str, float]:
        """Return metric -> mean; empty if no query is answerable."""
        values = evaluate(run, self.qrels if qrels is None else qrels, self.metrics)
        if not values.query_ids:
            return {}
        return {metric.label: float(values.of(metric.label).mean()) for metric in self.metrics}

    def best(self, reachable: Callable[[str, str], bool]) -> dict[str, float]:
        """Return recall and the mean of every metric for the best possible ranking of the reachable documents.

        Parameters
        ----------
        reachable
            Whether a query, the first argument, can find a document, the second.
        """
        rows = [
            (query, doc, float(grade))
            for query, docs in self.qrels.grades.items()
            for doc, grade in docs.items()
            if grade > 0 and reachable(query, doc)
        ]
        query_ids, doc_ids, scores = zip(*rows, strict=True) if rows else ((), (), ())
        run = Run.from_rows("best", query_ids, doc_ids, scores)
        found = [
            len(run.docs(query)) / sum(grade > 0 for grade in self.qrels.of(query).values())
            for query in self.qrels.answerable
        ]
        return {"recall": float(np.mean(found)), **self.means(run)} if found else {}


def changed_means(before: dict[str, float], after: dict[str, float]) -> str:
    """Return the sentence part that lists the means that changed; empty if none did."""
    changed = [name for name in before if f"{before[name]:.4f}" != f"{after[name]:.4f}"]
    return ", ".join(f"{name} {before[name]:.4f} to {after[name]:.4f}" for name in changed)


def best_possible_fall(data: CheckInput, reachable: Callable[[str, str], bool]) -> str:
    """Return the sentence part about the best possible values if only some documents can be found."""
    falls = changed_means(data.best(lambda *_: True), data.best(reachable))
    return (
        f"the best possible values decrease: {falls}" if falls else "the best possible values do not change"
    )
