"""One request, from its head to its reply."""

from __future__ import annotations

import logging
import math
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from evalkit.config import ServiceSettings
from evalkit.dialects import Dialect, WireError
from evalkit.server.api_keys import Client, Keyring
from evalkit.server.bodies import parse, read_body
from evalkit.server.limits import Limits
from evalkit.server.models import Answer, Models
from evalkit.server.prometheus import Metrics
from evalkit.server.routes import pick
from evalkit.server.unit_scores import to_unit

access = logging.getLogger("evalkit.server.access")

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
CLIENT_GONE = 499
"""What is logged for a request whose client left; nobody receives it."""
NO_MODEL = "none"
"""Stands in counts for the model of a request that was refused before its model was known."""


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """What all endpoints share."""

    models: Models
    keys: Keyring
    limits: Limits
    metrics: Metrics
    settings: ServiceSettings
    closing: Callable[[], bool]


@dataclass(slots=True)
class RequestState:
    """What became of a request so far: what headers, counts and the log tell."""

    dialect: str
    request_id: str
    started_s: float = field(default_factory=time.perf_counter)
    client: Client | None = None
    model: str = NO_MODEL
    documents: int = 0
    answer: Answer | None = None


class Endpoint:
    """Answers the requests of one path.

    Parameters
    ----------
    service
        Shared by all paths.
    dialects
        By name; where there are several, what a body holds decides.
    """

    def __init__(self, service: Service, dialects: Mapping[str, Dialect]) -> None:
        self._service = service
        self._dialects = dict(dialects)

    async def respond(self, request: Request) -> Response:
        """Answer; every refusal is in the words of the dialect."""
        given = request.headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        course = RequestState(next(iter(self._dialects)), request_id)
        try:
            body = await self._rerank(request, course)
            status, headers = 200, self._dialects[course.dialect].reply_headers(*_cost(course))
        except WireError as error:
            body, status, headers = refusal(self._dialects[course.dialect], error)
        self._note(course, status if body is not None else CLIENT_GONE)
        return json_reply(body, status, headers | self._headers(course))

    async def _rerank(self, request: Request, course: RequestState) -> Any:
        """Return the body of a good reply; None where the client is gone."""
        service, first = self._service, self._dialects[course.dialect]
        address = request.client.host if request.client else ""
        course.client = service.keys.client_of(first.given_key(request.headers), address)
        service.models.refuse_if_full()
        service.limits.admit(course.client)
        content = await read_body(request, service.settings.max_body_bytes, service.settings.body_timeout_s)
        if content is None:
            return None
        body = parse(content, first.refusal_status)
        course.dialect = pick(self._dialects, body)
        dialect = self._dialects[course.dialect]
        asked = dialect.decode_request(body, request.path_params.get("model"))
        course.documents = len(asked.documents)
        served, name = service.models.choose(asked.model)
        course.model = served.name

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        course.answer = answer = await served.answer(course.client.name, asked, gone)
        if answer is None:
            return None
        service.limits.charge(course.client, answer.tokens)
        scores = shown_scores(answer, dialect, body)
        return dialect.encode_response(replace(asked, model=name), scores, answer.tokens)

    def _headers(self, course: RequestState) -> dict[str, str]:
        """Return the headers of every reply: who it is for, how long it took, what is left to ask."""
        told = {"x-request-id": course.request_id, **timing(course.started_s, course.answer)}
        if course.client is not None:
            told |= self._service.limits.headers(course.client)
        if self._service.closing():
            told["connection"] = "close"
        return told

    def _note(self, course: RequestState, status: int) -> None:
        metrics, seconds = self._service.metrics, time.perf_counter() - course.started_s
        if status == CLIENT_GONE:
            metrics.cancelled()
        elif course.answer is None:
            metrics.refused(course.model, course.dialect, status)
        else:
            answer = course.answer
            metrics.answered(
                course.model, course.dialect, seconds, answer.queue_s, course.documents, answer.tokens
            )
        if not access.isEnabledFor(logging.INFO):
            return
        access.info(
            "%s",
            orjson.dumps(
                {
                    "request_id": course.request_id,
                    "client": course.client.name if course.client else None,
                    "dialect": course.dialect,
                    "model": course.model,
                    "documents": course.documents,
                    "tokens": course.answer.tokens if course.answer else None,
                    "status": status,
                    "seconds": round(seconds, 6),
                }
            ).decode(),
        )


def shown_scores(answer: Answer, dialect: Dialect, options: Any) -> Sequence[float]:
    """Return scores as a dialect has them: raw logits where it gives those, or is asked to, else 0..1."""
    wanted = dialect.kind_of_scores(options if isinstance(options, dict) else {})
    raw = wanted == "logit" == answer.kind
    scores: list[float] = (answer.scores if raw else to_unit(answer.scores, answer.kind)).tolist()
    return scores


def timing(started_s: float, answer: Answer | None) -> dict[str, str]:
    """Return where the time of a request went, in milliseconds."""
    total_ms = (time.perf_counter() - started_s) * 1000
    parts = [f"total;dur={total_ms:.3f}"]
    if answer is not None:
        parts += [f"queue;dur={answer.queue_s * 1000:.3f}", f"model;dur={answer.model_s * 1000:.3f}"]
    return {"x-processing-time-ms": f"{total_ms:.3f}", "server-timing": ", ".join(parts)}


def refusal(dialect: Dialect, error: WireError) -> tuple[Any, int, dict[str, str]]:
    """Return body, status and headers of a refusal."""
    headers = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(math.ceil(error.retry_after_s), 1))
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return dialect.encode_error(error), error.status, headers


def json_reply(body: Any, status: int, headers: Mapping[str, str]) -> Response:
    """Return a reply."""
    return Response(orjson.dumps(body), status, media_type="application/json", headers=dict(headers))


def _cost(course: RequestState) -> tuple[float, int]:
    tokens = course.answer.tokens if course.answer else 0
    return time.perf_counter() - course.started_s, tokens
