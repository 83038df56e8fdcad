"""The descriptions of the pages of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.server.openapi_schemas import Schema, listed, record, text

_KEY = (401, 403, 421)


@dataclass(frozen=True, slots=True)
class PageDescription:
    """What a page returns.

    Attributes
    ----------
    what
        Its meaning in one sentence.
    schema
        The schema of its JSON; None for plain text.
    statuses
        The statuses of its errors.
    """

    what: str
    schema: Schema | None
    statuses: Sequence[int] = ()


def _card() -> Schema:
    stats = record({"queue_absolute": {"type": "integer"}, "queue_fraction": {"type": "number"}})
    names = ("id", "object", "owned_by", "model_name", "model_type", "backend", "score_kind", "score_mapping")
    return record(
        {
            **{name: text() for name in names},
            "created": {"type": "integer"},
            "capabilities": listed(text()),
            "stats": stats,
        }
    )


def _models() -> PageDescription:
    return PageDescription("The available models.", record({"object": text(), "data": listed(_card())}), _KEY)


_STATE = record({"status": text()})
_NIM_STATE = record({"object": text(), "message": text(), "status": text()})

OWN_PAGES: Mapping[str, PageDescription] = {
    "/ready": PageDescription("Readiness: 503 if closing, or a model is stuck.", _STATE, (503,)),
    "/metrics": PageDescription("Metrics in the Prometheus text format.", None, (403, 421)),
    "/openapi.json": PageDescription("This OpenAPI document.", {"type": "object"}, (403, 421)),
}
"""The pages at the root only."""

COMPANION_PAGES: Mapping[str, PageDescription] = {
    "/": PageDescription(
        "The product, as clients of Elasticsearch ask for it.",
        record({"name": text(), "version": record({"number": text()}), "tagline": text()}),
    ),
    "/health": PageDescription("Liveness: the process is running.", _STATE),
    "/info": PageDescription(
        "Model and limits, as clients of text-embeddings-inference ask for them.",
        record({"model_id": text(), "model_type": {"type": "object"}, "max_client_batch_size": {"type": "integer"}}),
        (400, *_KEY),
    ),
    "/models": _models(),
    "/ping": PageDescription("Liveness: the process is running.", _STATE),
    "/v1/cluster/auth": PageDescription("Whether a key is required.", record({"auth": {"type": "boolean"}})),
    "/v1/health/live": PageDescription("Liveness: the process is running.", _NIM_STATE),
    "/v1/health/ready": PageDescription("Readiness: 503 if closing, or a model is stuck.", _NIM_STATE, (503,)),
    "/v1/models": _models(),
    "/v1/models/{model}": PageDescription("One model.", _card(), (*_KEY, 404)),
    "/version": PageDescription("The version of evalkit.", record({"version": text()})),
}  # fmt: skip
"""The pages at the root and under the name of every dialect."""
