"""The table of layouts: which kinds of local models load, and how far their scores are from their own recipes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KEY = "evalkit layout"
"""Name of the property under which a test reports a row: pytest carries properties from its workers."""
HEADINGS = ("family", "loads", "equal", "largest difference", "ONNX", "int8", "message")


@dataclass(frozen=True, slots=True)
class LayoutRow:
    """One row of the table.

    Attributes
    ----------
    family
        The kind of model and how it is laid out, such as ``bge-reranker-base (XLM-R)``.
    loads
        Whether evalkit opens it.
    equal
        Whether every score is that of the model's own recipe; None if it is refused.
    largest_difference
        From the recipe, over all pairs, absolute.
    onnx, int8
        Largest difference of the exported model from torch in fp32; ``refused`` if it is not exported; None if that
        was not tried.
    message
        What evalkit says: the sentence of a refusal, or a warning.
    """

    family: str
    loads: bool
    equal: bool | None = None
    largest_difference: float | None = None
    onnx: float | str | None = None
    int8: float | str | None = None
    message: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the cells of its row."""
        return (
            self.family,
            "yes" if self.loads else "no",
            {True: "yes", False: "NO", None: ""}[self.equal],
            _figure(self.largest_difference),
            _figure(self.onnx),
            _figure(self.int8),
            self.message.replace("|", "\\|"),
        )


def layout_table(rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table of rows of cells: models that load first, each part sorted by family."""
    lines = [f"| {' | '.join(HEADINGS)} |", "| --- | --- | --- | ---: | ---: | ---: | --- |"]
    ordered = sorted(map(tuple, rows), key=lambda cells: (cells[1] != "yes", cells[0].lower()))
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in ordered)])


def _figure(value: float | str | None) -> str:
    """Return a difference with two digits; words as they are."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.1e}"
