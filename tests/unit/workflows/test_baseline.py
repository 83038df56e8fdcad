"""Saved baselines: what is read back is what was saved, and nothing is overwritten by mistake."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.configs import config_of

from evalkit.errors import IncompleteError, InputError, StorageError
from evalkit.workflows.baseline import open_evidence, save_baseline
from evalkit.workflows.run import run

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    """Return a result of two rerankers with two metrics."""
    rerankers = {"words": {"backend": "lexical"}, "same": {"backend": "identity"}}
    config = config_of(
        tiny_folder, rerankers, metrics=["nDCG@10", "MRR@10"], latency={"batch_sizes": [1], "calls": 3}
    )
    return run(config, tmp_path_factory.mktemp("baseline")).path


def test_what_is_read_back_is_what_was_saved(result: Path, tmp_path: Path) -> None:
    """Values by query, first stage, fingerprints, rounds and calls: all that a gate needs, bit for bit."""
    saved, whole = open_evidence(save_baseline(result, "release-1", tmp_path)), open_evidence(result)
    assert saved.first_stage == whole.first_stage
    assert saved.prints == whole.prints
    assert saved.rounds == whole.rounds
    assert saved.calls == whole.calls
    assert saved.rankings == whole.rankings
    assert saved.rankings["tiny", "same"] == saved.rankings["tiny", "bm25"]
    assert saved.values.keys() == whole.values.keys()
    assert {tag for _, tag in saved.values} == {"bm25", "words", "same"}
    for key, values in whole.values.items():
        assert saved.values[key].metrics == values.metrics
        assert saved.values[key].query_ids == values.query_ids
        assert np.array_equal(saved.values[key].values, values.values)


def test_why_latencies_are_withheld_is_kept(result: Path, tmp_path: Path) -> None:
    """So that a gate says that it cannot tell, and not that the baseline lacks them."""
    copy = shutil.copytree(result, tmp_path / "copy")
    file = copy / "calls.parquet"
    table = pq.read_table(file)
    for name, values in (
        ("encoded_s", table["start_s"]),
        ("harness_delay_s", pa.array([100.0] * len(table))),
    ):
        table = table.set_column(table.column_names.index(name), name, values)
    pq.write_table(table, file)
    saved = open_evidence(save_baseline(copy, "release-1", tmp_path / "kept"))
    assert saved.withheld == open_evidence(copy).withheld
    assert "resumed 1e+05 ms late" in saved.withheld["tiny", "words", 1, 1]
    assert saved.withheld.keys().isdisjoint(saved.rounds)


def test_a_baseline_is_small_and_needs_no_result(result: Path, tmp_path: Path) -> None:
    """Three files; the result may be gone."""
    copy = shutil.copytree(result, tmp_path / "copy")
    folder = save_baseline(copy, "release-1", tmp_path / "kept")
    shutil.rmtree(copy)
    assert {file.name for file in folder.iterdir()} == {"manifest.json", "summary.json", "values.parquet"}
    assert open_evidence(folder).values
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["release-1"]


def test_saving_again_replaces_a_baseline(result: Path, tmp_path: Path) -> None:
    """And only a baseline: a folder of anything else stays as it is."""
    folder = save_baseline(result, "release-1", tmp_path)
    (folder / "stray").write_text("", encoding="utf-8")
    assert save_baseline(result, "release-1", tmp_path) == folder
    assert not (folder / "stray").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("years", encoding="utf-8")
    with pytest.raises(InputError, match="exists and is not a baseline"):
        save_baseline(result, "mine", tmp_path)
    assert (tmp_path / "mine" / "thesis").read_text(encoding="utf-8") == "years"


@pytest.mark.parametrize("name", ["../up", "a b", "a/b", "", "ü", "."])
def test_a_name_is_a_folders_name(result: Path, tmp_path: Path, name: str) -> None:
    """What could leave the folder, or cannot be typed everywhere, is refused with a name that can."""
    with pytest.raises(InputError, match=r"is not a valid folder name|exists and is not a baseline"):
        save_baseline(result, name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_older_baseline_has_no_rankings(result: Path, tmp_path: Path) -> None:
    """It is read without them; one with too few is damaged."""
    folder = save_baseline(result, "release-1", tmp_path)
    about = orjson.loads((folder / "manifest.json").read_bytes())
    (dataset, tag, hashes), *others = about["rankings"]
    (folder / "manifest.json").write_bytes(
        orjson.dumps({**about, "rankings": [[dataset, tag, hashes[8:]], *others]})
    )
    with pytest.raises(InputError, match=r"is damaged: \d+ rankings for \d+ queries"):
        open_evidence(folder)
    del about["rankings"]
    (folder / "manifest.json").write_bytes(orjson.dumps(about))
    assert open_evidence(folder).rankings == {}


def test_an_incomplete_result_is_no_baseline(result: Path, tmp_path: Path) -> None:
    """Nothing is written."""
    copy = shutil.copytree(result, tmp_path / "copy")
    manifest = orjson.loads((copy / "manifest.json").read_bytes())
    (copy / "manifest.json").write_bytes(orjson.dumps({**manifest, "status": "incomplete"}))
    with pytest.raises(IncompleteError):
        save_baseline(copy, "release-1", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    with pytest.raises(IncompleteError):
        open_evidence(copy)


def test_a_place_that_cannot_be_written_is_reported(result: Path, tmp_path: Path) -> None:
    """With the folder that was meant."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot write"):
        save_baseline(result, "release-1", tmp_path / "file")


def test_a_baseline_is_found_by_its_name(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder where baselines are kept, below the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = save_baseline(result, "release-1")
    assert folder == Path("results/baselines/release-1")
    assert open_evidence(Path("release-1")).values.keys() == open_evidence(folder).values.keys()


def test_what_is_neither_is_an_error(result: Path, tmp_path: Path) -> None:
    """An empty folder, none, and a baseline of a later schema; each says what to do."""
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="is neither a baseline nor a result folder") as raised:
            open_evidence(path)
        assert raised.value.hint == "save one with: evalkit baseline save RESULT NAME"
    folder = save_baseline(result, "release-1", tmp_path)
    about = orjson.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(orjson.dumps({**about, "baseline": 99}))
    with pytest.raises(InputError, match="has the schema version 99"):
        open_evidence(folder)
