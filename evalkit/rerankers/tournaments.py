"""Sort a list by questions for the best of a few documents: heaps and passes of sets, passes and rounds of pairs.

Sources: Zhuang et al. 2023, A Setwise Approach for Effective and Highly Efficient Zero-shot Ranking with Large Language
Models (arXiv 2310.09497); Qin et al. 2023, Large Language Models are Effective Text Rankers with Pairwise Ranking
Prompting (arXiv 2306.17563).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from evalkit.rerankers.permutations import windows

Best = Callable[[Sequence[int]], int]
"""Asks for the best of some documents, given by their indices; returns its place among them, from 0."""
Method = Literal["heap", "sliding", "all_pairs"]


@dataclass(frozen=True, slots=True)
class Tournament:
    """A schedule of questions that finds the best documents of a list.

    Attributes
    ----------
    method
        ``heap``: a heap sort. ``sliding``: passes from the bottom of the list to its top, each of which finds the
        document of one rank. ``all_pairs``: every document against every other one.
    size
        Documents of a question, at least 2.
    top
        Number of documents to find; the others follow. ``all_pairs`` sorts all.
    both_orders
        Whether two documents are asked about in both orders, so that answers which contradict each other are a tie;
        only with `size` 2. A tie keeps the order of the list.
    """

    method: Method
    size: int
    top: int
    both_orders: bool

    @property
    def is_exact(self) -> bool:
        """Whether the number of questions depends on the length of the list alone, and not on the answers."""
        return self.method != "heap"

    def questions(self, documents: int) -> int:
        """Return the number of questions for a list, or the most; one document is asked about, too."""
        if documents < 2:
            return documents
        if self.method == "all_pairs":
            return documents * (documents - 1)
        sets = (
            heap_questions(documents, self.size, self.top)
            if self.method == "heap"
            else len(_set_spans(documents, self.size, self.top))
        )
        return sets * (1 + self.both_orders)

    def order(self, documents: int, best: Best) -> list[int]:
        """Return ``(documents,)`` indices, best first.

        Parameters
        ----------
        documents
            Length of the list, at least 1.
        best
            Asks a question.
        """
        if documents == 1:
            best([0])
            return [0]
        if self.method == "all_pairs":
            return rounds_of_pairs(documents, best)
        asked = _better_of(best) if self.both_orders else best
        sort = heap_order if self.method == "heap" else passes_of_sets
        return sort(documents, self.size, self.top, asked)


def heap_order(documents: int, size: int, top: int, best: Best) -> list[int]:
    """Return the order by a heap sort that ends after the best `top` documents; the others keep their order.

    A node of the heap has ``size - 1`` children, and one question finds the best of a node and its children. This is
    the schedule of Zhuang et al., whose number of questions depends on the answers.
    """
    heap, children = list(range(documents)), size - 1

    def sift(place: int, length: int) -> None:
        while children * place + 1 < length:
            family = [place, *range(children * place + 1, min(children * (place + 1) + 1, length))]
            found = family[best([heap[one] for one in family])]
            if found == place:
                return
            heap[place], heap[found] = heap[found], heap[place]
            place = found

    for place in reversed(range(_parents(documents, children))):
        sift(place, documents)
    ranked: list[int] = []
    for length in reversed(range(documents)):
        heap[0], heap[length] = heap[length], heap[0]
        ranked.append(heap[length])
        if len(ranked) == top:
            break
        sift(0, length)
    known = set(ranked)
    return [*ranked, *(place for place in range(documents) if place not in known)]


def heap_questions(documents: int, size: int, top: int) -> int:
    """Return the most questions that `heap_order` asks: each sift goes down to the lowest level."""
    children = size - 1
    building = sum(_height(documents, children, place) for place in range(_parents(documents, children)))
    lengths = range(documents - 1, max(documents - top, 0), -1)
    return building + sum(_height(length, children) for length in lengths)


def passes_of_sets(documents: int, size: int, top: int, best: Best) -> list[int]:
    """Return the order after `top` passes: pass i finds the document of rank i.

    The best of a set moves in front of the others, and is in the next set, too.
    """
    order = list(range(documents))
    for start, end in _set_spans(documents, size, top):
        found = start + best(order[start:end])
        order.insert(start, order.pop(found))
    return order


def rounds_of_pairs(documents: int, best: Best) -> list[int]:
    """Return the order by points: a document gets one for every other one that it beats in both orders, half for a tie.

    Documents with equal points have the order of the list.
    """
    points = [0.0] * documents
    for first, second in combinations(range(documents), 2):
        won = _points(first, second, best)
        points[first] += won
        points[second] += 1 - won
    return sorted(range(documents), key=lambda place: -points[place])


def _better_of(best: Best) -> Best:
    """Return a comparison of two documents in both orders, where a tie is won by the first one."""
    return lambda pair: int(_points(pair[0], pair[1], best) == 0)


def _points(first: int, second: int, best: Best) -> float:
    """Return 1 if the first of two documents wins in both orders, 0 if the second one does, else 0.5."""
    one, other = best([first, second]), best([second, first])
    return (int(one == 0) + int(other == 1)) / 2


def _set_spans(documents: int, size: int, top: int) -> list[tuple[int, int]]:
    """Return start and end of the sets of all passes over a list of at least two documents."""
    return [
        (start + rank, end + rank)
        for rank in range(min(top, documents - 1))
        for start, end in windows(documents - rank, size, size - 1)
    ]


def _parents(documents: int, children: int) -> int:
    """Return how many nodes of a heap have children: the first ones."""
    return (documents - 2) // children + 1


def _height(documents: int, children: int, place: int = 0) -> int:
    """Return the levels below a node of a heap; its leftmost path is the longest."""
    height = 0
    while (place := children * place + 1) < documents:
        height += 1
    return height
