"""A result in Python: frames, text, HTML, and warnings that are Python's."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from support.configs import config_of

import evalkit
from evalkit.errors import EvalkitWarning, InputError
from evalkit.experiment.run_options import Origin
from evalkit.results import ResultFolder
from evalkit.workflows.result import Result, load_result
from evalkit.workflows.run import run, run_experiment

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.fixture(scope="module")
def made(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Result:  # noqa: ARG001
    """Return the result of a run."""
    return run(config_of(tiny_folder), tmp_path_factory.mktemp("results"))


def test_a_result_is_a_folder_with_frames(made: Result) -> None:
    """What a result folder offers is there, and its figures are frames with the same numbers."""
    assert isinstance(made, ResultFolder)
    means = {(row.reranker, row.depth, row.metric): row.mean.estimate for row in made.read_summary().quality}
    frame = made.quality.set_index(["system", "depth", "metric"])["mean"]
    assert frame.to_dict() == means
    assert made.comparison["system"].tolist() == ["words"]
    assert made.latency.empty


def test_a_result_shows_its_decision(made: Result) -> None:
    """As text where it is printed, as HTML in a notebook; its representation is its path."""
    assert repr(made) == f"Result({str(made.path)!r})"
    headline = str(made).splitlines()[0].partition(": ")[2]
    html = made._repr_html_()
    assert html is not None
    assert headline in html
    assert str(made.path) in html


def test_an_earlier_result_is_opened_by_its_path(made: Result, tmp_path: Path) -> None:
    """It is the same as that of the run; what is no result is an error."""
    again = load_result(str(made.path))
    assert again.quality.equals(made.quality)
    assert load_result(made.path.parent).path == made.path
    with pytest.raises(InputError, match="is not a result folder"):
        load_result(tmp_path)


def test_a_result_without_a_report_has_no_html(made: Result, tmp_path: Path) -> None:
    """A notebook then shows its representation: a run that goes on has no figures yet."""
    (tmp_path / "manifest.json").write_bytes(made.manifest_file.read_bytes())
    unfinished = load_result(tmp_path)
    assert unfinished._repr_html_() is None
    assert str(unfinished) == repr(unfinished)


def test_warnings_of_a_result_are_python_warnings(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each once, with its remedy, at the line that called; none of them is printed. A command gives none."""
    config = config_of(tiny_folder)
    with pytest.warns(EvalkitWarning) as given:
        made = run(config, tmp_path)
    assert {one.filename for one in given} == {__file__}
    found = [str(one.message) for one in given]
    assert len(found) == len(set(found))
    assert all(text.endswith(".") for text in found)
    html = made._repr_html_()
    assert html is not None
    assert f"{len(found)} warning" in html
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_experiment(config, tmp_path, Origin("evalkit run", None))
    assert capsys.readouterr() == ("", "")


def test_a_dictionary_is_run(tiny_folder: Path, tmp_path: Path) -> None:
    """Like the file with its content."""
    data: dict[str, Any] = {
        "name": "t",
        "datasets": [{"source": "beir_folder", "path": tiny_folder}],
        "rerankers": {"words": {"backend": "lexical"}},
        "metrics": ["nDCG@10"],
    }
    made = evalkit.run(data, into=tmp_path)
    assert made.read_manifest().status == "complete"
    assert set(made.quality["system"]) == {"bm25", "words"}
