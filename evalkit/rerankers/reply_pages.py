"""Read a reply that comes in several pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from evalkit.dialects import Dialect
from evalkit.dialects.reading import joined_pages
from evalkit.errors import CallError
from evalkit.http_client import Exchange, encode_json


def with_all_pages(
    first: Exchange,
    dialect: Dialect,
    sent: Any,
    most: int,
    *,
    url: str,
    post: Callable[[Any], Exchange],
    read: Callable[[Exchange], Any],
) -> Exchange:
    """Return the exchange of the last page with the results of all pages; `first` itself if it is the only one.

    Parameters
    ----------
    first
        The exchange of the first page.
    dialect
        Names the request for the next page.
    sent
        The body of the first request.
    most
        The maximum number of pages.
    url
        Address of the API, for messages.
    post, read
        Send the request for a page, and read the body of one; both raise `CallError`.

    Raises
    ------
    CallError
        If a page cannot be read, or there are more than `most`.
    """
    pages, page = [], first
    while True:
        pages.append(read(page))
        following = dialect.next_page(sent, pages[-1])
        if following is None:
            break
        if len(pages) > most:
            raise CallError("reply", f"{url} returned more pages than documents")
        page = post(following)
    if len(pages) == 1:
        return first
    return replace(page, content=encode_json(joined_pages(pages, dialect.shape.results)))
