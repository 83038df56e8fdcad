"""Which configuration of a repository is which table."""

from __future__ import annotations

import pytest
from support.messages import said

from evalkit.datasets.hub_layouts import Layout, find_layout, parts_of

MTEB = Layout("corpus", "queries", "qrels", "top_ranked")


@pytest.mark.parametrize(
    ("configs", "part", "layout"),
    [
        (["corpus", "queries", "qrels", "top_ranked"], None, MTEB),
        (["corpus", "queries", "default"], None, Layout("corpus", "queries", "default")),
        (["corpus", "queries", "relevance"], None, Layout("corpus", "queries", "relevance")),
        (
            ["corpus", "queries", "qrels", "instruction"],
            None,
            Layout("corpus", "queries", "qrels", None, "instruction"),
        ),
        (["de-corpus", "de-queries", "de-qrels"], "de", Layout("de-corpus", "de-queries", "de-qrels")),
        (["corpus-ar", "queries-ar", "ar", "de"], "ar", Layout("corpus-ar", "queries-ar", "ar")),
        (["corpus_ar", "queries_ar", "qrels_ar"], "ar", Layout("corpus_ar", "queries_ar", "qrels_ar")),
        (["v1", "v2"], None, Layout(None, None, None)),
    ],
)
def test_names_of_configurations_say_what_they_are(
    configs: list[str], part: str | None, layout: Layout
) -> None:
    """With and without a part, in the forms that publishers use."""
    assert find_layout(configs, part, long_documents=False) == layout


def test_bright_has_two_lengths_of_documents() -> None:
    """Documents, queries and judgments of both; elsewhere there are none."""
    configs = ["documents", "long_documents", "examples", "gpt4_reason"]
    short, long = (find_layout(configs, None, long_documents=wanted) for wanted in (False, True))
    assert (short.corpus, short.relevant) == ("documents", "gold_ids")
    assert (long.corpus, long.relevant) == ("long_documents", "gold_ids_long")
    assert {short.queries, short.qrels, long.queries, long.qrels} == {"examples"}
    assert "has no long documents" in said(lambda: find_layout(["corpus"], None, long_documents=True))


def test_parts_are_those_with_a_corpus() -> None:
    """In both orders of the name."""
    assert parts_of(["corpus-ar", "queries-ar", "ar", "de-corpus", "corpus", "fr_corpus"]) == [
        "ar",
        "de",
        "fr",
    ]
