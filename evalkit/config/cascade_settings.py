"""The settings of a cascade of rerankers, and the rules between a cascade and its stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr

from evalkit.config.blocks import RerankerSettings
from evalkit.config.settings import PositiveInt, Settings, Slug
from evalkit.config.source import Path, Problem
from evalkit.errors import InputError, nearest_name_hint


class StageSettings(Settings):
    """One stage of a cascade.

    Attributes
    ----------
    reranker
        Tag of another reranker of this configuration.
    keep
        Documents that the next stage scores. Every stage has it except the last; it decreases from stage to stage.
    """

    reranker: Slug
    keep: PositiveInt | None = None


class SkipSettings(Settings):
    """Queries for which the later stages are skipped.

    Attributes
    ----------
    margin
        The first stage's score at rank 1 minus its score at rank 2. The later stages are skipped if it is at least
        this value, or if there is only one document.
    """

    margin: Annotated[float, Field(gt=0, le=1e9)]


class CascadeSettings(RerankerSettings):
    """Settings of `cascade`.

    Attributes
    ----------
    stages
        The stages, e.g. ``[{reranker: small, keep: 20}, {reranker: large}]``. The first one scores all candidates.
    below
        Documents that a later stage did not score. ``kept``: they follow, in the order of the stage before.
        ``dropped``: they are not returned.
    skip
        Skip the later stages for queries that the first one is sure of (default: never).
    """

    backend: Literal["cascade"] = "cascade"
    stages: Annotated[tuple[StageSettings, ...], Field(min_length=2)]
    below: Literal["kept", "dropped"] = "kept"
    skip: SkipSettings | None = None

    timed: ClassVar[bool] = False
    derived: ClassVar[bool] = True
    repeats_exactly: ClassVar[bool] = True

    _stage_settings: tuple[RerankerSettings, ...] = PrivateAttr(default=())

    @property
    def is_pointwise(self) -> bool:
        """Always false: which documents a later stage scores depends on the list."""
        return False

    @property
    def keeps(self) -> tuple[int, ...]:
        """``keep`` of every stage but the last."""
        return tuple(stage.keep for stage in self.stages if stage.keep is not None)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the stages, in order."""
        return tuple(stage.reranker for stage in self.stages)

    def with_stages(self, rerankers: Mapping[str, RerankerSettings]) -> CascadeSettings:
        """Return these settings with those of their stages, which `stage_settings` then returns."""
        bound = self.model_copy()
        bound._stage_settings = tuple(  # noqa: SLF001 - a copy of this object
            _bound(rerankers[tag], rerankers) for tag in self.tags
        )
        return bound

    def stage_settings(self) -> tuple[RerankerSettings, ...]:
        """Return the settings of the stages.

        Raises
        ------
        InputError
            If the settings do not come from a configuration that has the stages.
        """
        if not self._stage_settings:
            raise InputError(
                f"the stages {', '.join(self.tags)} of the cascade are unknown without a configuration",
                "write the cascade and its stages in a configuration, and load that",
            )
        return self._stage_settings


def bind_stages(rerankers: Mapping[str, RerankerSettings]) -> dict[str, RerankerSettings]:
    """Return rerankers of which every cascade knows the settings of its stages."""
    return {tag: _bound(settings, rerankers) for tag, settings in rerankers.items()}


def _bound(settings: RerankerSettings, rerankers: Mapping[str, RerankerSettings]) -> RerankerSettings:
    return settings.with_stages(rerankers) if isinstance(settings, CascadeSettings) else settings


def cascade_problems(rerankers: Mapping[str, Settings | None], depth: int) -> Iterator[Problem]:
    """Yield the problems between cascades and their stages.

    Parameters
    ----------
    rerankers
        Tag -> settings; None for a block that is invalid by itself.
    depth
        The deepest depth.
    """
    for tag, settings in rerankers.items():
        if isinstance(settings, CascadeSettings):
            path: Path = ("rerankers", tag)
            yield from _names(tag, settings, path, rerankers)
            yield from _keeps(settings, path, depth)
            yield from _later_stages(settings, path, rerankers)
            yield from _skip(settings, path, rerankers)
            yield from _without_effect(settings, path)


