"""Functions of a class that are others for a while."""

from __future__ import annotations

import pytest

from evalkit.encoding.replaced_function import replaced


class Base:
    """A class with two functions."""

    @staticmethod
    def fixed() -> str:
        """Return the original answer."""
        return "fixed"

    def own(self) -> str:
        """Return the original answer."""
        return "own"


class Heir(Base):
    """A class that inherits them."""


def answers() -> tuple[str, str]:
    """Return what both functions answer."""
    return Heir.fixed(), Heir().own()


@pytest.mark.parametrize("owner", [Base, Heir])
def test_a_class_is_as_it_was_afterwards(owner: type) -> None:
    """Also after an error, and whether the class has the function or inherits it."""
    before = dict(vars(owner))

    def fail() -> None:
        """Use the other functions, and fail."""
        with (
            replaced(owner, "fixed", staticmethod(lambda: "other")),
            replaced(owner, "own", lambda self: f"other {type(self).__name__}"),
        ):
            assert answers() == ("other", "other Heir")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert dict(vars(owner)) == before
    assert answers() == ("fixed", "own")
