"""The check of the language against the texts."""

from __future__ import annotations

import pytest
from support.inspected import check_input, dataset

from evalkit.dataset_checks import languages


@pytest.mark.parametrize(
    ("text", "declared", "found"),
    [
        ("der Hund und die Katze sind nicht in dem Haus von der Frau", "english", "in german"),
        ("der Hund und die Katze sind nicht in dem Haus von der Frau", "german", ""),
        ("the dog and the cat are not in the house of the woman", "english", ""),
        ("the dog and the cat are not in the house of the woman", "german", "in english"),
        ("中文没有空格中文没有空格", "english", "written in CJK"),
        ("中文没有空格中文没有空格", "chinese", ""),
        ("中文没有空格中文没有空格", "japanese", ""),
        ("the dog and the cat are not here", "chinese", "written in LATIN"),
        ("この犬はとても大きいです", "chinese", "written in HIRAGANA"),
        ("ภาษาไทยไม่มีช่องว่าง", "thai", ""),
        ("кошка и собака в доме", "english", "written in CYRILLIC"),
        ("кошка и собака в доме", "russian", ""),
        ("1234 5678", "english", ""),
        ("bakiku dotemi lonuse ginoro tafemu " * 5, "english", ""),
    ],
)
def test_the_language_is_held_against_the_texts(text: str, declared: str, found: str) -> None:
    """A script or function words of another language are reported; numbers and the right language are not."""
    data = dataset({"d1": text}, {"q1": text}, {"q1": {"d1": 1}}, language=declared)
    reported = [finding.what for finding in languages.language(check_input(data))]
    assert [found in what for what in reported] == [True] * bool(found)
