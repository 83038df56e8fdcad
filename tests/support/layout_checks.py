"""What a test asks of a model laid out on disk: scores of its own recipe, or a refusal that says why.

A test gets both as the fixtures `check_layout` and `check_refused`, which also put a row into the table of layouts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.errors import EvalkitWarning, InputError
from evalkit.rerankers import load_reranker
from support.layout_table import KEY, LayoutRow
from support.tiny_models import PAIRS

Pairs = Sequence[tuple[str, str]]
Recipe = Callable[[Pairs], Sequence[float]]
"""What a model's card does: from pairs to scores, one pair at a time."""
EXPORTS: dict[str, dict[str, Any]] = {"onnx": {"runtime": "onnx"}, "int8": {"precision": "int8"}}
LEAST_CORRELATION = 0.9
"""Of int8 scores with those in fp32: random weights are the hardest to quantise."""


@dataclass(frozen=True, slots=True)
class LayoutChecks:
    """The two checks, bound to the test that reports them."""

    record_property: Callable[[str, object], None]

    def check(
        self,
        family: str,
        folder: Path | str,
        recipe: Recipe,
        *,
        backend: str = "cross_encoder",
        pairs: Pairs = PAIRS,
        tolerance: float = 1e-5,
        exports: Literal["score", "refused"] | None = None,
        warns: str = "",
        **settings: Any,
    ) -> NDArray[np.float64]:
        """Assert that a model scores as its recipe does, report the row, and return the ``(n,)`` scores.

        Parameters
        ----------
        family
            First cell of the row; must be unique.
        folder
            The model's folder, or a hub id.
        recipe
            The model card's own way to score pairs, without evalkit.
        tolerance
            Largest absolute difference.
        exports
            ``score``: ONNX gives these scores, to 1e-5 or the tolerance, and int8 nearly the same order; ``refused``:
            both are refused, and the sentence is the row's message; None: neither is tried.
        warns
            Pattern of the warning that evalkit gives, which is the row's message; empty if it gives none.
        settings
            Further settings of the backend.
        """
        wanted = np.asarray(recipe(pairs), dtype=np.float64)
        assert np.ptp(wanted) > 100 * tolerance, f"the recipe gives all pairs the same score: {wanted}"
        model = {"model": str(folder), "threads": 1, **settings}
        try:
            found, warned = _scores(backend, pairs, {"device": "cpu", **model})
        except InputError as error:
            self._report(folder, LayoutRow(family, False, False, message=str(error)))
            raise
        difference = float(np.abs(found - wanted).max())
        row = LayoutRow(family, True, difference <= tolerance, difference, message=warned)
        tried = EXPORTS if exports else {}
        exported = {name: _exported(backend, pairs, {**model, **more}) for name, more in tried.items()}
        far = {name: _difference(values, found) for name, values in exported.items()}
        refusals = [str(values) for values in exported.values() if isinstance(values, InputError)]
        self._report(folder, replace(row, **far, message="; ".join(filter(None, [warned, *refusals[:1]]))))
        assert found == pytest.approx(wanted, abs=tolerance)
        assert re.search(warns, warned), f"not about {warns!r}: {warned}"
        assert warns or not warned, f"an unexpected warning: {warned}"
        _check_exports(exported, found, exports, max(tolerance, 1e-5))
        return found

    def check_refused(
        self,
        family: str,
        folder: Path | str,
        message: str,
        *,
        hint: str = "",
        backend: str = "cross_encoder",
        **settings: Any,
    ) -> InputError:
        """Assert that a model is refused when it is opened, report the row, and return the error.

        Parameters
        ----------
        family
            First cell of the row; must be unique.
        folder
            The model's folder, or a hub id.
        message, hint
            Patterns that are found in the error's sentence and in its hint.
        settings
            Further settings of the backend.
        """
        try:
            reranker: Any = load_reranker(backend, model=str(folder), device="cpu", threads=1, **settings)
        except InputError as refusal:
            error = refusal
        else:
            self._report(folder, LayoutRow(family, True, False, message="NOT REFUSED"))
            pytest.fail(f"{family}: not refused; it scores {reranker.score_pairs(list(PAIRS))}")
        sentence = str(error)
        self._report(folder, LayoutRow(family, False, message=sentence))
        assert re.search(message, sentence), f"not about {message!r}: {sentence}"
        assert re.search(hint, error.hint or ""), f"not about {hint!r}: {error.hint}"
        assert "\n" not in sentence, "a message is one line"
        return error

    def _report(self, folder: Path | str, row: LayoutRow) -> None:
        """Add a row to the table, in whose message the path of the model is its name."""
        message = row.message.replace(str(folder), Path(folder).name)
        self.record_property(KEY, replace(row, message=message).cells())


def _scores(backend: str, pairs: Pairs, settings: dict[str, Any]) -> tuple[NDArray[np.float64], str]:
    """Return scores of evalkit, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EvalkitWarning)
        reranker: Any = load_reranker(backend, **settings)
        scores = np.asarray(reranker.score_pairs(list(pairs)))
    warned = dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, EvalkitWarning))
    return scores, "; ".join(warned)


def _exported(backend: str, pairs: Pairs, settings: dict[str, Any]) -> NDArray[np.float64] | InputError:
    """Return scores of an exported model, or its refusal."""
    try:
        return _scores(backend, pairs, settings)[0]
    except InputError as error:
        return error


def _difference(values: NDArray[np.float64] | InputError, full: NDArray[np.float64]) -> float | str:
    """Return the cell of an exported model."""
    return "refused" if isinstance(values, InputError) else float(np.abs(values - full).max())


def _check_exports(
    exported: dict[str, NDArray[np.float64] | InputError],
    full: NDArray[np.float64],
    wanted: str | None,
    tolerance: float,
) -> None:
    """Assert that an exported model scores, or is refused, as the test says."""
    for name, values in exported.items():
        assert isinstance(values, InputError) == (wanted == "refused"), f"{name}: {values}"
        if isinstance(values, InputError):
            continue
        if name == "onnx":
            assert values == pytest.approx(full, abs=tolerance)
        else:
            assert np.corrcoef(values, full)[0, 1] > LEAST_CORRELATION
