"""The exceptions that evalkit raises, with their exit codes.

::

    EvalkitError                    70  a bug, unless a subclass defines another exit code
    ├── InputError                   2  the input is invalid; nothing was run
    │   ├── ConfigError                 a configuration has one or more problems
    │   ├── DataFormatError             a file does not have the expected format
    │   ├── UnknownNameError            a name is not in the registry
    │   └── MissingExtraError           an optional dependency is not installed
    ├── WorldError                   3  something outside evalkit failed
    │   ├── DatasetError                a dataset cannot be fetched
    │   ├── CallError                   one call to a reranker or a search engine failed
    │   ├── BudgetError                 the next call could exceed the budget
    │   ├── ClusterError                a Ray cluster was lost, or runs no replica
    │   ├── IncompleteError             a result is incomplete
    │   └── StorageError                a folder or file cannot be written
    └── InterruptError             130  the user stopped the run

The number is the exit code of the command line (table in ``evalkit/cli/README.md``).
A message is one sentence with the offending value; ``hint`` says what to do.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

_NOT_PRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
"""Control characters, line breaks, marks that override the direction of text, halves of surrogate pairs, and what XML
does not allow."""
MOST_CHARACTERS = 4_000
"""Length of a message above which its middle is left out."""
MOST_PROBLEMS = 50
"""Problems of a configuration that are printed."""


def printable(text: str) -> str:
    r"""Return text on one line: what is not printable in it is escaped as in Python, such as ``\n`` or ``\x1b``.

    Letters of all languages, emoji and combining characters stay as they are.
    """
    return _NOT_PRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return text of at most about `most` characters: of a longer one the beginning and the end."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} ... ({len(text) - most} more characters) ... {text[-(most // 2) :]}"


class EvalkitError(Exception):
    """Base class of all exceptions that evalkit raises on purpose.

    Parameters
    ----------
    message
        One sentence: what is wrong, where, with the offending value.
    hint
        What the user can do about it, in the imperative.
    """

    exit_code = 70

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message as it is now: callers may have added to it where the error passed."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the attributes directly, because the constructors of subclasses take different parameters."""
        return _restore, (type(self), self.args, self.__dict__)

    def render(self) -> str:
        """Return the text shown to a user: ``error: ...`` and the hint on the next line.

        What is not printable is escaped, so that no value controls a terminal or starts a line of its own.
        """
        lines = [f"error: {printable(shortened(str(self.message)))}"]
        if self.hint:
            lines.append(f"  hint: {printable(shortened(str(self.hint)))}")
        return "\n".join(lines)

    def _render_traceback_(self) -> list[str]:
        """Return the lines that a notebook shows: the problem and the hint; IPython calls this method."""
        return self.render().split("\n")


def _restore(kind: type[EvalkitError], args: tuple[Any, ...], state: dict[str, Any]) -> EvalkitError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InputError(EvalkitError):
    """The input is invalid; nothing was run."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration has one or more problems.

    Parameters
    ----------
    problems
        ``(message with its position, hint)`` of each problem, in the order of the file.
    """

    def __init__(self, problems: Iterable[tuple[str, str | None]]) -> None:
        self.problems = tuple(problems)
        hints = dict.fromkeys(hint for _, hint in self.problems if hint)
        super().__init__("; ".join(text for text, _ in self.problems), "; ".join(hints) or None)

    def render(self) -> str:
        """Return all problems with their hints, and the number of problems."""
        count = len(self.problems)
        blocks = [EvalkitError(text, hint).render() for text, hint in self.problems[:MOST_PROBLEMS]]
        if count > MOST_PROBLEMS:
            blocks.append(f"... and {count - MOST_PROBLEMS} more")
        return "\n".join([*blocks, f"{count} problem{'s' * (count != 1)}; nothing was run"])


class DataFormatError(InputError):
    """A file does not have the expected format."""


class UnknownNameError(InputError):
    """A name is not in the registry; the hint suggests the nearest known name.

    Parameters
    ----------
    what
        What the name refers to, e.g. ``"reranker backend"``.
    name
        The unknown name.
    known
        The known names.
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown {what} {name!r}", nearest_name_hint(name, known))


class MissingExtraError(InputError):
    """An optional dependency is not installed.

    Parameters
    ----------
    feature
        The feature that needs it, e.g. ``"the bi_encoder backend"``.
    extra
        The pip extra that installs it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} requires packages that are not installed",
            f"install them with: pip install 'rerank-evalkit[{extra}]'"
            f" (in a clone: pip install -e '.[{extra}]')",
        )


