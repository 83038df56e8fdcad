"""Pages that clients ask for before they rerank."""

from __future__ import annotations

import httpx
import pytest
from support.services import Lengths, asking, get

from evalkit.server.app import build_app


def test_a_client_of_xinference_finds_its_model() -> None:
    """It asks whether a key is required, and for the type of the model."""
    app = build_app({"m": Lengths()})
    assert get(app, "/v1/cluster/auth").json() == {"auth": False}
    assert get(build_app({"m": Lengths()}, api_key="k"), "/v1/cluster/auth").json() == {"auth": True}
    assert get(app, "/xinference/v1/models/m").json()["model_type"] == "rerank"
    unknown = get(app, "/xinference/v1/models/n")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "unknown model 'n'"})
    any_name = get(build_app({"m": Lengths()}, any_name=True), "/v1/models/bge").json()
    assert (any_name["id"], any_name["model_name"]) == ("bge", "m")


def test_limits_are_those_of_the_service() -> None:
    """Clients of TEI size their requests by them; with several models there is no one to describe."""
    info = get(build_app({"m": Lengths()}), "/info").json()
    assert (info["model_id"], info["max_client_batch_size"]) == ("m", 32)
    assert info["max_input_length"] is None
    several = get(build_app({"one": Lengths(), "two": Lengths()}), "/tei/info")
    assert several.status_code == 400
    assert "'one', 'two'" in several.json()["error"]


@pytest.mark.parametrize(
    ("path", "header"),
    [("/jina/v1/models", "Authorization: Bearer k"), ("/pinecone/models", "Api-Key: k"),
     ("/elastic/models", "Authorization: ApiKey k"), ("/info", "Authorization: Bearer k")],
)  # fmt: skip
def test_a_page_takes_the_key_as_its_api_does(path: str, header: str) -> None:
    """Where a key is required, the header and the error are those of the dialect."""
    app = build_app({"m": Lengths()}, api_key="k")
    name, _, value = header.partition(": ")

    async def ask(client: httpx.AsyncClient) -> list[int]:
        """Ask with the key and without."""
        with_key = await client.get(path, headers={name: value})
        without = await client.get(path)
        return [with_key.status_code, without.status_code]

    assert asking(app, ask) == [200, 401]


def test_state_needs_no_key() -> None:
    """NVIDIA's pages report a service that ends as not ready."""
    app = build_app({"m": Lengths()}, api_key="k", closing=lambda: True)
    assert get(app, "/v1/health/live").json()["status"] == "live"
    assert get(app, "/nim/v1/health/ready").status_code == 503
    assert get(app, "/").headers["x-elastic-product"] == "Elasticsearch"
