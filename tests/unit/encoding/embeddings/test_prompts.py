"""Which of the prompts that a model lists are for queries and for documents."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import pytest

from evalkit.encoding.embeddings.prompts import own_prompts, warn_of_other_names, warn_of_unused
from evalkit.encoding.embeddings.token_vectors import Task
from evalkit.errors import EvalkitWarning

BOTH: tuple[Task, ...] = ("query", "document")


def texts(listed: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the text for queries and that for documents."""
    chosen = own_prompts(listed)
    return chosen["query"].text, chosen["document"].text


def said(listed: Mapping[str, str], roles: tuple[Task, ...] = BOTH, model: str = "m") -> list[str]:
    """Return the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_unused(model, listed, roles)
    assert all(one.category is EvalkitWarning for one in caught)
    return [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("listed", "query", "document"),
    [
        ({"query": "q", "document": "d", "passage": "p", "corpus": "c"}, "q", "d"),
        ({"query": "q", "passage": "p", "corpus": "c", "Clustering": "x"}, "q", "p"),
        ({"query": "q", "corpus": "c"}, "q", "c"),
        ({"query": "q", "document": ""}, "q", ""),
        (
            {"retrieval.query": "q", "retrieval.passage": "p", "text-matching": "m", "separation": "s"},
            "q",
            "p",
        ),
        ({"search_query": "q", "search_document": "d", "clustering": "c"}, "q", "d"),
        ({"Retrieval-query": "q", "Retrieval-document": "d", "STS": "s", "BitextMining": "b"}, "q", "d"),
        ({"Retrieval-query": "q", "MSMARCO-query": "m", "Retrieval-document": "d"}, "q", "d"),
        ({"s2p_query": "p", "s2s_query": "s"}, "p", None),
        (
            {"web_search_query": "w", "sts_query": "s", "summarization_query": "x", "bitext_query": "b"},
            "w",
            None,
        ),
        ({"query_prompt": "q", "passage_prompt": "p"}, "q", "p"),
        ({"searchQuery": "q", "searchDocs": "d"}, "q", "d"),
        ({"query_en": "q", "query_de": "q"}, "q", None),
    ],
)
def test_prompts_are_found_by_their_names(
    listed: dict[str, str], query: str | None, document: str | None
) -> None:
    """By the exact name first, then by a part of it; prompts of other tasks are never taken. Nothing is said."""
    assert texts(listed) == (query, document)
    assert said(listed) == []


@pytest.mark.parametrize(
    ("listed", "unused"),
    [
        ({"query_en": "a", "query_de": "b"}, {"query": "'query_en', 'query_de'"}),
        ({"web": "w"}, {"query": "'web'", "document": "'web'"}),
        ({"Clustering": "c"}, {"query": "'Clustering'", "document": "'Clustering'"}),
        ({"query": "q", "document": "", "passage": "p"}, {"document": "'passage'"}),
        ({"query": "", "document": "d", "retrieval.query": "r"}, {"query": "'retrieval.query'"}),
        ({"document": "d", "instruction": "i"}, {"query": "'instruction'"}),
        ({"query": "q", "a": "1", "b": "2", "sts": "s"}, {"document": "'a', 'b'"}),
        ({"retrieval.query": "q", "retrieval.context": "c"}, {"document": "'retrieval.context'"}),
        ({"question": "q", "answer": "a"}, {"document": "'answer'"}),
    ],
)
def test_a_prompt_that_may_be_missed_is_a_warning(listed: dict[str, str], unused: dict[Task, str]) -> None:
    """It names the prompts and the key to set; there is none for a role whose prompt is configured."""
    chosen = own_prompts(listed)
    assert not any(chosen[role].text for role in unused)
    found = said(listed)
    assert len(found) == len(unused)
    for message, (role, names) in zip(found, unused.items(), strict=True):
        assert names in message
        assert f"Set {role}_prompt to" in message
        assert message not in said(listed, tuple(one for one in BOTH if one != role))


@pytest.mark.parametrize(
    "name", ["context", "text", "answer", "content", "key", "ctx", "title", "candidate", "d", "default"]
)
def test_a_prompt_of_any_name_is_never_dropped_silently(name: str) -> None:
    """Where the prompt of one role is known by its name, another prompt may be that of the other role."""
    (message,) = said({"query": "q", name: "p"})
    assert f"none was used for documents: {name!r}. Set document_prompt to" in message
    (message,) = said({"passage": "p", name: "q"})
    assert f"none was used for queries: {name!r}. Set query_prompt to" in message


@pytest.mark.parametrize(
    "other",
    [
        "sts",
        "s2s_query",
        "Clustering",
        "MultilabelClassification",
        "BitextMining",
        "Summarization",
        "paraphrase",
    ],
)
def test_prompts_of_other_tasks_are_not_missed(other: str) -> None:
    """A prompt for queries alone, or with those of other tasks, is how many models are made: nothing is said."""
    assert said({"query": "Represent this sentence for searching relevant passages: "}) == []
    assert said({"query": "q", other: "x"}) == []
    assert said({"query": "q", "document": "", "context": "c"}) == []  # an empty prompt is a choice


def test_e5_needs_prompts_that_its_files_do_not_list() -> None:
    """Models of this name, as a hub id or a folder, warn unless both prompts are configured."""
    for model in ("intfloat/e5-base-v2", "/models/multilingual-e5-large/", r"C:\models\e5-small"):
        (message,) = said({}, model=model)
        assert "query_prompt: 'query: ' and document_prompt: 'passage: '" in message
        assert said({}, ("document",), model) == [message]
        assert said({}, (), model) == []
        assert said({"query": "query: "}, model=model) == []
    assert said({}, model="intfloat/multilingual-e5-large-instruct") == []


def test_a_model_without_prompts_has_none() -> None:
    """An exact name with an empty text is a choice; no name is none."""
    assert texts({}) == (None, None)
    assert texts({"query": "", "document": ""}) == ("", "")
    assert said({}) == said({"query": "", "document": ""}) == []


@pytest.mark.parametrize(
    ("listed", "missed"),
    [
        ({"query": "q", "document": "d"}, []),
        ({"query": "", "document": ""}, []),
        ({"query": "q", "document": "", "sts": "s"}, []),
        ({"query": "q", "document": "", "passage": "p"}, ["documents: 'passage'"]),
        ({"query": "q", "document": "", "context": "p"}, ["documents: 'context'"]),
        ({"query": "", "document": "", "s": "s"}, ["queries: 's'", "documents: 's'"]),
    ],
)
def test_models_that_use_two_names_alone(listed: dict[str, str], missed: list[str]) -> None:
    """A prompt for a role under another name is a warning, unless the role's prompt is configured."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_other_names("m", listed, BOTH)
        warn_of_other_names("m", listed, ())
    assert len(caught) == len(missed)
    assert all(words in str(one.message) for one, words in zip(caught, missed, strict=True))
