"""Where a function of one number is 0."""

from __future__ import annotations

from collections.abc import Callable

_ABSOLUTE, _RELATIVE = 2e-12, 2.0**-50
"""Tolerances; the relative one is four times the spacing of numbers around 1."""
_STEPS = 100


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return a number between `low` and `high` at which a continuous function changes its sign, by Brent's method.

    The result is that of `scipy.optimize.brentq`, step by step: importing `scipy.optimize` takes longer than all that
    a comparison computes.

    Raises
    ------
    ValueError
        If the function has the same sign at both ends.

    References
    ----------
    Brent, Algorithms for Minimization Without Derivatives (1973), chapter 4.
    """
    before, here = low, high
    f_before, f_here = function(before), function(here)
    if f_before == 0:
        return before
    if f_here == 0:
        return here
    if (f_before > 0) == (f_here > 0):
        raise ValueError(f"the function has the same sign at {low} and {high}")
    other, f_other, step_before, step = before, f_before, here - before, here - before
    for _ in range(_STEPS):
        if f_before != 0 and (f_before > 0) != (f_here > 0):
            other, f_other = before, f_before
            step_before = step = here - before
        if abs(f_other) < abs(f_here):
            before, here, other = here, other, here
            f_before, f_here, f_other = f_here, f_other, f_here
        tolerance = (_ABSOLUTE + _RELATIVE * abs(here)) / 2
        half = (other - here) / 2
        if f_here == 0 or abs(half) < tolerance:
            break
        trial = None
        if abs(step_before) > tolerance and abs(f_here) < abs(f_before):
            trial = _interpolated((before, f_before), (here, f_here), (other, f_other))
        if trial is not None and 2 * abs(trial) < min(abs(step_before), 3 * abs(half) - tolerance):
            step_before, step = step, trial
        else:
            step_before = step = half
        before, f_before = here, f_here
        here += step if abs(step) > tolerance else (tolerance if half > 0 else -tolerance)
        f_here = function(here)
    return here


def _interpolated(
    before: tuple[float, float], here: tuple[float, float], other: tuple[float, float]
) -> float:
    """Return the step from `here` to the root of the line, or of the inverse parabola, through (place, value) pairs."""
    (x, f), (x_before, f_before), (x_other, f_other) = here, before, other
    if x_before == x_other:
        return -f * (x - x_before) / (f - f_before)
    slope_before = (f_before - f) / (x_before - x)
    slope_other = (f_other - f) / (x_other - x)
    curved = f_other * slope_other - f_before * slope_before
    return -f * curved / (slope_other * slope_before * (f_other - f_before))
