"""The manifest of an experiment: as it starts, and as it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from evalkit import registry
from evalkit.config import CascadeSettings, Config
from evalkit.experiment.context import Experiment, StartedExperiment
from evalkit.experiment.dataset_inspection import preflight
from evalkit.experiment.environment import git_state, machine, versions
from evalkit.experiment.eval_sets import EvalSet, document_tokens
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.reranker_models import names_of_models
from evalkit.experiment.run_options import Origin
from evalkit.rerankers import Described, instruction_place
from evalkit.reranking import RerankerSession
from evalkit.results.manifest import (
    CandidateLists,
    CorrectionFacts,
    DatasetFacts,
    EndpointFacts,
    Manifest,
    PairCounts,
    PluginVersion,
    PointwiseResult,
    Status,
    TokenizerFacts,
)
from evalkit.results.rater_files import correction_sha256
from evalkit.results.reranker_facts import CascadeFacts, CascadeStage, RerankerFacts
from evalkit.results.run_facts import RunFacts


def opening_manifest(experiment: Experiment, origin: Origin, sessions: Sequence[RerankerSession]) -> Manifest:
    """Return the manifest of an experiment that starts now."""
    config, eval_sets, store = experiment.config, experiment.eval_sets, experiment.store
    return Manifest(
        status="running",
        name=config.name,
        command=origin.command,
        config_file=origin.path,
        started=now(),
        started_s=store.started_s,
        finished=None,
        resumed=0,
        sessions=(store.session,),
        refresh=store.refresh,
        store=str(store.path),
        seed=config.seed,
        versions=versions(),
        plugins=_plugins(config),
        git=git_state(),
        machine=machine(),
        first_stage=config.retriever.label,
        datasets=dataset_facts(eval_sets),
        preflight=preflight(config, eval_sets),
        rerankers=_rerankers(config, sessions, eval_sets),
        runs=_run_facts(eval_sets),
        tokenizer=_tokenizer(eval_sets),
    )


def closing_manifest(run: StartedExperiment, status: Status) -> Manifest:
    """Return the manifest of a run that ends now."""
    recorder, sessions = run.recorder, run.sessions
    return replace(
        run.manifest,
        status=status,
        finished=now(),
        # A resumed run scores with what the files hold now.
        rerankers=_rerankers(run.config, sessions, run.eval_sets),
        runs=_run_facts(run.eval_sets),  # of a resumed run the files are read again
        tokenizer=_tokenizer(run.eval_sets),
        pairs=tuple(_pair_counts(run, dataset, tag) for dataset, tag in run.store.reused),
        quality_passes=tuple(recorder.quality_passes),
        pointwise_checks=tuple(
            PointwiseResult(check, check.verdict, check.evidence()) for check in recorder.pointwise_checks
        ),
        dependence_checks=tuple(recorder.dependence_checks),
        precision_checks=tuple(recorder.precision_checks),
        drift_checks=tuple(recorder.drift_checks),
        rounds=tuple(recorder.rounds),
        calls=recorder.count_calls(),
        endpoints={session.tag: _endpoint_facts(session, recorder) for session in sessions},
        spent_usd=_spent_usd(sessions),
        execution=run.cluster.facts() if run.cluster else None,
    )


def now() -> str:
    """Return the time to the second, with its zone."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plugins(config: Config) -> tuple[PluginVersion, ...]:
    """Return the plugins that the configuration names and that other packages own."""
    named = [
        *(("dataset source", one.source) for one in config.datasets),
        ("retriever kind", config.retriever.kind),
        *(("reranker backend", one.backend) for one in config.rerankers.values()),
        *(("dialect", str(one.dialect)) for one in config.rerankers.values() if hasattr(one, "dialect")),
    ]
    found = [registry.find(*one) for one in dict.fromkeys(named)]
    return tuple(
        PluginVersion(one.kind, one.name, one.owner, one.version)
        for one in found
        if one.owner != registry.DISTRIBUTION
    )


def dataset_facts(eval_sets: Sequence[EvalSet]) -> tuple[DatasetFacts, ...]:
    """Return the datasets as they are now: judgments may have been added since a run was started."""
    return tuple(map(_dataset_facts, eval_sets))


def _dataset_facts(eval_set: EvalSet) -> DatasetFacts:
    with_candidates = set(eval_set.candidates.query_ids)
    lengths = [len(docs) for _, docs, _ in eval_set.candidates]
    return DatasetFacts(
        name=eval_set.dataset.name,
        origin=eval_set.dataset.origin,
        empty_queries=tuple(
            query.query_id for query in eval_set.dataset.queries if query.query_id not in with_candidates
        ),
        candidates=CandidateLists.of_lengths(lengths),
        passages=eval_set.passages.facts if eval_set.passages else None,
        judgments=eval_set.judgments,
        correction=_correction_facts(eval_set),
    )


