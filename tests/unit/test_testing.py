"""The laws that plugins are held to, kept by what evalkit brings itself."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from evalkit import registry
from evalkit.config import load_plugins
from evalkit.testing import DatasetConformance, DialectConformance, RerankerConformance, RetrieverConformance

MINE = '''
from typing import Literal
import numpy as np
from evalkit.config import RerankerSettings
from evalkit.records import RerankResponse


class Longest:
    """Prefers long documents."""

    pointwise = True
    score_kind = "unbounded"

    class Settings(RerankerSettings):
        """Settings."""

        backend: Literal["longest"] = "longest"

    def __init__(self, settings):
        pass

    def score(self, request):
        return RerankResponse(np.array([float(len(text)) for text in request.documents]))

    def close(self):
        pass
'''


class TestLexical(RerankerConformance):
    """The lexical reranker."""

    settings: ClassVar = {"backend": "lexical"}


class TestIdentity(RerankerConformance):
    """The candidates as they come."""

    settings: ClassVar = {"backend": "identity"}


class TestBm25(RetrieverConformance):
    """The first stage that is used where none is named."""

    settings: ClassVar = {"kind": "bm25"}


class TestDemo(DatasetConformance):
    """The bundled collection."""

    settings: ClassVar = {"source": "demo"}


@pytest.mark.parametrize("name", [one for one in registry.names("dialect") if one != "generic"])
class TestDialects(DialectConformance):
    """Every wire format."""

    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        """Say which one is under test."""
        type(self).name = name


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a file with a reranker."""
    file = tmp_path / "mine.py"
    file.write_text(MINE, encoding="utf-8")
    return file


def test_a_file_of_ones_own_is_held_to_the_same_laws(mine: Path) -> None:
    """A plugin of a file keeps them once it is loaded; one that scores by the company it is in does not."""
    load_plugins(mine)

    class Held(RerankerConformance):
        """The reranker of the file."""

        settings: ClassVar = {"backend": "longest"}

    laws = [name for name in dir(Held) if name.startswith("test_")]
    assert len(laws) >= 7
    for law in laws:
        getattr(Held(), law)()


def test_what_breaks_a_law_is_caught(tmp_path: Path) -> None:
    """A reranker whose scores hang on the whole list is not what it says it is."""
    file = tmp_path / "relative.py"
    relative = MINE.replace("longest", "relative").replace(
        "np.array([float(len(text)) for text in request.documents])",
        "np.array([len(text) / len(request.documents) for text in request.documents], dtype=np.float64)",
    )
    file.write_text(relative, encoding="utf-8")
    load_plugins(file)

    class Held(RerankerConformance):
        """The reranker of the file."""

        settings: ClassVar = {"backend": "relative"}

    with pytest.raises(AssertionError):
        Held().test_what_is_called_pointwise_is()
