"""Numbers of files."""

from __future__ import annotations

import pytest

from evalkit.formats import is_plain, number_of


@pytest.mark.parametrize(("value", "number"), [("1.5", 1.5), (" -2 ", -2.0), ("1e3", 1000.0), (3, 3.0)])
def test_numbers_are_read_as_other_tools_read_them(value: object, number: float) -> None:
    """Text with digits of ASCII, and numbers."""
    assert number_of(value) == number


@pytest.mark.parametrize("value", ["1_000", "١٢", "0x1", "", "1,5", 10**400])
def test_what_python_alone_reads_is_no_number(value: object) -> None:
    """Underscores, digits of other scripts, and numbers beyond float64."""
    with pytest.raises(ValueError):  # noqa: PT011 - its message is replaced by the callers
        number_of(value)


def test_plain_text_has_neither_underscores_nor_other_scripts() -> None:
    """For readers that convert by themselves."""
    assert is_plain("12.5")
    assert not is_plain("1_2")
    assert not is_plain("²")
