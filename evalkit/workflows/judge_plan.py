"""The plan of ``evalkit judge run``: pairs, calls, tokens, time and cost, before anything is sent."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from evalkit.config import Config, JudgeSettings
from evalkit.errors import InputError, UnknownNameError
from evalkit.judges import open_judge
from evalkit.reranking.token_estimates import plan_pass
from evalkit.results.folder import results_folder
from evalkit.store import JudgmentStore, judge_identity
from evalkit.workflows.judge_ensemble import CombinedDataset, combined_datasets
from evalkit.workflows.judging_input import JudgingInput
from evalkit.workflows.judging_pass import equal_pairs, requests_of, stored_judgments
from evalkit.workflows.pairs_to_judge import JudgeOptions, PairsToJudge, pairs_to_judge

_NO_JUDGES = "the configuration has no judges"
_ADD_JUDGES = "add 'judges:' with a tag and its 'backend:', for example with: evalkit init --for judging"


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """What a run of a judge would send on one dataset.

    Attributes
    ----------
    file
        The judge's file.
    queries, pairs
        Queries with pairs to judge, and pairs that the options choose.
    counted, graded, failed, stale
        See `PairsToJudge`.
    stored
        Pairs whose judgment is in the store.
    calls, tokens, cost_usd
        What is sent, as `plan_pass` estimates it.
    least_s
        Seconds that the configured rate limits allow at the least; None without limits.
    expected_s
        Seconds at the pace of the judge's earlier answers; None if there are too few.
    whole_pool
        Whether pairs that other raters have judged are sent, too, because people's grades correct those of the judge.
    """

    dataset: str
    judge: str
    file: str
    queries: int
    pairs: int
    counted: int
    graded: int
    failed: int
    stale: int
    stored: int
    calls: int
    tokens: int
    cost_usd: float | None
    least_s: float | None
    expected_s: float | None
    whole_pool: bool = False

    @property
    def left(self) -> int:
        """Pairs that the run would grade, by calls or without."""
        return self.pairs - self.counted - self.graded - self.failed


def plan_judge(opened: JudgingInput, tag: str, options: JudgeOptions) -> list[JudgePlan]:
    """Return what `run_judge` would send on each dataset; nothing is sent or written.

    Raises
    ------
    UnknownNameError
        If the configuration has no such judge.
    InputError
        If the judge is an ensemble and there is nothing to combine, or the options choose pairs.
    """
    settings = judge_settings(opened.config, tag)
    if settings.derived:
        return [_of_combined(one, tag) for one in combined_datasets(opened, tag, options)]
    judge = open_judge(settings)
    path = store_path(opened)
    with closing(judge), ExitStack() as resources:
        store = None
        if settings.kept and path.is_file():
            store = resources.enter_context(closing(JudgmentStore(path, "read")))
        identity = judge_identity(settings, judge.known_rater)
        return [
            _plan(
                pairs_to_judge(pooled, tag, judge, options, opened.config.seed),
                tag,
                settings,
                store,
                identity,
            )
            for pooled in opened.datasets
        ]


def _plan(
    todo: PairsToJudge, tag: str, settings: JudgeSettings, store: JudgmentStore | None, identity: str
) -> JudgePlan:
    stored = {one.pair for one in stored_judgments(store, identity, todo)} if store else set()
    left = [pair for pair in todo.remaining if pair not in stored]
    sent = list(equal_pairs(todo.pooled, left)) if settings.kept else left
    traffic = settings.traffic()
    planned = plan_pass(todo.pooled.name, tag, "quality", requests_of(todo.pooled, sent), traffic)
    limits = [
        60 * amount / limit
        for amount, limit in (
            (planned.requests, traffic.requests_per_minute),
            (planned.tokens, traffic.tokens_per_minute),
        )
        if limit
    ]
    return JudgePlan(
        dataset=todo.pooled.name,
        judge=tag,
        file=str(todo.file.path),
        queries=len({query_id for query_id, _ in todo.remaining}),
        pairs=todo.chosen,
        counted=todo.counted,
        graded=todo.graded,
        failed=todo.failed,
        stale=todo.stale,
        stored=len(stored),
        calls=planned.calls,
        tokens=planned.tokens,
        cost_usd=planned.cost_usd,
        least_s=max(limits, default=None),
        expected_s=None if todo.seconds_each is None else todo.seconds_each * planned.calls,
        whole_pool=todo.pooled.is_corrected,
    )


def judge_tag(config: Config, named: str | None) -> str:
    """Return the judge that is named, else the only one of the configuration.

    Raises
    ------
    InputError
        If none is named, and the configuration has none or several.
    """
    if named is not None:
        return named
    if not config.judges:
        raise InputError(_NO_JUDGES, _ADD_JUDGES)
    if len(config.judges) > 1:
        raise InputError(
            f"the configuration has {len(config.judges)} judges: {', '.join(config.judges)}",
            "choose one with --judge TAG",
        )
    return next(iter(config.judges))


def _of_combined(combined: CombinedDataset, tag: str) -> JudgePlan:
    """Return the plan of an ensemble, which makes no calls."""
    return JudgePlan(
        dataset=combined.dataset,
        judge=tag,
        file=str(combined.file.path),
        queries=len({one.query_id for one in combined.judgments}),
        pairs=len(combined.judgments),
        counted=0,
        graded=combined.graded,
        failed=combined.failed,
        stale=0,
        stored=0,
        calls=0,
        tokens=0,
        cost_usd=None,
        least_s=None,
        expected_s=0.0,
    )


def judge_settings(config: Config, tag: str) -> JudgeSettings:
    """Return the settings of a judge.

    Raises
    ------
    UnknownNameError
        If the configuration has no such judge.
    InputError
        If its price is unknown while there is a budget.
    """
    if not config.judges:
        raise InputError(_NO_JUDGES, _ADD_JUDGES)
    if tag not in config.judges:
        raise UnknownNameError("judge", tag, config.judges)
    settings = config.judges[tag]
    traffic = settings.traffic()
    if config.budget is not None and traffic.billed and traffic.price is None:
        raise InputError(
            f"the budget cannot be kept: judges.{tag} has no price",
            f"add judges.{tag}.price, or remove budget",
        )
    return settings


def store_path(opened: JudgingInput) -> Path:
    """Return the file of the store: that of the configuration, else the one next to its results."""
    if opened.config.store is not None:
        return opened.config.store.path
    parent = opened.results[0].path.parent if opened.results else results_folder(opened.config.name, None)
    return parent / "scores.sqlite"
