"""Where Azure's deployments of Cohere look for a key."""

from __future__ import annotations

import pytest

from evalkit.dialects import WireRequest
from evalkit.dialects.azure_cohere import AzureCohere


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        ("plain-key", {"Authorization": "Bearer plain-key", "api-key": "plain-key"}),
        ("eyJhbGciOi.eyJzdWIi.c2ln", {"Authorization": "Bearer eyJhbGciOi.eyJzdWIi.c2ln"}),
        (None, {}),
    ],
)
def test_azure_gets_a_key_in_both_headers_and_a_token_in_one(
    key: str | None, headers: dict[str, str]
) -> None:
    """Our server finds it in either."""
    assert AzureCohere().headers(key) == headers
    sent = {name.lower(): value for name, value in headers.items()}
    assert AzureCohere().given_key(sent) == key
    assert AzureCohere().given_key({"api-key": "k"}) == "k"


def test_the_body_is_that_of_cohere() -> None:
    """With the name of the deployment as the model."""
    body = AzureCohere().encode_request(WireRequest("m", "q", ("a",)))
    assert body == {"model": "m", "query": "q", "documents": ["a"]}


def test_a_configured_header_replaces_both() -> None:
    """A gateway in front of Azure may want the key elsewhere."""
    dialect = AzureCohere()
    dialect.key_header, dialect.key_prefix = "X-Gateway-Key", ""
    assert dialect.headers("k") == {"X-Gateway-Key": "k"}
