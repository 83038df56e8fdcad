"""Passages of long documents: what is sent, counted and paid, kept, combined, and derived again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from support.api_runs import run, scores, visible
from support.command import evalkit, only_folder, start_evalkit
from support.long_documents import ShortSighted, write_long_documents, write_passage_config
from support.stand_in import stand_in

pytest.importorskip("tokenizers")
pytestmark = pytest.mark.usefixtures("blank_plots")

BLOCK = "tokens: 64, overlap: 16, tokenizer: small/tokenizer"
PRICED = ", batch_size: 7, price: {usd_per_thousand_requests: 10, as_of: 2026-11-22}"
TIMED = "latency: {batch_sizes: [1, 20], calls: 6, warmup: 1}\n"


@dataclass(frozen=True)
class Measured:
    """A result with passages, what was planned for it, and the server that scored."""

    config: Path
    folder: Path
    planned: list[dict[str, Any]]
    server: ShortSighted

    def json(self, name: str) -> dict[str, Any]:
        """Return a document of the result."""
        found: dict[str, Any] = orjson.loads((self.folder / name).read_bytes())
        return found

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the result."""
        return pd.read_parquet(self.folder / name)


@pytest.fixture(scope="module", name="measured")
def _measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("passages")
    small = write_long_documents(folder / "small")
    server = ShortSighted()
    with stand_in(server) as url:
        config = write_passage_config(small, url, BLOCK, PRICED, TIMED)
        planned = evalkit("run", config, "--plan", "--json", "--into", folder / "results")
        run(config, folder / "results")
        yield Measured(config, only_folder(folder / "results"), orjson.loads(planned.stdout), server)


def test_answers_at_the_end_are_found_with_passages_alone(measured: Measured, tmp_path: Path) -> None:
    """The server reads the beginning of each text: of documents it never sees the answer."""
    (mean,) = [row["mean"] for row in measured.json("summary.json")["quality"] if row["reranker"] == "api"]
    assert mean == 1.0
    small = write_long_documents(tmp_path / "small")
    with stand_in(ShortSighted()) as url:
        run(write_passage_config(small, url), tmp_path / "results")
    plain = only_folder(tmp_path / "results")
    (without,) = [
        row["mean"]
        for row in orjson.loads((plain / "summary.json").read_bytes())["quality"]
        if row["reranker"] == "api"
    ]
    assert without < 0.9
    assert not (plain / "passages.parquet").exists()
    assert "passages" not in (plain / "manifest.json").read_text()
    assert "passages" not in (plain / "summary.json").read_text()


def test_calls_and_passages_are_those_of_the_server(measured: Measured) -> None:
    """The table of calls, the pairs of the manifest and the plan count what was really sent."""
    calls = measured.table("calls.parquet")
    assert (len(calls), calls["batch_size"].sum()) == (measured.server.calls, measured.server.texts)
    table = measured.table("passages.parquet")
    quality = calls[calls["pass"] == "quality"]
    assert quality["batch_size"].sum() == len(table) == measured.json("manifest.json")["pairs"][0]["asked"]
    assert quality["batch_size"].max() == 7
    planned = {row["pass"]: row for row in measured.planned}
    assert planned["quality"]["calls"] == len(quality)
    assert planned["quality"]["pairs"] == len(table)
    assert planned["quality"]["cost_usd"] == pytest.approx(0.01 * len(quality))
    timed = calls[calls["pass"] == "latency"]
    assert (planned["latency"]["calls"], planned["latency"]["pairs"]) == (
        len(timed),
        timed["batch_size"].sum(),
    )
    assert set(timed["batch_size"]) == {1, 20}
    (cost,) = measured.json("summary.json")["costs"]
    assert cost["usd_per_thousand_queries"] == pytest.approx(1000 * 0.01 * len(quality) / 4)


def test_the_manifest_says_how_passages_were_made(measured: Measured) -> None:
    """Tokenizer with its hash, sizes, rule, and how many passages the candidates have."""
    (facts,) = [one["passages"] for one in measured.json("manifest.json")["datasets"]]
    table = measured.table("passages.parquet")
    per_document = table.groupby("doc_id")["passage"].max()
    assert facts["tokenizer"].endswith("small/tokenizer")
    assert len(facts["tokenizer_sha256"]) == 64
    assert (facts["tokens"], facts["overlap"], facts["combine"]) == (64, 16, "max")
    assert (facts["documents"], facts["passages"]) == (len(per_document), per_document.sum())
    assert facts["per_document"] == pytest.approx(per_document.mean())
    assert facts["most_per_document"] == per_document.max()


