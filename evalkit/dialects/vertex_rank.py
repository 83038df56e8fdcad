"""Google's ranking API, discoveryengine ``rankingConfigs/...:rank``; the key is an OAuth token.

A result has the id of its record, here the index as text. Scores are rounded to two decimals, so ties are common. A
configuration needs ``url_parts: {project: ..., location: ...}``, and the header ``X-Goog-User-Project``.

Its JSON is that of Protocol Buffers 3, which may leave out a field that has its default, 0 for a number
(protobuf.dev/programming-guides/json, "Presence and default-values"): a record without ``score`` has the score 0.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import google_error
from evalkit.dialects.reply_writing import original_object
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest


class VertexRank(Dialect):
    """Vertex AI ranking: records with ids, scores in 0..1 with two decimals, 200 records at most."""

    path = "/v1/projects/{project}/locations/{location}/rankingConfigs/default_ranking_config:rank"
    served_at_own_path = True
    home = "https://discoveryengine.googleapis.com"
    shape = Shape(
        documents="records",
        document_key="content",
        document_id_key="id",
        top_n="topN",
        return_documents="ignoreRecordDetailsInResponse",
        echoes=True,
        return_inverted=True,
        results="records",
        index="id",
        score="score",
        text_numbers=True,
        echo="content",
        echo_key=None,
        tokens=(),
    )
    score_kind = "probability"
    max_documents = 200
    options = frozenset({"userLabels"})
    forms = RequestForms(
        model_optional=True,
        default_model="semantic-ranker-512@latest",
        top_n_means_all=range(-(2**31), 1),
        object_keys=("title", "content"),
    )

    def results_in(self, body: Any) -> Any:
        """Return the list of records, in which a score that was left out is 0.

        Raises
        ------
        CallError
            See `Dialect.results_in`.
        """
        records = super().results_in(body)
        return list(map(_with_score, records)) if isinstance(records, list) else records

    def result_index(self, request: WireRequest, index: int) -> str:
        """Return the id of the record; its position if it has none."""
        return str(original_object(request, index).get("id", index))

    def returned_document(self, request: WireRequest, index: int) -> dict[str, Any]:
        """Return title and content as the client sent them."""
        sent = {"content": request.documents[index], **original_object(request, index)}
        return {key: sent[key] for key in ("title", "content") if key in sent}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return Google's ``{"error": {code, message, status}}``."""
        return google_error(error)


def _with_score(record: Any) -> Any:
    """Return a record with its score; anything without an id is no record, and is returned as it is."""
    return {"score": 0.0, **record} if isinstance(record, dict) and "id" in record else record
