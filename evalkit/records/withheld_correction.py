"""Why people's grades of a draw of queries do not correct those of a judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WhyWithheld = Literal[
    "drawn after judging",
    "draw changed after judging",
    "judge named after judging",
    "judge changed after judging",
    "people's grades are the judge's",
    "different scales",
]


@dataclass(frozen=True, slots=True)
class WithheldCorrection:
    """Why a correction is withheld: its verdicts could be false more often than they say.

    Attributes
    ----------
    why
        The reason in a few words that do not change.
    text
        The reason with its figures and what to do, as sentences that end with a full stop.
    """

    why: WhyWithheld
    text: str


ALONE = "Count people's judgments alone (no judge under `judgments:`)"
_START_OVER = (
    "or give the queries that people have not judged to a dataset of another name, with the judge listed before its"
    " queries are drawn, and let people judge these"
)
"""What else corrects a judge that was chosen late: people's grades that nothing was chosen by."""


def drawn_late(path: object, judged: int) -> WithheldCorrection:
    """Return that people had judged documents before a draw was made: the draw may have been chosen by their grades."""
    return WithheldCorrection(
        "drawn after judging",
        f"People had judged {judged} documents when the queries were drawn ({path}), so that the draw may have been"
        f" chosen by their grades. {ALONE}.",
    )


def judged_early(path: object, drawn_at: str, judged: int) -> WithheldCorrection:
    """Return that lines of people are dated before a draw was made: it may have been chosen by their grades."""
    return WithheldCorrection(
        "drawn after judging",
        f"{judged} documents of the draw ({path}) have lines of people that are dated before it was made on"
        f" {drawn_at}, so that it may have been chosen by their grades. List only files of people who judged later."
        f" {ALONE}.",
    )


def draw_changed(path: object, judged: int) -> WithheldCorrection:
    """Return that a file of drawn ids was changed after people had judged."""
    return WithheldCorrection(
        "draw changed after judging",
        f"{path} lists other queries than before, and people had judged {judged} documents of these. Restore the file,"
        f" or append ids that are drawn at random. {ALONE}.",
    )


def judge_named_late(path: object, judge: str, judged: int) -> WithheldCorrection:
    """Return that no judge was named when people judged: it may have been chosen by their grades."""
    return WithheldCorrection(
        "judge named after judging",
        f"People have judged {judged} documents of the draw, whose file ({path}) names no judge: {judge!r} was listed"
        f" later, and may have been chosen by their grades. {ALONE}, {_START_OVER}.",
    )


def judge_changed(path: object, how: str, judged: int) -> WithheldCorrection:
    """Return that the judge was changed after people had judged."""
    return WithheldCorrection(
        "judge changed after judging",
        f"{how}, and people had judged {judged} documents of the draw ({path}) by then, so that the judge may have been"
        " chosen by their grades. Use the judge that the file names. Else count people's judgments alone,"
        f" {_START_OVER}.",
    )


def same_grades(pairs: int) -> WithheldCorrection:
    """Return that people's grades equal the judge's, so that they are probably the judge's own."""
    return WithheldCorrection(
        "people's grades are the judge's",
        f"People's grades equal those of the judge in more than 99 % of the {pairs} documents whose grades differ from"
        " the most common one, as if a model had given them. Import grades of models with --kind model.",
    )


def different_scales(scales: str) -> WithheldCorrection:
    """Return that people's grades of a draw are on different scales."""
    return WithheldCorrection(
        "different scales",
        f"People's grades of the human sample are on different scales: {scales}. Grade all of them on one scale, and"
        " list only the files that have it.",
    )
