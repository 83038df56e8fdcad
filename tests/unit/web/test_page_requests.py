"""Which requests are answered."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette")

from starlette.datastructures import Headers

from evalkit.web.page_requests import refusal_of

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8090", "localhost:8090", "LOCALHOST", "[::1]:8090", "localhost."]
)
def test_names_of_this_machine_are_answered(host: str) -> None:
    """Numeric addresses and localhost are names that no stranger's page can have."""
    assert refusal_of(Headers({"host": host}), "127.0.0.1", "GET") is None


@pytest.mark.parametrize(
    "given", ["evil.example", "127.0.0.1.evil.example", "", "[", "localhost.evil.example:8090"]
)
def test_other_names_are_refused(given: str) -> None:
    """A name that a stranger can point to this machine is refused, before anything is read."""
    found = refusal_of(Headers({"host": given}), "127.0.0.1", "GET")
    assert found is not None
    assert found[0] == 421


def test_the_given_name_is_answered() -> None:
    """The name of --host is one of this server."""
    assert refusal_of(Headers({"host": "box.lan:8090"}), "Box.lan", "GET") is None


def test_a_request_needs_one_host() -> None:
    """None and two are refused."""
    assert refusal_of(Headers({}), "127.0.0.1", "GET") is not None
    twice = Headers(raw=[(b"host", b"127.0.0.1"), (b"host", b"evil.example")])
    assert refusal_of(twice, "127.0.0.1", "GET") is not None


def test_other_pages_cannot_post() -> None:
    """A foreign origin, a request across sites, and a content type that needs no permission are refused."""
    good = {"host": "127.0.0.1:8090", **JSON}
    assert refusal_of(Headers(good), "127.0.0.1", "POST") is None
    assert refusal_of(Headers({**good, "origin": "http://127.0.0.1:8090"}), "127.0.0.1", "POST") is None
    for more in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"content-type": "text/plain"},
    ):
        found = refusal_of(Headers({**good, **more}), "127.0.0.1", "POST")
        assert found is not None
        assert found[0] in {403, 415}
