"""The pages that clients of rerank APIs ask for besides reranking: lists of models, limits, and state.

They are the same at the root and under the name of every dialect, so that a client finds them whatever its base address
is. Errors and keys are in the format of the dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from evalkit import registry
from evalkit.dialects import ANY_MODEL, Dialect, WireError
from evalkit.registry import DISTRIBUTION
from evalkit.server.page_replies import PageReplies
from evalkit.server.probabilities import has_probabilities

COMPANIONS: Mapping[str, str] = {
    "/": "product",
    "/health": "health",
    "/info": "info",
    "/models": "models",
    "/ping": "health",
    "/v1/cluster/auth": "cluster_auth",
    "/v1/health/live": "live",
    "/v1/health/ready": "health_ready",
    "/v1/models": "models",
    "/v1/models/{model}": "model",
    "/version": "version",
}
"""Path -> method of `CompanionPages`."""
_PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
_ELASTIC_VERSION = "9.0.0"
"""The version of Elasticsearch whose API the dialect follows; clients compare it with their own."""


class CompanionPages(PageReplies):
    """The companion pages in the format of one dialect."""

    async def models(self, request: Request) -> Response:
        """List the models."""
        if error := self._unauthorized(request):
            return error
        cards = [self._card(name, name) for name in self._service.models.names]
        return self._reply({"object": "list", "data": cards})

    async def model(self, request: Request) -> Response:
        """Describe one model, under every name that a request may have for it."""
        if error := self._unauthorized(request):
            return error
        asked = request.path_params["model"]
        if {".", ".."} & set(
            asked.split("/")
        ):  # a path, and no model's name: what it contains is not repeated
            return self._error(WireError(404, "not_found", "unknown model", "model"))
        try:
            served, name = self._service.models.choose(asked, self._dialect.forms.default_model)
        except WireError:
            return self._error(WireError(404, "not_found", f"unknown model {asked[:100]!r}", "model"))
        return self._reply(self._card(served.name, name))

    async def info(self, request: Request) -> Response:
        """Return what text-embeddings-inference says of its model and its limits; null is not known."""
        if error := self._unauthorized(request):
            return error
        try:
            _, name = self._service.models.choose(ANY_MODEL)
        except WireError as unnamed:
            return self._error(unnamed)
        tei: Dialect = registry.lookup("dialect", "tei")()
        labels = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
        return self._reply(
            {
                "model_id": name,
                "model_sha": None,
                "model_dtype": None,
                "model_type": {"reranker": labels},
                "max_concurrent_requests": self._service.settings.max_waiting_pairs,
                "max_input_length": None,
                "max_batch_tokens": None,
                "max_batch_requests": None,
                "max_client_batch_size": tei.max_documents,
                "auto_truncate": True,
                "tokenization_workers": None,
                "version": version(DISTRIBUTION),
            }
        )

    async def health(self, _request: Request) -> Response:
        """Report that the process is running."""
        return self._reply({"status": "ok"})

    async def live(self, _request: Request) -> Response:
        """Report that the process is running, as NVIDIA's services do."""
        return self._reply(_health("live"))

    async def health_ready(self, _request: Request) -> Response:
        """Report whether requests are answered, as NVIDIA's services do."""
        if self._service.closing() or not self._service.models.are_working():
            return self._reply(_health("not ready"), 503)
        return self._reply(_health("ready"))

    async def version(self, _request: Request) -> Response:
        """Return the version of evalkit."""
        return self._reply({"version": version(DISTRIBUTION)})

    async def cluster_auth(self, _request: Request) -> Response:
        """Report whether a key is required; Xinference's client sends its key only then."""
        return self._reply({"auth": self._service.keys.are_required})

    async def product(self, _request: Request) -> Response:
        """Return what Elasticsearch says of itself; its clients ask before the first request."""
        body = {
            "name": "evalkit",
            "cluster_name": "evalkit",
            "cluster_uuid": "evalkit",
            "version": {"number": _ELASTIC_VERSION, "build_flavor": "default"},
            "tagline": "You Know, for Search",
        }
        return self._reply(body, headers=_PRODUCT)

    def _card(self, served: str, name: str) -> dict[str, Any]:
        """Return the description of a model that is asked for by a name."""
        models, settings = self._service.models, self._service.settings
        waiting = models.choose(served)[0].waiting_pairs
        scale = models.scale_of(served)
        decides = has_probabilities(scale.kind, self._service.rules.get(served))
        return {
            "id": name,
            "object": "model",
            "created": models.created,
            "owned_by": "evalkit",
            "score_kind": scale.kind,
            "score_mapping": scale.mapping,
            "model_name": served,
            "model_type": "rerank",
            "backend": "evalkit",
            "capabilities": ["rerank", *(["decisions"] if decides else [])],
            "stats": {
                "queue_absolute": waiting,
                "queue_fraction": min(waiting / settings.max_waiting_pairs, 1.0),
            },
        }


def _health(state: str) -> dict[str, str]:
    return {"object": "health-response", "message": state, "status": state}
