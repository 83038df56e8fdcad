"""Give the engine of a cross-encoder the configured instruction, if the model has a place for it."""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np

from evalkit.encoding.engine import Engine
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.open_model import OpenModel
from evalkit.encoding.tokens import Item, Tokeniser
from evalkit.errors import InputError

_QUERY, _DOCUMENT = "How do I reset it?", "Hold the button for ten seconds."
_INSTRUCTION = "Only manuals are relevant."
_KEPT = 4
"""Engines for instructions that are kept: the requests of a query follow each other."""


def pair_engine(model: OpenModel, name: str, instruction: str | None) -> Engine:
    """Return the engine of a cross-encoder, with its own default prompt if no instruction is configured.

    Parameters
    ----------
    model
        The cross-encoder.
    name
        Folder or hub id.
    instruction
        The instruction; None or empty for none.

    Raises
    ------
    InputError
        If there is an instruction, and the model has no place for one.
    """
    engine = model.engine(instruction or model.card.default_prompt or None)
    if instruction and model.card.form is None:
        listed = any(model.card.prompts.values())
        with model_errors(name, "be used"):
            check_instruction(name, instruction, (engine.tokeniser, model.engine().tokeniser), listed=listed)
    return engine


class InstructedEngines:
    """The engines of a cross-encoder for the instructions of single queries; they share the model.

    Parameters
    ----------
    model
        The cross-encoder.
    name
        Folder or hub id.
    plain
        Its engine for queries without an instruction.
    """

    def __init__(self, model: OpenModel, name: str, plain: Engine) -> None:
        self._model, self._name, self._plain = model, name, plain
        self._lock = threading.Lock()
        self._engines: dict[str, Engine] = {}

    @cached_property
    def has_place(self) -> bool:
        """Whether the model's template has a place for the instruction of a query.

        Not for a template whose instruction is the question that the model answers, and not for a model without a
        template, which would read the instruction as the beginning of the query.
        """
        form = self._model.card.form
        if form is not None:
            return form.takes_instruction and not form.asks
        with model_errors(self._name, "be used"):
            tokenisers = self._model.engine(_INSTRUCTION).tokeniser, self._model.engine().tokeniser
            try:
                check_instruction(self._name, _INSTRUCTION, tokenisers, listed=False)
            except InputError:
                return False
        return True

    def engine(self, instruction: str) -> Engine:
        """Return the engine that reads an instruction; the last few are kept."""
        with self._lock:
            if instruction not in self._engines:
                while len(self._engines) >= _KEPT:
                    del self._engines[next(iter(self._engines))]
                self._engines[instruction] = self._model.engine(instruction)
            return self._engines[instruction]


def check_instruction(
    name: str, instruction: str, tokenisers: tuple[Tokeniser, Tokeniser], *, listed: bool
) -> None:
    """Check that an instruction reaches the input in a place that the model has for it.

    Chat templates leave out what they have no place for. Without a template, the library puts the text right before
    the query, which only models that were trained with such texts understand: those that list prompts.

    Parameters
    ----------
    name
        Folder or hub id.
    instruction
        The instruction.
    tokenisers
        The model's tokenisers with and without the instruction.
    listed
        Whether the model lists prompts.

    Raises
    ------
    InputError
        If the instruction changes nothing, or becomes the begin of the query in a model that lists no prompts.
    """
    instructed, plain = tokenisers
    given = (_QUERY, _DOCUMENT)
    if _same((instructed, given), (plain, given)):
        raise InputError(
            f"the model {name!r} has no place for an instruction in its template", "remove instruction"
        )
    if not listed and _same((instructed, given), (plain, (instruction + _QUERY, _DOCUMENT))):
        raise InputError(
            f"the model {name!r} has no place for an instruction: it reads query and document as a plain pair, and"
            " its files list no prompts",
            "remove instruction, or set prompt to the template that its model card states, with {instruction}",
        )


def _same(one: tuple[Tokeniser, Item], other: tuple[Tokeniser, Item]) -> bool:
    """Return whether two tokenisers make the same tokens of an input each."""
    first, second = (tokeniser([item]).ids[0] for tokeniser, item in (one, other))
    return np.array_equal(first, second)
