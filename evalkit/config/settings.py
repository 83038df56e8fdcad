"""The base class of all settings, and the types that they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from evalkit.config.meanings import describe
from evalkit.errors import EvalkitError
from evalkit.text_analysis import languages, unknown_language


def with_hint(error: EvalkitError) -> PydanticCustomError:
    """Return the error of a validator that keeps message and hint of another error."""
    return PydanticCustomError(UNKNOWN_NAME, "{message}", {"message": error.message, "hint": error.hint})


def _known_language(name: str) -> str:
    if name not in languages():
        raise with_hint(unknown_language(name))
    return name


UNKNOWN_NAME = "unknown_name"
"""Type of a pydantic error whose context contains a hint."""

PositiveInt = Annotated[int, Field(ge=1, le=100_000_000)]
Concurrency = Annotated[int, Field(ge=1, le=1_024)]
"""A number of threads or of calls in flight; more of them only wait for each other."""
Positive = Annotated[float, Field(gt=0, le=1e9)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
"""At most a day: Python's timers fail above some centuries."""
Seed = Annotated[int, Field(ge=0, lt=2**63)]
SLUG = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Slug = Annotated[str, Field(pattern=SLUG, max_length=80)]
"""A name that can be used in file names and tables."""


Language = Annotated[
    str,
    AfterValidator(_known_language),
    Field(json_schema_extra=lambda schema: schema.update(enum=languages())),
]


class Settings(BaseModel):
    """Settings are frozen, and an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        json_schema_extra=describe,
    )


def settings_in(annotation: Any) -> Iterator[type[Settings]]:
    """Yield the Settings classes in a type annotation, including those in unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for part in get_args(annotation):
        yield from settings_in(part)
