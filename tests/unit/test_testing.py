"""The laws that plugins are held to, kept by what evalkit brings itself."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from evalkit import registry
from evalkit.config import load_plugins
from evalkit.records import RerankRequest
from evalkit.testing import (
    QUERY,
    DatasetConformance,
    DialectConformance,
    JudgeConformance,
    RerankerConformance,
    RetrieverConformance,
)

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


class TestReplayedJudge(JudgeConformance):
    """Grades of a file, which lacks one document."""

    settings: ClassVar = {"backend": "replay", "path": "set below"}
    ungraded = "a document that the file lacks"

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "people.qrels"
        path.write_text("q 0 d 2\n", encoding="utf-8")
        monkeypatch.setattr(type(self), "settings", {"backend": "replay", "path": str(path)})

    def request(self, document: str) -> RerankRequest:
        """Return the request for a document, whose id is what matters."""
        return RerankRequest("q", QUERY, (document,), ("x" if document == self.ungraded else "d",))


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


SILENT = """
from typing import Literal
import numpy as np
from evalkit.config import JudgeSettings
from evalkit.records import Rater, RerankResponse


class Silent:
    \"\"\"Takes no answer for a grade of 0, and has one prompt for every scale.\"\"\"

    pointwise = True
    score_kind = "unbounded"

    class Settings(JudgeSettings):
        \"\"\"Settings.\"\"\"

        backend: Literal["silent"] = "silent"

    def __init__(self, settings):
        self._settings = settings

    @property
    def known_rater(self):
        return Rater("model", "silent", "always the same prompt", None, self._settings.deciding())

    def rater(self, response):
        return self.known_rater

    def score(self, request):
        return RerankResponse(np.array([0.0 if "refused" in request.documents[0] else 9.0]))

    def close(self):
        pass
"""


def test_a_judge_that_hides_its_failures_is_caught(tmp_path: Path) -> None:
    """A failure that becomes 0, a grade off the scale and a prompt that ignores the scale break a law each."""
    file = tmp_path / "silent.py"
    file.write_text(SILENT, encoding="utf-8")
    load_plugins(file)

    class Held(JudgeConformance):
        """The judge of the file."""

        settings: ClassVar = {"backend": "silent"}
        ungraded = "a document that is refused"

    broken = (
        Held().test_a_failure_is_no_grade,
        Held().test_each_document_has_one_grade_of_the_scale_or_a_failure,
        Held().test_another_prompt_is_another_rater,
    )
    for law in broken:
        with pytest.raises(AssertionError):
            law()
    Held().test_the_same_pair_has_the_same_grade_of_the_same_rater()
