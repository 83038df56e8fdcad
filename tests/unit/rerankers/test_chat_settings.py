"""Settings of `chat`: keys of each form, defaults, the identity, the sizes of calls."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.config import reranker_settings
from evalkit.config.judge_settings import DEFAULT_SCALE
from evalkit.errors import ConfigError
from evalkit.rerankers.chat_settings import ChatSettings
from evalkit.store.backend_identity import identity_of

FORMS = ("yes_no", "graded", "setwise", "pairwise", "first_token")


def settings_of(form: str, **more: Any) -> ChatSettings:
    """Return settings with what they cannot do without."""
    settings = reranker_settings({"backend": "chat", "url": "http://h:1", "model": "m", "form": form, **more})
    assert isinstance(settings, ChatSettings)
    return settings


@pytest.mark.parametrize(
    ("form", "more", "said"),
    [
        ("listwise", {}, "'yes_no', 'graded', 'setwise', 'pairwise' or 'first_token'"),
        ("yes_no", {"scale": ["a", "b"]}, "form: yes_no has no scale: remove it"),
        ("yes_no", {"top": 3}, "has no top"), ("setwise", {"top_logprobs": 5}, "has no top_logprobs"),
        ("pairwise", {"set_size": 3}, "has no set_size"), ("graded", {"window": 5}, "has no window"),
        ("graded", {"grade": "whole", "top_logprobs": 5}, "form: graded with grade: whole has no top_logprobs"),
        ("pairwise", {"method": "all_pairs", "top": 5}, "form: pairwise with method: all_pairs has no top"),
        ("pairwise", {"method": "heap"}, "has method sliding or all_pairs, not heap"),
        ("setwise", {"method": "all_pairs"}, "has method heap or sliding, not all_pairs"),
        ("setwise", {"set_size": 2}, "set_size"), ("first_token", {"step": 20}, "needs a step below window 20"),
        ("first_token", {"window": 27}, "window"), ("first_token", {"window": 24}, "as many top_logprobs"),
        ("first_token", {"top_logprobs": 5}, "as many top_logprobs as documents in a window: 20 (given: 5)"),
        ("graded", {"scale": ["x"] * 11}, "at most 10 grades, or grade: whole"),
        ("yes_no", {"options": {"logprobs": False}}, "must not set option 'logprobs': set top_logprobs"),
        ("yes_no", {"options": {"n": 2}}, "must not set option 'n': the chat backend sets it"),
        ("setwise", {"unreadable": "keep"}, "unknown key 'unreadable'"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(form: str, more: dict[str, Any], said: str) -> None:
    """A key that a form does not read is an error, and so is a form that cannot be answered."""
    with pytest.raises(ConfigError) as raised:
        settings_of(form, **more)
    assert said in raised.value.message


def test_each_form_has_its_defaults_and_no_others() -> None:
    """``config show`` prints what is asked; keys of other forms are absent."""
    shown = {form: settings_of(form).model_dump(exclude_none=True) for form in FORMS}
    own = {
        "instruction",
        "scale",
        "grade",
        "method",
        "set_size",
        "top",
        "window",
        "step",
        "passes",
        "top_logprobs",
    }
    assert {form: sorted(own & set(found)) for form, found in shown.items()} == {
        "yes_no": ["instruction", "top_logprobs"],
        "graded": ["grade", "instruction", "scale", "top_logprobs"],
        "setwise": ["instruction", "method", "set_size", "top"],
        "pairwise": ["instruction", "method", "top"],
        "first_token": ["instruction", "passes", "step", "top_logprobs", "window"],
    }
    assert shown["yes_no"]["instruction"] == "A document is relevant if it helps to answer the query."
    assert (shown["graded"]["scale"], shown["graded"]["instruction"]) == (DEFAULT_SCALE, "")
    assert settings_of("graded", scale=["no"] * 11, grade="whole").top_logprobs is None


@pytest.mark.parametrize("form", FORMS)
def test_what_is_asked_is_part_of_the_identity(form: str) -> None:
    """Another form or another wording has other scores; a default that is written down is the same."""
    plain = settings_of(form)
    assert identity_of(plain) == identity_of(
        settings_of(form, instruction=plain.instruction, retries=1, concurrency=8)
    )
    assert identity_of(plain) != identity_of(settings_of(form, instruction="Only manuals."))
    assert len({identity_of(settings_of(one)) for one in FORMS}) == len(FORMS)
    assert not {"form", "instruction", "scale", "method", "top", "set_size"} & ChatSettings.immaterial


def test_forms_for_one_document_are_pointwise() -> None:
    """They send one document a call; the others read the list, which is never split."""
    for form in FORMS:
        settings, alone = settings_of(form), form in {"yes_no", "graded"}
        assert settings.is_pointwise == alone
        assert settings.most_documents() == (1 if alone else None)
        assert settings.splits_calls() == alone


@pytest.mark.parametrize(
    ("form", "more", "requests", "exact"),
    [
        ("yes_no", {}, 100, True), ("graded", {}, 100, True), ("setwise", {}, 151, False),
        ("setwise", {"method": "sliding"}, 475, True), ("pairwise", {}, 1890, True),
        ("pairwise", {"method": "all_pairs"}, 9900, True), ("first_token", {}, 9, True),
        ("first_token", {"passes": 2}, 18, True),
    ],
)  # fmt: skip
def test_requests_for_a_hundred_documents(
    form: str, more: dict[str, Any], requests: int, *, exact: bool
) -> None:
    """The plan knows them; a heap is the only form whose number depends on the answers."""
    weight = settings_of(form, **more).weigh("query", ("x" * 3000,) * 100)
    assert (weight.requests, weight.is_exact) == (requests, exact)
    assert weight.most_answer_tokens == requests * 16
    size = {"yes_no": 1, "graded": 1, "setwise": 3, "pairwise": 2, "first_token": 20}[form]
    assert requests * size * 2000 <= weight.characters <= requests * (size * 2010 + 2000)


def test_a_list_without_documents_weighs_nothing() -> None:
    """No document is no request."""
    assert [settings_of(form).weigh("q", ()).requests for form in FORMS] == [0] * 5
