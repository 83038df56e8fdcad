"""Names of models: whether two mean the same one, and whether one means the same tomorrow."""

from __future__ import annotations

import re

from evalkit.dialects import ANY_MODEL

_MOVING = {"latest", "stable", "current", "default", "preview", "nightly", "main"}
_RELEASE = re.compile(r"[-@:_](latest|\d{4}|\d{6,8}|\d{4}-\d{2}-\d{2})")


def same_model(asked: str, told: str) -> bool:
    """Return whether a server that was asked for one name may answer with the other.

    Owners and case do not count, and an alias may be answered with one of its dated releases or the
    other way round. A name that goes on in any other way is another model: ``rerank-2.5-lite`` is not
    ``rerank-2.5``.
    """
    one, other = sorted((name.rpartition("/")[2].lower() for name in (asked, told)), key=len)
    return other.startswith(one) and (one == other or _RELEASE.fullmatch(other[len(one) :]) is not None)


def moving_name(model: str) -> str | None:
    """Return why a model's name may stand for another model tomorrow; None where it does not say so."""
    if model == ANY_MODEL:
        return "no model is named"
    words = _MOVING.intersection(re.split(r"[-_:@/.]", model.lower()))
    return f"the name {model!r} moves ({', '.join(sorted(words))})" if words else None
