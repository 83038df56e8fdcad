"""Rules of a gate: keys that need each other, and how alpha is split over planned looks."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from evalkit.config import GateRule, GateSettings
from evalkit.stats import level_of_two_looks


def test_alpha_is_split_over_the_planned_looks() -> None:
    """The whole for one look; a stricter level for each of two, whichever it is."""
    rules = (GateRule(metric="nDCG@10", max_drop=0.01),)
    assert GateSettings(rules=rules).alpha_per_look == 0.05
    for look in (1, 2):
        assert GateSettings(rules=rules, looks=2, look=look).alpha_per_look == level_of_two_looks(0.05)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"looks": 3}, "less than or equal to 2"),
        ({"look": 2}, "'looks': 1"),
        ({"rules": ({"metric": "nDCG@10", "max_drop": 0.01, "fallen_by": 0.1},)}, "without 'max_fallen'"),
        ({"rules": ({"max_fallen": 0.05},)}, "needs 'metric' with 'max_fallen'"),
        ({"rules": ({"metric": "nDCG@10", "max_fallen": 0.0},)}, "greater than 0"),
    ],
)  # fmt: skip
def test_keys_that_do_not_belong_together_are_refused(fields: dict[str, object], message: str) -> None:
    """With the names of both."""
    rules = {"rules": ({"metric": "nDCG@10", "max_drop": 0.01},)}
    with pytest.raises(ValidationError, match=message):
        GateSettings.model_validate(rules | fields, strict=False)
