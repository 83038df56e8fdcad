"""What the manifest says of the judgments of a dataset: who gave them, and which do not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evalkit.records import QRELS, ChosenJudgments, JudgedBy, RaterKind, RaterShare
from evalkit.records.named_models import model_names
from evalkit.records.withheld_correction import WhyWithheld, WithheldCorrection
from evalkit.results.bounds import Count
from evalkit.results.json_shapes import JsonObject, Key


@dataclass(frozen=True, slots=True)
class RaterFacts(JsonObject):
    """What one rater contributes. Every number counts pairs of query and document.

    Attributes
    ----------
    label
        The name for tables.
    counted
        Grades that count.
    superseded
        Grades that do not count because an earlier source has a grade of the pair.
    stale
        Pairs that were judged with another text of the query or of the document.
    failed
        Pairs without a grade: failures, skipped and withdrawn judgments.
    earlier
        Grades of a judge with an earlier prompt, scale or settings, which do not count.
    models
        Names of models in the settings of a judge, those of its members included; None without any.
    """

    kind: RaterKind
    name: str
    label: str
    counted: Count
    superseded: Count
    stale: Count
    failed: Count
    prompt_sha256: Annotated[str | None, Key(omit_none=True)] = None
    earlier: Annotated[Count | None, Key(omit_none=True)] = None
    models: Annotated[tuple[str, ...] | None, Key(omit_none=True)] = None

    @classmethod
    def of(cls, share: RaterShare) -> RaterFacts:
        """Return the facts of a share."""
        rater = share.rater
        return cls(
            rater.kind,
            rater.name,
            rater.label,
            share.counted,
            share.superseded,
            share.stale,
            share.failed,
            rater.prompt_sha256,
            share.earlier or None,
            model_names(rater.settings) or None,
        )


@dataclass(frozen=True, slots=True)
class WithheldFacts(JsonObject):
    """Why people's grades of a draw correct nothing; see `WithheldCorrection`."""

    why: WhyWithheld
    text: str

    @classmethod
    def of(cls, withheld: WithheldCorrection | None) -> WithheldFacts | None:
        """Return the facts; None where nothing is withheld."""
        return None if withheld is None else cls(withheld.why, withheld.text)


@dataclass(frozen=True, slots=True)
class DrawnQueries(JsonObject):
    """The random draw of queries for people.

    Attributes
    ----------
    queries
        Number of queries asked for.
    population
        Number of queries that were drawn from.
    query_ids
        In drawn order.
    declared
        Who says that the draw is random, where evalkit did not make it.
    sha256
        Hash of the file of ids of such a draw.
    enlarged
        How often the draw was enlarged after people had judged documents of it; None for never.
    judge
        Tag of the judge that people's grades correct, as the file of the draw names it.
    withheld
        Why people's grades correct nothing; None where nothing speaks against it.
    """

    seed: int
    queries: Count
    population: Count
    drawn_at: str
    query_ids: tuple[str, ...]
    declared: Annotated[str | None, Key(omit_none=True)] = None
    sha256: Annotated[str | None, Key(omit_none=True)] = None
    enlarged: Annotated[Count | None, Key(omit_none=True)] = None
    judge: Annotated[str | None, Key(omit_none=True)] = None
    withheld: Annotated[WithheldFacts | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class JudgmentFacts(JsonObject):
    """The judgments of a dataset whose configuration names files of judgments.

    Attributes
    ----------
    judged_by
        Whose grades count.
    raters
        In order of preference.
    other_queries
        Number of judgments of queries that the dataset does not have.
    missing_files
        Files of the configuration that do not exist yet.
    human_sample
        None if none is configured.
    by_several
        Pairs whose grade is the mean of several people's; None if there are none.
    differing
        Of these, pairs to which they gave different grades.
    """

    judged_by: JudgedBy
    raters: tuple[RaterFacts, ...]
    other_queries: Count = 0
    missing_files: tuple[str, ...] = ()
    human_sample: Annotated[DrawnQueries | None, Key(omit_none=True)] = None
    by_several: Annotated[Count | None, Key(omit_none=True)] = None
    differing: Annotated[Count | None, Key(omit_none=True)] = None

    @property
    def has_records(self) -> bool:
        """Whether any grade that counts is of a named person or model, and not of a file of qrels."""
        return any(one.counted and (one.kind, one.name) != (QRELS.kind, QRELS.name) for one in self.raters)

    @classmethod
    def of(
        cls, chosen: ChosenJudgments, missing_files: tuple[str, ...], drawn: DrawnQueries | None
    ) -> JudgmentFacts:
        """Return the facts of chosen judgments."""
        raters = tuple(map(RaterFacts.of, chosen.shares))
        several = chosen.by_several or None
        return cls(
            chosen.judged_by,
            raters,
            chosen.other_queries,
            missing_files,
            drawn,
            several,
            None if several is None else chosen.differing,
        )
