"""The ASGI application of the rating page: one page, and one address that takes clicks."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from evalkit.errors import InputError, StorageError
from evalkit.web.page_requests import body_of, guarded
from evalkit.web.page_settings import PageSettings
from evalkit.web.rating_session import MOST_IN_A_NAME, MOST_IN_A_NOTE, Click, ConflictError, RatingSession
from evalkit.web.rating_task import scale_grades

_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def rating_app(session: RatingSession, settings: PageSettings, token: str, host: str) -> Starlette:
    """Return the application.

    Parameters
    ----------
    session
        Answers clicks.
    settings
        What the page shows.
    token
        The first part of every path; see `page_token`.
    host
        The name under which the server was started.
    """

    async def page(_request: Request) -> Response:
        """Return the page, whose policy allows its own scripts and styles alone."""
        nonce = secrets.token_urlsafe(16)
        text = _template().render(nonce=nonce, settings=_page_values(session, settings), title=settings.title)
        return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY.format(nonce=nonce)})

    async def click(request: Request) -> Response:
        """Do what a click says, and return what is shown next."""
        body = await body_of(request)
        if body is None:
            return _json({"error": "The request is too long."}, 413)
        try:
            asked = Click.model_validate_json(body)
            return _json(await run_in_threadpool(session.answer, asked))
        except ValidationError:
            return _json({"error": "The request is not one of this page."}, 422)
        except InputError as error:
            return _json({"error": f"{error.message}: {error.hint}"}, 422)
        except ConflictError as error:
            return _json({"error": str(error)}, 409)
        except StorageError as error:
            return _json({"error": str(error.message)}, 503)

    async def unknown(_request: Request, _error: Exception) -> Response:
        """Say where the page is, to who has the wrong address."""
        return PlainTextResponse("Open the address that evalkit judge rate has printed.\n", 404)

    routes = [
        Route(f"/{token}/", guarded(page, host), methods=["GET"]),
        Route(f"/{token}/click", guarded(click, host), methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})


def _json(content: Any, status: int = 200) -> Response:
    """Return JSON in ASCII: a text may have characters that UTF-8 cannot express."""
    return Response(json.dumps(content), status, media_type="application/json")


def _page_values(session: RatingSession, settings: PageSettings) -> dict[str, Any]:
    return {
        "title": settings.title,
        "command": settings.command,
        "rater": settings.rater,
        "scale": [asdict(one) for one in scale_grades(session.rules.scale)],
        "active": session.active is not None,
        "guidelines": session.rules.guidelines,
        "pairs": len(session.queue.tasks),
        "queries": len({task.group for task in session.queue.tasks}),
        "sampled": len({task.group for task in session.queue.tasks if task.sampled}),
        "most_in_a_name": MOST_IN_A_NAME,
        "most_in_a_note": MOST_IN_A_NOTE,
    }


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("evalkit.web", "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("rating.html")
