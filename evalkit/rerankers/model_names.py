"""Model names: whether two names refer to the same model, and whether a name may refer to another one later."""

from __future__ import annotations

import re

from evalkit.dialects import ANY_MODEL

_MOVING = {"latest", "stable", "current", "default", "preview", "nightly", "main"}
_RELEASE = re.compile(r"[-@:_](latest|\d{4}|\d{6,8}|\d{4}-\d{2}-\d{2})")
_BUILD = re.compile(r"[-@:_]v?\d[\w.-]*")


def same_model(requested: str, answered: str) -> bool:
    """Return whether two names refer to the same model.

    Owner and case are ignored, and an alias equals its dated releases. Any other suffix names another
    model: ``rerank-2.5-lite`` is not ``rerank-2.5``.
    """
    short, long = sorted((name.rpartition("/")[2].lower() for name in (requested, answered)), key=len)
    return long.startswith(short) and (short == long or _RELEASE.fullmatch(long[len(short) :]) is not None)


def is_build_of(alias: str, answered: str) -> bool:
    """Return whether a name may be that of the build to which a moving name refers now.

    >>> is_build_of("typesafe/jev-latest", "jev-1.13.0"), is_build_of("jev-latest", "jev-mini-1.0")
    (True, False)
    """
    family, _, word = alias.rpartition("/")[2].lower().rpartition("-")
    name = answered.rpartition("/")[2].lower()
    return (
        bool(family)
        and word in _MOVING
        and name.startswith(family)
        and _BUILD.fullmatch(name[len(family) :]) is not None
    )


def moving_name(model: str) -> str | None:
    """Return why a model's name may refer to another model later; None if it does not seem to."""
    if model == ANY_MODEL:
        return "no model is set"
    words = _MOVING.intersection(re.split(r"[-_:@/.]", model.lower()))
    return f"the name {model!r} moves ({', '.join(sorted(words))})" if words else None
