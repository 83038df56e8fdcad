"""The text of a query or a document, whatever form it has."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.request_texts import TextReader, UnusableTextError

MEDIA = RequestForms(media=True)


@pytest.mark.parametrize(
    ("forms", "chosen", "value", "text"),
    [
        (RequestForms(), None, "plain", "plain"),
        (RequestForms(), None, {"text": "a", "image": "metadata"}, "a"),
        (RequestForms(), ["b", "a"], {"a": "1", "b": "2", "c": "3"}, "2\n1"),
        (RequestForms(), ["a", "n"], {"a": None, "n": 7}, "7"),
        (RequestForms(), ["a"], "a string has no keys", "a string has no keys"),
        (RequestForms(object_keys=("title", "content")), None, {"content": "c", "title": "t"}, "t\nc"),
        (RequestForms(object_keys=("title", "content")), None, {"content": None, "title": "t"}, "t"),
        (RequestForms(other_keys="fallback"), None, {"text": "t", "id": "i"}, "t"),
        (RequestForms(other_keys="fallback"), None, {"a": "x", "b": [1, None]}, "x\n[1,null]"),
        (RequestForms(other_keys="always"), None, {"text": "t", "id": 3}, "t\n3"),
        (MEDIA, None, {"text": "t", "image": None}, "t"),
        (MEDIA, None, {"content": "c"}, "c"),
        (MEDIA, None, {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
    ],
)
def test_a_text_is_read_from_every_form(
    forms: RequestForms, chosen: list[str] | None, value: Any, text: str
) -> None:
    """Strings, objects by their keys in the order that the request names, and lists of parts."""
    assert TextReader(forms, "text", chosen).read(value) == text


@pytest.mark.parametrize(
    ("forms", "chosen", "value", "message"),
    [
        (RequestForms(), None, {"title": "t"}, "neither a string nor an object with 'text'"),
        (RequestForms(), None, 3, "neither a string"),
        (RequestForms(), ["a", "b"], {"c": "x"}, "without 'a' or 'b'"),
        (RequestForms(other_keys="always"), None, {}, "neither a string nor an object with a value"),
        (MEDIA, None, {"image": "x"}, "with 'image'; this service ranks text only"),
        (MEDIA, None, {"text": "t", "video_url": "x"}, "with 'video_url'; this service ranks text only"),
        (MEDIA, None, {"content": [{"type": "image_url", "image_url": {}}]}, "of type 'image_url'"),
        (MEDIA, None, {"content": []}, "empty 'content'"),
        (MEDIA, None, {"content": 3}, "neither a string nor a list of parts"),
    ],
)
def test_what_is_not_text_is_named(
    forms: RequestForms, chosen: list[str] | None, value: Any, message: str
) -> None:
    """An image is never left out silently, and an object without text is no empty text."""
    with pytest.raises(UnusableTextError, match=message):
        TextReader(forms, "text", chosen).read(value)
