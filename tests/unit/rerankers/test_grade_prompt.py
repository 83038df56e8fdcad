"""The prompt of judges: what it contains and what its hash covers."""

from __future__ import annotations

from evalkit.config.judge_settings import DEFAULT_SCALE
from evalkit.rerankers.grade_prompt import JudgePrompt

PLAIN = JudgePrompt(DEFAULT_SCALE)


def test_the_same_pair_has_the_same_prompt() -> None:
    """Two prompts with the same scale and instruction ask the same for a pair, and differently for another."""
    again = JudgePrompt(DEFAULT_SCALE)
    assert PLAIN.text("q", "d", "r") == again.text("q", "d", "r")
    assert len({PLAIN.text(*texts) for texts in (("q", "d"), ("q", "d", "r"), ("d", "q"), ("qd", ""))}) == 4


def test_the_hash_covers_what_is_asked_and_no_pair() -> None:
    """Scale, instruction and form of the answer change the hash; asking for a pair does not."""
    PLAIN.text("q", "d")
    assert PLAIN.sha256 == JudgePrompt(DEFAULT_SCALE).sha256
    others = (
        JudgePrompt(DEFAULT_SCALE[:3]),
        JudgePrompt((*DEFAULT_SCALE[:3], "Perfect.")),
        JudgePrompt(DEFAULT_SCALE, "Only manuals."),
        JudgePrompt(DEFAULT_SCALE, form="digit"),
    )
    assert len({PLAIN.sha256, *(one.sha256 for one in others)}) == 5


def test_each_grade_has_one_line() -> None:
    """A scale of several lines becomes one line a grade; instruction and numbers are in the prompt."""
    prompt = JudgePrompt(("No\nuse.", "Use."), " Version 2 only. ").text("q", "d")
    assert "\n0: No use.\n1: Use.\n" in prompt
    assert "the following applies: Version 2 only.\n" in prompt
    assert prompt.endswith('{"grade": N}, where N is one of 0, 1.')
    assert JudgePrompt(("a", "b"), form="digit").text("q", "d").endswith("nothing else: one of 0, 1.")
