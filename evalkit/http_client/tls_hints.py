"""What to do about a failed TLS handshake."""

from __future__ import annotations

from evalkit.http_client.bounded_network import TLS_REPLY

_NOT_TLS = "write http:// instead of https://: the server does not use TLS on this port"
_HINTS = (
    (
        "CERTIFICATE_VERIFY_FAILED",
        "set SSL_CERT_FILE to a PEM file of certificates that includes the server's",
    ),
    ("WRONG_VERSION_NUMBER", _NOT_TLS),
    ("record layer failure", _NOT_TLS),
    (TLS_REPLY, "write https:// instead of http://: the server uses TLS on this port"),
)


def tls_hint(reason: str) -> str | None:
    """Return the hint for the error of a connection; None if it is not about TLS."""
    return next((hint for sign, hint in _HINTS if sign in reason), None)
