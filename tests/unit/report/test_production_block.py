"""Settings for production, in a sentence and a table."""

from __future__ import annotations

from dataclasses import replace

from support.production import rule_of

from evalkit.report.production_block import decision_line, rules_table


def test_settings_that_change_nothing_are_not_confirmed() -> None:
    """All candidates without a threshold would be compared with themselves."""
    rule = rule_of()
    assert "Held-out queries confirm a loss of at most 0.01 nDCG@10" in decision_line(rule)
    whole = replace(rule, depth=10, threshold=None, threshold_why_not="too few queries")
    assert "confirm a loss" not in decision_line(whole)
    assert "These are all candidates, so there is no loss to confirm." in decision_line(whole)
    table = rules_table([whole])
    assert table.rows[0][table.columns.index("difference")] == "-"
