"""AWS credentials and regions from the standard chain, as the AWS command line finds them (botocore, extra ``aws``)."""

from __future__ import annotations

import os
import re
import threading
from typing import Any
from urllib.parse import urlsplit

from evalkit.errors import RETRYABLE, CallError, MissingExtraError, Remedy

_CONNECT_S, _READ_S = 5, 10
"""Timeouts of requests for credentials, e.g. to AWS's single sign-on."""
_REGION_IN_HOST = re.compile(r"\.([a-z]{2,}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?$")
_ANY = (
    "export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, set AWS_PROFILE or aws.profile, or run aws sso login"
)


class AwsCredentials:
    """The credentials of a profile, or of the default chain; refreshed when they are about to expire.

    Parameters
    ----------
    profile
        Name of a profile; None for ``AWS_PROFILE`` or the default.

    Raises
    ------
    MissingExtraError
        If botocore is not installed.
    """

    def __init__(self, profile: str | None = None) -> None:
        try:
            import botocore.session
            from botocore.config import Config
        except ModuleNotFoundError:
            raise MissingExtraError("signing requests for AWS", "aws") from None
        self._profile = profile
        self._session = botocore.session.Session(profile=profile)
        self._session.set_default_client_config(
            Config(connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries={"max_attempts": 0})
        )
        self._credentials: Any = None
        self._lock = threading.Lock()  # a session may not look for credentials in several threads at once

    def current(self) -> Any:
        """Return the credentials as they are now: ``access_key``, ``secret_key`` and ``token``.

        Raises
        ------
        CallError
            If the chain has none, they are incomplete, or they have expired and cannot be refreshed.
        """
        # botocore's errors have no common base class: those of its clients and of a failed refresh have other ones.
        try:
            with self._lock:
                self._credentials = self._credentials or self._session.get_credentials()
            frozen = self._credentials and self._credentials.get_frozen_credentials()
        except Exception as error:  # noqa: BLE001
            raise self._unusable(error) from None
        if not frozen or not frozen.access_key or not frozen.secret_key:
            raise _refused("no AWS credentials found", _ANY)
        return frozen

    def region(self) -> str | None:
        """Return the region of the profile; None if it has none.

        Raises
        ------
        CallError
            If the profile does not exist, or AWS's configuration file is invalid.
        """
        try:
            return self._session.get_config_variable("region") or None
        except Exception as error:  # noqa: BLE001 - see `current`
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> CallError:
        from botocore.exceptions import HTTPClientError, ProfileNotFound

        reason = " ".join(str(error).split())
        profile = self._profile or os.environ.get("AWS_PROFILE")
        hint = _ANY
        if isinstance(error, ProfileNotFound):
            hint = "set aws.profile or AWS_PROFILE to a profile of ~/.aws/config"
        elif "sso" in f"{type(error).__name__} {reason}".lower():
            hint = f"run aws sso login{f' --profile {profile}' if profile else ''}"
        may_pass = isinstance(error, HTTPClientError)
        return _refused(f"no usable AWS credentials: {reason}", hint, RETRYABLE if may_pass else None)


def region_of(url: str | None) -> str | None:
    """Return the region in the host name of an AWS address; None if it has none."""
    found = _REGION_IN_HOST.search(urlsplit(url or "").hostname or "")
    return found[1] if found else None


def _refused(message: str, hint: str, remedy: Remedy | None = None) -> CallError:
    return CallError("request", message, hint, remedy=remedy or Remedy(permanent=True))
