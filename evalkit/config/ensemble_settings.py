"""Settings of `ensemble`: a judge whose grades are combined from those of other judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from evalkit.config.judge_settings import JudgeSettings
from evalkit.config.settings import PositiveInt, Settings, Slug
from evalkit.config.source import Problem
from evalkit.errors import nearest_name_hint
from evalkit.records import Rater

GradeRule = Literal["mean", "median", "vote"]


class EnsembleSettings(JudgeSettings):
    """Settings of `ensemble`.

    Attributes
    ----------
    judges
        Tags of the judges whose grades are combined.
    combine
        ``mean``, ``median`` or ``vote``. Grades may be fractional. A vote rounds them to levels, a half up, and gives
        the most frequent level; of several that are equally frequent, their median.
    at_least
        Judges that must have graded a document (default: all of them). A document with fewer grades stays unjudged.
    """

    backend: Literal["ensemble"] = "ensemble"
    judges: Annotated[tuple[Slug, ...], Field(min_length=2)]
    combine: GradeRule = "mean"
    at_least: PositiveInt | None = None

    derived: ClassVar[bool] = True

    @model_validator(mode="after")
    def _has_enough_judges(self) -> EnsembleSettings:
        twice = [tag for place, tag in enumerate(self.judges) if tag in self.judges[:place]]
        if twice:
            raise ValueError(f"{twice[0]!r} is in 'judges' twice")
        if self.at_least is not None and self.at_least > len(self.judges):
            raise ValueError(f"'at_least' is {self.at_least}, but there are {len(self.judges)} judges")
        return self

    @property
    def known_rater(self) -> Rater:
        """The rater without its members; its judgments also name the raters that they combine."""
        name = f"{self.combine} of {', '.join(self.judges)}"
        return Rater("model", name, settings={"combine": self.combine, "at_least": self.needed})

    @property
    def needed(self) -> int:
        """Number of grades that a document needs."""
        return self.at_least or len(self.judges)


def ensemble_problems(judges: Mapping[str, Settings | None]) -> Iterator[Problem]:
    """Yield the problems between ensembles and their judges; a block that is invalid by itself is None."""
    for tag, settings in judges.items():
        if not isinstance(settings, EnsembleSettings):
            continue
        for place, name in enumerate(settings.judges):
            path = ("judges", tag, "judges", place)
            if name not in judges:
                yield Problem(path, f"unknown judge {name!r}", nearest_name_hint(name, judges))
            elif isinstance(judges[name], EnsembleSettings):
                yield Problem(path, f"{name!r} is an ensemble itself", "name the judges that it combines")