def _correction_facts(eval_set: EvalSet) -> CorrectionFacts | None:
    if not eval_set.correction:
        return None
    (tag,) = eval_set.correction[1].aliases
    return CorrectionFacts(tag, correction_sha256(eval_set.correction))


def _rerankers(
    config: Config, sessions: Sequence[RerankerSession], eval_sets: Sequence[EvalSet]
) -> dict[str, RerankerFacts]:
    """Return the facts of every reranker in the order of the configuration."""
    by_tag = {session.tag: session for session in sessions}
    instructed = any(query.instruction for eval_set in eval_sets for query in eval_set.dataset.queries)
    return {
        tag: _cascade_facts(settings)
        if isinstance(settings, CascadeSettings)
        else _reranker_facts(config, by_tag[tag], instructed=instructed)
        for tag, settings in config.rerankers.items()
    }


def _cascade_facts(settings: CascadeSettings) -> RerankerFacts:
    return RerankerFacts(
        backend=settings.backend,
        pointwise=False,
        score_kind="rank",
        timed=False,
        runs_on=None,
        remote=False,
        moving_name=None,
        price=None,
        cascade=CascadeFacts(
            tuple(CascadeStage(stage.reranker, stage.keep) for stage in settings.stages),
            settings.below,
            settings.skip.margin if settings.skip else None,
        ),
    )


def _reranker_facts(config: Config, session: RerankerSession, *, instructed: bool) -> RerankerFacts:
    settings = config.rerankers[session.tag]
    price = session.traffic.price
    return RerankerFacts(
        backend=settings.backend,
        pointwise=session.reranker.pointwise,
        score_kind=session.reranker.score_kind,
        timed=session.timed,
        runs_on=session.reranker.facts() if isinstance(session.reranker, Described) else None,
        remote=session.traffic.billed,
        moving_name=settings.moving_name(),
        proven_by=settings.proven_by(),
        price=price.model_dump(mode="json", exclude_none=True) if price else None,
        usd_per_hour=settings.usd_per_hour,
        scores_stated=session.states_scores,
        query_template=session.traffic.templates.query,
        document_template=session.traffic.templates.document,
        instruction_place=instruction_place(session.reranker) if instructed and session.timed else None,
        models=names_of_models(settings) or None,
        prompt_sha256=settings.prompt_sha256,
    )


def _run_facts(eval_sets: Sequence[EvalSet]) -> tuple[RunFacts, ...]:
    return tuple(compared.facts for eval_set in eval_sets for compared in eval_set.runs)


def _tokenizer(eval_sets: Sequence[EvalSet]) -> TokenizerFacts | None:
    """Return the tokenizer that counted the tokens of all datasets; None where none was needed."""
    tokens = next(iter(document_tokens(eval_sets).values()), None)
    return None if tokens is None else TokenizerFacts(tokens.tokenizer, tokens.sha256)


def _pair_counts(run: StartedExperiment, dataset: str, tag: str) -> PairCounts:
    passes = [one for one in run.recorder.quality_passes if (one.dataset, one.reranker) == (dataset, tag)]
    asked = sum(one.pairs for one in passes)
    scored, reused = run.recorder.pairs_scored(dataset, tag), run.store.reused[dataset, tag]
    return PairCounts(
        dataset=dataset,
        reranker=tag,
        asked=asked,
        scored=scored,
        resumed=reused.resumed,
        reused=reused.pairs,
        undated=reused.undated,
        failed=asked - scored - reused.pairs - (reused.repeated - reused.ahead),
        oldest_s=reused.oldest_s,
        models=reused.models,
    )


def _endpoint_facts(session: RerankerSession, recorder: Recorder) -> EndpointFacts:
    models = {call.model for call in recorder.calls if call.reranker == session.tag and call.model}
    return EndpointFacts(
        models=tuple(sorted(models)),
        lowest_concurrency=recorder.lowest_concurrency.get(session.tag),
        learned_max_documents=session.learned_documents,
        given_up=session.closed.message if session.closed else None,
    )


def _spent_usd(sessions: Sequence[RerankerSession]) -> float | None:
    """Return the cost of the calls at the configured prices; None where nothing has a price."""
    priced = any(session.traffic.price is not None for session in sessions)
    return sessions[0].budget.spent_usd if priced else None
