"""Settings of APIs behind AWS, and what is derived from them: region, signer, what is missing."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Annotated

from pydantic import Field

from evalkit.config.settings import Settings
from evalkit.errors import CallError, EvalkitError
from evalkit.http_client import AwsCredentials, AwsSigner, Signer, region_of


class AwsSettings(Settings):
    """How requests are signed for AWS (extra ``aws``).

    Credentials come from AWS's standard chain: environment variables, profile, single sign-on, role of the machine.

    Attributes
    ----------
    region
        Region of the service (default: that of ``url``, ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or the profile).
    profile
        Profile of AWS's configuration file (default: ``AWS_PROFILE``).
    service
        Name of the service in signatures (default: that of the dialect), e.g. ``sagemaker`` or ``execute-api``.
    """

    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = None
    profile: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    service: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")] | None = None


def check_aws(aws: AwsSettings, service: str | None, dialect: str, *, has_key: bool) -> None:
    """Check that an ``aws`` block fits the other settings.

    Parameters
    ----------
    aws
        The block.
    service
        Name of the service in signatures; None if neither the block nor the dialect names one.
    dialect
        Name of the dialect, for messages.
    has_key
        Whether requests have an API key.

    Raises
    ------
    ValueError
        If no service is named, or a key replaces the signature.
    """
    if service is None:
        raise ValueError(f"needs 'aws.service': the {dialect} dialect is not of AWS")
    if has_key and (aws.service or aws.profile):
        raise ValueError(
            "must not have 'api_key_env' with 'aws.service' or 'aws.profile': a key replaces the signature"
        )


class AwsAccess:
    """Region, credentials and signer of one API behind AWS.

    Parameters
    ----------
    settings
        The ``aws`` block.
    service
        Name of the service in signatures.
    url
        The configured address; None if the dialect's is used.
    signed
        Whether requests are signed: not if they have a key.
    """

    def __init__(self, settings: AwsSettings, service: str, url: str | None, *, signed: bool) -> None:
        self._settings, self._service, self._url = settings, service, url
        self.is_signed = signed

    @cached_property
    def _credentials(self) -> AwsCredentials:
        return AwsCredentials(self._settings.profile)

    def region(self) -> str | None:
        """Return the region; None if neither a signature nor the address needs it and none is configured.

        Raises
        ------
        MissingExtraError
            If only botocore could find the region, and it is not installed.
        CallError
            If a region is needed and none is configured.
        """
        named = (os.environ.get(name, "").strip() for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))
        region = self._settings.region or region_of(self._url) or next(filter(None, named), None)
        if region is None and (self.is_signed or self._url is None):
            region = self._credentials.region()
            if region is None:
                raise CallError(
                    "request", "no AWS region is configured", "set aws.region, or run export AWS_REGION=..."
                )
        return region

    def signer(self) -> Signer | None:
        """Return what signs the requests; None if they are not signed. See `region` for errors."""
        region = self.region()
        return AwsSigner(self._credentials, self._service, region) if self.is_signed and region else None

    def problem(self) -> EvalkitError | None:
        """Return why requests cannot be sent: no package, region or usable credentials; None if they can."""
        try:
            self.region()
            if self.is_signed:
                self._credentials.current()
        except EvalkitError as error:
            return error
        return None
