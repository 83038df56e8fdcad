"""Datasets with the candidates that every reranker scores."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.config import Config, DatasetSettings
from evalkit.datasets import open_dataset
from evalkit.distributed import RayCluster
from evalkit.errors import InputError
from evalkit.experiment.compared_runs import ComparedRun, read_runs
from evalkit.metrics import check_metrics
from evalkit.records import Dataset, Run
from evalkit.retrievers import retrieve_candidates, retriever_context


@dataclass(frozen=True, slots=True)
class EvalSet:
    """A dataset with its candidates, and the runs of other engines that are compared on it."""

    dataset: Dataset
    candidates: Run
    runs: tuple[ComparedRun, ...] = ()


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
        return EvalSet(dataset, retrieve_candidates(retriever, dataset, config.retriever.depth), runs)
