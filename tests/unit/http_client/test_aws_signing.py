"""Signatures equal AWS's published ones, and cover every byte that is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from support.aws_verifier import fault_of
from support.clouds import ACCESS_KEY, ENVIRONMENT, REGION, SECRET, Asked, cloud, set_environment

pytest.importorskip("botocore", reason="needs the aws extra")

from evalkit.http_client import AwsCredentials, AwsSigner, Connections, Redactor

NOW = dt.datetime(2015, 8, 30, 12, 36, tzinfo=dt.UTC)
HOST = "https://example.amazonaws.com"
FORM = "application/x-www-form-urlencoded"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuw"
    "thAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNV"
    "XAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
PUBLISHED = {
    "get-vanilla": ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "post-vanilla": ("POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-vanilla-query": ("POST", "/?Param1=value1", {}, b"",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    "get-vanilla-query-order-key-case": ("GET", "/?Param2=value2&Param1=value1", {}, b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    "post-header-key-sort": ("POST", "/", {"My-Header1": "value1"}, b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    "post-header-value-case": ("POST", "/", {"My-Header1": "VALUE1"}, b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    "get-header-value-trim": ("GET", "/", {"My-Header1": " value1", "My-Header2": ' "a   b   c"'}, b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    "post-x-www-form-urlencoded": ("POST", "/", {"Content-Type": FORM}, b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    "post-x-www-form-urlencoded-parameters": ("POST", "/", {"Content-Type": f"{FORM}; charset=utf8"},
        b"Param1=value1", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"),
}  # fmt: skip
"""Cases of AWS's Signature Version 4 test suite, with the signatures that it publishes."""


@pytest.fixture
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the credentials and the time of AWS's test suite."""
    set_environment(monkeypatch.setenv)
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_args, **_kwargs: NOW)


def signer(service: str = "service", region: str = "us-east-1") -> AwsSigner:
    """Return a signer with the credentials of the environment."""
    return AwsSigner(AwsCredentials(), service, region)


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize("case", PUBLISHED)
def test_signatures_are_those_that_aws_publishes(case: str) -> None:
    """Scope, signed headers and signature equal the suite's; the test's own verifier agrees."""
    method, target, headers, body, signature = PUBLISHED[case]
    added = signer().sign(method, HOST + target, headers, body)
    names = ";".join(sorted(["host", "x-amz-date", *(name.lower() for name in headers)]))
    assert added == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20150830/us-east-1/service/aws4_request,"
        f" SignedHeaders={names}, Signature={signature}",
    }
    sent = {name.lower(): value for name, value in {**headers, **added, "Host": HOST[8:]}.items()}
    assert fault_of(method, target, sent, body, SECRET, ("us-east-1", "service")) is None


@pytest.mark.usefixtures("_frozen")
def test_a_session_token_is_sent_and_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's post-sts-header-before: temporary credentials."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    added = signer().sign("POST", HOST + "/", {}, b"")
    assert added["X-Amz-Security-Token"] == TOKEN
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in added["Authorization"]
    assert added["Authorization"].endswith(
        "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    )


def test_the_verifier_finds_what_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another body, path, header, region or secret is another signature for the tests' verifier."""
    set_environment(monkeypatch.setenv)
    added = signer("bedrock", REGION).sign(
        "POST", "http://h:81/model/a%3A0/invoke", {"content-type": "a/b"}, b"{}"
    )
    sent = {name.lower(): value for name, value in {**added, "host": "h:81", "content-type": "a/b"}.items()}
    scope = (REGION, "bedrock")
    assert fault_of("POST", "/model/a%3A0/invoke", sent, b"{}", SECRET, scope) is None
    assert fault_of("POST", "/model/a%3A0/invoke", sent, b"{ }", SECRET, scope)
    assert fault_of("POST", "/model/a:0/invoke", sent, b"{}", SECRET, scope)
    assert fault_of("POST", "/model/a%3A0/invoke", {**sent, "content-type": "a/c"}, b"{}", SECRET, scope)
    assert fault_of("POST", "/model/a%3A0/invoke", sent, b"{}", SECRET + "x", scope)
    assert fault_of("POST", "/model/a%3A0/invoke", sent, b"{}", SECRET, ("us-east-1", "bedrock"))
    assert fault_of("POST", "/model/a%3A0/invoke", {**sent, "x-amz-extra": "1"}, b"{}", SECRET, scope)


@pytest.mark.parametrize(
    "path",
    ["/rerank", "/model/cohere.rerank-v3-5%3A0/invoke", "/a%2Fb/ä ö/~x", "/p?b=2&a=%C3%A4&a=1", "/a;b=c,d"],
)
def test_what_is_signed_is_what_is_sent(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """The signature verifies on the wire: path, query, body, content type and headers of the service."""
    set_environment(monkeypatch.setenv)
    faults: list[str | None] = []

    def answer(asked: Asked) -> tuple[int, object, dict[str, str]]:
        faults.append(fault_of("POST", asked.target, asked.headers, asked.raw, SECRET, (REGION, "bedrock")))
        return 200, {}, {}

    with cloud(answer) as served:
        headers = {"Content-Type": "application/json", "X-Amzn-SageMaker-Target-Variant": "two  spaces"}
        connections = Connections(served.origin + path, headers, 5, 5, Redactor(), signer("bedrock", REGION))
        for body in (b'{"a": "\xc3\xa4"}', b""):
            connections.post(body, {"X-Amz-Meta": "1"})
        connections.close()
    assert faults == [None, None]
    assert [asked.raw for asked in served.asked] == [b'{"a": "\xc3\xa4"}', b""]


def test_each_attempt_is_signed_with_the_credentials_of_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that were refreshed between two attempts sign the second one, and are redacted from its reply."""
    set_environment(monkeypatch.setenv)
    credentials = AwsCredentials()
    current: Callable[[], object] = credentials.current
    tokens = iter(["first-token-0123456789", "second-token-0123456789"])

    def refreshed() -> object:
        return current()._replace(token=next(tokens))  # type: ignore[attr-defined]

    monkeypatch.setattr(credentials, "current", refreshed)
    with cloud(
        lambda asked: (200, {"seen": asked.headers["x-amz-security-token"], "secret": SECRET}, {})
    ) as served:
        connections = Connections(
            served.origin, {}, 5, 5, Redactor(), AwsSigner(credentials, "bedrock", REGION)
        )
        replies = [connections.post(b"{}").text for _ in range(2)]
        connections.close()
    assert [a.headers["x-amz-security-token"] for a in served.asked] == [
        "first-token-0123456789", "second-token-0123456789"
    ]  # fmt: skip
    assert replies == ['{"seen":"[key]","secret":"[key]"}'] * 2


def test_secrets_are_those_of_the_last_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a signature there are none; after it they are the key ID, the secret and the token."""
    set_environment(monkeypatch.setenv)
    made = signer()
    assert made.secrets == ()
    made.sign("POST", HOST, {}, b"")
    assert made.secrets == (ACCESS_KEY, SECRET, ENVIRONMENT["AWS_SESSION_TOKEN"])
