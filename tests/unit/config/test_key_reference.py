"""What is said of keys: values as YAML has them, forms in a few words, and where a key belongs."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from evalkit.config import RerankerSettings
from evalkit.config.experiment import Outline
from evalkit.config.key_reference import as_yaml, keys_of
from evalkit.config.latency import LatencySettings
from evalkit.rerankers.http_settings import HttpSettings
from evalkit.rerankers.remote_access import RemoteAccess

scalars = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\t"))
    | st.sampled_from(["null", "True", "1", "1e3", "~", "no", "a: b", "a #b", "- a", "nDCG@10", "{title}"])
)


@given(
    value=scalars | st.lists(scalars) | st.dictionaries(st.from_regex(r"[a-z]+_k", fullmatch=True), scalars)
)
def test_what_is_written_is_what_yaml_reads(value: Any) -> None:
    """No two values that differ are written alike, in the last digit or in their kind."""
    read = YAML(typ="safe", pure=True).load(io.StringIO(f"key: {as_yaml(value)}\n"))["key"]
    assert read == value
    assert type(read) is type(value) or (isinstance(value, float) and value.is_integer())


def test_a_key_belongs_to_whom_says_something_of_it() -> None:
    """What a plugin only inherits is its base's; what it explains anew is its own, with its own words."""
    keys = {key.name: key for key in keys_of(HttpSettings)}
    assert keys["claims"].owner is RerankerSettings
    assert keys["timeout_s"].owner is RemoteAccess
    assert keys["url"].owner is HttpSettings
    assert "public address" in keys["url"].meaning
    assert (keys["retries"].form, keys["retries"].default) == ("whole number ≥ 0 and ≤ 20", "5")


def test_blocks_are_found_wherever_they_stand() -> None:
    """An optional block, and only what is one, leads on to its own keys."""
    blocks = {key.name: key.block for key in keys_of(Outline) if key.block}
    assert blocks["latency"] is LatencySettings
    assert "metrics" not in blocks
