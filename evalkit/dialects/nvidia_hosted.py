"""NVIDIA's hosted rerankers, ai.api.nvidia.com: NIM's format, one path for each model.

The service may return 202 with ``NVCF-REQID``: the reply is not ready, and the client has to poll for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from evalkit.dialects.nim import Nim
from evalkit.dialects.refusals import problem_error
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.wire import WireError, WireRequest


class NvidiaHosted(Nim):
    """NVIDIA hosted: raw logits, one path for each model, replies that may have to be fetched."""

    path = "/v1/retrieval/{model}/reranking"
    served_at_own_path = True
    home = "https://ai.api.nvidia.com"
    forms = RequestForms(media=True, top_n_elsewhere="top_k")

    def url(self, model: str) -> str | None:
        """Return the model's address, with underscores for dots."""
        return super().url(model.replace(".", "_"))

    def decode_request(self, body: Any, path_model: str | None = None) -> WireRequest:
        """Read a request; RAGFlow calls the number of results ``top_n``, which NVIDIA accepts.

        Raises
        ------
        WireError
            If the API would reject it.
        """
        if isinstance(body, dict) and "top_n" in body and "top_k" not in body:
            body = {("top_k" if name == "top_n" else name): value for name, value in body.items()}
        return super().decode_request(body, path_model)

    def follow_up(self, status: int, headers: Mapping[str, str], url: str) -> str | None:
        """Return the address at which NVIDIA offers the reply of a request that it accepted with 202."""
        request_id = headers.get("nvcf-reqid", "")
        if status != 202 or not request_id.replace("-", "").isalnum():
            return None
        host = urlsplit(url)
        # NVIDIA's own gateway offers replies on another host; compatible services do so on the same.
        hosted = (host.hostname or "").endswith("api.nvidia.com")
        origin = "https://api.nvcf.nvidia.com" if hosted else f"{host.scheme}://{host.netloc}"
        return f"{origin}/v2/nvcf/pexec/status/{request_id}"

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return a problem with the ID of the request."""
        return {**problem_error(error), "requestId": error.request_id}
