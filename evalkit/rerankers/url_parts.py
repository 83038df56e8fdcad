"""Placeholders in the public addresses of dialects: the account, the resource, the region."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

UrlPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
"""The value of a placeholder."""
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_REGION = "region"


def check_parts(address: str, parts: Mapping[str, str]) -> None:
    """Check that each placeholder of an address has a value, except the region, which the environment may name.

    Raises
    ------
    ValueError
        If one has none, or a value has no placeholder.
    """
    names = set(_PLACEHOLDER.findall(address)) - {_REGION}
    for name in sorted(names - set(parts)):
        raise ValueError(f"needs 'url_parts: {{{name}: ...}}' or 'url': the address is {address}")
    for name in sorted(set(parts) - names):
        raise ValueError(f"must not set {name!r} in 'url_parts': the address is {address}")


def with_parts(address: str, parts: Mapping[str, str]) -> str:
    """Return an address with the values of its placeholders; a placeholder without a value stays."""
    return _PLACEHOLDER.sub(lambda found: parts.get(found[1], found[0]), address)
