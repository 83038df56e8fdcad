"""Which names, origins and content types a service accepts."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from evalkit.config import ServiceSettings
from evalkit.dialects import WireError
from evalkit.server.browser_checks import BrowserChecks, is_loopback


def refused(checks: BrowserChecks | None, **headers: str) -> int | None:
    """Return the status with which a POST is refused; None if it is not."""
    assert checks is not None
    try:
        checks.check(
            Headers({name.replace("_", "-"): value for name, value in headers.items()}), has_body=True
        )
    except WireError as error:
        return error.status
    return None


def test_only_loopback_is_checked_by_default() -> None:
    """Elsewhere names are those of proxies and clusters: they are checked if they are configured."""
    assert BrowserChecks.of(ServiceSettings(), "10.1.2.3", "server") is None
    named = BrowserChecks.of(ServiceSettings(allowed_hosts=("api.example",)), "10.1.2.3", "server")
    assert refused(named, host="api.example:80") is None
    assert refused(named, host="127.0.0.1") == 421
    pages = BrowserChecks.of(ServiceSettings(allowed_origins=("https://A.example/",)), "10.1.2.3", "server")
    assert (
        refused(pages, host="anything", origin="https://a.example", content_type="application/json") is None
    )
    assert refused(pages, host="anything", origin="https://b.example", content_type="application/json") == 403
    here = BrowserChecks.of(ServiceSettings(), "127.0.0.2", "my-machine")
    assert [refused(here, host=name) for name in ("my-machine", "127.0.0.1:1", "x.localhost", "other")] == [
        None, None, None, 421,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", None),
        ("Application/JSON ; charset=utf-8", None),
        ("application/vnd.api+json", None),
        ("text/json", None),
        ("text/plain", 415),
        ("multipart/form-data; boundary=application/json", 415),
        ("application/jsonp", 415),
    ],
)
def test_the_content_type_is_json(kind: str, status: int | None) -> None:
    """Of what a browser sends, its parameters do not matter, and neither does its case."""
    checks = BrowserChecks.of(ServiceSettings(), "::1", "::1")
    assert refused(checks, host="[::1]:8080", content_type=kind, sec_fetch_site="none") == status


def test_loopback_addresses_are_recognised() -> None:
    """Those of both families, and mapped ones; not names that contain one."""
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_loopback, ("localhost", "0.0.0.1", "127.0.0.1.example", "10.0.0.1", "")))


def test_a_program_may_send_any_content_type() -> None:
    """Only a browser sends an Origin or a Sec-Fetch-Site, and no page can leave them out."""
    checks = BrowserChecks.of(ServiceSettings(), "127.0.0.1", "127.0.0.1")
    form, ours = "application/x-www-form-urlencoded", "http://127.0.0.1"
    assert refused(checks, host="127.0.0.1", content_type=form) is None
    assert refused(checks, host="127.0.0.1", content_type=form, origin=ours) == 415
    assert refused(checks, host="127.0.0.1", content_type=form, sec_fetch_site="cross-site") == 415
    assert refused(checks, host="127.0.0.1", origin=ours) == 415
