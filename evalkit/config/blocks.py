"""Base classes for the settings of plugins, one for each kind of block in a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from evalkit.config.judgment_settings import HumanSampleSettings, JudgmentSource
from evalkit.config.latency import read_claim
from evalkit.config.passage_settings import PassageSettings
from evalkit.config.settings import Concurrency, Language, PositiveInt, Seed, Settings, Slug
from evalkit.config.traffic import Traffic
from evalkit.errors import EvalkitError, InputError


class SampleSettings(Settings):
    """A seeded sample of the queries, drawn without replacement.

    Attributes
    ----------
    queries
        Number of queries.
    seed
        Seed of the random generator.
    """

    queries: PositiveInt
    seed: Seed = 0


class BlockSettings(Settings):
    """Base class of the settings of plugins."""

    nested: ClassVar[dict[str, str]] = {}
    """Key -> kind of plugin, for keys whose value is the block of another plugin, or a list of such blocks."""

    repeats_exactly: ClassVar[bool] = False
    """Whether what a plugin gives depends on nothing but its settings, the files that these name, and evalkit itself.

    A second run with the same ones then copies the raw files of the first, and opens no such plugin. Those of other
    packages are always opened.
    """


class DatasetSettings(BlockSettings):
    """Settings of every dataset source.

    Attributes
    ----------
    source
        Name of the dataset source.
    name
        Name in tables and files (default: its name in the source).
    language
        Any Snowball language. ``chinese``, ``japanese``, ``korean``, ``thai``, ``lao``, ``khmer`` and ``burmese``
        are tokenised into character bigrams.
    template
        Template that joins the title and text of a document.
    sample
        Use a random sample of the queries.
    exclude_same_id
        ``true``: a document with the ID of the query is never a candidate. By default it is excluded if most such
        documents contain the text of the query, as in ArguAna and Quora.
    judged_queries_without_text
        ``refuse``: judged queries without a row among the queries are an error. ``leave_out``: they are left out of
        every mean, and counted. Judged documents that are missing from the corpus are never left out: they are
        counted, and relevant ones remain in the ideal ranking, because the collection should contain them.
    cluster_field
        Field of the queries, such as a user or an intent. Queries with the same value are not independent:
        intervals, tests and splits treat them as one cluster. By default, queries with equal texts are a cluster.
    frequency_field
        Field of the queries with their frequency in the log. The report then has the traffic mean, in which a query
        counts as often as it is searched for. ``evalkit queries sample`` writes ``frequency``.
    inclusion_field
        Field of the queries with the probability that the draw from the log took them, between 0 and 1. The report
        then has the mean over the distinct queries of the log. ``evalkit queries sample`` writes
        ``inclusion_probability``. Without it, all queries of the log count as equally likely to be drawn.
    stratum_field
        Field of the queries with the part of the log that they were drawn from, for narrower intervals of the two
        means. ``evalkit queries sample`` writes ``stratum``.
    unjudged
        ``not_relevant``: the judgments contain every relevant document. ``unknown``: a verdict that unjudged
        documents could reverse is withheld.
    passages
        Make passages of the documents for reranking. The first stage still retrieves documents, and a depth counts
        documents; calls, batch sizes, limits and costs count passages.
    judgments
        Files of judgments, in order of preference: for a pair, the first rater that judged it counts. They come after
        the judgments of the source, if it has any.
    human_sample
        Random draw of queries for people to judge; it is drawn and written down before anything is judged.
    """

    source: str
    name: Slug | None = None
    language: Language = "english"
    template: str = "{title}\n{text}"
    sample: SampleSettings | None = None
    exclude_same_id: bool | None = None
    judged_queries_without_text: Literal["refuse", "leave_out"] = "refuse"
    cluster_field: str | None = None
    frequency_field: str | None = None
    inclusion_field: str | None = None
    stratum_field: str | None = None
    unjudged: Literal["unknown", "not_relevant"] = "unknown"
    passages: PassageSettings | None = None
    judgments: tuple[JudgmentSource, ...] = ()
    human_sample: HumanSampleSettings | None = None

    def default_name(self) -> str:
        """Return the name used if the configuration has no ``name``."""
        return self.source

    def missing_files(self) -> Iterator[InputError]:
        """Yield an error for each file that is missing in a folder which exists; called before anything is read."""
        yield from ()

    @property
    def label(self) -> str:
        """The dataset's name in tables and files."""
        return self.name or self.default_name()


