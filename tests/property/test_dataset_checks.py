"""Laws of what is found in texts: fingerprints, damage, near-duplicates."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.inspected import by_code, check_input, dataset

from evalkit.dataset_checks import TextStats
from evalkit.dataset_checks.duplicates import equal_rows
from evalkit.dataset_checks.near_duplicates import (
    ALIKE,
    WIDTH,
    group_near_duplicates,
    near_duplicates,
    similarity,
)
from evalkit.dataset_checks.shingles import chunks, pieces
from evalkit.dataset_checks.text_stats import Damage, damage_of, fingerprint
from evalkit.text_analysis import normal_form

TEXTS = st.lists(st.text(st.sampled_from("aAbB é\n\u00a0中"), max_size=6), max_size=12)
WORDS = st.lists(st.sampled_from([f"w{i}" for i in range(6)]), max_size=30)


@given(st.text())
def test_a_normal_form_settles(text: str) -> None:
    """It settles, and white space around a text does not count."""
    once = normal_form(text)
    assert normal_form(normal_form(once)) == normal_form(once)
    assert fingerprint(f"  {text}\n") == fingerprint(text)


@given(TEXTS)
def test_equal_texts_are_found_as_by_comparing_all(texts: list[str]) -> None:
    """Groups of equal rows are those of a dictionary by normal form, empty texts apart."""
    by_form: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        if text.strip():
            by_form.setdefault(normal_form(text), []).append(row)
    expected = [rows for rows in by_form.values() if len(rows) > 1]
    assert [rows.tolist() for rows in equal_rows(texts, TextStats.of(texts))] == expected


@given(
    st.lists(
        st.sampled_from(["naïve", "café", "über", "“so”", "it\u2019s", "1\u20132", "100 €"]), min_size=1
    ),
    st.sampled_from(["cp1252", "latin-1"]),
)
def test_text_read_in_the_wrong_encoding_is_mojibake(words: list[str], encoding: str) -> None:
    """UTF-8 read as Latin-1 or Windows-1252 is reported, and the same text read rightly is not."""
    text = " ".join(words)
    wrong = text.encode("utf-8").decode(encoding, errors="replace")
    assert damage_of(wrong) & Damage.MOJIBAKE
    assert not damage_of(text)


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_windows_are_runs_of_pieces(texts: list[list[str]]) -> None:
    """Two windows have one hash exactly where their pieces are the same; none reaches over the end of a text."""
    joined = [" ".join(words) for words in texts]
    (chunk,) = chunks(joined, range(len(joined)))
    hashes, owner = chunk.windows(WIDTH)
    runs = [
        (row, tuple(words[start : start + WIDTH]))
        for row, words in enumerate(texts)
        for start in range(len(words) - WIDTH + 1)
    ]
    assert owner.tolist() == [row for row, _ in runs]
    named = dict(zip(hashes.tolist(), (run for _, run in runs), strict=True))
    assert [named[key] for key in hashes.tolist()] == [run for _, run in runs]
    assert len(named) == len({run for _, run in runs})


@given(WORDS, WORDS)
def test_similarity_is_jaccards(one: list[str], other: list[str]) -> None:
    """Shared runs of three words by all of them, each counted once; 0 where there is none."""
    sets = [{tuple(words[i : i + WIDTH]) for i in range(len(words) - WIDTH + 1)} for words in (one, other)]
    union = sets[0] | sets[1]
    expected = len(sets[0] & sets[1]) / len(union) if union else 0.0
    assert similarity([" ".join(one), " ".join(other)], 0, 1) == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1))
def test_near_duplicates_hang_together_by_similar_pairs(seed: int) -> None:
    """Planted copies with a word changed are found; nothing is in a group without a partner that is alike."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(5000, 60).astype(str)) for _ in range(20)]
    texts += [text + " tail" for text in texts[:5]]
    groups, complete = group_near_duplicates(texts, np.arange(len(texts)))
    assert complete
    assert sorted(tuple(group.tolist()) for group in groups) == [(row, row + 20) for row in range(5)]
    for group in groups:
        pairs = [similarity(texts, *pair) for pair in combinations(group.tolist(), 2)]
        assert max(pairs) >= ALIKE


def test_unlike_and_tiny_texts_are_no_near_duplicates() -> None:
    """Half in common is not alike; texts without a run of three words are not compared."""
    one = " ".join(f"w{i}" for i in range(60))
    other = " ".join(f"w{i}" for i in range(30, 90))
    groups, complete = group_near_duplicates([one, other, "a b", "a b", ""], np.arange(5))
    assert (groups, complete) == ([], True)


def test_scripts_without_spaces_are_cut_into_characters() -> None:
    """Chinese, Japanese and Thai give a piece for each character, other scripts a piece for each word."""
    assert pieces("中文 text, 日本") == ["中", "文", "text", "日", "本"]
    assert len(pieces("ไทย")) == 3
    assert pieces("Straße, CAFÉ") == ["strasse", "café"]


def test_near_duplicates_of_relevant_documents_are_reported() -> None:
    """A group is named, and a member that no one judged beside one that is relevant."""
    text = " ".join(f"w{i}" for i in range(50))
    documents = {"a": text, "b": text + " more", "c": "something else entirely in here", "a2": text.upper()}
    data = dataset(documents, {"q": "w1 w2"}, {"q": {"a": 1}})
    found = by_code(near_duplicates(check_input(data, {"q": ["b", "a"]})))
    assert found["near_duplicate_documents"].examples == ("a ~ b",)
    assert found["near_duplicate_documents"].counts == {"documents": 2, "groups": 1, "looked_at": 3}
    assert found["unjudged_near_duplicates"].examples == ("q: b",)
    assert found["unjudged_near_duplicates"].counts["among_candidates"] == 1
