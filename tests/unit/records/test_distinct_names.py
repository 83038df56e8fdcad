"""Laws of the names that rows refer to by number."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.records import Names, PackedTexts

TEXTS = st.lists(st.text("abé☃", max_size=3), unique=True, max_size=8)


@given(rows=st.lists(st.sampled_from(["a", "b", "c", "é"]), max_size=12))
def test_rows_are_the_names_of_their_codes(rows: list[str]) -> None:
    """Names are in the order of their first row."""
    names, codes = Names.of_rows(rows)
    assert [names[code] for code in codes.tolist()] == rows
    assert list(names) == list(dict.fromkeys(rows))


@pytest.mark.parametrize("of_known", [tuple, PackedTexts.pack])
@pytest.mark.parametrize("of_others", [tuple, PackedTexts.pack])
@given(known=TEXTS, others=TEXTS)
def test_other_names_are_found_by_their_text(
    of_known: type, of_others: type, known: list[str], others: list[str]
) -> None:
    """Packed or not, decoded or not; a name that is not there has the code -1."""
    names, wanted = Names(of_known(known)), Names(of_others(others))
    expected = [known.index(name) if name in known else -1 for name in others]
    assert names.codes_of(wanted).tolist() == expected
    assert names.codes_of(wanted).tolist() == expected, "the second answer is remembered"
    assert names.codes_of(names).tolist() == list(range(len(known)))


@given(texts=TEXTS)
def test_packed_names_are_their_texts(texts: list[str]) -> None:
    """Also one by one before all are decoded, and after a copy to another process."""
    names = Names(PackedTexts.pack(texts))
    assert [names[place] for place in range(len(names))] == texts
    assert pickle.loads(pickle.dumps(names)).texts == names.texts == tuple(texts)  # noqa: S301
