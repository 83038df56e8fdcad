"""Datasets with the candidates that every reranker scores."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.config import Config, DatasetSettings
from evalkit.datasets import open_dataset
from evalkit.distributed import RayCluster
from evalkit.errors import InputError
from evalkit.experiment.compared_runs import ComparedRun, read_runs
from evalkit.experiment.passage_view import PassageView, make_passages
from evalkit.metrics import check_metrics
from evalkit.records import Dataset, Run
from evalkit.reranking import ScoredCandidates
from evalkit.retrievers import retrieve_candidates, retriever_context


@dataclass(frozen=True, slots=True)
class EvalSet:
    """A dataset with its candidates, and the runs of other engines that are compared on it.

    Attributes
    ----------
    passages
        The passages of the candidates; None where rerankers score documents.
    """

    dataset: Dataset
    candidates: Run
    runs: tuple[ComparedRun, ...] = ()
    passages: PassageView | None = None

    @property
    def sent_dataset(self) -> Dataset:
        """The texts that rerankers score: those of the documents, or of their passages."""
        return self.dataset if self.passages is None else self.passages.dataset

    def sent_run(self, depth: int) -> Run:
        """Return what rerankers score of the first `depth` candidates: these, or their passages in order."""
        candidates = self.candidates.cut(depth)
        return candidates if self.passages is None else self.passages.run_of(candidates)

    def sent_docs(self, query_id: str, depth: int) -> tuple[str, ...]:
        """Return what `sent_run` has of one query."""
        candidates = self.candidates.docs(query_id)[:depth]
        return candidates if self.passages is None else self.passages.ids_of(candidates)

    def combined(self, scored: ScoredCandidates) -> ScoredCandidates:
        """Return the scores of candidates from those of what was sent."""
        return scored if self.passages is None else self.passages.combined(scored)


def prepare_eval_sets(config: Config, cluster: RayCluster | None = None) -> list[EvalSet]:
    """Load every dataset, read the runs that are compared on it, and retrieve its candidates.

    Parameters
    ----------
    config
        The configuration with the datasets and the retriever.
    cluster
        Where the shards of a retriever run; None for this process.

    Raises
    ------
    InputError
        If no query of any dataset has a candidate, a run does not belong to its dataset, or a metric cannot be computed
        on the judgments.
    """
    eval_sets = [_prepare(config, settings, cluster) for settings in config.datasets]
    if not any(len(eval_set.candidates) for eval_set in eval_sets):
        raise InputError(
            "the retriever found no candidates for any query",
            "check the language of the dataset and the settings of the retriever",
        )
    return eval_sets


def _prepare(config: Config, settings: DatasetSettings, cluster: RayCluster | None) -> EvalSet:
    dataset = open_dataset(settings)
    check_metrics(config.metrics, dataset.qrels, f"the judgments of {dataset.name!r}")
    runs = read_runs(config, dataset)
    with retriever_context(config.retriever, dataset, cluster) as retriever:
        candidates = retrieve_candidates(retriever, dataset, config.retriever.depth)
    if settings.passages is None:
        return EvalSet(dataset, candidates, runs)
    passages = make_passages(settings.passages, dataset, candidates.cut(max(config.depths)).doc_ids)
    return EvalSet(dataset, candidates, runs, passages)
