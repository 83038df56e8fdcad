"""Find out whether the chat template of a model can carry a query and a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles

_ROLES = tuple(re.compile(rf"""["']{role}["']""") for role in ("query", "document"))
_TEXTS = ("a query 5b1c", "a document 9e27")
"""Texts that no template contains."""


def carries_pairs(files: ModelFiles) -> bool:
    """Return whether the chat template renders messages of the roles query and document, as the library sends them."""
    if files.chat_template is None:
        return False
    names = {name: _text(value) for name, value in files.tokenizer_config.items() if name.endswith("_token")}
    flat = [{"role": role, "content": text} for role, text in zip(("query", "document"), _TEXTS, strict=True)]
    parts = [{**one, "content": [{"type": "text", "text": one["content"]}]} for one in flat]
    return any(_renders(files.chat_template, messages, names) for messages in (flat, parts))


def names_both_roles(files: ModelFiles) -> bool:
    """Return whether the chat template is that of a reranker: it carries pairs, and names both roles.

    Templates of many chat models carry messages of any role, and were never meant for pairs.
    """
    template = files.chat_template or ""
    return all(role.search(template) for role in _ROLES) and carries_pairs(files)


def _text(token: Any) -> str:
    """Return the text of a token in a tokenizer's configuration; empty if there is none."""
    return str(token.get("content") or "") if isinstance(token, Mapping) else str(token or "")


def _renders(template: str, messages: list[dict[str, Any]], names: Mapping[str, str]) -> bool:
    from transformers.utils import chat_template_utils

    render: Any = chat_template_utils.render_jinja_template
    try:
        rendered, _ = render([messages], chat_template=template, **names)
    except Exception:  # noqa: BLE001 - a template can raise anything, such as its own error for an unknown role
        return False
    return all(text in rendered[0] for text in _TEXTS)