class RetrieverSettings(BlockSettings):
    """Settings of every retriever.

    Attributes
    ----------
    kind
        Name of the retriever kind.
    depth
        Candidates per query.
    tag
        Name in tables and files (default: its kind).
    """

    kind: str
    depth: PositiveInt = 100
    tag: Slug | None = None

    @property
    def label(self) -> str:
        """The retriever's tag: its column in every table."""
        return self.tag or self.kind


class RerankerSettings(BlockSettings):
    """Settings of every reranker backend.

    Attributes
    ----------
    backend
        Name of the backend.
    batch_size
        Documents per call in the quality pass (default: the whole list).
    concurrency
        Concurrent calls in the quality pass.
    claims
        Latency claims of the vendor, e.g. ``{10-20 documents: 100ms, 50-100 documents: 0.3 s}``. The report checks
        them.
    usd_per_hour
        Price of the machine; used to compute the cost of 1,000 queries.
    score_check
        Whether a run first checks, with at most 4 calls, that scores depend on the query and on the document, and stops
        if they do not.
    """

    backend: str
    batch_size: PositiveInt | None = None
    concurrency: Concurrency = 1
    claims: dict[str, str] = Field(default_factory=dict)
    usd_per_hour: Annotated[float, Field(ge=0, le=1e9)] | None = None
    score_check: bool = True

    immaterial: ClassVar[frozenset[str]] = frozenset(
        {"batch_size", "concurrency", "claims", "usd_per_hour", "score_check"}
    )
    """Keys that cannot change a score: stored scores stay valid when they change."""

    material_if_set: ClassVar[frozenset[str]] = frozenset()
    """Keys that can change a score and are None by default: without a value they are no part of the identity.

    A key that is added in a later version is here, so that scores that were stored before it are still found.
    """

    timed: ClassVar[bool] = True
    """Whether the latency of a call is meaningful; for a lookup of stored scores it is not."""

    derived: ClassVar[bool] = False
    """Whether scores are computed from those of other rerankers of the configuration, without a call."""

    score_advice: ClassVar[str] = "check that the backend reads the query and the text of each document"
    """What to do where scores do not depend on the query or on the document, in the imperative."""

    wording_key: ClassVar[str] = ""
    """Key of the wording of what a model is asked; empty for a backend that asks nothing in words."""

    spreads: ClassVar[bool] = False
    """Whether the replicas of an ``execution:`` block may score for this backend."""

    @field_validator("claims")
    @classmethod
    def _check_claims(cls, claims: dict[str, str]) -> dict[str, str]:
        for documents, limit in claims.items():
            read_claim(documents, limit)
        return claims

    @property
    def is_pointwise(self) -> bool:
        """Whether the score of a document is independent of the other documents in the call."""
        return True

    def most_documents(self) -> int | None:
        """Return the largest number of documents the backend accepts in one call; None if it has no limit."""
        return None

    def splits_calls(self) -> bool:
        """Return whether the backend sends a call with more than `most_documents` in several requests."""
        return False

    def traffic(self) -> Traffic:
        """Return the retries, limits and price of calls to the backend."""
        return Traffic()

    def missing_access(self) -> EvalkitError | None:
        """Return why the backend cannot be reached for lack of a cloud's credentials; None if nothing is missing."""
        return None

    @property
    def prompt_sha256(self) -> str | None:
        """Hash of the prompts for fixed texts, which are part of the identity; None if the backend has none of ours."""
        return None

    def equivalent_wording(self) -> str | None:
        """Return another wording that means the same as the default; None if there is none, or another one is set."""
        return None

    def moving_name(self) -> str | None:
        """Return why the model name may refer to another model later; None if the name is permanent."""
        return None

    def proven_by(self) -> str | None:
        """Return what proves that the same settings mean the same scores, such as the hash of a file.

        None if nothing does, as for a server behind a url: a gate then refuses cached scores.
        """
        return None

    def served_settings(self) -> RerankerSettings | None:
        """Return the settings of the backend that evalkit itself serves for this reranker; None if it serves none."""
        return None

    @property
    def is_guarded(self) -> bool:
        """Whether a run checks that scores depend on the query and the document; not those of a lookup."""
        return self.score_check and self.timed

    def fewer_bits(self) -> tuple[str, RerankerSettings] | None:
        """Return the precision and the same settings in fp32; None if the precision is fp32 or unknown."""
        return None

    def on_replica(self, cpus: int) -> RerankerSettings:
        """Return these settings adapted to a replica with `cpus` processors."""
        del cpus
        return self

    def largest_batch(self) -> int | None:
        """Return the largest number of documents per call in the quality pass; None for the whole list."""
        limits = [limit for limit in (self.batch_size, self.most_documents()) if limit is not None]
        return min(limits, default=None)
