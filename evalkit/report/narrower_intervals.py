"""Whether a judge narrows the interval of a difference, as sentences."""

from __future__ import annotations

from evalkit.judging.judge_worth import JudgeWorth
from evalkit.stats import FEWEST_OF_PILOT
from evalkit.stats.correction_plan import NO_NARROWER

TOO_ALIKE = (
    "the two systems differ by so little that rare losses, of which a sample may have none, count for more than what a"
    " judge could add"
)
"""Why a judge does not help where systems differ little; see `CorrectionPlan.differs_little`."""


def worth_lines(worth: JudgeWorth) -> list[str]:
    """Return the correlation of the differences, and whether and how much the judge narrows the interval."""
    drawn = "" if worth.drawn else ", which are not drawn at random"
    pair = f"{worth.contender} minus {worth.baseline} in {worth.metric}"
    if worth.correlation is None:
        unknown = (
            f"Whether this judge helps with {pair} is unknown: it takes {FEWEST_OF_PILOT} queries of which both have"
            f" judged every counted document, with different differences ({worth.queries} are judged completely)."
        )
        return [unknown]
    correlation = (
        f"Differences of {pair}: correlation of the judge's with people's {worth.correlation:.2f}"
        f" [{worth.lower:.2f}, {worth.upper:.2f}], over {worth.queries} queries that both judged completely{drawn}."
    )
    return [correlation, _conclusion(worth)]


def _conclusion(worth: JudgeWorth) -> str:
    width, best, worst = worth.width or 0.0, worth.least_width or 0.0, worth.most_width or 0.0
    if worth.queries >= worth.of_all:
        return f"People judged all {worth.of_all} queries: there is no interval that this judge could make narrower."
    if worth.unused or width >= NO_NARROWER:
        why = (
            "a correction would give it no weight on these queries"
            if worth.unused
            else TOO_ALIKE
            if worth.differs_little
            else f"its correlation is too small for {worth.queries} queries by people"
        )
        otherwise = (
            " With more queries this may change: at the upper bound of the correlation the interval would have"
            f" {best:.2f} of its width."
            if best < NO_NARROWER
            else ""
        )
        return f"This judge does not help: {why}, and the interval stays that of people alone.{otherwise}"
    perhaps = ", so that it may be no narrower at all" if worst >= NO_NARROWER else ""
    return (
        f"With this judge's grades of all {worth.of_all} queries, the interval of this difference is expected to be"
        f" {width:.2f} of the width with people's grades of these {worth.queries} queries alone: {best:.2f} to"
        f" {worst:.2f} within the interval of the correlation{perhaps}."
    )
