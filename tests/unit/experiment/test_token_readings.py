"""What a local reranker would read of a configuration's pairs, compared with what it reads when it scores them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.inspected import check_input, dataset
from support.late_models import make_late_interaction
from support.models import make_classifier

from evalkit.config.load import build_config
from evalkit.config.source import Source
from evalkit.experiment import token_readings
from evalkit.experiment.token_readings import read_pairs
from evalkit.records import RerankRequest
from evalkit.rerankers import Measuring, load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = pytest.mark.filterwarnings("default")

DOCUMENTS = {"short": "the cat sat", "long": "the dog sat on a mat " * 9, "other": "no cat"}
DATA = dataset(DOCUMENTS, {"q": "a cat on the mat"}, {"q": {"long": 1, "other": 0}})
SEEN = check_input(DATA, {"q": ["short", "long", "other"]})


@pytest.mark.parametrize(
    ("backend", "make"), [("cross_encoder", make_classifier), ("late_interaction", make_late_interaction)]
)
def test_what_is_measured_is_what_is_read(tmp_path: Path, backend: str, make: Any) -> None:
    """Tokens and cuts of each pair are those that the reranker tells when it scores."""
    reranker = load_reranker(backend, model=str(make(tmp_path / "model")))
    assert isinstance(reranker, Measuring)
    query, documents = "a cat on the mat", tuple(DOCUMENTS.values())
    tokens, truncated = reranker.measure([(query, document) for document in documents])
    for row, document in enumerate(documents):
        told = reranker.score(RerankRequest("q", query, (document,), ("d",)))
        assert tokens[row] == told.usage.tokens
        assert told.truncated is not None
        assert truncated[row] == told.truncated[0]
    assert truncated.tolist() == [False, True, False]


def test_every_local_reranker_is_read_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All candidates of a small experiment, a seeded sample of a large one; an API and a broken model are unknown."""
    model = str(make_classifier(tmp_path / "model"))
    rerankers = {
        "own": {"backend": "cross_encoder", "model": model},
        "served": {"backend": "http", "serve": {"backend": "cross_encoder", "model": model}},
        "far": {"backend": "http", "url": "http://127.0.0.1:1/rerank", "model": "any"},
        "broken": {"backend": "cross_encoder", "model": str(tmp_path)},
        "words": {"backend": "lexical"},
    }
    config = build_config(Source("c", data={"name": "c", "datasets": ["demo"], "rerankers": rerankers}))
    found = {reading.reranker: reading for reading in read_pairs(config, SEEN)}
    assert list(found) == ["own", "served", "far", "broken"]
    assert found["own"].limit == 24
    assert found["own"].truncated.tolist() == found["served"].truncated.tolist() == [False, True, False]
    assert found["own"].relevant_truncated.tolist() == [True]
    assert found["far"].missing is not None
    assert found["broken"].missing is not None
    monkeypatch.setattr(token_readings, "MOST_PAIRS", 2)
    sampled = next(iter(read_pairs(config, SEEN)))
    assert (sampled.pairs, len(sampled.truncated)) == (3, 2)
    assert np.array_equal(next(iter(read_pairs(config, SEEN))).tokens, sampled.tokens)
