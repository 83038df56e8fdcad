"""Documents as JSON: one serialiser for all of them, and errors that name the key.

A document is a frozen dataclass. Its fields are the JSON keys, with three exceptions, marked in the annotation: a
record whose keys are written among those of its owner (`Inline`), an interval under other key names (`Keys`), and a
key that is a reserved word in Python (`Key`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints

import orjson
from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from evalkit.errors import InputError
from evalkit.stats import Interval

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inline:
    """Marks a record that is written among the keys of its owner: field of the record -> key, in JSON's order."""

    keys: Mapping[str, str]

    @classmethod
    def interval(cls, estimate: str) -> Inline:
        """Mark an interval that is written as the keys `estimate`, ``lower``, ``upper`` and ``n``."""
        return cls({"estimate": estimate, "lower": "lower", "upper": "upper", "n": "n"})

    @classmethod
    def all_of(cls, record: type[Any]) -> Inline:
        """Mark a record of which every field is a key of the owner, under its own name."""
        return cls({one.name: one.name for one in fields(record)})


@dataclass(frozen=True, slots=True)
class Key:
    """Marks a field whose JSON key is not its name, or that is left out where it is None."""

    name: str | None = None
    omit_none: bool = False


class JsonObject:
    """Base of the dataclasses whose annotations are marked with `Inline` or `Key`."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return pydantic's schema of the dataclass, which maps JSON keys to fields and back."""
        marks = {
            name: mark
            for name, hint in get_type_hints(cls, include_extras=True).items()
            for mark in getattr(hint, "__metadata__", ())
        }
        inlined = {name: mark.keys for name, mark in marks.items() if isinstance(mark, Inline)}
        named = {name: mark for name, mark in marks.items() if isinstance(mark, Key)}
        keys = {name: mark.name for name, mark in named.items() if mark.name is not None}
        optional = {name for name, mark in named.items() if mark.omit_none}

        def gather(data: Any) -> Any:
            if not isinstance(data, Mapping):
                return data
            taken = {key for inner in inlined.values() for key in inner.values()} | set(keys.values())
            fields = {name: value for name, value in data.items() if name not in taken or name in inlined}
            for name, inner in inlined.items():
                fields[name] = {field: data[key] for field, key in inner.items() if key in data}
            return fields | {name: data[key] for name, key in keys.items() if key in data}

        def spread(value: Any, inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
            written: dict[str, Any] = {}
            for name, content in inner(value).items():
                if name in inlined:
                    written |= {key: content[field] for field, key in inlined[name].items()}
                elif content is not None or name not in optional:
                    written[keys.get(name, name)] = content
            return written

        # Other fields of this type refer to this schema by its reference, so the wrapped one must carry it.
        schema: Any = dict(handler.resolve_ref_schema(handler(source)))
        reference = schema.pop("ref")
        return _between(schema, gather, spread, reference)


@dataclass(frozen=True, slots=True)
class Keys:
    """JSON keys of an interval, without its confidence: use it in ``Annotated[Interval, Keys("mean")]``."""

    estimate: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return pydantic's schema of the interval, which maps these keys to its fields and back."""

        def spread(value: Any, inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
            return self.spread(inner(value))

        return _between(handler(source), self.gather, spread)

    def gather(self, data: Any) -> Any:
        """Return the fields of the interval."""
        if not isinstance(data, Mapping):
            return data
        return {("estimate" if name == self.estimate else name): value for name, value in data.items()}

    def spread(self, fields_of_interval: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keys of the interval."""
        bounds = {name: fields_of_interval[name] for name in ("lower", "upper", "n")}
        return {self.estimate: fields_of_interval["estimate"], **bounds}


@dataclass(frozen=True, slots=True)
class FieldKeys:
    """Keys of the intervals in a record of another package: field -> the key of its estimate, as in `Keys`."""

    estimates: Mapping[str, str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return pydantic's schema of the record, with these keys in its intervals."""
        keys = {name: Keys(estimate) for name, estimate in self.estimates.items()}

        def gather(data: Any) -> Any:
            if not isinstance(data, Mapping):
                return data
            return {**data, **{name: one.gather(data[name]) for name, one in keys.items() if name in data}}

        def spread(value: Any, inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
            written = inner(value)
            return {**written, **{name: one.spread(written[name]) for name, one in keys.items()}}

        return _between(handler(source), gather, spread)


def _between(
    schema: CoreSchema, gather: Callable[[Any], Any], spread: Callable[..., Any], reference: str | None = None
) -> CoreSchema:
    """Return a schema that reads data through `gather` and writes records through `spread`."""
    serialization = core_schema.wrap_serializer_function_ser_schema(spread)
    return core_schema.no_info_before_validator_function(
        gather, schema, serialization=serialization, ref=reference
    )


Mean = Annotated[Interval, Keys("mean")]
"""An interval written as ``mean``, ``lower``, ``upper``, ``n``."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _validator(kind: Any) -> SchemaValidator:
    return SchemaValidator(_exact(_adapter(kind).core_schema))


def _exact(schema: Any) -> Any:
    """Return a schema that converts no scalar: text is no number, a number is no text, and a truth value is neither.

    Lists stay acceptable for tuples, and objects for records, as JSON has no others.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(map(_exact, schema))
    if not isinstance(schema, dict):
        return schema
    found = {key: value if key == "metadata" else _exact(value) for key, value in schema.items()}
    if found.get("type") in _SCALARS:
        return {**found, "strict": True}
    return {**found, "strict": False} if "strict" in found else found


_SCALARS = frozenset({"str", "int", "float", "bool"})


def to_plain(record: Any, kind: Any = None) -> Any:
    """Return a record, or a value of type `kind`, as plain JSON values."""
    adapter: TypeAdapter[Any] = _adapter(kind or type(record))  # type: ignore[arg-type]
    return adapter.dump_python(record, mode="json")


class Document:
    """Base of the documents that are files: each has a schema version.

    ``summary["quality"]`` is an alias of ``document(summary)["quality"]``: documents were plain dictionaries once.
    """

    __slots__ = ()
    VERSION: ClassVar[int]

    def __getitem__(self, key: str) -> Any:
        """Return the plain value of a key of the JSON file."""
        return document(self)[key]


def document(record: Document) -> dict[str, Any]:
    """Return a document as plain values, the schema version first."""
    return {"schema_version": record.VERSION, **to_plain(record)}


def to_json(value: Any) -> bytes:
    """Return plain values as indented JSON with a final newline, keys in their order."""
    return orjson.dumps(
        value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    )


def from_plain(kind: type[T], data: Any, file: Path, remedy: str) -> T:
    """Return the record of type `kind` from the plain values of a file.

    Raises
    ------
    InputError
        If a key is missing or has the wrong type; it names the file and the path of the key.
    """
    fault = _unreasonable(data)
    if fault is not None:
        raise InputError(f"{file.resolve()} is damaged: {fault}", remedy)
    try:
        record: T = _validator(kind).validate_python(data)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = _joined(_key_path(data, first["loc"]))
        more = error.error_count() - 1
        others = f" (and {more} more)" if more else ""
        said = _PLAIN.get(first["type"], first["msg"].lower())
        raise InputError(f"{file.resolve()} is damaged: {path}: {said}{others}", remedy) from None
    return record


_OBJECT, _LIST = "input should be a JSON object", "input should be a list"
_PLAIN = {"dataclass_type": _OBJECT, "mapping_type": _OBJECT, "dict_type": _OBJECT, "model_type": _OBJECT,
          "tuple_type": _LIST, "list_type": _LIST}  # fmt: skip
"""Type of a pydantic error -> what is wrong, without the names of Python's types."""
MOST_LEVELS = 60
"""How deep a document may be nested: ours are at most 10 levels deep, and functions that walk them recurse."""
_INT64 = 2**63


def _unreasonable(data: Any) -> str | None:
    """Return what no document contains, with its place: numbers that no column can hold, or very deep nesting."""
    waiting: list[tuple[Any, tuple[int | str, ...]]] = [(data, ())]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, Mapping | list | tuple):
            if len(path) >= MOST_LEVELS:
                return f"{_joined(path[:3])}: it is nested more than {MOST_LEVELS} levels deep"
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            waiting += ((child, (*path, key)) for key, child in items)
        elif isinstance(value, int) and not -_INT64 <= value < _INT64:
            return f"{_joined(path)}: an integer must be in the range of 64 bits"
        elif isinstance(value, float) and not math.isfinite(value):
            return f"{_joined(path)}: the number {value} is not finite"
    return None


def _joined(path: Sequence[int | str]) -> str:
    return ".".join(map(str, path)) or "the document"


def _key_path(data: Any, location: Sequence[int | str]) -> list[int | str]:
    """Return the path of JSON keys to an error; pydantic's `location` has field names instead of renamed keys."""
    path: list[int | str] = []
    owner: Any = None
    value: Any = data
    for step in location:
        if _is_container(value):
            if _contains(value, step) or step == location[-1]:
                path.append(step)
                owner, value = value, value[step] if _contains(value, step) else None
        elif owner is not None and path and _contains(owner, step):
            path[-1], value = step, owner[step]
    return path


def _is_container(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _contains(container: Any, step: int | str) -> bool:
    return step in container if isinstance(container, Mapping) else isinstance(step, int)


MOST_BYTES = 2**30
"""Largest JSON or YAML file of a result folder: the largest that we know has 20 MiB."""
_COMPLETE = "check that the result folder is complete"


def read_json(path: Path, remedy: str = _COMPLETE) -> Any:
    """Read a JSON file of a result folder; `remedy` is what to do if it is missing or damaged.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        return orjson.loads(read_whole(path, remedy))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path.resolve()} is damaged: {error}", remedy) from None


def read_whole(path: Path, remedy: str = _COMPLETE) -> bytes:
    """Return the content of a small file of a result folder; `remedy` is what to do if it is missing or too large.

    Raises
    ------
    InputError
        If it is missing, no regular file (a pipe would never end), too large, or cannot be read.
    """
    if not path.is_file():
        raise missing_file(path, remedy)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.resolve()} has more than {MOST_BYTES >> 20} MiB", remedy)
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path.resolve()}: {error.strerror}", "check its permissions") from None


def missing_file(path: Path, remedy: str = _COMPLETE) -> InputError:
    """Return the error for a file that a result folder lacks."""
    return InputError(f"file not found: {path.resolve()}", remedy)
