"""One judgment of one query-document pair, and the rater who made it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

import orjson

RaterKind = Literal["human", "model"]
AUTO = "auto"
"""A setting of a judge whose value is decided when it is called; its rater has the value that was used."""
REFUSED = "refused"
"""A setting of a rater that the server refused, so that it had no effect, whatever is configured."""
JudgedBy = Literal["human", "corrected", "mixed", "judge only"]
"""Whose grades count: of people, of a judge as people's grades of a random draw correct them, of people and models, or
of models only. Only those of people and corrected ones carry a verdict."""
_PEOPLE_FIRST: tuple[JudgedBy, ...] = ("human", "corrected", "mixed", "judge only")


def fewest_people(*judged_by: JudgedBy) -> JudgedBy:
    """Return whose grades count in the worst of several sets of judgments."""
    return max(judged_by, key=_PEOPLE_FIRST.index)


def known_judged_by(recorded: object) -> JudgedBy:
    """Return what a file says of whose grades count; people's where it says nothing, as files of earlier versions."""
    return next((one for one in _PEOPLE_FIRST if one == recorded), "human")


def judged_by(raters: Iterable[Rater]) -> JudgedBy:
    """Return whose grades count, where these raters gave them."""
    kinds = {rater.kind for rater in raters}
    if "model" not in kinds:
        return "human"
    return "mixed" if "human" in kinds else "judge only"


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text as it was judged: of a query with its instruction, or of a document."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def texts_digest(texts: Sequence[str]) -> bytes:
    """Return the SHA-256 of texts, each with its length: a random order that is the same on every machine.

    The first text is the seed; no two lists of texts are hashed alike.
    """
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def utc_text(moment: datetime | None = None, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """Return a moment (default: now) in UTC, in the one form of judgments and draws: ``2026-11-30T12:00:00+00:00``."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec=timespec)


def seconds_of(at: str) -> float | None:
    """Return an ISO 8601 time of any form as seconds since 1970, without an offset in UTC; None for another text."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def time_order(at: str) -> tuple[float, str]:
    """Return what sorts times of any form by their moments; texts that are no times come first."""
    seconds = seconds_of(at)
    return (-math.inf if seconds is None else seconds), at


@dataclass(frozen=True)
class Rater:
    """Who graded: a person, or a model with its prompt, scale and settings. Another prompt is another rater.

    Attributes
    ----------
    kind
        ``human`` or ``model``.
    name
        Name of the person, or of the model as its replies name it.
    prompt_sha256
        Hash of the prompt's template with its scale and instruction; None for a person.
    scale
        The grades with their words, as text; None if unknown.
    settings
        What else decides on the grades, such as the temperature; JSON values.
    """

    kind: RaterKind
    name: str
    prompt_sha256: str | None = None
    scale: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """What identifies the rater: equal for equal raters only."""
        parts = [self.kind, self.name, self.prompt_sha256, self.scale, dict(self.settings)]
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()

    @cached_property
    def form(self) -> str:
        """What else than its name identifies a rater: raters of one form differ in the name that replies give only."""
        parts = [self.kind, self.prompt_sha256, self.scale, dict(self.settings)]
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()

    def __hash__(self) -> int:
        return hash(self.key)

    def is_as_configured(self, known: Rater) -> bool:
        """Return whether this rater is what a configuration describes: the name may be that of the replies.

        Without prompt and settings nothing but the name identifies a rater. A setting that is configured as ``auto``
        may have any value, and one that the server refused matches any.
        """
        named = known.prompt_sha256 is None and not known.settings
        free = {key for key, value in known.settings.items() if value in (AUTO, REFUSED)}
        free |= {key for key, value in self.settings.items() if value == REFUSED}
        mine, wanted = (
            (
                one.kind,
                one.prompt_sha256,
                one.scale,
                {key: AUTO if key in free else value for key, value in one.settings.items()},
                one.name if named else None,
            )
            for one in (self, known)
        )
        return mine == wanted

    @property
    def label(self) -> str:
        """The name for tables; two raters with one name differ in the beginning of their prompt's hash."""
        return f"{self.name} ({self.prompt_sha256[:8]})" if self.prompt_sha256 else self.name


@dataclass(frozen=True, slots=True)
class Judgment:
    """One grade of one pair by one rater, or the failure to get one.

    Of several judgments of a pair by one rater the last one counts.

    Attributes
    ----------
    query_id, doc_id
        The pair.
    grade
        The grade, which may be fractional; None after a failure, which leaves the pair unjudged.
    rater
        Who judged.
    at
        When, in UTC, as ISO 8601.
    query_sha256, doc_sha256
        Hashes of the texts that were judged (`text_sha256`); None if unknown. A judgment of another text is stale.
    raw
        What the rater answered, as text; None for a person's click.
    tokens, cost_usd
        What the answer cost; None if unknown.
    failure
        Why there is no grade, as ``kind: message``; None with a grade.
    note
        The rater's explanation; None without one.
    """

    query_id: str
    doc_id: str
    grade: float | None
    rater: Rater
    at: str
    query_sha256: str | None = None
    doc_sha256: str | None = None
    raw: str | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    failure: str | None = None
    note: str | None = None

    @property
    def pair(self) -> tuple[str, str]:
        """The query and the document."""
        return self.query_id, self.doc_id


def current_rater(raters: Sequence[Rater]) -> Rater | None:
    """Return the rater of a judge's last line; None without lines.

    The line of a call without an answer does not say what settings were used: then it is the last rater before that was
    configured alike.

    Parameters
    ----------
    raters
        In the order of their lines; each at least once, at its last line.
    """
    if not raters or AUTO not in raters[-1].settings.values():
        return raters[-1] if raters else None
    alike = (one for one in reversed(raters) if AUTO not in one.settings.values())
    return next((one for one in alike if one.is_as_configured(raters[-1])), raters[-1])


def is_current(rater: Rater, current: Rater | None) -> bool:
    """Return whether a rater of a judge's file has the prompt, the scale and the settings of the current one.

    Others are of the time before the judge was changed. The name of the model may be another one, as replies name it.
    """
    if current is None or rater.form == current.form:
        return True
    return AUTO in rater.settings.values() and current.is_as_configured(rater)


def current_judgments(judgments: Sequence[Judgment]) -> list[Judgment]:
    """Return the judgments of a judge's file by its current raters; see `is_current`."""
    current = current_rater([one.rater for one in judgments])
    known: dict[Rater, bool] = {}
    for one in judgments:
        if one.rater not in known:
            known[one.rater] = is_current(one.rater, current)
    return [one for one in judgments if known[one.rater]]
