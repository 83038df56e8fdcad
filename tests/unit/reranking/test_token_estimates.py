"""Estimates of tokens: cautious at first, then from replies."""

from __future__ import annotations

import numpy as np
import pytest
from support.listwise import settings_of
from support.scripted import item

from evalkit.config import TextTemplates, Traffic
from evalkit.records import RerankRequest
from evalkit.reranking.token_estimates import TokenEstimate, expected_usage


def test_a_budget_reserves_all_windows_and_learns_from_all() -> None:
    """Before a reply the estimate is cautious; after it, for other lists, too, what was seen and a quarter more."""
    settings = settings_of(max_answer_tokens=50)
    estimate = TokenEstimate(settings.traffic())

    def request(count: int) -> RerankRequest:
        return RerankRequest("q", "query", ("document",) * count, tuple(map(str, range(count))))

    sent = {count: settings.weigh("query", ("document",) * count).characters for count in (10, 100)}
    before = estimate.usage(request(10))
    assert before.tokens == pytest.approx(sent[10] * 0.4 + 50, abs=1)
    assert before.output_tokens == 50
    estimate.learn(request(10), round(sent[10] * 0.3))
    assert estimate.usage(request(100)).tokens == pytest.approx(sent[100] * 0.3 * 1.25 + 9 * 50, rel=0.01)
    assert estimate.requests(request(100)) == 9


def test_estimates_learn_from_replies() -> None:
    """The tokens assumed for a text are the most seen per character and a quarter more; cautious before that."""
    request = item(4).request
    size = len(request.query) * 4 + 10
    estimate = TokenEstimate()
    assert estimate.usage(request).tokens == int(np.ceil(size * 0.4))
    estimate.learn(request, 15)
    estimate.learn(request, 3)
    assert estimate.usage(request).tokens == int(np.ceil(15 * 1.25))
    assert expected_usage("q", ("d",) * 101, 0.25).units == 2


def test_estimates_count_texts_as_they_are_sent() -> None:
    """Tokens and billed bytes include the templates."""
    request = item(4).request
    templates = TextTemplates("<Query>: {query}", "<Document>: {document}<end>")
    query, documents = templates.sent(request.query, request.documents)
    found = TokenEstimate(Traffic(templates=templates)).usage(request)
    assert found == TokenEstimate().usage(RerankRequest("q", query, documents, request.doc_ids))
    assert (found.tokens or 0) > (TokenEstimate().usage(request).tokens or 0)
    assert (found.billed_bytes or 0) > (TokenEstimate().usage(request).billed_bytes or 0)
