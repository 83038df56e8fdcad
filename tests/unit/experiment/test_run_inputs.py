"""The key of a run's inputs: any change of them is another key, and what may differ anyway has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.api_runs import write_collection
from support.configs import config_of

from evalkit.config import Config
from evalkit.experiment import run_inputs
from evalkit.experiment.run_inputs import inputs_key

pytestmark = pytest.mark.usefixtures("settled_program")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection with candidates and a run next to it."""
    folder = write_collection(tmp_path / "small", 4)
    for name in ("bm25.trec", "a.trec", "b.trec"):
        lines = (f"q{q} Q0 d{q}.{i} {i + 1} {6 - i} x\n" for q in range(4) for i in range(6))
        (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    return folder


def replayed(small: Path, **more: Any) -> Config:
    """Return a configuration in which nothing is called."""
    parent = small.parent
    blocks = {
        "retriever": {"kind": "trec_run", "path": str(parent / "bm25.trec"), "depth": 6},
        "runs": {"b": [{"path": str(parent / "b.trec")}]},
    }
    rerankers = {"a": {"backend": "replay", "path": str(parent / "a.trec")}}
    return config_of(small, rerankers, **blocks | more)


def test_the_same_inputs_have_the_same_key(small: Path) -> None:
    """Read twice, with configurations that are equal."""
    key = inputs_key(replayed(small))
    assert key is not None
    assert inputs_key(replayed(small)) == key


FILES = ("small/corpus.jsonl", "small/queries.jsonl", "small/qrels/test.tsv", "bm25.trec", "a.trec", "b.trec")


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_is_named_belongs_to_the_key(small: Path, name: str) -> None:
    """One byte is enough, of the same length."""
    key, file = inputs_key(replayed(small)), small.parent / name
    content = file.read_bytes()
    file.write_bytes(content[:-2] + b"7" + content[-1:])
    assert inputs_key(replayed(small)) not in {key, None}


@pytest.mark.parametrize("name", ["small/qrels/dev.tsv", "small/candidates.trec.gz"])
def test_a_new_file_in_a_folder_belongs_to_the_key(small: Path, name: str) -> None:
    """A source may read it."""
    key = inputs_key(replayed(small))
    (small.parent / name).write_bytes(b"")
    assert inputs_key(replayed(small)) not in {key, None}


OPTIONS: list[dict[str, Any]] = [
    {"seed": 1},
    {"metrics": ["MRR@10"]},
    {"depths": [3]},
    {"keep_texts": False},
    {"below_depth": "dropped"},
    {"compare": {"margin": 0.02}},
]


@pytest.mark.parametrize("changed", OPTIONS, ids=str)
def test_every_option_belongs_to_the_key(small: Path, changed: dict[str, Any]) -> None:
    """Defaults included."""
    assert inputs_key(replayed(small, **changed)) not in {inputs_key(replayed(small)), None}


def test_the_program_belongs_to_the_key(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other code may read the same files in another way; where it is unknown there is no key."""
    key = inputs_key(replayed(small))
    monkeypatch.setattr(run_inputs, "program_key", lambda: "another")
    assert inputs_key(replayed(small)) not in {key, None}
    monkeypatch.setattr(run_inputs, "program_key", lambda: None)
    assert inputs_key(replayed(small)) is None


PLUGIN = """
from typing import ClassVar, Literal
from evalkit.rerankers.replay import Replay
class Mine:
    class Settings(Replay.Settings):
        backend: Literal["mine_of_inputs"] = "mine_of_inputs"
"""


def with_plugin(small: Path) -> Config:
    """Return a configuration with a plugin whose settings are those of a built-in backend."""
    file = small.parent / "mine_of_inputs.py"
    file.write_text(PLUGIN, encoding="utf-8")
    rerankers = {"a": {"backend": "mine_of_inputs", "path": str(small.parent / "a.trec")}}
    return config_of(small, rerankers, plugins=[str(file)])


UNCERTAIN: dict[str, dict[str, Any]] = {
    "latency": {"latency": {"batch_sizes": [1], "calls": 6}},
    "cluster": {"execution": {"engine": "ray"}},
    "tokenizer": {"metrics": ["nDCG@10t"], "tokenizer": "somebody/model"},
    "retriever": {"retriever": {"kind": "dense", "model": "somebody/model"}},
}


@pytest.mark.parametrize("more", UNCERTAIN.values(), ids=UNCERTAIN)
def test_what_may_differ_has_no_key(small: Path, more: dict[str, Any]) -> None:
    """A time, a name in a hub, a search engine: it cannot be known that they are the same."""
    assert inputs_key(replayed(small, **more)) is None


@pytest.mark.parametrize(
    "block",
    [{"backend": "lexical"}, {"backend": "http", "url": "http://127.0.0.1:9/v1/rerank", "model": "m"}],
    ids=["local", "api"],
)
def test_a_reranker_with_stored_scores_has_no_key(small: Path, block: dict[str, Any]) -> None:
    """The score store decides which of its scores are used."""
    assert inputs_key(config_of(small, {"a": block})) is None


def test_a_plugin_has_no_key(small: Path) -> None:
    """Its code may read anything, also where its settings are those of a built-in backend."""
    assert inputs_key(with_plugin(small)) is None


def test_a_missing_file_has_no_key(small: Path) -> None:
    """The run reports it."""
    config = replayed(small)
    (small.parent / "b.trec").unlink()
    assert inputs_key(config) is None


def test_files_beyond_a_size_have_no_key(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may contain far more than what is read of it."""
    monkeypatch.setattr(run_inputs, "MOST_BYTES", 100)
    assert inputs_key(replayed(small)) is None
