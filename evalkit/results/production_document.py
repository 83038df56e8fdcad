"""``production.json``: depth, threshold and probability function of a reranker, to be applied in production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from evalkit.comparison.gate_verdicts import Status
from evalkit.errors import InputError, StorageError
from evalkit.files import write_file
from evalkit.records import ScoreKind
from evalkit.results.bounds import AtLeastOne
from evalkit.results.json_shapes import (
    Document,
    JsonObject,
    Key,
    Mean,
    document,
    from_plain,
    read_json,
    to_json,
)
from evalkit.results.tuning_document import GoalRow, TunedDepth
from evalkit.tuning.calibration_fit import CLIP, Calibration

PRODUCTION_FILE = "production.json"
REMEDY = "write it again with: evalkit tune all RESULT"


@dataclass(frozen=True, slots=True)
class ProbabilityFunction:
    """A function from scores to probabilities.

    Attributes
    ----------
    name
        ``platt``, ``isotonic``, or ``as it is`` for scores that need no fitted function.
    kind, log_odds, parameters
        As in `evalkit.tuning.calibration_fit.Calibration`.
    clip
        With `log_odds`, scores are clipped to ``clip`` and ``1 - clip`` before: the log-odds of 0 and 1 are infinite.
    """

    name: str
    kind: Literal["platt", "isotonic"]
    log_odds: bool
    parameters: Mapping[str, Any]
    clip: float = CLIP

    @property
    def calibration(self) -> Calibration:
        """The function itself."""
        return Calibration(self.kind, self.log_odds, dict(self.parameters))


@dataclass(frozen=True, slots=True)
class TunedModel:
    """The model whose scores were tuned.

    Attributes
    ----------
    model
        Name of the model; None where the backend has none.
    dialect
        Wire format through which the scores came; None for local models.
    replied
        Names of the model in the responses.
    settings
        Every setting that can change a score, without the url; None where a plugin is not installed.
    """

    backend: str
    model: str | None
    dialect: str | None
    score_kind: ScoreKind
    replied: tuple[str, ...]
    settings: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class TunedData(JsonObject):
    """The data that the settings were tuned on.

    Attributes
    ----------
    content_hash
        SHA-256 over documents, queries and judgments.
    first_stage
        Tag of the first stage.
    seed
        Seed of the split in halves.
    tuning_queries, held_out_queries
        Judged queries of each half.
    rests_on
        Whose grades of which queries count for threshold, probabilities and check; None where all do.
    """

    content_hash: str
    split: str | None
    first_stage: str
    seed: int
    tuning_queries: int
    held_out_queries: int
    rests_on: Annotated[str | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class LatencyAtDepth:
    """The 95th percentile of a call's latency with its interval, in seconds; interpolated unless `measured`."""

    p95_s: float
    lower_s: float | None
    upper_s: float | None
    measured: bool


@dataclass(frozen=True, slots=True)
class HeldOutCheck:
    """Depth and threshold together on the held-out queries, against the full depth without threshold.

    Attributes
    ----------
    metric, margin
        The quality metric, and the largest acceptable loss.
    full_depth
        Candidates of the comparison.
    quality, full_quality, difference
        Mean with depth and threshold, mean at the full depth without threshold, and mean paired difference.
    status
        Whether a loss above the margin is ruled out (``PASS``, ``IDENTICAL``), shown (``FAIL``) or neither.
    sentence
        Reason of the status.
    recall
        Share of the relevant documents among the candidates at the depth that is kept.
    kept, kept_share
        Documents kept per query, and their share of the candidates.
    empty
        Share of the queries without results, also where the first stage finds nothing.
    """

    metric: str
    margin: float
    full_depth: int
    quality: Mean
    full_quality: Mean
    difference: Mean
    status: Status
    sentence: str
    recall: Mean
    kept: Mean
    kept_share: Mean
    empty: Mean

    @property
    def is_confirmed(self) -> bool:
        """Whether held-out queries rule out a loss above the margin."""
        return self.status in {"PASS", "IDENTICAL"}


@dataclass(frozen=True, slots=True)
class ProductionRule:
    """What to do with the candidates of a query in production.

    Attributes
    ----------
    why_not
        Why these settings must not be used; None where they may.
    depth
        Candidates to rerank; the others are dropped.
    threshold
        Documents with a lower score are dropped; None where `threshold_why_not` says why there is none.
    goal
        Goal of the threshold and its guarantee. A recall is relative to the candidates at this depth.
    probability
        None where `probability_why_not` says why there is none.
    latency, usd_per_thousand_queries
        At this depth; None where unknown.
    """

    dataset: str
    reranker: str
    why_not: str | None
    model: TunedModel
    depth: AtLeastOne
    made_at: TunedDepth
    threshold: float | None
    threshold_why_not: str | None
    goal: GoalRow
    probability: ProbabilityFunction | None
    probability_why_not: str | None
    latency: LatencyAtDepth | None
    usd_per_thousand_queries: float | None
    held_out: HeldOutCheck
    data: TunedData


@dataclass(frozen=True, slots=True)
class Production(Document):
    """The content of ``production.json``.

    Attributes
    ----------
    evalkit_version
        The version that tuned.
    result
        Name of the result folder.
    """

    VERSION: ClassVar[int] = 1

    evalkit_version: str
    result: str
    rerankers: tuple[ProductionRule, ...]

    @property
    def is_usable(self) -> bool:
        """Whether the settings of some reranker may be used."""
        return any(rule.why_not is None for rule in self.rerankers)


def read_production(file: Path) -> Production:
    """Read ``production.json``.

    Raises
    ------
    InputError
        If it is missing, damaged, or of another schema version.
    """
    data = read_json(file)
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != Production.VERSION:
        raise InputError(
            f"{file.resolve()} has schema version {version}; this evalkit reads {Production.VERSION}", REMEDY
        )
    found = from_plain(
        Production, {key: value for key, value in data.items() if key != "schema_version"}, file, REMEDY
    )
    for number, rule in enumerate(found.rerankers):
        if rule.probability is not None and not rule.probability.calibration.is_function:
            where = f"rerankers.{number}.probability.parameters"
            raise InputError(
                f"{file.resolve()} is damaged: {where}: they are no {rule.probability.kind}", REMEDY
            )
    return found


def write_production(content: Production, file: Path, *, inside: Path | None = None) -> None:
    """Write ``production.json``. See `write_file` for `inside`.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    try:
        write_file(file, to_json(document(content)), inside=inside)
    except OSError as error:
        raise StorageError(f"cannot write {file.absolute()}: {error}") from None
