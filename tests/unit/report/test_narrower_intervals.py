"""What is concluded from a judge's worth: no more than its interval allows."""

from __future__ import annotations

from dataclasses import replace

from evalkit.judging.judge_worth import JudgeWorth
from evalkit.report.narrower_intervals import worth_lines

USEFUL = JudgeWorth("old", "new", "nDCG@10", 40, 200, True, 0.6, 0.35, 0.77, 0.87, 0.75, 0.97, False)


def test_a_useful_judge_has_a_width_with_its_interval() -> None:
    """The correlation comes first, then how wide the interval is expected to be."""
    correlation, conclusion = worth_lines(USEFUL)
    assert (
        "new minus old in nDCG@10: correlation of the judge's with people's 0.60 [0.35, 0.77]" in correlation
    )
    assert "drawn at random" not in correlation
    assert "0.87 of the width" in conclusion
    assert "0.75 to 0.97" in conclusion
    assert "no narrower" not in conclusion
    assert "not drawn at random" in worth_lines(replace(USEFUL, drawn=False))[0]
    assert "may be no narrower at all" in worth_lines(replace(USEFUL, most_width=1.0))[1]


def test_a_judge_without_weight_does_not_help() -> None:
    """The sentence says why, and what the upper bound of the correlation leaves open."""
    unused = worth_lines(replace(USEFUL, unused=True))[1]
    assert unused.startswith("This judge does not help: a correction would give it no weight")
    assert "at the upper bound of the correlation the interval would have 0.75 of its width" in unused
    weak = worth_lines(replace(USEFUL, width=1.0, least_width=1.0, most_width=1.0))[1]
    assert weak.startswith("This judge does not help: its correlation is too small")
    assert "may change" not in weak


def test_nothing_is_claimed_without_evidence_or_need() -> None:
    """Of few queries nothing is known; where people judged all, a judge adds nothing."""
    (unknown,) = worth_lines(JudgeWorth("old", "new", "nDCG@10", 3, 200, True))
    assert "is unknown: it takes 10 queries" in unknown
    assert "People judged all 200 queries" in worth_lines(replace(USEFUL, queries=200))[1]
