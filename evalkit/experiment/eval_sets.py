"""Datasets with the candidates that every reranker scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.config import Config, DatasetSettings
from evalkit.datasets import open_dataset
from evalkit.datasets.token_counts import count_in_corpus, has_budget, valued_documents
from evalkit.distributed import RayCluster
from evalkit.encoding.text_tokenizer import TextTokenizer, open_text_tokenizer
from evalkit.errors import InputError
from evalkit.experiment.compared_runs import ComparedRun, read_runs
from evalkit.metrics import Metric, parse_metrics
from evalkit.metrics.token_budget import list_lengths
from evalkit.records import Dataset, DocumentTokens, Run
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
        If no query of any dataset has a candidate, a run does not belong to its dataset, or a metric has a budget of
        tokens and the tokenizer cannot be opened or a document of a run has no text.
    """
    metrics = parse_metrics(config.metrics) if config.quality else ()
    tokenizer = open_text_tokenizer(config.tokenizer) if config.tokenizer and has_budget(metrics) else None
    eval_sets = [_prepare(config, settings, cluster) for settings in config.datasets]
    if tokenizer is not None:
        eval_sets = [_with_lengths(eval_set, tokenizer, metrics) for eval_set in eval_sets]
    if not any(len(eval_set.candidates) for eval_set in eval_sets):
        raise InputError(
            "the retriever found no candidates for any query",
            "check the language of the dataset and the settings of the retriever",
        )
    return eval_sets


def _prepare(config: Config, settings: DatasetSettings, cluster: RayCluster | None) -> EvalSet:
    dataset = open_dataset(settings)
    runs = read_runs(config, dataset)
    with retriever_context(config.retriever, dataset, cluster) as retriever:
        return EvalSet(dataset, retrieve_candidates(retriever, dataset, config.retriever.depth), runs)


def _with_lengths(eval_set: EvalSet, tokenizer: TextTokenizer, metrics: Sequence[Metric]) -> EvalSet:
    """Return a dataset whose judgments hold the lengths of all documents that are ranked or judged.

    Raises
    ------
    InputError
        If a run ranks a document that the corpus lacks, for a query that is averaged.
    """
    dataset, runs = eval_set.dataset, [eval_set.candidates, *(compared.run for compared in eval_set.runs)]
    documents = valued_documents(runs, dataset.qrels)
    tokens = count_in_corpus(tokenizer, dataset.corpus, documents, dataset.name)
    qrels = dataset.qrels.with_tokens(tokens)
    budget = next(metric for metric in metrics if metric.budget_tokens is not None)
    for run in runs:  # fails now, before a call is made, if a ranked document has no text
        list_lengths(run, qrels, qrels.answerable, budget)
    return replace(eval_set, dataset=replace(dataset, qrels=qrels))


def document_tokens(eval_sets: Sequence[EvalSet]) -> dict[str, DocumentTokens]:
    """Return dataset -> the lengths of its documents, where they were counted."""
    found = {eval_set.dataset.name: eval_set.dataset.qrels.tokens for eval_set in eval_sets}
    return {name: tokens for name, tokens in found.items() if tokens is not None}
