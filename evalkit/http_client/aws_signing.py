"""Signature Version 4 of AWS, by botocore (extra ``aws``)."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.http_client.aws_credentials import AwsCredentials

_ADDED = ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")


class AwsSigner:
    """Signs requests for one service in one region; see `evalkit.http_client.signing.Signer`.

    Parameters
    ----------
    credentials
        Where the credentials come from; asked before every request, so that they are refreshed.
    service, region
        The scope of the signature, e.g. ``bedrock`` and ``us-east-1``.
    """

    def __init__(self, credentials: AwsCredentials, service: str, region: str) -> None:
        self._credentials = credentials
        self._service, self._region = service, region
        self._secrets: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials last used: access key ID, secret key, session token."""
        return self._secrets

    def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """Return the date, the session token if there is one, and the signature.

        Raises
        ------
        CallError
            If there are no usable credentials.
        """
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        current = self._credentials.current()
        self._secrets = tuple(filter(None, (current.access_key, current.secret_key, current.token)))
        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
        SigV4Auth(current, self._service, self._region).add_auth(request)
        return {name: str(request.headers[name]) for name in _ADDED if name in request.headers}
