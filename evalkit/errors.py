"""Every way evalkit can fail.

::

    EvalkitError                    70  a bug, unless a subclass says otherwise
    ├── InputError                   2  the user gave something wrong; nothing was run
    │   ├── ConfigError                 one or more problems in a configuration
    │   ├── DataFormatError             a file that cannot be read as what it should be
    │   ├── UnknownNameError            a name that no registry knows
    │   └── MissingExtraError           an optional dependency is not installed
    ├── WorldError                   3  the world failed
    │   ├── DatasetError                a dataset that cannot be had
    │   ├── CallError                   one call to a reranker or a search engine failed
    │   ├── BudgetError                 the next call could cost more than is left
    │   ├── IncompleteError             a result that does not hold all it should
    │   └── StorageError                a folder or file that cannot be written
    └── InterruptError             130  the user stopped the work

The number is the exit code of the command line (table in ``README.md``, section Commands).
A message is one sentence with the offending value; ``hint`` says what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class EvalkitError(Exception):
    """Base of everything evalkit raises on purpose.

    Parameters
    ----------
    message
        One sentence: what is wrong, where, with the offending value.
    hint
        What to do about it, in the imperative.
    """

    exit_code = 70

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes whole: subclasses take other parameters than pickle would give them."""
        return _restore, (type(self), self.args, self.__dict__)

    def render(self) -> str:
        """Return the text shown to a user: ``error: ...`` and, below it, the hint."""
        lines = [f"error: {self.message}"]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


def _restore(kind: type[EvalkitError], args: tuple[Any, ...], state: dict[str, Any]) -> EvalkitError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InputError(EvalkitError):
    """The user gave something wrong; nothing was run."""

    exit_code = 2


class ConfigError(InputError):
    """One or more problems in a configuration, each already rendered.

    Parameters
    ----------
    problems
        ``(where and what, hint)`` of each problem, in the order of the file.
    """

    def __init__(self, problems: Iterable[tuple[str, str | None]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(text for text, _ in self.problems))

    def render(self) -> str:
        """Return all problems, each with its hint, and their number."""
        blocks = [EvalkitError(text, hint).render() for text, hint in self.problems]
        count = len(self.problems)
        return "\n".join([*blocks, f"{count} problem{'s' * (count != 1)}; nothing was run"])


class DataFormatError(InputError):
    """A file that cannot be read as what it should be."""


class UnknownNameError(InputError):
    """A name that no registry knows; the hint names the nearest one.

    Parameters
    ----------
    what
        The kind of thing, e.g. ``"reranker backend"``.
    name
        The unknown name.
    known
        The names that exist.
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown {what} {name!r}", nearest_name_hint(name, known))


class MissingExtraError(InputError):
    """An optional dependency is not installed.

    Parameters
    ----------
    feature
        What needs it, e.g. ``"the bi_encoder backend"``.
    extra
        The extra that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs packages that are not installed",
            f"install them with: pip install 'rerank-evalkit[{extra}]'"
            f" (in a clone: pip install -e '.[{extra}]')",
        )


class WorldError(EvalkitError):
    """The world outside failed: a file, a server, a hub."""

    exit_code = 3


class DatasetError(WorldError):
    """A dataset that cannot be had."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What may be done about a failed call; by default nothing.

    Attributes
    ----------
    transient
        Whether the same call may succeed later.
    wait_s
        Seconds the server asked to wait before that; None where it did not.
    too_large
        Whether the server may have refused the request for its size.
    closes
        Whether every further call would fail alike: a wrong key, an unknown model.
    """

    transient: bool = False
    wait_s: float | None = None
    too_large: bool = False
    closes: bool = False


NO_REMEDY = Remedy()
MAY_PASS = Remedy(transient=True)


class CallError(WorldError):
    """One call to a reranker or a search engine failed; nothing came of it.

    Parameters
    ----------
    kind
        A short stable word: ``connect``, ``timeout``, ``broken``, ``http``, ``reply``, ``model``,
        ``request``, ``backend``, ``memory``, ``lost``.
    message, hint
        See `EvalkitError`.
    http_status
        The status of the reply, or None where none arrived.
    body
        The beginning of the reply, for the failure log.
    remedy
        What may be done about it.

    Attributes
    ----------
    billed_usd
        What the parts of it that were answered cost all the same, over all attempts.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        hint: str | None = None,
        *,
        http_status: int | None = None,
        body: str | None = None,
        remedy: Remedy = NO_REMEDY,
    ) -> None:
        super().__init__(message, hint)
        self.kind = kind
        self.http_status = http_status
        self.body = body
        self.remedy = remedy
        self.billed_usd = 0.0


class BudgetError(WorldError):
    """The next call could cost more than the budget still holds; nothing beyond it was spent."""


class IncompleteError(WorldError):
    """A result that does not hold all it should."""


class StorageError(WorldError):
    """A folder or file that cannot be written."""


class InterruptError(EvalkitError):
    """The user stopped the work; what was measured is saved."""

    exit_code = 130


def nearest_name_hint(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known name nearest to `name`, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not near:
        folded = {other.lower().replace("-", "_"): other for other in names}
        near = difflib.get_close_matches(name.lower().replace("-", "_"), list(folded), n=1, cutoff=0.6)
        near = [folded[key] for key in near]
    if near:
        return f"did you mean {near[0]!r}?"
    if len(names) == 1:
        return f"use {names[0]!r}"
    return f"use one of: {', '.join(names)}" if names else "there is nothing to choose from"
