"""Answer rerank requests: authenticate, read, score, reply, log."""

from __future__ import annotations

import logging
import math
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from evalkit.config import ServiceSettings
from evalkit.dialects import WireError, WireRequest
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.served_format import ServedFormat
from evalkit.records import ScoreKind
from evalkit.server.api_keys import Client, Keyring
from evalkit.server.bodies import parse_json, read_body
from evalkit.server.body_budget import BodyBudget
from evalkit.server.browser_checks import BrowserChecks
from evalkit.server.http_protocol import BUSY
from evalkit.server.limits import Limits
from evalkit.server.models import Answer, Models, ServedModel
from evalkit.server.probabilities import probabilities, require_probabilities
from evalkit.server.prometheus import Metrics
from evalkit.server.routes import candidates, pick
from evalkit.server.unit_scores import shown_scores

if TYPE_CHECKING:
    from evalkit.server.applied_rules import AppliedRule

access = logging.getLogger("evalkit.server.access")

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
CLIENT_GONE = 499
"""The status in the log for a request whose client disconnected; it is never sent."""
NO_MODEL = "none"
"""The model in metrics and log if a request was rejected before its model was known."""


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """The objects that all endpoints share."""

    models: Models
    keys: Keyring
    limits: Limits
    metrics: Metrics
    settings: ServiceSettings
    closing: Callable[[], bool]
    budget: BodyBudget
    rules: Mapping[str, AppliedRule] = field(default_factory=dict)
    checks: BrowserChecks | None = None


