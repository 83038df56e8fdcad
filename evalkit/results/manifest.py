"""``manifest.json``: the request, data, software and machine of a run, and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from evalkit.backend_checks import DependenceCheck, DriftCheck, PointwiseCheck, PrecisionCheck
from evalkit.dataset_checks import DataFinding
from evalkit.distributed import ClusterFacts
from evalkit.latency import RoundState
from evalkit.records import DatasetOrigin
from evalkit.results.bounds import Amount, AtLeastOne, Count, Date, Moment
from evalkit.results.json_shapes import Document, Inline, JsonObject, Key
from evalkit.results.judgment_facts import JudgmentFacts
from evalkit.results.passage_rows import PassageFacts
from evalkit.results.reranker_facts import RerankerFacts
from evalkit.results.run_facts import RunFacts

Status = Literal["running", "complete", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class GitState:
    """The commit of the working directory, and whether files differ from it."""

    commit: str
    dirty: bool


@dataclass(frozen=True, slots=True)
class PluginVersion:
    """A plugin that the configuration uses: its kind, name, owning package and that package's version."""

    kind: str
    name: str
    owner: str
    version: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, as far as it can be determined; unknown is None.

    Attributes
    ----------
    cores
        CPU cores that this process may use.
    memory_bytes
        Physical memory.
    threads
        Environment variable -> value, of those that set the number of threads of libraries.
    load_average
        Load average over 1, 5 and 15 minutes before the start.
    """

    platform: str
    cpu: str | None
    cores: int | None
    memory_bytes: int | None
    threads: Mapping[str, str]
    load_average: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class CandidateLists:
    """The number of candidate pairs, and the lengths of the shortest and the longest candidate list.

    Queries without candidates have no list.
    """

    pairs: Count
    shortest_list: Count
    longest_list: Count

    @classmethod
    def of_lengths(cls, lengths: Iterable[int]) -> CandidateLists:
        """Return the counts of lists with these lengths, 0 without lists."""
        found = list(lengths)
        return cls(sum(found), min(found, default=0), max(found, default=0))


@dataclass(frozen=True, slots=True)
class CorrectionFacts:
    """The grades in ``qrels/<dataset>.correction.jsonl.gz``.

    Attributes
    ----------
    judge
        Tag of the judge that people's grades correct.
    sha256
        Of the rows of the file, before they are compressed.
    """

    judge: str
    sha256: str


@dataclass(frozen=True, slots=True)
class DatasetFacts(JsonObject):
    """A dataset as it was loaded.

    Attributes
    ----------
    empty_queries
        Queries for which the first stage found no candidate.
    passages
        How passages were made of the candidates; None where rerankers scored documents.
    judgments
        Who gave the judgments; None where the configuration names none, so that all are those of the source.
    correction
        The grades that correct differences; None without a draw for people, or without grades of people or of a judge.
    """

    name: str
    origin: Annotated[DatasetOrigin, Inline.all_of(DatasetOrigin)]
    empty_queries: tuple[str, ...]
    candidates: CandidateLists
    passages: Annotated[PassageFacts | None, Key(omit_none=True)] = None
    judgments: Annotated[JudgmentFacts | None, Key(omit_none=True)] = None
    correction: Annotated[CorrectionFacts | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class Preflight:
    """Findings of the quick checks on a dataset before the run, and names of the checks that only run on demand."""

    dataset: str
    findings: tuple[DataFinding, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Where the scores of one dataset and reranker came from.

    Attributes
    ----------
    asked
        Pairs that were needed.
    scored, resumed
        Pairs scored in this run, and those among them that were scored before it was interrupted.
    reused
        Pairs whose score came from the store and from outside of this run.
    undated
        Pairs among these whose time is not proven, as that of imported scores. None in older results: unknown.
    failed
        Pairs without a score. Older results of runs that were resumed may hold a negative number.
    oldest_s
        When the oldest of the reused and resumed scores was stored, in seconds since 1970; None where there is none.
    models
        Names of the model in the responses with the reused scores.
    """

    dataset: str
    reranker: str
    asked: Count
    scored: Count
    resumed: Count
    reused: Count
    failed: int
    oldest_s: Moment | None
    models: tuple[str, ...]
    undated: Count | None = None


@dataclass(frozen=True, slots=True)
class QualityPass:
    """One pass of a reranker over the candidates of a dataset.

    Attributes
    ----------
    depth
        Candidates per query; None where one pass serves every depth.
    asked, scored
        Queries.
    failed
        Queries without scores.
    pairs
        Query-document pairs that the reranker was asked to score.
    documents_placed_last
        Candidates without a score of their own, ranked after the others.
    documents_ignored
        Documents of a replayed run that are not among the candidates, counted with ``missing: last``.
    """

    dataset: str
    reranker: str
    depth: AtLeastOne | None
    asked: Count
    scored: Count
    failed: tuple[str, ...]
    pairs: Count
    documents_placed_last: Count
    documents_ignored: Count = 0


