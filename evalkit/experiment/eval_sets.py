"""Datasets with the candidates that every reranker scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.config import Config, DatasetSettings
from evalkit.datasets import open_dataset
from evalkit.datasets.token_counts import count_in_corpus, valued_documents
from evalkit.distributed import RayCluster
from evalkit.encoding.text_tokenizer import TextTokenizer, open_text_tokenizer
from evalkit.errors import InputError
from evalkit.experiment.compared_runs import ComparedRun, read_runs
from evalkit.experiment.passage_view import PassageView, make_passages, passage_of
from evalkit.metrics import Metric, check_metrics, parse_metrics
from evalkit.metrics.token_budget import has_budget, list_lengths
from evalkit.records import Dataset, DocumentTokens, Run
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

    def document_of(self, sent_id: str) -> str:
        """Return the document of what was sent: itself, or that of a passage."""
        return sent_id if self.passages is None else passage_of(sent_id)[0]

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
        on the judgments; or if a metric has a budget of tokens and the tokenizer cannot be opened or a document of a
        run has no text.
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
    check_metrics(
        config.metrics if config.quality else (), dataset.qrels, f"the judgments of {dataset.name!r}"
    )
    runs = read_runs(config, dataset)
    with retriever_context(config.retriever, dataset, cluster) as retriever:
        candidates = retrieve_candidates(retriever, dataset, config.retriever.depth)
    if settings.passages is None:
        return EvalSet(dataset, candidates, runs)
    passages = make_passages(settings.passages, dataset, candidates.cut(max(config.depths)).doc_ids)
    return EvalSet(dataset, candidates, runs, passages)


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