def test_document_scores_are_combined_from_the_kept_passage_scores(measured: Measured) -> None:
    """The highest passage score of each candidate, in the order and at the ranks of the first stage."""
    table = measured.table("passages.parquet")
    best = table.groupby(["query_id", "doc_id"])["score"].max()
    documents = measured.table("scores.parquet")
    own = documents[documents["reranker"] == "api"]
    assert own["list_rank"].isna().all()
    assert own["score"].tolist() == [best[key] for key in zip(own["query_id"], own["doc_id"], strict=True)]
    first = documents[documents["reranker"] == "bm25"]
    columns = ["query_id", "doc_id", "retriever_rank"]
    assert own[columns].to_numpy().tolist() == first[columns].to_numpy().tolist()


def test_rules_are_compared_without_a_call_as_if_each_had_been_run(
    measured: Measured, tmp_path: Path
) -> None:
    """Another rule in the configuration makes no call of the quality pass, and its result is the row of that rule."""
    rows = {row["rule"]: row for row in measured.json("summary.json")["passages"][0]["rules"]}
    assert list(rows) == ["max", "first", "mean_top3"]
    assert [row["configured"] for row in rows.values()] == [True, False, False]
    assert rows["max"]["difference"] is None
    before = measured.server.pairs.copy()
    for rule in ("first", "mean_top3"):
        run(
            measured.config, measured.folder.parent, "--set", f"datasets.0.passages.combine={rule}",
            "--set", "latency=null",
        )  # fmt: skip
        newest = visible(measured.folder.parent)[-1]
        summary = orjson.loads((newest / "summary.json").read_bytes())
        (mean,) = [row["mean"] for row in summary["quality"] if row["reranker"] == "api"]
        assert mean == rows[rule]["mean"]["estimate"]
        assert rows[rule]["difference"]["estimate"] == pytest.approx(mean - rows["max"]["mean"]["estimate"])
        calls = pd.read_parquet(newest / "calls.parquet")
        assert "quality" not in set(calls["pass"])
        shutil.rmtree(newest)
    assert set(measured.server.pairs) == set(before)
    del tmp_path


