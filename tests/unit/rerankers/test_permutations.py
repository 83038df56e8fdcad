"""Orders out of words, and sorting by windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.rerankers.permutations import (
    Permutation,
    read_choice,
    read_permutation,
    sort_by_windows,
    windows,
)

Style = Callable[[Sequence[int]], str]


def joined(before: str, between: str, after: str, around: str = "{}") -> Style:
    """Return a way to write numbers: what stands before, between and after them, and around it all."""
    return lambda numbers: around.replace("{}", between.join(f"{before}{n}{after}" for n in numbers))


def counted(before: str, between: str, after: str = "") -> Style:
    """Return a way to write numbers that counts its lines."""
    return lambda numbers: "\n".join(
        f"{before}{place}{between}{n}{after}" for place, n in enumerate(numbers, 1)
    )


STYLES: dict[str, Style] = {
    "as asked": joined("[", " > ", "]"),
    "without spaces": joined("[", ">", "]"),
    "spaces in brackets": joined("[ ", " , ", " ]"),
    "bare": joined("", " > ", ""),
    "commas": joined("", ", ", "."),
    "one a line": joined("", "\n", ""),
    "bullets": joined("- Document ", "\n", ""),
    "json": joined("", ",", "", "[{}]"),
    "json in an object in a fence": joined("", ", ", "", '```json\n{"ranking": [{}]}\n```'),
    "json of texts": joined('"', ", ", '"', "[{}]"),
    "json of objects": joined('{"id": ', ", ", ', "score": 0.73}', "[{}]"),
    "bold": joined("**[", "]** > ", "**", "**{}]**"),
    "escaped": joined("[", " &gt; ", "]"),
    "names": joined("doc_", ", ", ""),
    "sentences": joined("Document [", "\n", "] is next."),
    "counted lines": counted("", ". ", ""),
    "counted brackets": counted("", ") [", "]"),
    "counted ranks": counted("Rank ", ": document ", ""),
    "a table": counted("| ", " | ", " |"),
    "prose around": joined("[", " > ", "]", "Sure, the best first:\n\n{}\n\nThis is by relevance alone."),
    "thought before": joined("[", " > ", "]", "<think>Is it [1]? Or [2] > [1]?</think>\n{}"),
    "thought without a beginning": joined("[", " > ", "]", "It may be [2] > [1].\n</think>{}"),
    "channels": joined(
        "[", " > ", "]", "<|channel|>analysis<|message|>[1] > [2]<|channel|>final<|message|>{}"
    ),
    "a draft before": joined("[", " > ", "]", "[1] is about cats, [2] about dogs. So: {}"),
}


PIECES = (
    "[3]", "[ 2 ]", "7", " > ", "<think>", "</think>", "\n", "1. ", "0.5", "word", "[", ": ", "9" * 5000,
)  # fmt: skip


@given(answer=st.text(max_size=300), documents=st.integers(0, 30))
def test_any_text_is_a_permutation(answer: str, documents: int) -> None:
    """Whatever is answered, every document has one place; those not named keep their order behind the others."""
    found = read_permutation(answer, documents)
    assert sorted(found.order) == list(range(documents))
    rest = found.order[found.named :]
    assert list(rest) == sorted(rest)


@given(
    answer=st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
)  # fmt: skip
def test_pieces_of_answers_in_any_mixture_are_a_permutation(answer: str) -> None:
    """What looks like an answer, and is none, does not break the reader either."""
    assert sorted(read_permutation(answer, 7).order) == list(range(7))


@pytest.mark.parametrize("style", STYLES)
@given(data=st.data())
def test_an_order_is_read_however_it_is_written(style: str, data: st.DataObject) -> None:
    """Other separators, JSON, lists, tables, prose, fences and reasoning around it change nothing."""
    count = data.draw(st.integers(3, 25))
    order = data.draw(st.permutations(range(count)))
    found = read_permutation(STYLES[style]([index + 1 for index in order]), count)
    assert found == Permutation(tuple(order), count)


@given(data=st.data())
def test_what_is_left_out_follows_in_its_own_order(data: st.DataObject) -> None:
    """Repeated numbers count where they come first, unknown ones not at all, and missing ones come last."""
    count = data.draw(st.integers(1, 20))
    named = data.draw(st.lists(st.integers(0, count - 1), unique=True, max_size=count))
    unknown = st.sampled_from([0, count + 1, 99999])
    numbers = [
        number
        for index in named
        for number in (index + 1, *data.draw(st.lists(unknown | st.just(index + 1), max_size=2)))
    ]
    found = read_permutation(STYLES["as asked"](numbers), count)
    assert found.named == len(named)
    assert found.order == (*named, *(index for index in range(count) if index not in named))


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("[2] > [3", [2]), ("I cannot help with that.", []), ("", []), ("[0] > [5] > [99]", []),
        ("<think>It is [2] > [1]", []), ("[3] > [1]<think>[2]", [3, 1]), ("I rate them 0.9 and 0.75", []),
        ("[4] is off topic. [3] > [1] > [2]", [3, 1, 2, 4]), ("After reading all 4: 2 > 1", [2, 1, 4]),
        ("[2] > [1] or rather [1] > [2]", [1, 2]), ("3. 1. 2.", [3, 1, 2]), ("123456789", []),
        ("[3] matches 100 %, [1] only 2 words", [3, 1]), ("[1, 2] or [2, 1, 3]", [2, 1, 3]),
        ("\uff12 > \uff11", []), ("[-2] > [1]", [1]),
    ],
)  # fmt: skip
def test_answers_that_are_not_as_asked(answer: str, named: list[int]) -> None:
    """Of four documents an answer names those that a reader would take it to name."""
    found = read_permutation(answer, 4)
    assert [index + 1 for index in found.order[: found.named]] == named


SPANS = st.tuples(st.integers(0, 60), st.integers(2, 24)).flatmap(
    lambda two: st.tuples(st.just(two[0]), st.just(two[1]), st.integers(1, two[1] - 1))
)


@given(spans=SPANS)
def test_windows_cover_the_list_from_the_bottom_to_the_top(spans: tuple[int, int, int]) -> None:
    """The first window ends at the bottom, the last begins at the top, and neighbours overlap as they should."""
    documents, size, step = spans
    found = list(windows(documents, size, step))
    assert {place for start, end in found for place in range(start, end)} == set(range(documents))
    assert all(0 <= start < end <= documents and end - start <= size for start, end in found)
    assert len(found) == (documents > 0) + max(0, math.ceil((documents - size) / step))
    if found:
        assert found[0][1] == documents
        assert found[-1][0] == 0
    for (start, _), (_, next_end) in pairwise(found):
        assert next_end - start == size - step


def sort_with_oracle(relevance: Sequence[float], spans: Sequence[tuple[int, int]]) -> list[int]:
    """Sort a list by windows whose orders are right."""

    def ask(window: list[int]) -> Permutation:
        places = sorted(range(len(window)), key=lambda place: -relevance[window[place]])
        return Permutation(tuple(places), len(places))

    order, left_out = sort_by_windows(len(relevance), spans, ask)
    assert not left_out
    return order


@given(spans=SPANS, seed=st.integers(0, 2**32 - 1))
def test_one_pass_carries_the_best_to_the_top_and_enough_of_them_sort(
    spans: tuple[int, int, int], seed: int
) -> None:
    """With right answers a pass puts the best window - step documents, wherever they were, into their places."""
    documents, size, step = spans
    relevance = np.random.default_rng(seed).permutation(documents).tolist()
    truth = sorted(range(documents), key=lambda index: -relevance[index])
    carried = size - step
    passes = max(1, math.ceil(documents / carried))
    plan = list(windows(documents, size, step))
    assert sort_with_oracle(relevance, plan)[:carried] == truth[:carried]
    assert sort_with_oracle(relevance, plan * passes) == truth


def test_documents_that_answers_leave_out_are_reported_once() -> None:
    """A document that is left out of two windows is one document, and stands behind what was named."""
    left = {3, 4}

    def ask(window: list[int]) -> Permutation:
        places = sorted(range(len(window)), key=lambda place: window[place] in left)
        return Permutation(tuple(places), sum(index not in left for index in window))

    order, left_out = sort_by_windows(5, windows(5, 3, 2), ask)
    assert left_out == left
    assert sorted(order) == list(range(5))
    assert order[-1] in left


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("[2]", 1), ("2", 1), ("Document 2.", 1), ("**[2]**", 1), ("[2] [2]", 1),
        ("<think>[1] or [3]?</think>\n[2]", 1),
        ("The second of 3 documents is best: [2]", 1), ("[1] is short.\nBest: [2]", 1), ("[2] > [1]", None),
        ("[1] and [2]", None), ("none", None), ("", None), ("[4]", None), ("0", None), ("2.5", None),
        ("<think>[2] seems", None), ("[2]\n[1] or [3]", None), ("2 of 3", None),
    ],
)  # fmt: skip
def test_a_choice_is_one_number(answer: str, named: int | None) -> None:
    """An answer that names several documents, another one, or none, is no choice."""
    assert read_choice(answer, 3) == named


@given(st.text(max_size=60), st.integers(1, 5))
def test_any_answer_is_a_document_of_the_set_or_none(answer: str, documents: int) -> None:
    """No text is an index outside of the set."""
    assert read_choice(answer, documents) in {None, *range(documents)}
