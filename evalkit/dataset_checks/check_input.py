"""What the checks look at: a dataset with its candidates, and what one reading of its texts told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.dataset_checks.text_stats import TextStats
from evalkit.metrics import evaluate
from evalkit.metrics.names import Metric
from evalkit.records import Dataset, Qrels, Query, Run


@dataclass(frozen=True, slots=True, eq=False)
class CheckInput:
    """A dataset under inspection.

    Attributes
    ----------
    dataset
        Which.
    documents, queries
        What was read of its texts, in their order.
    metrics
        Whose values are computed: those of evalkit's own kernels.
    depth
        Candidates asked for each query.
    candidates
        Those found; None where nobody looked for any.
    otherwise
        The candidates if `exclude_same_id` were the other way; None where that was not tried.
    train
        Queries of the split that models are trained on; None where there is none.
    """

    dataset: Dataset
    documents: TextStats
    queries: TextStats
    metrics: tuple[Metric, ...]
    depth: int
    candidates: Run | None = None
    otherwise: Run | None = None
    train: tuple[Query, ...] | None = None

    @classmethod
    def of(
        cls, dataset: Dataset, metrics: tuple[Metric, ...], depth: int, candidates: Run | None = None
    ) -> CheckInput:
        """Read every text of a dataset once."""
        texts = tqdm(
            dataset.corpus.texts, desc=f"{dataset.name}: checking", unit="text", disable=None, delay=2
        )
        own = tuple(metric for metric in metrics if metric.has_kernel and metric.name != "Judged")
        queries = TextStats.of(query.text for query in dataset.queries)
        return cls(dataset, TextStats.of(texts), queries, own, depth, candidates)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.dataset.name

    @property
    def qrels(self) -> Qrels:
        """The dataset's judgments."""
        return self.dataset.qrels

    def doc_ids(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> list[str]:
        """Return the ids of some documents, given as a mask or as row numbers."""
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return [self.dataset.corpus.doc_ids[place] for place in places.tolist()]

    def query_ids(self, rows: NDArray[np.bool_]) -> list[str]:
        """Return the ids of some queries."""
        return [self.dataset.queries[place].query_id for place in np.flatnonzero(rows).tolist()]

    def relevant(self, doc_ids: set[str]) -> int:
        """Return how many judgments call one of these documents relevant."""
        return sum(
            grade > 0 and doc in doc_ids for docs in self.qrels.grades.values() for doc, grade in docs.items()
        )

    def means(self, run: Run, qrels: Qrels | None = None) -> dict[str, float]:
        """Return the mean of every metric; nothing where no query is answerable."""
        values = evaluate(run, self.qrels if qrels is None else qrels, self.metrics)
        if not values.query_ids:
            return {}
        return {metric.label: float(values.of(metric.label).mean()) for metric in self.metrics}

    def best(self, reachable: Callable[[str, str], bool]) -> dict[str, float]:
        """Return recall and every metric of the best ranking there can be of the documents that are reachable.

        Parameters
        ----------
        reachable
            Whether a query can find a document.
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


def fallen(before: dict[str, float], after: dict[str, float]) -> str:
    """Return which means changed, from what to what; empty where none did."""
    changed = [name for name in before if f"{before[name]:.4f}" != f"{after[name]:.4f}"]
    return ", ".join(f"{name} {before[name]:.4f} to {after[name]:.4f}" for name in changed)


def best_falls(data: CheckInput, reachable: Callable[[str, str], bool]) -> str:
    """Return what the best possible values fall to if only some documents can be found."""
    falls = fallen(data.best(lambda *_: True), data.best(reachable))
    return f"the best possible values fall: {falls}" if falls else "no best possible value falls"
