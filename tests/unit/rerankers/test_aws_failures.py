"""The type of an AWS error, and the status of the model that it passes on."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.rerankers.aws_failures import aws_error_type, aws_hint, passed_on_status


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("ThrottlingException:http://x/y", "ThrottlingException"),
        ("ModelError", "ModelError"),
        ("", None),
        (":x", None),
    ],
)
def test_the_type_is_in_a_header_before_the_colon(header: str, kind: str | None) -> None:
    """A reply without the header is not AWS's."""
    assert aws_error_type({"x-amzn-errortype": header}) == kind
    assert aws_error_type({}) is None


@pytest.mark.parametrize(
    ("status", "body", "effective"),
    [
        (424, {"OriginalStatusCode": 503}, 503),
        (424, {"originalStatusCode": 400}, 400),
        (424, {"OriginalStatusCode": 200}, 424),
        (424, {"OriginalStatusCode": True}, 424),
        (424, {"OriginalStatusCode": "503"}, 424),
        (424, [503], 424),
        (400, {"OriginalStatusCode": 503}, 400),
    ],
)
def test_only_a_passed_on_error_has_another_status(status: int, body: Any, effective: int) -> None:
    """The status must be one of an error, as a number."""
    assert passed_on_status(status, body) == effective


def test_an_error_that_explains_itself_has_no_hint() -> None:
    """Hints are for credentials, permissions and names."""
    assert aws_hint("ValidationException", "texts expired in 2020") is None
    assert "sso login" in str(aws_hint("InvalidSignatureException", "Signature expired"))
    assert "aws.region" in str(aws_hint("InvalidSignatureException", "other"))
