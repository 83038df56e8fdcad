"""Datasets with the candidates that every reranker scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.config import Config, DatasetSettings
from evalkit.datasets import open_dataset
from evalkit.datasets.human_sample import DrawState, human_sample_of
from evalkit.datasets.judgment_sources import missing_files
from evalkit.datasets.sample_judge import correcting_judge
from evalkit.datasets.token_counts import count_in_corpus, valued_documents
from evalkit.distributed import RayCluster
from evalkit.encoding.text_tokenizer import TextTokenizer, open_text_tokenizer
from evalkit.errors import InputError, tell
from evalkit.experiment.compared_runs import ComparedRun, read_runs
from evalkit.experiment.passage_view import PassageView, make_passages, passage_of
from evalkit.judging.correction_grades import CorrectionGrades, correction_grades
from evalkit.judging.dataset_raters import dataset_raters, read_sources
from evalkit.judging.rater_grades import RaterGrades, has_both_kinds
from evalkit.metrics import Metric, check_metrics, parse_metrics
from evalkit.metrics.token_budget import has_budget, list_lengths
from evalkit.records import QRELS, ChosenJudgments, Dataset, DocumentTokens, RaterShare, Run
from evalkit.reranking import ScoredCandidates
from evalkit.results.judgment_facts import DrawnQueries, JudgmentFacts, WithheldFacts
from evalkit.retrievers import retrieve_candidates, retriever_context


@dataclass(frozen=True, slots=True)
class EvalSet:
    """A dataset with its candidates, and the runs of other engines that are compared on it.

    Attributes
    ----------
    passages
        The passages of the candidates; None where rerankers score documents.
    judgments
        Who gave the judgments; None where all are those of the source.
    raters
        The grades of each rater, where a model and a person are among them.
    correction
        The grades of people for the queries that were drawn for them, and those of the judge that they correct.
    """

    dataset: Dataset
    candidates: Run
    runs: tuple[ComparedRun, ...] = ()
    passages: PassageView | None = None
    judgments: JudgmentFacts | None = None
    raters: tuple[RaterGrades, ...] = ()
    correction: tuple[RaterGrades, ...] = ()

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
    judge = correcting_judge(settings)  # before grades of people are read
    drawn = human_sample_of(settings, dataset, config.judges)
    correction = _correction(settings, dataset, drawn, judge)
    judgments = _judgments(settings, dataset, drawn, correction)
    check_metrics(
        config.metrics if config.quality else (), dataset.qrels, f"the judgments of {dataset.name!r}"
    )
    runs = read_runs(config, dataset)
    with retriever_context(config.retriever, dataset, cluster) as retriever:
        candidates = retrieve_candidates(retriever, dataset, config.retriever.depth)
    passages = None
    if settings.passages is not None:
        passages = make_passages(settings.passages, dataset, candidates.cut(max(config.depths)).doc_ids)
    raters = _raters(settings, dataset)
    return EvalSet(dataset, candidates, runs, passages, judgments, raters, _unwithheld(drawn, correction))


def _correction(
    settings: DatasetSettings, dataset: Dataset, drawn: DrawState | None, judge: str | None
) -> CorrectionGrades | None:
    """Return the grades that correct the differences of a dataset; None without a draw, a judge or grades of both."""
    if drawn is None or judge is None:
        return None
    return correction_grades(dataset, read_sources(settings), drawn.sample.query_ids, judge)


def _unwithheld(drawn: DrawState | None, found: CorrectionGrades | None) -> tuple[RaterGrades, ...]:
    """Return the grades that correct differences; empty where there are none, or a reason speaks against it."""
    if drawn is None or found is None or drawn.withheld or found.withheld:
        return ()
    return found.people, found.judge


def _raters(settings: DatasetSettings, dataset: Dataset) -> tuple[RaterGrades, ...]:
    """Return the raters of a dataset if a model among them can be compared with a person."""
    if not settings.judgments:
        return ()
    raters = dataset_raters(dataset, read_sources(settings))
    return tuple(raters) if has_both_kinds(raters) else ()


def _judgments(
    settings: DatasetSettings, dataset: Dataset, drawn: DrawState | None, correction: CorrectionGrades | None
) -> JudgmentFacts | None:
    """Return who gave the judgments of a dataset, with the queries that are drawn for people."""
    chosen = dataset.chosen
    if chosen is None and drawn is None:
        return None
    if chosen is None:
        own = RaterShare(QRELS, dataset.qrels.count())
        chosen = ChosenJudgments(dataset.qrels.grades, shares=(own,))
    missing = tuple(str(path) for path in missing_files(settings.judgments))
    if missing:
        tell(f"{dataset.name}: not written so far, and without judgments: {', '.join(missing)}")
    return JudgmentFacts.of(chosen, missing, _drawn(drawn, correction) if drawn else None)


def _drawn(state: DrawState, correction: CorrectionGrades | None) -> DrawnQueries:
    """Return what the manifest says of a draw, with the reason why people's grades of it correct nothing."""
    sample = state.sample
    withheld = None if correction is None else state.withheld or correction.withheld
    return DrawnQueries(
        seed=sample.seed,
        queries=sample.queries,
        population=sample.population,
        drawn_at=sample.drawn_at,
        query_ids=sample.query_ids,
        declared=sample.drawn if sample.is_declared else None,
        sha256=sample.sha256,
        enlarged=sample.enlarged or None,
        judge=None if sample.judge is None else sample.judge.tag,
        withheld=WithheldFacts.of(withheld),
    )


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
