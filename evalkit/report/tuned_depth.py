"""The depth at which scores are tuned, in words."""

from __future__ import annotations

from evalkit.report.candidate_counts import candidate_count
from evalkit.results.tuning_document import CalibrationResult, ThresholdChoice, TunedDepth


def candidates_text(tuned: ThresholdChoice | CalibrationResult) -> str:
    """Return the number of candidates that takes part, and where it comes from."""
    count = candidate_count(tuned.depth or 0, tuned.candidates)
    if tuned.made_at is None or tuned.made_at.source == "given":
        return f"with {count} candidates"
    if tuned.made_at.source == "recommended":
        return f"with {count} candidates (as tune depth recommends)"
    return f"with all {count} candidates (no number is recommended)"


def guarantee_text(choice: ThresholdChoice) -> str:
    """Return what it means for the guarantee that these queries chose the depth; empty where they did not."""
    band = None if choice.made_at is None else choice.made_at.band
    if band is None or choice.goal.promise == "none":
        return ""
    if choice.goal.promise == "expected":
        return " The same queries chose the number of candidates, so the expected recall may be lower."
    depths = f"from {band.lowest} to {band.highest}" if band.lowest < band.highest else f"{band.lowest}"
    return (
        " The same queries chose the number of candidates, so the guarantee is made for every number of them"
        f" {depths}."
    )


def why_deepest(made_at: TunedDepth | None) -> str | None:
    """Return why no depth is recommended; None where one is, or where the user gave one."""
    if made_at is None or made_at.why is None:
        return None
    return f"No number of candidates is recommended: {made_at.why}."
