"""Verify AWS signatures from the published description of Signature Version 4, with hmac and hashlib alone.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; paths are encoded twice, as for
every service but S3.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,"
    r" SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def fault_of(
    method: str, target: str, headers: Mapping[str, str], body: bytes, secret: str, scope: tuple[str, str]
) -> str | None:
    """Return what is wrong with the signature of a request; None if it is right.

    Parameters
    ----------
    method, target, body
        The request as received; the target is path and query as on the wire.
    headers
        Names in lower case.
    secret
        The secret access key.
    scope
        The region and the service.
    """
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        return "no AWS4 Authorization header"
    names = found["names"].split(";")
    date = headers.get("x-amz-date", "")
    required = {"host", *(name for name in headers if name.startswith("x-amz-") or name == "content-type")}
    if not required <= set(names):
        return f"not signed: {sorted(required - set(names))}"
    if names != sorted(names) or not date.startswith(found["day"]):
        return "names out of order, or another day"
    if (found["region"], found["service"]) != scope:
        return f"signed for {found['region']}/{found['service']}"
    hashed = hashlib.sha256(_canonical(method, target, headers, names, body).encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", date, f"{found['day']}/{'/'.join(scope)}/aws4_request", hashed])
    key = f"AWS4{secret}".encode()
    for part in (found["day"], *scope, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(expected, found["signature"]) else "another signature"


def _canonical(method: str, target: str, headers: Mapping[str, str], names: list[str], body: bytes) -> str:
    parts = urlsplit(target)
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(parts.query)
    )
    return "\n".join(
        [
            method,
            quote(parts.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
