"""What an error reply of AWS says: its type, the status of the model behind it, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PASSED_ON = 424
_ORIGINAL_STATUS = ("OriginalStatusCode", "originalStatusCode")
_EXPIRED = {"ExpiredTokenException", "ExpiredToken", "RequestExpired"}
_NOT_ALLOWED = {"AccessDeniedException", "AccessDenied"}
_WRONG_SIGNATURE = {
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignatureException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
}


def aws_error_type(headers: Mapping[str, str]) -> str | None:
    """Return the type of an error, such as ``ThrottlingException``; None for a reply that is not AWS's."""
    # "ThrottlingException:http://internal.amazon.com/...": what follows the colon means nothing to clients.
    return headers.get("x-amzn-errortype", "").partition(":")[0].strip() or None


def passed_on_status(status: int, body: Any) -> int:
    """Return the status with which the model failed, if AWS passes on its error (ModelError); else `status`."""
    if status == _PASSED_ON and isinstance(body, dict):
        for name in _ORIGINAL_STATUS:
            original = body.get(name)
            if isinstance(original, int) and not isinstance(original, bool) and 400 <= original < 600:
                return original
    return status


def aws_hint(error_type: str, message: str) -> str | None:
    """Return what to do about an error of AWS, in the imperative; None if its message says it."""
    if error_type in _EXPIRED or (error_type in _WRONG_SIGNATURE and "expired" in message):
        return "renew the AWS credentials, e.g. with aws sso login, and check the clock of this machine"
    if error_type in _WRONG_SIGNATURE:
        return "check the AWS credentials (AWS_PROFILE, aws.profile) and aws.region"
    if error_type in _NOT_ALLOWED:
        return (
            "allow bedrock:Rerank, bedrock:InvokeModel or sagemaker:InvokeEndpoint for these credentials, and"
            " enable the model in this region"
        )
    if error_type == "ResourceNotFoundException":
        return "check model and aws.region"
    return None
