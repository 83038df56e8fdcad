"""Rules on slices, thresholds and budgets from the command line, on queries with fields and calls with a price."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit
from support.stand_in import by_length, stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")

RULES = """\
on_cannot_tell: warn
rules:
  - {metric: nDCG@10, max_drop: 0.02, by: language}
  - {metric: nDCG@10, max_drop: 0.02, by: language, levels: [en]}
  - {max_cost_per_1k: 0.02}
  - {max_cost_per_1k: 0.001}
  - {threshold: 1.5, max_kept: 0.99}
  - {threshold: 99, max_empty: 0.1}
  - {metric: nDCG@10, max_drop: 0.02, by: country}
"""


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Return the block of the demo with a language for every query."""
    demo = Path(sys.modules["evalkit"].__file__ or "").parent / "datasets" / "demo_data"
    shutil.copytree(demo, tmp_path / "demo")
    file = tmp_path / "demo" / "queries.jsonl"
    rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    for number, row in enumerate(rows):
        row["language"] = "de" if number % 3 == 0 else "en"
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    split = next((tmp_path / "demo" / "qrels").glob("*.tsv")).stem
    return f"{{source: beir_folder, path: {tmp_path / 'demo'}, name: demo, split: {split}}}"


def test_every_rule_has_its_verdict(tmp_path: Path, data: str) -> None:
    """A slice, a budget and a threshold each by itself; what is not there is invalid and says what there is."""
    with stand_in(by_length) as url:
        config = tmp_path / "c.yaml"
        config.write_text(
            f"name: c\ndatasets: [{data}]\nrerankers:\n  api: {{backend: http, url: '{url}', model: m, "
            "price: {usd_per_million_tokens: 2, as_of: 2026-01-01}}\n",
            encoding="utf-8",
        )
        for name in ("before", "after"):
            done = evalkit("run", config, "--into", tmp_path / name)
            assert done.returncode == 0, done.stderr
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    done = evalkit("gate", tmp_path / "after", "--against", tmp_path / "before", "--rules", rules, "--json")
    found: dict[str, dict[str, Any]] = {}
    for row in orjson.loads(done.stdout):
        found.setdefault(row["rule"], row)
    assert {rule: row["status"] for rule, row in found.items()} == {
        "nDCG@10 max_drop 0.02, language = de": "IDENTICAL",
        "nDCG@10 max_drop 0.02, language = en": "IDENTICAL",
        "cost max_cost_per_1k 0.02": "PASS",
        "cost max_cost_per_1k 0.001": "FAIL",
        "threshold 1.5 max_kept 0.99": "PASS",
        "threshold 99 max_empty 0.1": "FAIL",
        "nDCG@10 max_drop 0.02, by country": "INVALID",
    }
    assert found["cost max_cost_per_1k 0.02"]["estimate"] == pytest.approx(7 * 2 / 1e6 * 1000)
    assert "have no field 'country' (fields: " in found["nDCG@10 max_drop 0.02, by country"]["sentence"]
    assert done.returncode == 3
