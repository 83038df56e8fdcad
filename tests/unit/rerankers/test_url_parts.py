"""Placeholders of an address have a value each."""

from __future__ import annotations

import pytest

from evalkit.rerankers.url_parts import check_parts, with_parts

ADDRESS = "https://{resource}.example/{account}/{region}"


def test_every_placeholder_needs_a_value_except_the_region() -> None:
    """The region may come from the environment."""
    check_parts(ADDRESS, {"resource": "r", "account": "a"})
    with pytest.raises(ValueError, match=r"needs 'url_parts: \{account: \.\.\.\}' or 'url'"):
        check_parts(ADDRESS, {"resource": "r"})


def test_a_value_without_a_placeholder_is_refused() -> None:
    """It would be a typing error that has no effect."""
    with pytest.raises(ValueError, match="must not set 'acount'"):
        check_parts("https://x.example/", {"acount": "a"})


def test_values_replace_placeholders() -> None:
    """One without a value stays."""
    assert with_parts(ADDRESS, {"resource": "r", "region": "us-1"}) == "https://r.example/{account}/us-1"
