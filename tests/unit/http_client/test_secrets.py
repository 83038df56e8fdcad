"""Keys in texts of others are replaced."""

from __future__ import annotations

import pytest

from evalkit.errors import InputError
from evalkit.http_client import Redactor, require_key


def test_a_key_is_struck_out_in_every_form() -> None:
    """Plain, JSON-quoted, URL-quoted and base64; a text without it is left as it is."""
    redactor = Redactor('a"key/+=')
    assert redactor.text('x a"key/+= y a\\"key/+= z a%22key%2F%2B%3D') == "x [key] y [key] z [key]"
    assert redactor.content(b"YSJrZXkvKz0= is it") == b"[key] is it"
    assert Redactor(None).text("x") == "x"
    assert Redactor("abc").text("abc") == "abc"


def test_a_key_after_its_scheme_is_struck_out_alone() -> None:
    """The variable holds "Bearer KEY", and the server echoes the key."""
    assert Redactor("Bearer sk-live-0123").text("no such key: sk-live-0123") == "no such key: [key]"


def test_a_further_key_is_struck_out_too() -> None:
    """Both the first and the further ones; a key that is None counts for nothing."""
    assert Redactor("first").plus("second", None).text("first second None") == "[key] [key] None"


def test_escapes_are_undone_only_where_they_hide_a_key() -> None:
    """A body without the key is returned as it is, and one with it stays valid JSON."""
    redactor = Redactor("sk-live/0123")
    harmless = rb'{"text": "100% \u0041 \/ &#65; \u0022"}'
    assert redactor.content(harmless) == harmless
    hidden = rb'{"text": "\u0073k-live\/0123 \u0022 \u005c"}'
    assert redactor.content(hidden) == rb'{"text": "[key] \u0022 \u005c"}'


@pytest.mark.parametrize("given", ["sk-live-0123", "a b", "KEY=1"])
def test_a_key_in_place_of_a_variables_name_is_not_repeated(given: str) -> None:
    """The error says what is expected, and not what was given."""
    with pytest.raises(InputError, match="the name of an environment variable is expected") as raised:
        require_key(given)
    assert given not in raised.value.render()
