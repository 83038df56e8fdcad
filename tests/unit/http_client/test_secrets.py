"""Keys in texts of others are replaced."""

from __future__ import annotations

from evalkit.http_client import Redactor


def test_a_key_is_struck_out_in_every_form() -> None:
    """Plain, JSON-quoted, URL-quoted and base64; a text without it is left as it is."""
    redactor = Redactor('a"key/+=')
    assert redactor.text('x a"key/+= y a\\"key/+= z a%22key%2F%2B%3D') == "x [key] y [key] z [key]"
    assert redactor.content(b"YSJrZXkvKz0= is it") == b"[key] is it"
    assert Redactor(None).text("x") == "x"
    assert Redactor("abc").text("abc") == "abc"
