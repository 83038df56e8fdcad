"""Open what people are to rate, and serve the page on which they do."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.config import is_config_file
from evalkit.config.judge_settings import DEFAULT_SCALE
from evalkit.datasets.corpora import join_texts
from evalkit.datasets.pairs import PairColumns, read_unjudged_pairs
from evalkit.errors import InputError, tell
from evalkit.formats import read_rows
from evalkit.listening import host_in_url, listen
from evalkit.store import JudgmentFile
from evalkit.web.active_order import ActiveOrder, ComparedSystems, SettledState
from evalkit.web.page_server import BACKLOG, is_only_here, serve_page
from evalkit.web.page_settings import PageSettings
from evalkit.web.page_token import page_token
from evalkit.web.rating_log import SKIPPED, RatingLog
from evalkit.web.rating_session import RatingRules, RatingSession, check_name
from evalkit.web.rating_task import RatingTask, scale_text
from evalkit.workflows.active_rating import ActiveOrderOf, compared_systems
from evalkit.workflows.draw_text import draw_text, without_text
from evalkit.workflows.judging_input import JudgingInput, open_judging_input
from evalkit.workflows.pooled_dataset import PooledDataset, Purpose

_TEMPLATE = "{title}\n{text}"


@dataclass(frozen=True, slots=True, eq=False)
class RatingInput:
    """What people rate.

    Attributes
    ----------
    title
        Name of the whole.
    tasks
        The pairs.
    files
        Dataset -> the file of its judgments.
    rules
        How they are rated.
    has_models
        Whether the judgments of models count in a dataset, too.
    uncounted
        The datasets of a configuration that do not list their file under ``judgments:``, so that it would not count.
    counted_people
        Dataset -> names of the people whose judgments count, where ``judgments:`` lists its file for some only.
    compared
        Dataset -> the systems whose difference decides on the order; None for a random order.
    """

    title: str
    tasks: tuple[RatingTask, ...]
    files: Mapping[str, JudgmentFile]
    rules: RatingRules
    has_models: bool = False
    uncounted: tuple[str, ...] = ()
    counted_people: Mapping[str, frozenset[str]] = field(default_factory=dict)
    compared: Mapping[str, ComparedSystems] | None = None

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return rater -> numbers of graded and skipped pairs, as the files are now."""
        log = RatingLog(self.files, self.tasks, scale_text(self.rules.scale))
        return {rater: (log.count(rater), log.count(rater, SKIPPED)) for rater in log.raters}

    def settled(self) -> dict[str, SettledState]:
        """Return dataset -> how far the active order has settled it, as the files are now; empty in random order."""
        log = RatingLog(self.files, self.tasks, scale_text(self.rules.scale))
        return ActiveOrder(self.compared, self.tasks, log.grades()).states if self.compared else {}

    def ungraded(self) -> int:
        """Return the number of pairs that no person has graded, as the files are now."""
        log = RatingLog(self.files, self.tasks, scale_text(self.rules.scale))
        return sum(not log.grades().get(task.key) for task in self.tasks)


def open_rating_input(
    source: Path,
    *,
    overlap: float = 0.0,
    sample_only: bool = False,
    purpose: Purpose = "quality",
    active: ActiveOrderOf | None = None,
    overrides: Sequence[str] = (),
) -> RatingInput:
    """Open a configuration, or a table of pairs.

    Parameters
    ----------
    source
        A configuration (``.yaml``, ``.yml``): the pools of its datasets are rated, on the scale of its first judge. A
        table with a query and a document in every row: its pairs are rated on the default scale.
    overlap
        Share of the pairs that two raters are to grade, in [0, 1].
    sample_only
        Whether only the human sample is rated.
    active
        The two systems whose difference decides on the order after the human sample; None for a random order.
    purpose
        What the judgments are for; see `PooledDataset.pool_for`.
    overrides
        ``path=value`` settings that replace those of the configuration.

    Raises
    ------
    InputError
        If there is nothing to rate, no two systems decide on the order, or a table has settings.
    """
    if active is not None and sample_only:
        raise InputError(
            "the human sample is rated in random order", "use --order active without --sample-only"
        )
    if is_config_file(source):
        opened = open_judging_input([source], overrides)
        return _of_config(source, opened, overlap, purpose, active, sample_only=sample_only)
    if active is not None:
        raise InputError(f"{source} has no systems to compare", "use --order active with a configuration")
    if sample_only:
        raise InputError(f"{source} has no human sample", "use --sample-only with a configuration")
    if overrides:
        raise InputError(f"{source} has no settings", "use --set with a configuration")
    return _of_table(source, overlap)


def _of_config(
    source: Path,
    opened: JudgingInput,
    overlap: float,
    purpose: Purpose,
    active: ActiveOrderOf | None,
    *,
    sample_only: bool,
) -> RatingInput:
    tasks = tuple(
        task for one in opened.datasets for task in _tasks_of(one, purpose, sample_only=sample_only)
    )
    if sample_only and not any(one.human_sample for one in opened.datasets):
        raise InputError(f"{source} has no human sample", "add human_sample: {queries: 40} to a dataset")
    if not tasks and any(any(one.pool.values()) for one in opened.datasets):
        raise InputError(
            f"{source}: people have judged all documents, in the dataset or in earlier files of its 'judgments:'",
            "no action needed; to judge them again, list the new file first",
        )
    if not tasks:
        raise InputError(f"no system of {source} ranks a document", "check its datasets and its retriever")
    tag, judge = next(iter(opened.config.judges.items()), (None, None))
    others = [name for name, one in opened.config.judges.items() if judge and one.scale != judge.scale]
    if others:
        tell(f"people rate on the scale of judge {tag!r}; judge {others[0]!r} has another one")
    files = {one.name: JudgmentFile(one.people_file) for one in opened.datasets}
    rules = RatingRules(
        judge.scale if judge else DEFAULT_SCALE,
        judge.instruction if judge else "",
        overlap,
        opened.config.seed,
    )
    counted = {one.name: one.counted_people for one in opened.datasets}
    for one in opened.datasets:
        _tell_who_counts(one)
        if one.draw is not None and (one.draw.withheld or one.draw.sample.enlarged):
            tell(draw_text(one.name, one.draw))
        if (lacking := without_text(one.name, one.drawn_without_text)) is not None:
            tell(lacking)
    return RatingInput(
        opened.config.name,
        tasks,
        files,
        rules,
        opened.has_models,
        tuple(name for name, people in counted.items() if people == frozenset()),
        {name: people for name, people in counted.items() if people},
        compared_systems(opened, tasks, active) if active is not None else None,
    )