class WorldError(EvalkitError):
    """Something outside evalkit failed: a file, a server, a hub."""

    exit_code = 3


class DatasetError(WorldError):
    """A dataset cannot be fetched."""


RefusedFor = Literal["documents", "bytes", "text", "request"]
"""What a server refused: too many documents, too large a body or too many tokens in all, a text that is too long or
empty, or a request that is wrong at any size."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """How the caller may react to a failed call; by default, not at all.

    Attributes
    ----------
    transient
        Whether a retry of the same call may succeed.
    wait_s
        Seconds to wait before a retry, as the server requested; None if it requested none.
    too_large
        Whether the server may accept the same documents in smaller requests.
    refused_for
        What the server refused; None if it is unknown, or if nothing was refused.
    most_documents
        The most documents of a request, as the server's message says; None if it does not.
    permanent
        Whether all further calls will fail the same way: a wrong key, an unknown model.
    status
        The HTTP status that belongs to an error inside a reply with status 200; None for any other failure.
    """

    transient: bool = False
    wait_s: float | None = None
    too_large: bool = False
    refused_for: RefusedFor | None = None
    most_documents: int | None = None
    permanent: bool = False
    status: int | None = None


NOT_RETRYABLE = Remedy()
RETRYABLE = Remedy(transient=True)


class CallError(WorldError):
    """One call to a reranker or a search engine failed and returned no result.

    Parameters
    ----------
    kind
        The kind of failure, a stable word: ``connect``, ``timeout``, ``broken``, ``http``, ``reply``, ``model``,
        ``request``, ``backend``, ``memory``, ``lost``; of a language model also ``answer`` and ``refusal``.
    message, hint
        See `EvalkitError`.
    http_status
        The HTTP status of the response; None if there was no response.
    body
        The beginning of the response body, for the failure log.
    remedy
        How the caller may react.

    Attributes
    ----------
    billed_usd
        Cost in USD of the requests of this call, as far as it is known; their answers are of no use any more.
    kept_usd
        Cost in USD of the answers to parts of the call, in this and in former attempts, that the next attempt uses.
    cost_known
        Whether `billed_usd` holds the failed request, too: its reply reported the usage, and no usable answer.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        hint: str | None = None,
        *,
        http_status: int | None = None,
        body: str | None = None,
        remedy: Remedy = NOT_RETRYABLE,
    ) -> None:
        super().__init__(message, hint)
        self.kind = kind
        self.http_status = http_status
        self.body = body
        self.remedy = remedy
        self.billed_usd = self.kept_usd = 0.0
        self.cost_known = False

    def bill(self, cost_usd: float | None) -> None:
        """Record what the failed request itself cost in USD, though its reply is of no use; None if unknown."""
        self.billed_usd, self.cost_known = cost_usd or 0.0, cost_usd is not None


class BudgetError(WorldError):
    """The next call could exceed the remaining budget; it was not made."""


class ClusterError(WorldError):
    """A Ray cluster was lost, or runs no replica."""


class IncompleteError(WorldError):
    """A result is incomplete."""


class StorageError(WorldError):
    """A folder or file cannot be written."""


class InterruptError(EvalkitError):
    """The user stopped the run; finished measurements are saved."""

    exit_code = 130


class EvalkitWarning(UserWarning):
    """A warning on data or on a result: what was found, and what to do; the command line prints ``warning: ...``."""


class InputNote(EvalkitWarning):
    """How evalkit reads an input that can be read in several ways; the command line prints it as ``note: ...``."""


def tell(text: str) -> None:
    """Give a note: one line on stderr from the command line, a Python warning elsewhere."""
    warnings.warn(text, InputNote, stacklevel=3)


def nearest_name_hint(name: str, known: Iterable[str]) -> str:
    """Return a hint with the known name nearest to `name`, or with all names if none is near."""
    names = sorted(known)
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not matches:
        folded = {known_name.lower().replace("-", "_"): known_name for known_name in names}
        folded_matches = difflib.get_close_matches(
            name.lower().replace("-", "_"), list(folded), n=1, cutoff=0.6
        )
        matches = [folded[match] for match in folded_matches]
    if matches:
        return f"did you mean {matches[0]!r}?"
    if len(names) == 1:
        return f"use {names[0]!r}"
    return f"use one of: {', '.join(names)}" if names else "none is available"
