"""Depth, threshold and probabilities of production.json in the service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.production import production, rule_of
from support.services import Scripted, post

from evalkit.config import reranker_settings
from evalkit.errors import InputError, UnknownNameError
from evalkit.results.production_document import ProbabilityFunction, TunedModel, write_production
from evalkit.server.app import build_app
from evalkit.server.applied_rules import AppliedRule, read_rule

BODY = {"model": "m", "query": "q", "documents": ["a", "b", "c", "d", "e"]}
PLATT = ProbabilityFunction("platt", "platt", False, {"a": 1.0, "b": 0.0})
FLAT = ProbabilityFunction("isotonic", "isotonic", False, {"x": [0.0, 9.0], "y": [0.5, 0.5]})


def served(scores: list[float], **changes: object) -> list[tuple[int, float]]:
    """Return index and score of the results of a service with a rule."""
    app = build_app({"m": Scripted(scores)}, rules={"m": AppliedRule(replace(rule_of(), **changes))})
    return [(one["index"], one["relevance_score"]) for one in post(app, BODY).json()["results"]]


def test_documents_below_the_threshold_are_dropped() -> None:
    """A score equal to the threshold is kept; the scores are mapped to 0..1 as ever."""
    found = served([3.0, 0.0, 1.0, -1.0, 2.0], depth=5, threshold=1.0)
    assert [index for index, _ in found] == [0, 4, 2]
    assert all(0 < score < 1 for _, score in found)


def test_documents_after_the_depth_are_not_scored_and_not_returned() -> None:
    """The backend is asked for as many scores as the depth: another number would be a failure."""
    assert [index for index, _ in served([1.0, 2.0], depth=2, threshold=None)] == [1, 0]


def test_scores_become_probabilities_in_the_order_of_the_scores() -> None:
    """Also where the function gives the same probability to several documents."""
    found = served([0.0, 2.0], depth=2, threshold=None, probability=PLATT)
    assert found == [(1, pytest.approx(0.8807970779778823)), (0, pytest.approx(0.5))]
    assert served([1.0, 3.0, 2.0], depth=3, threshold=None, probability=FLAT) == [
        (1, 0.5),
        (2, 0.5),
        (0, 0.5),
    ]


def test_an_empty_list_is_a_reply() -> None:
    """No document reaches the threshold."""
    assert served([0.0, 0.0], depth=2, threshold=5.0) == []


def test_a_format_without_indices_is_refused() -> None:
    """Its client could not know which documents are left out."""
    app = build_app({"m": Scripted([1.0])}, "deepinfra", rules={"m": AppliedRule(rule_of())})
    reply = post(app, {"queries": ["q"], "query": "q", "documents": ["a"]}, "/v1/inference/m")
    assert reply.status_code == 400
    assert "cannot be left out" in reply.text


def test_a_file_of_another_reranker_or_model_is_refused(tmp_path: Path) -> None:
    """The error names what differs; the file of this reranker is read."""
    file = tmp_path / "production.json"
    settings = reranker_settings({"backend": "lexical"})
    write_production(production(rule_of()), file)
    assert read_rule(file, "r", settings).rule == rule_of()
    with pytest.raises(UnknownNameError, match="unknown reranker 's'"):
        read_rule(file, "s", settings)
    other = reranker_settings({"backend": "lexical", "title_weight": 4})
    with pytest.raises(InputError, match="made for another model of r: title_weight is 2"):
        read_rule(file, "r", other)
    write_production(production(rule_of(), replace(rule_of(), dataset="e")), file)
    with pytest.raises(InputError, match="several datasets: d, e"):
        read_rule(file, "r", settings)
    write_production(production(replace(rule_of(), why_not="no depth is fast enough")), file)
    with pytest.raises(InputError, match="no settings of r to apply: no depth is fast enough"):
        read_rule(file, "r", settings)


def test_without_settings_backend_and_model_are_compared(tmp_path: Path) -> None:
    """A plugin that was not installed when the file was written has no settings in it."""
    file = tmp_path / "production.json"
    model = TunedModel("shout", None, None, "unknown", (), None)
    write_production(production(replace(rule_of(), model=model)), file)
    with pytest.raises(InputError, match="backend is 'shout' there, and 'lexical'"):
        read_rule(file, "r", reranker_settings({"backend": "lexical"}))
