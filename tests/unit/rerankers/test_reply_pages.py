"""Replies that come in several pages."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evalkit.dialects.bedrock import Bedrock
from evalkit.errors import CallError
from evalkit.http_client import Exchange
from evalkit.rerankers.reply_pages import with_all_pages


def page(first: int, token: str | None) -> Exchange:
    """Return a page with one result, and the token of the next page."""
    body = {"results": [{"index": first, "relevanceScore": 0.5}], "nextToken": token}
    return Exchange(
        200, {}, orjson.dumps(body), reused=False, start_s=0.0, sent_s=0.0, headers_s=0.0, body_s=0.0
    )


def read(exchange: Exchange) -> Any:
    """Return the body of a page."""
    return orjson.loads(exchange.content)


def test_the_results_of_all_pages_are_joined() -> None:
    """In their order; each request repeats the first one with the token of the page before."""
    asked: list[Any] = []
    following = iter([page(1, "c"), page(2, None)])

    def post(body: Any) -> Exchange:
        asked.append(body)
        return next(following)

    whole = with_all_pages(page(0, "b"), Bedrock(), {"q": 1}, 3, url="u", post=post, read=read)
    assert [one["index"] for one in read(whole)["results"]] == [0, 1, 2]
    assert asked == [{"q": 1, "nextToken": "b"}, {"q": 1, "nextToken": "c"}]


def test_a_reply_of_one_page_stays_as_it_is() -> None:
    """No further request is sent."""
    only = page(0, None)
    assert with_all_pages(only, Bedrock(), {}, 1, url="u", post=lambda _: page(9, None), read=read) is only


def test_pages_end() -> None:
    """A server that always names a further page is no endless loop."""
    with pytest.raises(CallError, match="u returned more pages than documents"):
        with_all_pages(page(0, "x"), Bedrock(), {}, 5, url="u", post=lambda _: page(0, "x"), read=read)
