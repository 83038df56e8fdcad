"""What a rerank API accepts in a request besides the key names of its `Shape`; read by the server only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_QWEN = "Given a web search query, retrieve relevant passages that answer the query"
DEFAULT_INSTRUCTIONS = ("", _QWEN, f"{_QWEN}.")
"""Instructions that the APIs of Qwen's rerankers use by default, and so change nothing."""

FLAGS: Mapping[str, bool] = {"true": True, "false": False}
"""What a boolean option means that is a text; RAGFlow sends such texts to Xinference."""


@dataclass(frozen=True, slots=True)
class RequestForms:
    """The forms of a request that an API documents.

    Attributes
    ----------
    model_optional
        Whether a request may leave out the model.
    default_model
        The model that the API uses then, and that its clients may send by default; None if it has no name.
    top_n_means_all
        The values of ``top_n`` that ask for all results.
    least_top_n
        The smallest other value of ``top_n``; 0 if the API then returns an empty list.
    top_n_elsewhere, return_documents_elsewhere
        Further paths of these options; None if there are none.
    text_flags
        Whether a boolean option may be the text ``true`` or ``false``, as APIs take it that convert texts (pydantic).
    single_document
        Whether the documents may be one string instead of a list.
    media
        Whether the API also reads images: then the query and the documents may be ``{"text"}`` or
        ``{"content": [...]}``, and what is not text is refused.
    rank_fields
        Path of the option that names the keys to rank objects by; None if there is none.
    object_keys
        Keys whose texts are ranked if no option names others; empty for the document key of the shape.
    other_keys
        When all keys of an object are ranked: ``always``; if it has none of `object_keys` (``fallback``); or ``never``.
    pairs
        Paths of two texts or lists of texts, for an API that scores pairs: 1 against 1, 1 against N, or N against N.
    default_instructions
        Instructions that the API uses by default, so that a request with one has none of its own.
    unchanging
        Options that would change scores or results and are not applied -> the values that change nothing; null always
        does. A request with another value is refused.
    """

    model_optional: bool = False
    default_model: str | None = None
    top_n_means_all: range = range(0)
    least_top_n: int = 1
    top_n_elsewhere: str | None = None
    return_documents_elsewhere: str | None = None
    text_flags: bool = False
    single_document: bool = False
    media: bool = False
    rank_fields: str | None = None
    object_keys: tuple[str, ...] = ()
    other_keys: Literal["never", "fallback", "always"] = "never"
    pairs: tuple[tuple[str, str], ...] = ()
    default_instructions: tuple[str, ...] = ()
    unchanging: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
