"""The text to rank of a query or a document that is a string or an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from evalkit.dialects.request_forms import RequestForms

_MEDIA = ("image", "image_url", "video", "video_url", "audio", "audio_url")


class UnusableTextError(ValueError):
    """A value that has no text to rank; the message says what it is."""


class TextReader:
    """Reads the texts of one request.

    Parameters
    ----------
    forms
        What the API accepts.
    key
        Key of an object's text.
    chosen
        The keys that the request names to rank objects by, in that order; None if it names none.
    """

    def __init__(self, forms: RequestForms, key: str, chosen: Sequence[str] | None = None) -> None:
        self._forms = forms
        self._keys = forms.object_keys or (key,)
        self._chosen = chosen
        self.met: set[str] = set()

    def read(self, value: Any) -> str:
        """Return the text of a query or a document.

        Raises
        ------
        UnusableTextError
            If it has none, or has an image or another medium.
        """
        if isinstance(value, str):
            return value
        if not isinstance(value, dict):
            raise UnusableTextError(f"neither a string nor an object with {self._wanted()}")
        if self._chosen is not None:
            return self._read_chosen(value, self._chosen)
        if self._forms.media:
            if "content" in value and not isinstance(value.get("text"), str):
                return _read_content(value["content"])
            _refuse_media(value)
        return self._read_object(value)

    def _read_chosen(self, value: dict[str, Any], chosen: Sequence[str]) -> str:
        found = [name for name in chosen if value.get(name) is not None]
        if not found:
            raise UnusableTextError(f"an object without {_or(chosen)}, which 'rank_fields' names")
        self.met.update(found)
        return "\n".join(_as_text(value[name]) for name in found)

    def _read_object(self, value: dict[str, Any]) -> str:
        everything = self._forms.other_keys
        found = [value[key] for key in self._keys if value.get(key) is not None]
        if everything != "always" and found and all(isinstance(one, str) for one in found):
            return "\n".join(found)
        if everything == "never" or not value:
            raise UnusableTextError(f"neither a string nor an object with {self._wanted()}")
        return "\n".join(_as_text(one) for one in value.values() if one is not None)

    def _wanted(self) -> str:
        return _or(self._keys) if self._forms.other_keys == "never" else "a value"


def _read_content(content: Any) -> str:
    """Return the text of ``content``: a string, or a list of parts ``{"type": "text", "text"}``."""
    if isinstance(content, str):
        return content
    texts = []
    for part in content if isinstance(content, list) else [None]:
        if not isinstance(part, dict):
            raise UnusableTextError("an object whose 'content' is neither a string nor a list of parts")
        kind = part.get("type")
        if kind != "text":
            raise UnusableTextError(
                f"an object with a part of type {str(kind)[:40]!r}; this service ranks text only"
            )
        if not isinstance(part.get("text"), str):
            raise UnusableTextError("an object with a part of 'content' without 'text'")
        texts.append(part["text"])
    if not texts:
        raise UnusableTextError("an object with an empty 'content'")
    return "\n".join(texts)


def _refuse_media(value: dict[str, Any]) -> None:
    for name in _MEDIA:
        if value.get(name) is not None:
            raise UnusableTextError(f"an object with {name!r}; this service ranks text only")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _or(names: Sequence[str]) -> str:
    return " or ".join(repr(name[:40]) for name in names)
