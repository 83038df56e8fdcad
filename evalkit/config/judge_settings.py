"""Settings of judges."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from evalkit.config.blocks import BlockSettings
from evalkit.config.settings import Concurrency
from evalkit.config.traffic import Traffic
from evalkit.records import Rater

DEFAULT_SCALE = (
    "The document has nothing to do with the query.",
    "The document is about the subject of the query, but does not answer it.",
    "The document answers the query in part, or answers it among other things.",
    "The document is dedicated to the query and answers it exactly.",
)
"""What the grades 0 to 3 mean, after the four grades of the TREC Deep Learning tracks."""


class JudgeSettings(BlockSettings):
    """Settings of every judge.

    Attributes
    ----------
    backend
        Name of the judge backend.
    scale
        What each grade means, in one line: the first line is grade 0. The default has the four grades of TREC's Deep
        Learning tracks.
    instruction
        What matters in this domain, in words, e.g. ``A good answer names the version of the product.`` A query with an
        instruction of its own is judged with both.
    concurrency
        Concurrent calls.
    """

    backend: str
    scale: Annotated[tuple[str, ...], Field(min_length=2, max_length=11)] = DEFAULT_SCALE
    instruction: str = ""
    concurrency: Concurrency = 1

    immaterial: ClassVar[frozenset[str]] = frozenset({"concurrency"})
    """Keys that cannot change a grade: a rater stays the same when they change."""

    derived: ClassVar[bool] = False
    """Whether grades are computed from those of other raters, without a call."""

    kept: ClassVar[bool] = True
    """Whether grades are kept in the store, so that no pair is paid for twice; not if they are only looked up."""

    def traffic(self) -> Traffic:
        """Return the retries, limits and price of calls to the backend."""
        return Traffic()

    @property
    def known_rater(self) -> Rater | None:
        """The rater of the grades as these settings name it, before any answer; None where they do not.

        A value that an answer decides on is ``auto``. The first grades that a judge gives after people have judged
        correct nothing unless they are of this rater.
        """
        return None

    def deciding(self) -> dict[str, Any]:
        """Return the settings that can change a grade, as JSON values; they belong to the rater.

        Scale and instruction are part of the prompt, which has a hash of its own.
        """
        without = {*self.immaterial, "scale", "instruction"}
        return self.model_dump(mode="json", exclude=without, exclude_none=True)
