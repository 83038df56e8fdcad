"""Sort a list by overlapping windows, and read the order of documents from a model's answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

_READ = 100_000
"""Number of characters read from the end of an answer; no list of numbers is longer."""
_REASONED = re.compile(
    r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]|<\|channel\|>final<\|message\|>", re.IGNORECASE
)
_REASONING = re.compile(
    r"<(?:think|thinking|thought|reasoning)>|\[THINK\]|<\|channel\|>analysis<\|message\|>", re.IGNORECASE
)
_BRACKETED = re.compile(r"\[\s{0,9}([0-9]{1,6})\s{0,9}\]")
_BARE = re.compile(r"(?<![0-9])(?<![0-9]\.)([0-9]{1,6})(?![0-9])(?!\.[0-9])")
_COUNTED = re.compile(r"^\W{0,20}(?:rank |no\. ?)?([0-9]{1,6})\W{0,3}[.):|\t]\D*[0-9]", re.IGNORECASE)
"""A numbered line: ``1. Document 7``, ``Rank 1: 7``, ``| 1 | 7 |``."""
_PARTED = re.compile(r"[^\W\d_]|:")
"""Letters and colons end a list: they do not occur between its numbers."""


def windows(documents: int, size: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of the windows of one pass, from the bottom of the list to the top.

    The last window starts at the top. With a step smaller than the window, neighbours overlap, so that the
    next window compares the best documents of the previous one again.

    >>> list(windows(45, 20, 10))
    [(25, 45), (15, 35), (5, 25), (0, 15)]

    Parameters
    ----------
    documents
        Length of the list.
    size, step
        Documents per window, and by how many documents the next window ends higher.
    """
    start = end = documents
    while start > 0:
        start = max(end - size, 0)
        yield start, end
        end -= step


@dataclass(frozen=True, slots=True)
class Permutation:
    """An order of the documents of a window.

    Attributes
    ----------
    order
        ``(n,)`` indices, best first: always a permutation of 0 to n - 1.
    named
        Number of documents that the answer names; the others follow in their original order.
    """

    order: tuple[int, ...]
    named: int


def sort_by_windows(
    documents: int, spans: Iterable[tuple[int, int]], ask: Callable[[list[int]], Permutation]
) -> tuple[list[int], set[int]]:
    """Sort a list by the orders of its windows.

    Parameters
    ----------
    documents
        Length of the list.
    spans
        Start and end of the windows, in the order of the calls.
    ask
        Called with the indices of a window's documents; returns their order.

    Returns
    -------
    ``(n,)`` indices, best first, and the indices of documents that at least one answer left out.
    """
    order = list(range(documents))
    left_out: set[int] = set()
    for start, end in spans:
        window = order[start:end]
        places = ask(window)
        order[start:end] = [window[place] for place in places.order]
        left_out.update(order[start + places.named : end])
    return order, left_out


def read_permutation(answer: str, documents: int) -> Permutation:
    """Return the order that an answer names; the answer numbers documents from 1.

    The prompt asks for ``[2] > [3] > [1]``. Other separators, lists of any kind, JSON and surrounding prose are
    accepted, too:

    - Numbers in brackets take precedence: bare numbers are read only if there are none.
    - Numbers without a word or a colon between them form a list. The longest list comes first (of equally long
      ones the last), then all other numbers in their order. If no list has more than half of the numbers, all
      numbers keep their order.
    - Reasoning in tags, repeated numbers, and numbers of no document are ignored.

    Parameters
    ----------
    answer
        Any text.
    documents
        Number of documents in the window.
    """
    text = _conclusion(answer[-_READ:])
    mentions = _mentions(_BRACKETED.finditer(text), documents)
    if not mentions:
        mentions = _mentions(_uncounted(text), documents)
    named = _ranked(text, mentions)
    return Permutation(tuple(dict.fromkeys((*named, *range(documents)))), len(named))


def read_choice(answer: str, documents: int) -> int | None:
    r"""Return the index of the one document that an answer names, numbered from 1; None if there is not exactly one.

    Numbers in brackets take precedence. If an answer names several numbers, its last line counts, if that names one.
    Reasoning in tags is not read.

    >>> read_choice("[2] says more than [3].", 3), read_choice("It is about [1] and [2].\n[2]", 3)
    (None, 1)
    """
    text = _conclusion(answer[-_READ:]).strip()
    for part in (text, text.rpartition("\n")[2]):
        found = _BRACKETED.findall(part) or _BARE.findall(part)
        numbers = {int(number) for number in found}
        if len(numbers) == 1:
            (number,) = numbers
            return number - 1 if 1 <= number <= documents else None
    return None


@dataclass(frozen=True, slots=True)
class _Mention:
    """A document's index, and the position of its number in the text."""

    index: int
    start: int
    end: int


def _conclusion(answer: str) -> str:
    """Return the text after the reasoning; without the rest of reasoning that is cut off."""
    after = _REASONED.split(answer)[-1]
    return _REASONING.split(after)[0]


def _mentions(found: Iterable[re.Match[str]], documents: int) -> list[_Mention]:
    return [
        _Mention(int(match[1]) - 1, match.start(), match.end())
        for match in found
        if 1 <= int(match[1]) <= documents
    ]


def _uncounted(text: str) -> Iterator[re.Match[str]]:
    """Yield the bare numbers, except the line numbers of a numbered list: 1, 2, 3 and so on."""
    starts: dict[int, int] = {}
    place = 0
    for line in text.splitlines(keepends=True):
        if (match := _COUNTED.match(line)) is not None:
            starts[place + match.start(1)] = int(match[1])
        place += len(line)
    counted = len(starts) > 1 and list(starts.values()) == list(range(1, len(starts) + 1))
    for match in _BARE.finditer(text):
        if not counted or match.start() not in starts:
            yield match


def _ranked(text: str, mentions: Sequence[_Mention]) -> tuple[int, ...]:
    """Return the distinct indices in the order that the mentions express; see `read_permutation`."""
    in_order = _distinct(mentions)
    lists = _lists(text, mentions)
    longest = max(reversed(lists), key=len, default=())
    return tuple(dict.fromkeys((*longest, *in_order))) if 2 * len(longest) > len(in_order) else in_order


def _lists(text: str, mentions: Sequence[_Mention]) -> list[tuple[int, ...]]:
    """Return the runs of mentions without a word or colon between them."""
    runs: list[list[_Mention]] = []
    for mention in mentions:
        if runs and not _PARTED.search(text, runs[-1][-1].end, mention.start):
            runs[-1].append(mention)
        else:
            runs.append([mention])
    return [_distinct(run) for run in runs]


def _distinct(mentions: Iterable[_Mention]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(mention.index for mention in mentions))
