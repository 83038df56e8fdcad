"""Names of models: which two are one, and which move."""

from __future__ import annotations

import pytest

from evalkit.rerankers.model_names import is_build_of, moving_name, same_model


@pytest.mark.parametrize(
    ("asked", "reported", "same"),
    [("rerank-2.5", "rerank-2.5", True), ("Cohere/rerank-v3.5", "rerank-v3.5", True), ("a/M", "b/m", True),
     ("rerank-2", "rerank-2-2025-08-01", True), ("rerank-2", "rerank-2-20250801", True), ("m", "m@latest", True),
     ("m-0613", "m", True), ("ranker@latest", "ranker-latest", False), ("rerank-2.5", "rerank-2.5-lite", False),
     ("rerank-2.5-lite", "rerank-2.5", False), ("rerank-2", "rerank-2.5", False), ("m", "m2", False),
     ("m", "other", False), ("", "m", False)],
)  # fmt: skip
def test_an_alias_may_be_answered_with_its_release_and_no_other_name(
    asked: str, reported: str, same: bool
) -> None:
    """Which is asked for and which is reported does not matter."""
    assert same_model(asked, reported) is same_model(reported, asked) is same


@pytest.mark.parametrize(
    ("model", "moves"),
    [("rerank-latest", True), ("semantic-ranker-default@latest", True), ("any", True), ("org/model:main", True),
     ("rerank-v3.5", False), ("assisters-rerank-v1", False), ("org/mainframe-ranker", False)],
)  # fmt: skip
def test_names_that_move_are_reported(model: str, moves: bool) -> None:
    """A word that means today's version, as a word of its own."""
    assert (moving_name(model) is not None) is moves


@pytest.mark.parametrize(
    ("alias", "answered", "same"),
    [
        ("jev-latest", "jev-1.13.0", True), ("typesafe/jev-latest", "jev-1.13.0", True),
        ("jev-preview", "jev-2.0.0-rc1", True),
        ("jev-latest", "jev-mini-1.13.0", False), ("jev-latest", "other-1.13.0", False), ("jev-latest", "", False),
        ("jev-1.13.0", "jev-1.14.0", False), ("latest", "jev-1.13.0", False), ("jev-latest", "jev", False),
    ],
)  # fmt: skip
def test_a_build_answers_for_its_moving_name(alias: str, answered: str, same: bool) -> None:
    """A dated or numbered build belongs to the moving name of its own family only."""
    assert is_build_of(alias, answered) is same
