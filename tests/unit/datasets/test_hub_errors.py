"""Messages for what the hub answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import NoReturn

import httpx
import pytest
from support.messages import said

from evalkit.datasets import hub_errors
from evalkit.datasets.hub_errors import translate_errors


def refusing(status: int) -> Callable[[], NoReturn]:
    """Return a request that fails as the package does: with an error that names no status, caused by one that does."""

    def request() -> NoReturn:
        response = httpx.Response(status, request=httpx.Request("GET", "http://hub/x"))
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise FileNotFoundError("Couldn't find any data file") from error
        raise AssertionError

    return request


@pytest.mark.parametrize(
    ("status", "problem", "hint"),
    [
        (401, "the hub refuses access to the dataset 'a/b' (HTTP 401)", "set HF_TOKEN"),
        (403, "the hub refuses access to the dataset 'a/b' (HTTP 403)", "set HF_TOKEN"),
        (404, "dataset 'a/b' not found on the hub", "check the name"),
        (429, "the hub limits the number of requests (HTTP 429)", "try again later"),
        (503, "the hub has a fault (HTTP 503)", "try again later"),
    ],
)
def test_the_status_of_the_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, status: int, problem: str, hint: str
) -> None:
    """Also where the package reports only that it found no file."""
    monkeypatch.setattr(hub_errors, "hub_access", lambda: nullcontext(None))
    error = said(lambda: translate_errors(refusing(status), "a/b", "'a/b'"))
    assert problem in error
    assert hint in error