def _tell_who_counts(pooled: PooledDataset) -> None:
    """Note whose judgments on the page do not count."""
    people, file = pooled.counted_people, pooled.people_file
    if people:
        tell(
            f"{pooled.name}: only judgments by {', '.join(sorted(people))} count in {file}; to count those of others,"
            " leave out 'rater' there"
        )
    elif people is not None and any(source.settings.judge is None for source in pooled.sources):
        tell(
            f"{pooled.name}: its 'judgments:' have files with models only, so people's are written to {file}"
        )


def _tasks_of(pooled: PooledDataset, purpose: Purpose, *, sample_only: bool) -> Iterator[RatingTask]:
    """Yield the pairs of a dataset's pool; the queries of the human sample, or only these, in the order of their draw.

    Pairs that a person judged whose grade counts in any case are left out: another answer would not count.
    """
    dataset, sample = pooled.dataset, pooled.human_sample or ()
    queries = {query.query_id: query for query in dataset.queries}
    judged, pool = pooled.judged_by_people(), pooled.pool_for(purpose)
    pairs = [
        (query_id, doc_id)
        for query_id in (sample if sample_only else dict.fromkeys((*sample, *queries)))
        for doc_id in pool.get(query_id, ())
    ]
    if left_out := sum(pair in judged for pair in pairs):
        tell(f"{dataset.name}: {left_out} of {len(pairs)} documents are left out: people have judged them")
    for query_id, doc_id in pairs:
        if (query_id, doc_id) not in judged:
            yield RatingTask(
                dataset.name,
                query_id,
                doc_id,
                queries[query_id].text,
                dataset.corpus.text(doc_id),
                queries[query_id].instruction,
                query_id in set(sample),
                dataset.origin.language,
            )


def _of_table(source: Path, overlap: float) -> RatingInput:
    if not source.is_file():
        raise InputError(f"file not found: {source.absolute()}", "check the path")
    pairs = list(read_unjudged_pairs(read_rows(source), PairColumns()))
    if not pairs:
        raise InputError(f"{source} has no rows", "add a row for each pair of a query and a document")
    texts = join_texts(_TEMPLATE, (document for _, document in pairs))
    tasks = tuple(
        RatingTask(source.name, query.query_id, doc_id, query.text, text, query.instruction)
        for (query, _), (doc_id, text) in zip(pairs, texts, strict=True)
    )
    file = source.with_name(f"{source.name}.judgments.jsonl")
    rules = RatingRules(DEFAULT_SCALE, overlap=overlap)
    return RatingInput(source.name, tasks, {source.name: JudgmentFile(file)}, rules)


@dataclass(frozen=True, slots=True, eq=False)
class RatingPage:
    """A page that is ready to be served.

    Attributes
    ----------
    address
        Its address, with the token.
    only_here
        Whether only this machine can connect.
    """

    address: str
    only_here: bool
    _listener: socket.socket
    _rated: RatingInput
    _settings: PageSettings
    _token: str
    _host: str

    def serve(self) -> None:
        """Serve the page until SIGINT."""
        from evalkit.web.rating_app import rating_app

        rated = self._rated
        session = RatingSession(rated.tasks, rated.files, rated.rules, compared=rated.compared)
        serve_page(rating_app(session, self._settings, self._token, self._host), self._listener)


def open_rating_page(
    rated: RatingInput, host: str, port: int, rater: str | None, command: list[str]
) -> RatingPage:
    """Listen for browsers.

    Parameters
    ----------
    rated
        What is rated.
    host, port
        Where to listen.
    rater
        Name of the rater; None if the page asks for it.
    command
        The command that starts the page again.

    Raises
    ------
    InputError
        If the name is invalid, nothing can be appended to a file, or the judgments of the rater would not count.
    StorageError
        If the address cannot be used, or a file cannot be written.
    """
    name = None if rater is None else check_name(rater)
    for file in rated.files.values():
        file.check_appendable()
    for dataset, people in rated.counted_people.items():
        if name is not None and name not in people:
            path = rated.files[dataset].path
            raise InputError(
                f"{dataset}: judgments by {name!r} would not count in {path}, only those by"
                f" {', '.join(sorted(people))}",
                f"add to its judgments: {{path: {path}, rater: {name}}}",
            )
    token = page_token(file.path for file in rated.files.values())
    listener = listen(host, port, BACKLOG)
    # An open page finds the server again at the same port only.
    same_port = [] if port else ["--port", str(listener.getsockname()[1])]
    settings = PageSettings(rated.title, shlex.join([*command, *same_port]), name)
    place = f"{host_in_url(host)}:{listener.getsockname()[1]}"
    return RatingPage(
        f"http://{place}/{token}/", is_only_here(listener), listener, rated, settings, token, host
    )
