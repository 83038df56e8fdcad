"""The setting ``prompt`` is checked without the model, where that is possible."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.config import reranker_settings
from evalkit.encoding.input_forms import preset_names
from evalkit.errors import ConfigError
from evalkit.store.backend_identity import identity_of

TEMPLATE = "{query} {document}"
INSTRUCTED = "{instruction} {query} {document}"


def settings_of(prompt: Any, **more: Any) -> Any:
    """Return the settings of a cross-encoder with an input form."""
    return reranker_settings({"backend": "cross_encoder", "model": "a/b", "prompt": prompt, **more})


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ({"template": "{query}"}, "must contain {document} once, and contains it 0 times"),
        ({"template": "{query}{query}{document}"}, "must contain {query} once, and contains it 2 times"),
        ({"template": INSTRUCTED + "{instruction}"}, "{instruction} at most once"),
        ({"template": TEMPLATE, "false_token": "no"}, "false_token needs true_token"),
        ({"template": TEMPLATE, "true_token": "a", "false_token": "a"}, "every score would be 0"),
        ({"template": TEMPLATE, "true_token": 7, "false_token": 7}, "every score would be 0"),
        ({"template": TEMPLATE, "true_token": -1}, "greater than or equal to 0"),
        ({"template": TEMPLATE, "tokens": ["a"]}, "unknown key 'tokens'"),
        ({"true_token": "a"}, "key 'template' is missing"),
        ("qwen3_rerank", "unknown input form 'qwen3_rerank'"),
        (3, "must be text"),
        ({"template": INSTRUCTED}, "has a prompt with a place for an instruction: set instruction"),
    ],
)
def test_forms_that_cannot_work_are_refused(prompt: Any, said: str) -> None:
    """What would leave out a text, or give all pairs the same score, is one problem of the configuration."""
    with pytest.raises(ConfigError) as raised:
        settings_of(prompt)
    assert said in raised.value.message
    assert len(raised.value.problems) == 1


def test_a_near_name_is_suggested() -> None:
    """An unknown name of a form comes with the nearest known one."""
    with pytest.raises(ConfigError) as raised:
        settings_of("qwen3_rerank")
    assert raised.value.hint == raised.value.problems[0][1] == "did you mean 'qwen3_reranker'?"


def test_an_unknown_name_lists_all() -> None:
    """A name that is near none comes with all names, in the hint of the error itself."""
    with pytest.raises(ConfigError) as raised:
        settings_of("qwen3")
    assert all(name in (raised.value.hint or "") for name in preset_names())


@pytest.mark.parametrize("prompt", ["zerank", {"template": TEMPLATE}])
def test_an_instruction_needs_a_place(prompt: Any) -> None:
    """An instruction that a form would leave out is refused."""
    with pytest.raises(ConfigError, match="sets instruction, for which its prompt has no place"):
        settings_of(prompt, instruction="Find code")
    settings_of({"template": INSTRUCTED}, instruction="Find code")
    settings_of("qwen3_reranker", instruction="Find code")


def test_the_form_is_part_of_the_identity() -> None:
    """Scores in one form are never taken for scores in another one."""
    forms = [None, "zerank", {"template": TEMPLATE}, {"template": TEMPLATE, "true_token": "yes"}]
    assert len({identity_of(settings_of(form)) for form in forms}) == len(forms)