def contents(folder: Path) -> dict[Path, bytes]:
    """Return the files of a folder but the record of derived ones, which names the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "derived.json")
    return {path: path.read_bytes() for path in files}


def test_the_report_is_built_again_byte_for_byte(measured: Measured, tmp_path: Path) -> None:
    """From the raw files alone, with the table of the rules, which tune prints too."""
    copy = tmp_path / "copy"
    shutil.copytree(measured.folder, copy)
    files = contents(copy)
    assert evalkit("report", copy).returncode == 0
    assert contents(copy) == files
    page = (copy / "report.md").read_text(encoding="utf-8")
    assert "Rules of combining passage scores" in page
    shown = evalkit("tune", "passages", copy)
    assert shown.returncode == 0, shown.stderr
    assert all(rule in shown.stdout for rule in ("max", "first", "mean_top3", "configured"))
    plain = evalkit("tune", "passages", copy, "--json")
    (found,) = orjson.loads(plain.stdout)
    assert found["rules"] == measured.json("summary.json")["passages"][0]["rules"]


@pytest.mark.parametrize("change", ["score", "number", "row", "column", "dataset", "file"])
def test_a_damaged_table_is_refused(measured: Measured, tmp_path: Path, change: str) -> None:
    """Scores that do not give those of the documents, lost rows, wrong numbers and names are one clear line."""
    copy = tmp_path / "copy"
    shutil.copytree(measured.folder, copy)
    file = copy / "passages.parquet"
    table = pd.read_parquet(file)
    if change == "score":
        table.loc[3, "score"] = 99.0
    elif change == "number":
        table.loc[3, "passage"] = 9
    elif change == "row":
        table = table.drop(index=0)
    elif change == "column":
        table = table.drop(columns="score")
    elif change == "dataset":
        table.loc[0, "dataset"] = "other"
    table["passage"] = table["passage"].astype(np.int32)
    table["depth"] = pd.array([None] * len(table), dtype="Int32")
    table.to_parquet(file)
    if change == "file":
        file.unlink()
    done = evalkit("report", copy)
    assert done.returncode == 2
    assert "passages.parquet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_a_killed_run_keeps_its_passage_scores(tmp_path: Path) -> None:
    """The run is resumed in its folder, and no passage is scored twice."""
    small = write_long_documents(tmp_path / "small", queries=6)
    server = ShortSighted()
    seen = iter(range(10_000))
    process: Any = None

    def answer(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if next(seen) == 12:
            process.kill()
        return server(body, headers)

    with stand_in(answer) as url:
        config = write_passage_config(small, url, BLOCK, ", batch_size: 7, score_check: false")
        process = start_evalkit("run", config, "--into", tmp_path / "results")
        process.communicate()
        assert process.returncode != 0
        run(config, tmp_path / "results")
    folder = only_folder(tmp_path / "results")
    table = pd.read_parquet(folder / "passages.parquet")
    calls = pd.read_parquet(folder / "calls.parquet")
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    (pairs,) = manifest["pairs"]
    assert (manifest["status"], manifest["resumed"]) == ("complete", 1)
    assert set(table["query_id"]) == {f"q{number}" for number in range(6)}
    assert calls.loc[calls["pass"] == "quality", "batch_size"].sum() == len(table)
    assert (pairs["asked"], pairs["scored"], pairs["reused"], pairs["failed"]) == (
        len(table),
        len(table),
        0,
        0,
    )
    assert pairs["resumed"] > 0
    again = {(query, text) for (query, text), count in server.pairs.items() if count > 1}
    assert len(again) < len(table), (
        "the check asks for some passages in two lists, and the killed call is repeated"
    )
    assert len(scores(folder)) == 2 * 6 * 5


def test_a_list_reranker_gets_all_passages_in_one_call_or_is_refused(tmp_path: Path) -> None:
    """Every depth is a pass of its own; too small a call is an error before anything is measured."""
    small = write_long_documents(tmp_path / "small")
    server = ShortSighted()
    with stand_in(server) as url:
        config = write_passage_config(small, url, BLOCK, ", pointwise: false", "depths: [2, 5]\n")
        run(config, tmp_path / "results")
        config = write_passage_config(small, url, BLOCK, ", pointwise: false, max_documents: 8")
        refused = evalkit("run", config, "--into", tmp_path / "refused")
    folder = only_folder(tmp_path / "results")
    table = pd.read_parquet(folder / "passages.parquet")
    calls = pd.read_parquet(folder / "calls.parquet")
    quality = calls[calls["pass"] == "quality"]
    sizes = table.groupby(["depth", "query_id"]).size()
    assert sorted(quality["batch_size"]) == sorted(sizes)
    assert refused.returncode == 2
    assert "needs the whole list in one call of at most 8 documents" in refused.stderr


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("replay, path: x.trec", "backend 'replay' has no scores of passages"),
        ("identity", "backend 'identity' has no scores of passages"),
    ],
)
def test_rerankers_without_scores_of_passages_are_refused(tmp_path: Path, block: str, said: str) -> None:
    """Look-ups by the id of a document know no passage."""
    small = write_long_documents(tmp_path / "small")
    (tmp_path / "x.trec").write_text("q0 Q0 d0 1 1 x\n")
    config = write_passage_config(small, "http://127.0.0.1:9/v1/rerank", BLOCK, "", "")
    text = config.read_text().replace("metrics:", f"  other: {{backend: {block}}}\nmetrics:")
    config.write_text(text)
    done = evalkit("config", "check", config)
    assert done.returncode == 2
    assert said in done.stderr


def test_results_with_other_passages_are_compared_with_a_note(measured: Measured, tmp_path: Path) -> None:
    """Their rerankers read other texts: compare, and a gate against a folder or a saved baseline, say so."""
    run(
        measured.config, measured.folder.parent, "--set", "datasets.0.passages.combine=first",
        "--set", "latency=null",
    )  # fmt: skip
    other = shutil.move(visible(measured.folder.parent)[-1], tmp_path / "other")
    saved = evalkit("baseline", "save", measured.folder, "base", "--into", tmp_path / "saved")
    assert saved.returncode == 0, saved.stderr
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{metric: nDCG@10, max_drop: 0.5}]\n")
    for done in (
        evalkit("compare", measured.folder, other),
        evalkit("gate", other, "--against", measured.folder, "--rules", rules),
        evalkit("gate", other, "--against", tmp_path / "saved" / "base", "--rules", rules),
    ):
        assert " ".join(done.stderr.split()).count("overlap 16, combine first") == 1
    same = evalkit("gate", measured.folder, "--against", tmp_path / "saved" / "base", "--rules", rules)
    assert "rerankers scored" not in same.stderr
