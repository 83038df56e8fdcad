"""Metrics that count."""

from __future__ import annotations

from evalkit.metrics import has_tie_bounds, has_unjudged_bounds, parse_metric


def test_counts_are_summed_and_have_no_cutoff() -> None:
    """All four; the order of ties changes none of them, and unjudged documents have no bounds."""
    for name in ("NumQ", "NumRel", "NumRet", "NumRelRet"):
        metric = parse_metric(name)
        assert metric.definition is not None
        assert metric.summed
        assert not metric.definition.takes_cutoff
        assert metric.definition.expected_value is metric.definition.value
        assert has_tie_bounds(metric)
        assert not has_unjudged_bounds(metric)
