"""Orders of a window's documents: which windows to ask for, and what an answer in words says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

_READ = 100_000
"""Characters of an answer that are read, the last ones: no list of numbers is longer."""
_REASONED = re.compile(
    r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]|<\|channel\|>final<\|message\|>", re.IGNORECASE
)
_REASONING = re.compile(
    r"<(?:think|thinking|thought|reasoning)>|\[THINK\]|<\|channel\|>analysis<\|message\|>", re.IGNORECASE
)
_BRACKETED = re.compile(r"\[\s{0,9}([0-9]{1,6})\s{0,9}\]")
_BARE = re.compile(r"(?<![0-9])(?<![0-9]\.)([0-9]{1,6})(?![0-9])(?!\.[0-9])")
_COUNTED = re.compile(r"^\W{0,20}(?:rank |no\. ?)?([0-9]{1,6})\W{0,3}[.):|\t]\D*[0-9]", re.IGNORECASE)
"""A line that begins with its own number: ``1. Document 7``, ``Rank 1: 7``, ``| 1 | 7 |``."""
_PARTED = re.compile(r"[^\W\d_]|:")
"""What no list has between two of its numbers."""


def windows(documents: int, size: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield where the windows of one pass begin and end: from the bottom of the list to its top.

    The last one begins at the top. A step shorter than the window makes neighbours overlap, so that what
    one window puts first the next one compares again.

    >>> list(windows(45, 20, 10))
    [(25, 45), (15, 35), (5, 25), (0, 15)]

    Parameters
    ----------
    documents
        Length of the list.
    size, step
        Documents of a window, and by how many the next one begins higher.
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
        ``(n,)`` indices, the best first: a permutation of 0 to n - 1, whatever was answered.
    named
        How many of them the answer named; the others follow in the order they were given in.
    """

    order: tuple[int, ...]
    named: int


def sort_by_windows(
    documents: int, spans: Iterable[tuple[int, int]], ask: Callable[[int, list[int]], Permutation]
) -> tuple[list[int], set[int]]:
    """Sort a list by the orders of its windows.

    Parameters
    ----------
    documents
        Length of the list.
    spans
        Where the windows begin and end, in the order of asking.
    ask
        Number of a window, from 0, and the indices of its documents in; their order out.

    Returns
    -------
    ``(n,)`` indices, the best first, and those that some answer left out.
    """
    order = list(range(documents))
    left_out: set[int] = set()
    for number, (start, end) in enumerate(spans):
        window = order[start:end]
        places = ask(number, window)
        order[start:end] = [window[place] for place in places.order]
        left_out.update(order[start + places.named : end])
    return order, left_out


def read_permutation(answer: str, documents: int) -> Permutation:
    """Return the order that an answer names, with the documents numbered from 1.

    Asked for is ``[2] > [3] > [1]``; understood are other separators, lists of any kind, JSON, and prose
    around them. Numbers in brackets count before bare ones. Numbers that follow each other without a word
    or a colon between them are a list: the longest list counts, of equally long ones the last, and then
    whatever else is named; where none holds more than half of what is named, the order of naming counts.
    Reasoning in tags is passed over, and so are a repeated number and one that no document has.

    Parameters
    ----------
    answer
        Anything.
    documents
        How many there are.
    """
    text = _conclusion(answer[-_READ:])
    mentions = _mentions(_BRACKETED.finditer(text), documents)
    if not mentions:
        mentions = _mentions(_uncounted(text), documents)
    named = _ranked(text, mentions)
    return Permutation(tuple(dict.fromkeys((*named, *range(documents)))), len(named))


@dataclass(frozen=True, slots=True)
class _Mention:
    """A document's index, and where its number stands in the text."""

    index: int
    start: int
    end: int


def _conclusion(answer: str) -> str:
    """Return what comes after the reasoning; of reasoning that was cut off nothing."""
    after = _REASONED.split(answer)[-1]
    return _REASONING.split(after)[0]


def _mentions(found: Iterable[re.Match[str]], documents: int) -> list[_Mention]:
    return [
        _Mention(int(match[1]) - 1, match.start(), match.end())
        for match in found
        if 1 <= int(match[1]) <= documents
    ]


def _uncounted(text: str) -> Iterator[re.Match[str]]:
    """Yield the bare numbers, but those with which lines count themselves: 1, 2, 3 and so on."""
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
    """Return the indices in the order that the mentions mean, each once."""
    in_order = _distinct(mentions)
    lists = _lists(text, mentions)
    longest = max(reversed(lists), key=len, default=())
    return tuple(dict.fromkeys((*longest, *in_order))) if 2 * len(longest) > len(in_order) else in_order


def _lists(text: str, mentions: Sequence[_Mention]) -> list[tuple[int, ...]]:
    """Return the runs of mentions that no word parts, and no colon."""
    runs: list[list[_Mention]] = []
    for mention in mentions:
        if runs and not _PARTED.search(text, runs[-1][-1].end, mention.start):
            runs[-1].append(mention)
        else:
            runs.append([mention])
    return [_distinct(run) for run in runs]


def _distinct(mentions: Iterable[_Mention]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(mention.index for mention in mentions))