@dataclass(frozen=True, slots=True)
class PointwiseResult(JsonObject):
    """A pointwise check with its verdict, and the evidence in words."""

    check: Annotated[PointwiseCheck, Inline.all_of(PointwiseCheck)]
    verdict: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Attempts of one reranker by how they ended."""

    ok: Count
    retried: Count
    failed: Count


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """Properties of an endpoint: reported by itself, and observed in its calls.

    Attributes
    ----------
    models
        Names of the model in its responses.
    lowest_concurrency
        Fewest calls in flight after the server throttled; None where no calls were made.
    learned_max_documents
        Most documents of a call after the server refused larger calls; None where it refused none.
    given_up
        Why no more calls were sent; None where calls went on to the end.
    """

    models: tuple[str, ...]
    lowest_concurrency: Count | None
    learned_max_documents: Count | None
    given_up: str | None


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """The tokenizer that counted the tokens of documents: its name as configured, and the hash of its content."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What the raw files of a run were made from; recorded only if the same inputs make the same files.

    Attributes
    ----------
    seal
        Of the configuration, the input files, the program, the raw files and the other facts of the manifest.
    raw_files
        Path in the result folder -> SHA-256 of each raw file as the run wrote it.
    """

    seal: str
    raw_files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Document, JsonObject):
    """The content of ``manifest.json``. The fields from `pairs` on are only known at the end.

    Attributes
    ----------
    status
        ``running``, ``complete``, ``incomplete`` (calls failed, or the run was interrupted) or ``failed``.
    command
        The command line or call.
    started, finished
        Time to the second, with its time zone.
    started_s
        The start in seconds since 1970.
    resumed
        How often the run was resumed.
    sessions
        Random id of each session, the first and those that resumed the run; empty in older results.
    refresh
        Whether scores from before this run were requested again.
    store
        Path of the score store.
    versions
        Package -> version, of those that can change a number.
    git
        None outside a repository.
    first_stage
        Tag of the first stage.
    rerankers, endpoints, calls
        By tag.
    runs
        One for each compared run and dataset; none in results of earlier versions.
    pairs
        One for each dataset and reranker.
    spent_usd
        Cost of the calls at the configured prices; None where no reranker has a price.
    execution
        Size and repeated work of the cluster; None on one machine.
    tokenizer
        None where no metric has a budget of tokens.
    inputs
        None where the same configuration and files may give other scores, or calls were timed.
    copied_from
        First session of the run that measured: its raw files were copied, as nothing had changed since. None for a
        run that measured itself.
    config_file
        The configuration's file, as it was named in the working directory; None if there was no file.
    """

    VERSION: ClassVar[int] = 2

    status: Status
    name: str
    command: str
    started: Date
    started_s: Moment
    finished: Date | None
    resumed: Count
    sessions: tuple[str, ...] = ()
    refresh: bool = False
    store: str
    seed: int
    versions: Mapping[str, str]
    plugins: tuple[PluginVersion, ...] = ()
    git: GitState | None
    machine: Machine
    first_stage: str
    datasets: tuple[DatasetFacts, ...]
    preflight: tuple[Preflight, ...] = ()
    rerankers: Mapping[str, RerankerFacts]
    runs: tuple[RunFacts, ...] = ()
    pairs: tuple[PairCounts, ...] = ()
    quality_passes: tuple[QualityPass, ...] = ()
    pointwise_checks: tuple[PointwiseResult, ...] = ()
    dependence_checks: tuple[DependenceCheck, ...] = ()
    precision_checks: tuple[PrecisionCheck, ...] = ()
    drift_checks: tuple[DriftCheck, ...] = ()
    rounds: tuple[RoundState, ...] = ()
    calls: Mapping[str, CallCounts] = field(default_factory=dict)
    endpoints: Mapping[str, EndpointFacts] = field(default_factory=dict)
    spent_usd: Amount | None = None
    execution: ClusterFacts | None = None
    tokenizer: Annotated[TokenizerFacts | None, Key(omit_none=True)] = None
    inputs: Annotated[RunInputs | None, Key(omit_none=True)] = None
    copied_from: Annotated[str | None, Key(omit_none=True)] = None
    config_file: Annotated[str | None, Key(omit_none=True)] = None

    @property
    def origins(self) -> dict[str, DatasetOrigin]:
        """Dataset -> its origin."""
        return {facts.name: facts.origin for facts in self.datasets}

    @property
    def run_tags(self) -> tuple[str, ...]:
        """Tags of the compared runs."""
        return tuple(dict.fromkeys(facts.tag for facts in self.runs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(JsonObject):
    """One line of ``failures.jsonl``: an attempt that failed, or a batch that was not sent.

    Attributes
    ----------
    dataset, reranker, pass_
        None where nothing was sent, in results of earlier versions.
    attempt
        None where nothing was sent.
    batch_size
        Documents of the call.
    status
        ``failed``, ``retried`` or ``not sent``.
    kind
        As in `evalkit.errors.CallError`.
    body
        The beginning of the response; None without one.
    """

    dataset: str | None
    reranker: str | None
    query_id: str
    pass_: Annotated[str | None, Key("pass")]
    batch_size: int
    attempt: int | None
    status: str
    kind: str
    message: str
    hint: str | None = None
    http_status: int | None
    body: str | None
