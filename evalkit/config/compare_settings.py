"""Settings of the comparison of systems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evalkit.config.settings import Settings, Slug


class CompareSettings(Settings):
    """Comparison settings, fixed before the run so that results cannot influence the choice.

    Attributes
    ----------
    baseline
        Tag of the system that all others are compared with (default: the first stage).
    primary
        Metric of the verdicts: one of ``metrics`` (default: the first).
    confidence
        Confidence level of intervals. The significance level of the tests is 1 minus this value.
    margin
        Largest acceptable loss of the primary metric.
    correction
        Correction for several contenders: ``holm``, or ``maxT``, which uses the correlation of their values.
    resamples
        Random sign flips per randomisation test.
    """

    baseline: Slug | None = None
    primary: str | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    margin: Annotated[float, Field(gt=0, le=1e9)] = 0.01
    correction: Literal["holm", "maxT"] = "holm"
    resamples: Annotated[int, Field(ge=999, le=1_000_000)] = 9999
