"""A signature covers what a service reads and no proxy may change."""

from __future__ import annotations

from evalkit.http_client.signing import headers_to_sign


def test_headers_of_the_service_and_the_content_type_are_signed() -> None:
    """A later value of the same header replaces the earlier one, in any case of letters."""
    always = {"Content-Type": "application/json", "Accept-Encoding": "gzip", "x-amz-a": "1"}
    assert headers_to_sign(always, {"X-Amz-A": "2", "X-Amzn-B": "3", "Idempotency-Key": "k"}) == {
        "content-type": "application/json",
        "x-amz-a": "2",
        "x-amzn-b": "3",
    }
