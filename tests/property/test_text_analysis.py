"""Laws of splitting text into terms, in scripts with spaces and without."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.text_analysis import Analyzer, languages
from evalkit.text_analysis.content_words import content_words

han = st.text("我爱北京天安门日本語", min_size=1, max_size=12)
unspaced = st.sampled_from(["burmese", "chinese", "japanese", "khmer", "korean", "lao", "thai"])
anything = st.text(max_size=60)


@given(text=anything)
def test_text_without_marks_is_split_as_elsewhere(text: str) -> None:
    """Two word characters or more, as bm25s and scikit-learn have it."""
    plain = "".join(c for c in text.lower() if unicodedata.category(c)[0] != "M" and c not in "\u200c\u200d")
    words = Analyzer("english").spaced_tokens(plain).split()
    assert [word for word in words if len(word) > 1] == re.findall(r"\w\w+", plain.lower())


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("hindi", "हिन्दी में लिखा है", ["हिन्दी", "में", "लिखा", "है"]),
        ("arabic", "مُحَمَّد كَتَبَ", ["مُحَمَّد", "كَتَبَ"]),
        ("french", "le cafe\u0301 noir", ["le", "cafe\u0301", "noir"]),
        ("english", "می\u200cخواهم go", ["می\u200cخواهم", "go"]),
    ],
)
def test_marks_are_of_their_word(language: str, text: str, words: list[str]) -> None:
    """Vowel signs, points, accents that stand by themselves and joiners end no word."""
    assert Analyzer(language).spaced_tokens(text).split() == words


@given(text=han, language=unspaced)
def test_a_run_without_spaces_is_its_neighbouring_pairs(text: str, language: str) -> None:
    """Every two neighbours are a term; a lone character is one."""
    pairs = [a + b for a, b in pairwise(text)] or [text]
    assert Analyzer(language).terms(text) == pairs


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("chinese", "我爱NLP，2008年。a", ["我爱", "nlp", "2008", "年"]),
        ("chinese", "ＡＢＣ １２", ["abc", "12"]),
        ("japanese", "ｶﾞｷﾞ", ["ガギ"]),
        ("korean", "한국어 나", ["한국", "국어", "나"]),
        ("thai", "กี่วัน", ["กี่วั", "วัน"]),
        ("khmer", "ខ្មែរ", ["ខ្មែ", "មែរ"]),
    ],
)
def test_pairs_keep_marks_words_and_widths(language: str, text: str, terms: list[str]) -> None:
    """Marks stay with their character, words of other scripts stay whole, and widths are one."""
    assert Analyzer(language).terms(text) == terms


@given(text=anything, language=st.sampled_from(languages()))
def test_terms_hold_no_space_and_come_from_pieces(text: str, language: str) -> None:
    """`terms_of_tokens` over the pieces gives the very terms, in any language; no term is empty."""
    analyzer = Analyzer(language)
    pieces = analyzer.spaced_tokens(text).split()
    assert [term for term in analyzer.terms_of_tokens(pieces) if term is not None] == analyzer.terms(text)
    assert all(piece and piece.split() == [piece] for piece in pieces)


@given(
    texts=st.lists(
        st.one_of(anything, st.text("aB 'é_9\n\t\u0301\u212aİΣ東京\ud800", max_size=9)), max_size=5
    ),
    language=st.sampled_from(["english", "german", "arabic", "turkish", "chinese", "thai"]),
)
def test_a_block_has_the_tokens_of_each_text(texts: list[str], language: str) -> None:
    """ASCII texts together with others: the bytes of each text hold its tokens, and no other's."""
    analyzer = Analyzer(language)
    block, sizes = analyzer.token_block(texts)
    ends = list(accumulate(sizes, initial=0))
    pieces = [block[start:end].decode() for start, end in pairwise(ends)]
    assert [piece.split() for piece in pieces] == [analyzer.spaced_tokens(text).split() for text in texts]
    assert not any(character.isspace() and character != " " for character in block.decode())
    assert ends[-1] == len(block)
    assert all(piece.endswith(" ") for piece in pieces)


@given(first=han, second=han)
def test_a_run_within_a_text_is_found_whole(first: str, second: str) -> None:
    """All pairs of a query stand in a text that holds it: what makes pairs a search."""
    analyzer = Analyzer("chinese")
    if len(first) > 1:
        assert set(analyzer.terms(first)) <= set(analyzer.terms(second + first + second))


@given(
    st.sampled_from(sorted(["english", "german", "french", "spanish"])),
    st.lists(st.sampled_from(["Roof", "Katze", "猫屋根", "été", "the", "und", "x"])),
)
def test_content_words_are_terms_in_every_language(language: str, words: list[str]) -> None:
    """No stop word of any language, no single letter; what remains is a term of each analyzer that uses words."""
    found = content_words(" ".join(words))
    assert not found & Analyzer(language).stop_words
    assert all(len(word) > 1 for word in found)
    assert ("roof" in found) is ("Roof" in words)
    assert not found & {"the", "und", "x"}
