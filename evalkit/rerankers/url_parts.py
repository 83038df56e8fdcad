"""Placeholders in the public addresses of dialects: the account, the resource, the region."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

UrlPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
"""The value of a placeholder."""
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_REGION = "region"


def missing_parts(address: str, parts: Mapping[str, str]) -> Iterator[str]:
    """Yield each placeholder of an address without a value, except the region, which the environment may name."""
    yield from (name for name in _PLACEHOLDER.findall(address) if name not in parts and name != _REGION)


def with_parts(address: str, parts: Mapping[str, str]) -> str:
    """Return an address with the values of its placeholders; a placeholder without a value stays."""
    return _PLACEHOLDER.sub(lambda found: parts.get(found[1], found[0]), address)
