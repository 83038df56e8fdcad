"""The file of a random draw of queries for people, with its enlargements and the judge that people's grades correct."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from evalkit.datasets.sample_judge import NamedJudge
from evalkit.errors import DataFormatError, StorageError
from evalkit.files import create_file, make_folder, write_file
from evalkit.records.judgments import seconds_of

RANDOM = "random"
DECLARED = "declared random by the user"
"""What is said of a draw that was made elsewhere."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A later enlargement of a draw.

    Attributes
    ----------
    queries
        Number of queries that were asked for.
    drawn_at
        When, in UTC.
    judged_before
        Pairs of the queries drawn before that people had judged by then; None if unknown. With any, the enlargement was
        a look at their grades.
    drawn_before
        Number of queries that were drawn before; None if unknown.
    """

    queries: int
    drawn_at: str
    judged_before: int | None = None
    drawn_before: int | None = None
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class HumanSample:
    """A random draw of queries, as its file holds it.

    The queries, or whole clusters of them, are put in one random order that depends on nothing but the seed and the
    ids; a draw is the beginning of it. So a larger draw contains a smaller one.

    Attributes
    ----------
    dataset
        Name of the dataset.
    seed
        Seed of the order.
    queries
        Number of queries asked for; whole clusters may be a few more.
    population
        Number of queries that were drawn from.
    population_sha256
        Hash of the ids of those queries.
    drawn_at
        When, in UTC; of a draw that was made elsewhere, when it was first read.
    query_ids
        The queries in drawn order.
    drawn
        How they were drawn.
    extensions
        Later enlargements, the oldest first.
    judged_before
        Pairs that people had judged when it was made: if there are any, it may have been chosen after judging.
    judge
        The judge that people's grades correct; None as long as none is named.
    sha256
        Hash of the file of ids of a draw that was made elsewhere.
    """

    dataset: str
    seed: int
    queries: int
    population: int
    population_sha256: str
    drawn_at: str
    query_ids: tuple[str, ...]
    drawn: str = RANDOM
    extensions: tuple[Extension, ...] = ()
    judged_before: int = 0
    judge: NamedJudge | None = None
    sha256: str | None = None
    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def is_declared(self) -> bool:
        """Whether it was made elsewhere, and is random as the user says."""
        return self.drawn == DECLARED

    @property
    def enlarged(self) -> int:
        """How often it was enlarged after people had judged, or may have."""
        return sum(one.judged_before != 0 for one in self.extensions)


_SAMPLE = TypeAdapter(HumanSample)
_FAULTS = {
    "dataclass_type": "must be an object",
    "missing": "the key is missing",
    "tuple_type": "must be a list",
    "unexpected_keyword_argument": "the key is unknown",
}
"""Type of a pydantic error -> what is wrong with a key, without the names of Python's types."""


def read_human_sample(path: Path, drawn: str = RANDOM) -> HumanSample | None:
    """Return the draw of a file; None if there is no file.

    Parameters
    ----------
    path
        The file.
    drawn
        How its queries are expected to be drawn.

    Raises
    ------
    DataFormatError
        If the file is no such draw.
    """
    if not path.is_file():
        return None
    try:
        sample: HumanSample = _SAMPLE.validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        said = _FAULTS.get(fault["type"], fault["msg"].lower())
        raise _no_draw(path, f"{key}: {said}" if key else said) from None
    if sample.drawn != drawn:
        raise _no_draw(path, f"drawn: {sample.drawn!r} in the place of {drawn!r}")
    if seconds_of(sample.drawn_at) is None:
        raise _no_draw(path, f"drawn_at: {sample.drawn_at!r} is no time")
    return sample


def _no_draw(path: Path, fault: str) -> DataFormatError:
    return DataFormatError(f"{path} is no draw of queries: {fault}", "restore the file from a copy")


def write_first(path: Path, drawn: HumanSample) -> HumanSample:
    """Write a new draw; if another process was faster, return its draw.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    try:
        make_folder(path.parent)
        create_file(path, _content(drawn))
    except FileExistsError:
        earlier = read_human_sample(path, drawn.drawn)
        if earlier is None:
            raise StorageError(f"{path.absolute()} is no file", "remove it") from None
        return earlier
    except OSError as error:
        raise _not_written(path, error) from None
    return drawn


def write_human_sample(path: Path, sample: HumanSample) -> None:
    """Write a draw in the place of the one that its file has.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    try:
        write_file(path, _content(sample))
    except OSError as error:
        raise _not_written(path, error) from None


def _content(sample: HumanSample) -> str:
    document: dict[str, Any] = asdict(sample)
    for name in ("extensions", "judged_before", "judge", "sha256"):
        if not document[name]:
            del document[name]
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _not_written(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write {path.absolute()}: {error.strerror or error}", "choose a writable folder"
    )
