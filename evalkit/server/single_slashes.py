"""Paths with several slashes in a row, which clients send that put a path behind an address with a final slash."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SEVERAL = re.compile("//+")


class SingleSlashes:
    """Reads ``//v1/rerank`` as ``/v1/rerank``: several slashes in a row count as one.

    A line feed in a path stays encoded: the patterns of the router would end before a final one, and find a page that
    was not asked for.

    Parameters
    ----------
    app
        The application around which this is put.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its path in the plain form."""
        if scope["type"] == "http" and ("//" in scope["path"] or "\n" in scope["path"]):
            scope = {**scope, "path": _SEVERAL.sub("/", scope["path"]).replace("\n", "%0A")}
        await self._app(scope, receive, send)