def _names(
    tag: str, settings: CascadeSettings, path: Path, rerankers: Mapping[str, Settings | None]
) -> Iterator[Problem]:
    for index, stage in enumerate(settings.stages):
        where = (*path, "stages", index, "reranker")
        name = stage.reranker
        if name == tag:
            yield Problem(where, f"{tag!r} is a stage of itself", "name another reranker")
        elif name not in rerankers:
            yield Problem(where, f"unknown reranker {name!r}", nearest_name_hint(name, rerankers))
        elif (cycle := _path_to(tag, name, rerankers, (tag,))) is not None:
            yield Problem(
                where, f"the stages form a cycle: {' -> '.join(cycle)}", "remove one of these stages"
            )


def _path_to(
    goal: str, start: str, rerankers: Mapping[str, Settings | None], seen: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return the tags from `goal` over `start` back to `goal`; None if no stage leads there."""
    if start == goal:
        return (*seen, goal)
    settings = rerankers.get(start)
    if start in seen or not isinstance(settings, CascadeSettings):
        return None
    found = (_path_to(goal, name, rerankers, (*seen, start)) for name in settings.tags)
    return next((path for path in found if path is not None), None)


def _keeps(settings: CascadeSettings, path: Path, depth: int) -> Iterator[Problem]:
    most, last = depth, len(settings.stages) - 1
    for index, stage in enumerate(settings.stages):
        where = (*path, "stages", index)
        if index == last:
            if stage.keep is not None:
                yield Problem((*where, "keep"), "the last stage has a 'keep'", "remove it")
        elif stage.keep is None:
            yield Problem(
                where, "key 'keep' is missing", "add 'keep:', the documents that the next stage scores"
            )
        elif stage.keep > most:
            yield Problem(
                (*where, "keep"),
                f"keep {stage.keep} is larger than the deepest depth ({depth})",
                f"set it to at most {depth}",
            )
        elif index and stage.keep >= most:
            yield Problem(
                (*where, "keep"),
                f"keep {stage.keep} is not less than that of the stage before ({most})",
                f"set it to less than {most}",
            )
        else:
            most = stage.keep


def _later_stages(
    settings: CascadeSettings, path: Path, rerankers: Mapping[str, Settings | None]
) -> Iterator[Problem]:
    for index, stage in enumerate(settings.stages):
        later = rerankers.get(stage.reranker)
        if index and isinstance(later, RerankerSettings) and not later.is_pointwise:
            yield Problem(
                (*path, "stages", index, "reranker"),
                f"{stage.reranker!r} is not pointwise: its scores of the kept documents alone are not the stored"
                " ones, which depend on the whole list",
                "use a pointwise reranker, or make this the first stage",
            )


def _skip(
    settings: CascadeSettings, path: Path, rerankers: Mapping[str, Settings | None]
) -> Iterator[Problem]:
    first = rerankers.get(settings.tags[0])
    if settings.skip is not None and isinstance(first, RerankerSettings) and not first.is_pointwise:
        yield Problem(
            (*path, "skip"),
            f"the first stage {settings.tags[0]!r} is not pointwise: its scores may be ranks, which have no margin",
            "remove 'skip:', or use a pointwise first stage",
        )


def _without_effect(settings: CascadeSettings, path: Path) -> Iterator[Problem]:
    fields = CascadeSettings.model_fields
    for key in sorted(settings.immaterial):
        if getattr(settings, key) == fields[key].get_default(call_default_factory=True):
            continue
        yield Problem(
            (*path, key), f"{key!r} has no effect on a cascade", "set it for the stages of the cascade"
        )
