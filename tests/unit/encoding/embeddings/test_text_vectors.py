"""Opening a model with one vector per text: settings decide, and what they leave open, the model's files."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.encoding import Engine
from evalkit.encoding.embeddings import text_vectors
from evalkit.encoding.embeddings.text_vectors import TextVectors, VectorModel, open_text_vectors
from evalkit.encoding.embeddings.vector_rules import VectorRules
from evalkit.encoding.model_settings import Card
from evalkit.encoding.packing import Padded
from evalkit.encoding.tokens import Item, TokenRules, Tokens
from evalkit.errors import InputError


class Letters:
    """A tokeniser: the letters of the prompt, then those of the text."""

    pad_id, pads_left = 0, False

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt

    def __call__(self, items: Any) -> Tokens:
        """Return the letters' numbers."""
        ids = [np.array([ord(letter) for letter in self._prompt + str(item)]) for item in items]
        return Tokens(ids, None, np.zeros(len(ids), dtype=bool))


class FourNumbers:
    """A network of four dimensions: the sum of the letters, twice it, and so on."""

    workers = 1

    def __init__(self, task: str | None) -> None:
        self._task = task

    def forward(self, batch: Padded, _worker: int | None) -> NDArray[Any]:
        """Return ``(b, 4)``."""
        if self._task not in {None, "query", "corpus"}:
            raise InputError(f"no role {self._task!r}")
        sums = batch.ids.sum(axis=1, keepdims=True)
        return np.asarray(sums * np.arange(1, 5) * (10 if self._task else 1))

    def facts(self) -> dict[str, Any]:
        """Return a fact."""
        return {"runtime": "made up"}


class Model:
    """A model with rules of its own; it knows the roles ``query`` and ``corpus``."""

    def __init__(self, rules: VectorRules) -> None:
        self.card = Card(TokenRules(None, "right", False, 0, False), vectors=rules)

    def engine(self, prompt: str | None = None, task: str | None = None, /) -> Engine:
        """Return an engine."""
        return Engine(Letters(prompt or ""), FourNumbers(task), 100, model="m")


def opened(monkeypatch: pytest.MonkeyPatch, rules: VectorRules, **settings: Any) -> TextVectors:
    """Return a model with such rules, opened with these settings; no warning."""
    monkeypatch.setattr(text_vectors, "open_model", lambda _: Model(rules))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return open_text_vectors(VectorModel(model="m", **settings))


def vector(engine: Engine, text: Item) -> list[float]:
    """Return the vector of a text."""
    return [float(number) for number in engine.run([text]).rows[0]]


def test_the_models_own_choices_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Similarity, dimensions and prompts; facts name them."""
    rules = VectorRules("dot", 2, {"retrieval.query": "a", "document": ""})
    found = opened(monkeypatch, rules)
    assert (found.similarity, found.truncate_dim) == ("dot", 2)
    assert vector(found.engines["query"], "b") == [97 + 98, 2 * (97 + 98)]
    assert vector(found.engines["document"], "b") == [98, 2 * 98]
    assert found.engines["query"].facts()["runtime"] == "made up"
    wanted = {"query_prompt": "a", "document_prompt": "", "similarity": "dot", "truncate_dim": 2}
    assert found.facts() == wanted


def test_settings_override_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty prompt is no prompt; an unknown similarity in the files does not matter then."""
    rules = VectorRules("maxsim", 2, {"query": "a"})
    settings = {"similarity": "manhattan", "truncate_dim": 3, "query_prompt": "", "document_prompt": "c"}
    found = opened(monkeypatch, rules, **settings)
    assert (found.similarity, found.truncate_dim) == ("manhattan", 3)
    assert vector(found.engines["query"], "b") == [98, 2 * 98, 3 * 98]
    assert vector(found.engines["document"], "")[0] == 99


def test_without_a_name_the_similarity_is_the_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    """And all dimensions are kept; more than there are in the files are all, as in the library."""
    found = opened(monkeypatch, VectorRules(truncate_dim=9))
    assert found.similarity == "cosine"
    assert len(vector(found.engines["query"], "b")) == 4
    assert "truncate_dim" not in opened(monkeypatch, VectorRules()).facts()


def test_what_cannot_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A similarity without a definition, and more dimensions than a vector has."""
    with pytest.raises(InputError, match="names the similarity 'maxsim', which is none of cosine, dot"):
        opened(monkeypatch, VectorRules("maxsim"))
    with pytest.raises(
        InputError, match="cannot keep 5 dimensions of the vectors of the model 'm': they have 4"
    ):
        opened(monkeypatch, VectorRules(truncate_dim=2), truncate_dim=5)


def test_roles_are_called_as_the_model_calls_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the library does, else as the chosen prompt; a role that the model does not know is refused."""
    found = opened(monkeypatch, VectorRules(prompts={"corpus": "c"}, by_role=True))
    assert vector(found.engines["query"], "b")[0] == 10 * 98
    assert vector(found.engines["document"], "b")[0] == 10 * (99 + 98)
    with pytest.raises(InputError, match="no role 'document'"):
        opened(monkeypatch, VectorRules(prompts={"passage": "c"}, by_role=True))