@dataclass(slots=True)
class RequestState:
    """What is known of a request so far, for reply headers, metrics and log."""

    dialect: str
    request_id: str
    started_s: float = field(default_factory=time.perf_counter)
    client: Client | None = None
    model: str = NO_MODEL
    documents: int = 0
    answer: Answer | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A request that can be scored; `name` is the model name of the reply."""

    dialect: ServedFormat
    request: WireRequest
    shown_kind: ScoreKind
    served: ServedModel
    name: str
    rule: AppliedRule | None


class Endpoint:
    """Answers the requests of one path.

    Parameters
    ----------
    service
        Shared by all paths.
    dialects
        By name; if there are several, `pick` chooses by the body.
    """

    def __init__(self, service: Service, dialects: Mapping[str, ServedFormat]) -> None:
        self._service = service
        self._dialects = dict(dialects)

    async def respond(self, request: Request) -> Response:
        """Return the reply; errors are in the format of the dialect."""
        given_id = request.headers.get("x-request-id", "")
        request_id = given_id if _REQUEST_ID.fullmatch(given_id) else uuid.uuid4().hex
        state = RequestState(next(iter(candidates(self._dialects, request.headers))), request_id)
        try:
            body, status = await self._rerank(request, state), 200
        except WireError as error:
            error.request_id = request_id
            body, status, state.headers = refusal(self._dialects[state.dialect], error)
        self._record(state, status if body is not None else CLIENT_GONE)
        dialect = self._dialects[state.dialect]
        headers = {**state.headers, **self._headers(state), **dialect.constant_headers}
        return json_reply(body, status, headers, dialect.media_type(request.headers.get("accept", "")))

    def _admit(self, request: Request, state: RequestState) -> Client:
        """Refuse a request whose body need not be read for it, or return its client."""
        service, first = self._service, self._dialects[state.dialect]
        if service.checks is not None:
            service.checks.check(request.headers, has_body=True)
        state.client = client = service.keys.client_of(first.given_key(request.headers), address_of(request))
        if request.scope.get("state", {}).get(BUSY):
            raise WireError(503, "overloaded", "too many connections; retry later", retry_after_s=1.0)
        service.models.refuse_if_full()
        service.limits.admit(client)
        return client

    async def _rerank(self, request: Request, state: RequestState) -> Any:
        """Return the body of a successful reply; None if the client has disconnected."""
        client, budget = self._admit(request, state), self._service.budget
        with budget.holding() as held:
            content = await read_body(request, self._service.settings, budget, held)
            if content is None:
                return None
            asked = self._decode(content, request, state)
            del content  # the texts are kept, and not what else a body may hold
            return await self._score(asked, client, request, state)

    def _decode(self, content: bytes, request: Request, state: RequestState) -> _Asked:
        service = self._service
        body = parse_json(content, self._dialects[state.dialect].refusal_status)
        state.dialect = pick(candidates(self._dialects, request.headers), body)
        dialect = self._dialects[state.dialect]
        wire_request = dialect.decode_request(body, request.path_params.get("model"))
        state.documents = len(wire_request.documents)
        served, name = service.models.choose(wire_request.model, dialect.forms.default_model)
        state.model = served.name
        rule = service.rules.get(served.name)
        if dialect.gives_probabilities:
            require_probabilities(served, rule, dialect.refusal_status)
        elif rule is not None:
            rule.refuse_positions(dialect)
            wire_request = rule.restrict(wire_request)
        shown_kind = dialect.shown_kind(body if isinstance(body, dict) else {})
        return _Asked(dialect, wire_request, shown_kind, served, name, rule)

    async def _score(self, asked: _Asked, client: Client, request: Request, state: RequestState) -> Any:
        async def disconnected() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        state.answer = answer = await asked.served.answer(client.name, asked.request, disconnected)
        if answer is None:
            return None
        self._service.limits.charge(client, answer.tokens)
        scores, order = shown_scores(answer.scores, answer.kind, asked.shown_kind), None
        if asked.dialect.gives_probabilities:
            scores = probabilities(answer, asked.rule)
        elif asked.rule is not None:
            scores, order = asked.rule.results(answer, scores)
        facts = _facts(replace(asked.request, model=asked.name), answer, state)
        state.headers = asked.dialect.reply_headers(facts.total_s, facts.tokens, facts)
        return asked.dialect.encode_response(facts.request, scores, facts.tokens, order, facts)

    def _headers(self, state: RequestState) -> dict[str, str]:
        """Return the headers of every reply: request id, times, remaining limits."""
        headers = {"x-request-id": state.request_id, **timing(state.started_s, state.answer)}
        if state.client is not None:
            headers |= self._service.limits.headers(state.client)
        if self._service.closing():
            headers["connection"] = "close"
        return headers

    def _record(self, state: RequestState, status: int) -> None:
        metrics, seconds = self._service.metrics, time.perf_counter() - state.started_s
        if status == CLIENT_GONE:
            metrics.cancelled()
        elif state.answer is None:
            metrics.refused(state.model, state.dialect, status)
        else:
            answer = state.answer
            metrics.answered(
                state.model, state.dialect, seconds, answer.queue_s, state.documents, answer.tokens
            )
        if not access.isEnabledFor(logging.INFO):
            return
        access.info(
            "%s",
            orjson.dumps(
                {
                    "request_id": state.request_id,
                    "client": state.client.name if state.client else None,
                    "dialect": state.dialect,
                    "model": state.model,
                    "documents": state.documents,
                    "tokens": state.answer.tokens if state.answer else None,
                    "status": status,
                    "seconds": round(seconds, 6),
                }
            ).decode(),
        )


def address_of(request: Request) -> str:
    """Return the IP address of a client; empty if there is none."""
    return request.client.host if request.client else ""


def timing(started_s: float, answer: Answer | None) -> dict[str, str]:
    """Return the headers that report the times of a request in milliseconds."""
    total_ms = (time.perf_counter() - started_s) * 1000
    parts = [f"total;dur={total_ms:.3f}"]
    if answer is not None:
        parts += [f"queue;dur={answer.queue_s * 1000:.3f}", f"model;dur={answer.model_s * 1000:.3f}"]
    return {"x-processing-time-ms": f"{total_ms:.3f}", "server-timing": ", ".join(parts)}


def refusal(dialect: ServedFormat, error: WireError) -> tuple[Any, int, dict[str, str]]:
    """Return body, status and headers of an error."""
    headers = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(math.ceil(error.retry_after_s), 1))
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return dialect.encode_error(error), error.status, headers


def json_reply(
    body: Any, status: int, headers: Mapping[str, str], media_type: str = "application/json"
) -> Response:
    """Return a reply with a JSON body."""
    return Response(orjson.dumps(body), status, media_type=media_type, headers=dict(headers))


def _facts(request: WireRequest, answer: Answer, state: RequestState) -> ReplyFacts:
    """Return what a reply reports besides its results."""
    total_s = time.perf_counter() - state.started_s
    return ReplyFacts(request, answer.tokens, total_s, answer.queue_s, answer.model_s, state.request_id)
