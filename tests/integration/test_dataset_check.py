"""``evalkit dataset check`` on a damaged collection, and the preflight of a run on it."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from support.collections import write_beir_folder
from support.command import evalkit, only_folder

from evalkit.report.dataset_findings import MOST_LINES, TITLE

pytestmark = pytest.mark.usefixtures("blank_plots")

CONFIG = """\
name: damaged
datasets: [{source: beir_folder, path: damaged}]
retriever: {depth: 5}
rerankers:
  unchanged: {backend: identity}
  far: {backend: http, url: "http://127.0.0.1:1/rerank", model: any}
"""
EXPECTED = {
    "missing_documents": {"judgments": 1, "relevant": 1},
    "empty_documents": {"documents": 1, "relevant": 1},
    "mojibake": {"documents": 1, "queries": 0},
    "markup": {"documents": 1},
    "same_ids": {"queries": 1, "same_text": 0, "relevant": 1, "barred": 0},
    "duplicate_documents": {"documents": 2, "texts": 1},
    "unjudged_duplicates": {"unjudged": 2},
    "repeated_queries": {"queries": 2, "judged_for_one_only": 2},
    "train_queries": {"queries": 1, "train_queries": 1},
    "unjudged_queries": {"queries": 2},
}


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Return a collection with a known number of every fault."""
    folder = write_beir_folder(tmp_path / "damaged")
    append(
        folder / "corpus.jsonl",
        {"_id": "empty", "text": ""},
        {"_id": "twin", "title": "Cats", "text": "A CAT sleeps on the warm roof."},
        {"_id": "moji", "text": "A cafÃ© in Paris serves <b>coffee</b> to the cats."},
        {"_id": "q2", "text": "A document with the number of a query."},
    )
    append(
        folder / "queries.jsonl",
        {"_id": "again", "text": "Pond fish  in the RAIN"},
        {"_id": "seen", "text": "cat on the ROOF"},
    )
    with (folder / "qrels" / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("q1\tgone\t1\nq3\tempty\t1\nq2\tq2\t1\nagain\td4\t2\n")
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nseen\td1\t1\n", encoding="utf-8")
    return folder


def append(file: Path, *rows: dict[str, str]) -> None:
    """Add lines to a file."""
    file.write_bytes(file.read_bytes() + b"".join(orjson.dumps(row) + b"\n" for row in rows))


def test_every_fault_is_found_and_counted(damaged: Path) -> None:
    """Each fault is a finding with its number, in JSON; findings alone do not fail the command."""
    done = evalkit("dataset", "check", damaged, "--json")
    assert done.returncode == 0, done.stderr
    found = {one["code"]: one for one in json.loads(done.stdout)}
    for code, counts in EXPECTED.items():
        assert found[code]["counts"].items() >= counts.items(), code
    severities = [one["severity"] for one in json.loads(done.stdout)]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)


def test_a_configuration_is_checked_with_all_its_datasets(damaged: Path) -> None:
    """The tables name what was found where; what an API cuts is reported as unknown, and it is not called."""
    config = damaged.parent / "c.yaml"
    config.write_text(CONFIG.replace("[{", "[demo, {"), encoding="utf-8")
    done = evalkit("dataset", "check", config.name, cwd=damaged.parent)
    assert done.returncode == 0, done.stderr
    assert "warnings: " in done.stdout
    assert "demo, damaged: 0 errors," in done.stdout
    assert "truncation by far is" in done.stdout
    assert done.stdout.endswith("next: evalkit run c.yaml\n")


def test_errors_fail_the_command_where_that_is_asked(damaged: Path) -> None:
    """Judgments of another corpus are an error: exit 3 with --strict, 0 without."""
    (damaged / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\tx1\t1\nq2\tx2\t1\n", encoding="utf-8"
    )
    assert evalkit("dataset", "check", damaged).returncode == 0
    done = evalkit("dataset", "check", damaged, "--strict", "--json")
    assert done.returncode == 3
    assert "results on this data are meaningless" in done.stderr
    assert json.loads(done.stdout)[0]["code"] == "missing_documents"


def test_wrong_input_is_reported_before_anything_is_looked_at(tmp_path: Path) -> None:
    """An unknown name or a broken file exits with 2 and a line."""
    assert evalkit("dataset", "check", "dmo").returncode == 2
    file = tmp_path / "c.yaml"
    file.write_text("name: x\n", encoding="utf-8")
    done = evalkit("dataset", "check", file)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


def test_every_run_looks_first(damaged: Path) -> None:
    """The manifest holds the quick findings, terminal and report a handful of them, a table all."""
    (damaged.parent / "c.yaml").write_text(CONFIG.rpartition("  far")[0], encoding="utf-8")
    done = evalkit("run", "c.yaml", "--into", "results", cwd=damaged.parent)
    assert done.returncode == 0, done.stderr
    folder = only_folder(damaged.parent / "results")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (looked,) = manifest["preflight"]
    found = {one["code"]: one for one in looked["findings"]}
    slow = {"train_queries"}
    for code, counts in EXPECTED.items():
        assert (code in found) == (code not in slow)
        assert code in slow or found[code]["counts"].items() >= counts.items(), code
    assert "queries that occur in the train split" in looked["left_out"]
    moving = [one for one in looked["findings"] if one["severity"] != "note"]
    shown = " ".join(evalkit("report", folder, "--details").stderr.split())
    reported = [one for one in moving if one["what"] in shown]
    assert 0 < len(reported) <= MOST_LINES < len(moving)
    assert f"Read the table '{TITLE}' of the report." in shown
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert all(one["what"] in report for one in looked["findings"])
    assert "of near-duplicates" not in report
