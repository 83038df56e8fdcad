"""The level of a test that is one of several looks at one sample: it was enlarged after people had judged part of it.

Who enlarges a sample until a difference is significant tests more than once. The verdict after k enlargements that
followed judgments has the level ``alpha / 2**k``, so that all verdicts on one sample together are false in at most
``2 * alpha``, however often it is enlarged, and the first verdict has the full level.
"""

from __future__ import annotations


def level(alpha: float, enlarged: int) -> float:
    """Return the level of a test after `enlarged` enlargements."""
    return alpha / 2.0**enlarged


def confidence_at(confidence: float, enlarged: int) -> float:
    """Return the confidence of an interval after `enlarged` enlargements: 1 minus the level of its test."""
    return 1 - level(1 - confidence, enlarged) if enlarged else confidence


def p_value(p: float, enlarged: int) -> float:
    """Return a p-value that is compared with the level of the first look: p times ``2**enlarged``, at most 1."""
    return min(1.0, p * 2.0**enlarged)


def enlarged_text(enlarged: int) -> str:
    """Return that a sample was enlarged, and the level of its test."""
    times = "once" if enlarged == 1 else f"{enlarged} times"
    return f"enlarged {times} after people had judged: tested at 1/{2**enlarged} of the level"
