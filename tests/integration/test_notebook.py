"""A notebook that runs an experiment, executed by Jupyter's own client; skipped where that is not installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel", reason="needs ipykernel")

CELLS = (
    """\
import evalkit
config = {"name": "small", "datasets": ["demo"], "retriever": {"depth": 10},
          "rerankers": {"lexical": {"backend": "lexical"}}}
result = evalkit.run(config)
result""",
    "result.comparison",
    'evalkit.load_config(config | {"sed": 1})',
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """Return the outputs of each cell; an error does not stop the notebook."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    where: Path = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        book,
        timeout=120,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(where)}},
    )
    client.execute()
    return [cell["outputs"] for cell in book.cells]


def test_a_cell_shows_the_first_screen(outputs: list[list[dict[str, Any]]]) -> None:
    """As HTML with the decision; elsewhere the representation."""
    (shown,) = [one["data"] for one in outputs[0] if one["output_type"] == "execute_result"]
    assert '<span class="status ' in shown["text/html"]
    assert shown["text/plain"].startswith("Result('results/small/")


def test_a_cell_shows_progress(outputs: list[list[dict[str, Any]]]) -> None:
    """As a widget where ipywidgets is installed, else as text; nothing warns about its absence."""
    printed = "".join(one["text"] for one in outputs[0] if one["output_type"] == "stream")
    assert "TqdmWarning" not in printed
    widgets = [one for one in outputs[0] if one["output_type"] == "display_data"]
    if importlib.util.find_spec("ipywidgets"):
        assert any("lexical" in one["data"]["text/plain"] for one in widgets)
    else:
        assert "demo: lexical" in printed


def test_figures_are_frames(outputs: list[list[dict[str, Any]]]) -> None:
    """Which the notebook shows as tables."""
    assert "<td>lexical</td>" in outputs[1][0]["data"]["text/html"]


def test_a_problem_is_shown_without_a_traceback(outputs: list[list[dict[str, Any]]]) -> None:
    """The path of the key and the hint, and no frame of evalkit's code."""
    (error,) = outputs[2]
    shown = "\n".join(error["traceback"])
    assert "error: sed: unknown key 'sed'\n  hint: did you mean 'seed'?" in shown
    assert "load.py" not in shown
