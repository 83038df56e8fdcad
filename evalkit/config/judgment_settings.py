"""Settings of the judgments that count for a dataset, and of its sample for people."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from evalkit.config.input_paths import LaterFile
from evalkit.config.settings import PositiveInt, Seed, Settings, Slug

THRESHOLD_ENDING = ".threshold.jsonl"
"""How the names of files end that have grades of a random sample of all candidates by score."""


class JudgmentSource(Settings):
    """Judgments of one rater, or of all raters in a file.

    Where several people judged a pair in one file, the mean of their last grades counts; models in one file must agree.

    Attributes
    ----------
    path
        JSON Lines file of judgments; a missing file has no judgments. With ``judge``, the file that
        ``evalkit judge run`` writes (default: ``judgments/<dataset>.<judge>.jsonl`` in the folder of the
        configuration).
    judge
        Tag of a judge of the configuration.
    rater
        Name of the only rater of the file that counts; a model may also be named with the beginning of its prompt's
        hash, as in reports.
    """

    path: LaterFile | None = None
    judge: Slug | None = None
    rater: str | None = None

    @model_validator(mode="after")
    def _names_a_file(self) -> JudgmentSource:
        if self.path is None and self.judge is None:
            raise ValueError("needs 'path' or 'judge'")
        if self.judge is not None and f"{self.judge}.jsonl".lower().endswith(THRESHOLD_ENDING):
            raise ValueError(
                "'judge' ends in .threshold: name the judge otherwise, as its file would be a sample's"
            )
        if self.path is not None and self.path.name.lower().endswith(THRESHOLD_ENDING):
            raise ValueError(
                f"'path' ends in {THRESHOLD_ENDING}: these are grades of a random sample by score, with unequal"
                " probabilities; metrics would take them for all judgments"
            )
        return self


class HumanSampleSettings(Settings):
    """The random draw of queries that people judge, to correct the judgments of models.

    Attributes
    ----------
    queries
        Number of queries; not needed for a draw that was made elsewhere.
    seed
        Seed of the draw.
    path
        File that the draw is written to (default: ``judgments/<dataset>.human_sample.json`` in the folder of the
        configuration). With ``drawn``, the file with an id in each line.
    judge
        Tag of the judge whose grades are corrected; needed where ``judgments`` lists several.
    drawn
        ``random``: the queries of ``path`` were drawn at random elsewhere, as the user states.
    """

    queries: PositiveInt | None = None
    seed: Seed = 0
    path: LaterFile | None = None
    judge: Slug | None = None
    drawn: Literal["random"] | None = None

    @model_validator(mode="after")
    def _is_a_draw(self) -> HumanSampleSettings:
        if self.drawn is not None and self.path is None:
            raise ValueError("'drawn' needs 'path': a file with the id of a drawn query in each line")
        if self.drawn is None and self.queries is None:
            raise ValueError(
                "needs 'queries', the number of queries to draw; for a draw that was made elsewhere, 'path' and"
                " 'drawn: random'"
            )
        return self
