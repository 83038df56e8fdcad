"""The judge of an ensemble makes no calls."""

from __future__ import annotations

import pytest

from evalkit.config import EnsembleSettings
from evalkit.errors import InputError
from evalkit.judges import Judge, open_judge
from evalkit.records import RerankRequest, RerankResponse


def test_an_ensemble_names_itself_and_calls_nothing() -> None:
    """It is a judge with a rater; a call is an error that says what to do."""
    judge = open_judge(EnsembleSettings(judges=("one", "two"), combine="vote"))
    assert isinstance(judge, Judge)
    assert judge.known_rater.name == "vote of one, two"
    assert judge.rater(RerankResponse([1.0])) == judge.known_rater
    with pytest.raises(InputError, match="makes no calls"):
        judge.score(RerankRequest("q", "text", ("d",), ("text",)))
    judge.close()
