"""The judge whose grades people's correct: named, with what identifies it, before people's grades are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import ConfigDict

from evalkit.cache import content_hash
from evalkit.config import DatasetSettings, EnsembleSettings
from evalkit.config.judge_settings import JudgeSettings
from evalkit.errors import InputError
from evalkit.records import Rater, current_rater


@dataclass(frozen=True, slots=True)
class NamedJudge:
    """A judge as the file of a draw names it.

    Attributes
    ----------
    tag
        Its tag in the configuration.
    configured
        Its settings that can change a grade, with the hashes of files that they name, and those of its members.
    rater
        The rater of its grades, as in its file; None as long as it has given none.
    """

    tag: str
    configured: Mapping[str, Any]
    rater: Rater | None = None
    __pydantic_config__ = ConfigDict(extra="forbid")


def judge_tag(settings: DatasetSettings) -> str | None:
    """Return the tag of the judge that people's grades correct: the named or the only one; None where it is open."""
    sample = settings.human_sample
    tags = _tags(settings)
    if sample is None or not tags:
        return None
    if sample.judge is not None:
        return sample.judge if sample.judge in tags else None
    return tags[0] if len(tags) == 1 else None


def correcting_judge(settings: DatasetSettings) -> str | None:
    """Return the tag of the judge whose grades people's correct: the one that is named, or the only one.

    Raises
    ------
    InputError
        If there are several and none is named, or the one that is named is not listed.
    """
    sample, tags = settings.human_sample, _tags(settings)
    if sample is None or not tags:
        return None
    if sample.judge is None and len(tags) > 1:
        raise InputError(
            f"{settings.label}: several judges: {', '.join(tags)}: which one do people's grades correct?",
            f"name it before people's grades are read: human_sample: {{queries: ..., judge: {tags[0]}}}",
        )
    if sample.judge is not None and sample.judge not in tags:
        raise InputError(
            f"{settings.label}: human_sample names the judge {sample.judge!r}, which judgments: does not list",
            f"use one of: {', '.join(tags)}",
        )
    return judge_tag(settings)


def named_judge(
    tag: str | None, judges: Mapping[str, JudgeSettings], raters: Sequence[Rater]
) -> NamedJudge | None:
    """Return a judge with its settings, and the rater of its lines; None without a tag."""
    if tag is None:
        return None
    return NamedJudge(tag, _configured(tag, judges), current_rater(raters))


def _configured(tag: str, judges: Mapping[str, JudgeSettings]) -> dict[str, Any]:
    """Return the settings of a judge that can change a grade, as JSON values; empty where there are none."""
    settings = judges.get(tag)
    if settings is None:
        return {}
    found = settings.model_dump(mode="json", exclude=set(settings.immaterial))
    files = {name: value for name, value in settings if isinstance(value, Path) and value.is_file()}
    if files:
        found[_FILES] = {name: content_hash(file) for name, file in files.items()}
    if isinstance(settings, EnsembleSettings):
        found[_MEMBERS] = {one: _configured(one, judges) for one in settings.judges}
    return found


def is_as_settings_name(rater: Rater, tag: str, judges: Mapping[str, JudgeSettings]) -> bool:
    """Return whether a rater is what the settings of a judge name before any answer; of an ensemble, each member."""
    settings = judges.get(tag)
    known = None if settings is None else settings.known_rater
    if known is None or not isinstance(settings, EnsembleSettings):
        return known is not None and rater.is_as_configured(known)
    plain = {key: value for key, value in rater.settings.items() if key != _MEMBERS}
    members = rater.settings.get(_MEMBERS)
    if not isinstance(members, Mapping) or not replace(rater, settings=plain).is_as_configured(known):
        return False
    return all(
        form is None or is_as_settings_name(_member(form, one, judges), one, judges)
        for one, form in members.items()
    )


def _member(form: str, tag: str, judges: Mapping[str, JudgeSettings]) -> Rater:
    """Return the rater of a member from its `Rater.form`, which has no name: that of its settings is taken."""
    kind, prompt_sha256, scale, settings = orjson.loads(form)
    known = judges[tag].known_rater if tag in judges else None
    return Rater(kind, "" if known is None else known.name, prompt_sha256, scale, settings)


def change_of(earlier: NamedJudge, now: NamedJudge) -> str | None:
    """Return how a judge differs from the one that was named, in words; None where it does not.

    Before its first grade it is known by its settings, then by the rater of its grades. The name that replies give a
    model is free where the settings of the rater have one. A file that its settings name must stay as it is.
    """
    if earlier.tag != now.tag:
        return f"The judge was {earlier.tag!r} and is {now.tag!r}"
    if earlier.rater is None:
        if earlier.configured == now.configured:
            return None
        return f"The settings of judge {now.tag!r}, or a file that they name, were changed"
    files = earlier.configured.get(_FILES, {})
    changed = [name for name, sha in now.configured.get(_FILES, {}).items() if files.get(name, sha) != sha]
    if changed:
        return f"The file that {changed[0]!r} of judge {now.tag!r} names was changed"
    return None if now.rater is None else _change_of_rater(now.tag, earlier.rater, now.rater)


def change_ahead(
    named: NamedJudge | None, now: NamedJudge | None, judges: Mapping[str, JudgeSettings]
) -> str | None:
    """Return that a judge is configured otherwise than the one whose grades a draw records; None where it is not.

    Its next grades would be of another rater. Before its first grade, `change_of` compares the settings.
    """
    if named is None or now is None or named.tag != now.tag or named.rater is None:
        return None
    settings = judges.get(now.tag)
    if settings is None or settings.known_rater is None or is_as_settings_name(named.rater, now.tag, judges):
        return None
    return (
        f"judge {now.tag!r} is configured with another model, prompt, scale or settings than those that the draw"
        f" records ({named.rater.label})"
    )


def _change_of_rater(tag: str, earlier: Rater, now: Rater) -> str | None:
    """Return how the rater of a judge's grades changed, in words; None where it did not."""
    is_named = "model" in earlier.settings or earlier.name == now.name
    if now.is_as_configured(earlier) and is_named:
        return None
    return f"The grades of judge {tag!r} are of another model, prompt, scale or settings ({now.label})"


_FILES, _MEMBERS = "files", "members"


def _tags(settings: DatasetSettings) -> list[str]:
    return list(dict.fromkeys(one.judge for one in settings.judgments if one.judge is not None))
