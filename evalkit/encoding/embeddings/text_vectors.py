"""Embed texts with one vector each, as the makers of the model use it: prompts, roles, dimensions, similarity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from evalkit.config.settings import PositiveInt
from evalkit.encoding.embeddings.prompts import own_prompts, warn_of_unused
from evalkit.encoding.embeddings.similarity import Similarity
from evalkit.encoding.embeddings.token_vectors import Task
from evalkit.encoding.embeddings.vector_rules import VectorRules
from evalkit.encoding.engine import Engine, Network
from evalkit.encoding.model_settings import EmbeddingModel
from evalkit.encoding.open_model import OpenModel, open_model
from evalkit.encoding.packing import Padded
from evalkit.errors import InputError


class VectorModel(EmbeddingModel):
    """Settings of every model with one vector per text.

    Attributes
    ----------
    similarity
        Similarity of two vectors: ``cosine``, ``dot``, or the negative distance ``euclidean`` or ``manhattan``
        (default: the one in the model's files, else ``cosine``).
    truncate_dim
        Dimensions to keep of each vector, for models trained with several (default: the number in the model's files,
        else all).
    """

    similarity: Similarity | None = None
    truncate_dim: PositiveInt | None = None


@dataclass(frozen=True, slots=True)
class TextVectors:
    """A model with one vector per text.

    Attributes
    ----------
    model
        The model in memory.
    engines
        Role -> the engine that embeds its texts.
    prompts
        Role -> text that is put before its texts; None for none.
    similarity
        Similarity of two vectors.
    truncate_dim
        Dimensions that are kept of each vector; None for all.
    """

    model: OpenModel
    engines: Mapping[Task, Engine]
    prompts: Mapping[Task, str | None]
    similarity: Similarity
    truncate_dim: int | None

    def facts(self) -> dict[str, Any]:
        """Return prompts, similarity and dimensions, for the manifest."""
        prompts = {f"{role}_prompt": self.prompts[role] or "" for role in get_args(Task)}
        kept = {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}
        return {**prompts, "similarity": self.similarity, **kept}


def open_text_vectors(settings: VectorModel) -> TextVectors:
    """Return the model that the settings describe; what they leave open, the model's files decide.

    Raises
    ------
    MissingExtraError
        If the runtime is not installed.
    InputError
        If there is no such model, it cannot be used, or its vectors have fewer dimensions than the settings keep.
    """
    model = open_model(settings.of_kind("bi_encoder"))
    rules = model.card.vectors or VectorRules()
    similarity = settings.similarity or _named(settings.model, rules.similarity)
    warn_of_unused(settings.model, rules.prompts, settings.unset_prompts)
    own = own_prompts(rules.prompts)
    prompts = settings.prompts({role: prompt.text for role, prompt in own.items()})
    engines = {
        role: _engine_by_role(model, prompts[role], role, own[role].name)
        if rules.by_role
        else model.engine(prompts[role])
        for role in get_args(Task)
    }
    if settings.truncate_dim is not None:
        _check_dimensions(settings, engines["document"])
    kept = settings.truncate_dim or rules.truncate_dim
    if kept is not None:
        engines = {
            role: engine.with_network(lambda one: _Truncated(one, kept)) for role, engine in engines.items()
        }
    return TextVectors(model, engines, prompts, similarity, kept)


def _engine_by_role(model: OpenModel, prompt: str | None, role: Task, prompt_name: str | None) -> Engine:
    """Return an engine for a role that a model distinguishes, tried out.

    The library calls the roles ``query`` and ``document``; models of other makers call them as they call their
    prompts, such as ``retrieval.query``.
    """
    names = [role, *({prompt_name} - {None, role})]
    failure: InputError | None = None
    for name in names:
        try:
            engine = model.engine(prompt, name)
            engine.run(["a"])
        except InputError as error:
            failure = failure or error
        else:
            return engine
    raise failure or ValueError("no name of a role")


def _named(model: str, name: str | None) -> Similarity:
    if name is None:
        return "cosine"
    if name not in get_args(Similarity):
        raise InputError(
            f"the model {model!r} names the similarity {name!r}, which is none of {', '.join(get_args(Similarity))}",
            "set similarity to the one that the model was trained with",
        )
    return cast("Similarity", name)


def _check_dimensions(settings: VectorModel, engine: Engine) -> None:
    (vector,) = engine.run(["a"]).rows
    if settings.truncate_dim is not None and settings.truncate_dim > len(vector):
        raise InputError(
            f"cannot keep {settings.truncate_dim} dimensions of the vectors of the model {settings.model!r}:"
            f" they have {len(vector)}",
            f"set truncate_dim to at most {len(vector)}, or remove it",
        )


class _Truncated:
    """A network that returns the first dimensions of another one's vectors, as they are: their length is not 1."""

    def __init__(self, network: Network, dimensions: int) -> None:
        self._network, self._dimensions = network, dimensions
        self.workers = network.workers

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Return ``(b, dimensions)``."""
        return np.asarray(self._network.forward(batch, worker))[:, : self._dimensions]

    def facts(self) -> dict[str, Any]:
        """Return the facts of the network."""
        return self._network.facts()
