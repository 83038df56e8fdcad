"""compare, leaderboard and aa from the command line: on the bundled collection, and on real rankings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import Counting, run, write_collection, write_config
from support.command import ROOT, evalkit, only_folder
from support.stand_in import stand_in

from evalkit.datasets import load_dataset

pytestmark = pytest.mark.usefixtures("blank_plots")

RUN = ROOT / "configs" / "quickstart.all-MiniLM-L6-v2.trec.gz"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a result with two rerankers on the bundled collection."""
    folder = tmp_path_factory.mktemp("demo")
    config = folder / "c.yaml"
    config.write_text(
        "name: d\ndatasets: [demo]\nmetrics: [nDCG@10, MRR@10]\nrerankers:\n"
        f"  dense: {{backend: replay, path: {RUN}}}\n  lexical: {{backend: lexical}}\n",
        encoding="utf-8",
    )
    run(config, folder / "results")
    return only_folder(folder / "results")


def test_one_result_is_compared_within(tmp_path: Path, demo: Path) -> None:
    """Verdict, ties, other metrics, holes, slices and queries with their texts; in files, too."""
    brief = evalkit("compare", demo)
    assert brief.stdout.startswith(
        "Adopt: dense ranks better than bm25\n+0.090 nDCG@10 (95 % CI 0.026 to 0.154)"
    )
    assert "\nnext: " in brief.stdout
    done = evalkit("compare", demo, "--details", "--into", tmp_path / "out", "--html", tmp_path / "one.html")
    page = evalkit("compare", demo, "--into", tmp_path / "page.html")
    assert page.returncode == 0, page.stderr
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "one.html").read_bytes()
    assert done.returncode == 0, done.stderr
    assert "demo: lexical shows no significant difference from bm25" in done.stdout
    for page in (tmp_path / "one.html", tmp_path / "out" / "comparison.html"):
        assert "<h1>dense ranks better than bm25</h1>" in page.read_text(encoding="utf-8")
    drawn = {file.name for file in (tmp_path / "out" / "plots").glob("*.svg")}
    assert drawn == {
        f"demo.{name}.svg" for name in ("differences", "dense.query-changes", "lexical.query-changes")
    }
    assert "paraphrase" in done.stdout
    texts = {query.text for query in load_dataset("demo").queries}
    (entry,) = orjson.loads((demo / "comparisons.json").read_bytes())["datasets"]
    moved = [row for found in entry["extremes"].values() for rows in found.values() for row in rows]
    assert len(moved) > 10
    assert {row["text"] for row in moved} <= texts
    page = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")
    assert "## demo: judgments and ties" in page
    rows = orjson.loads(
        evalkit("compare", demo, "--json", "--baseline", "lexical", "--primary", "MRR@10").stdout
    )
    assert [(row["baseline"], row["contender"], row["metric"]) for row in rows] == [
        ("lexical", "bm25", "MRR@10"),
        ("lexical", "dense", "MRR@10"),
    ]
    assert (rows[0]["wins"] + rows[0]["ties"] + rows[0]["losses"]) == rows[0]["n"] == 96


@pytest.mark.long
def test_two_versions_are_compared_and_their_thresholds_carried(tmp_path: Path, demo: Path) -> None:
    """Before and after, pair by pair; scores on another scale are reported, with the new threshold."""
    config = tmp_path / "c.yaml"
    config.write_text(
        "name: d\ndatasets: [demo]\nmetrics: [nDCG@10, MRR@10]\nrerankers:\n"
        "  dense: {backend: lexical}\n  lexical: {backend: lexical}\n",
        encoding="utf-8",
    )
    run(config, tmp_path / "results")
    after = only_folder(tmp_path / "results")
    words = ("compare", demo, after, "--threshold", "0.4", "--into", tmp_path / "out", "--details")
    done = evalkit(*words)
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "Keep: after ranks worse than before" in shown
    assert "demo: after equals before on every query" in shown
    assert "demo: dense: the versions score on different scales" in shown
    assert (
        "demo: lexical: both versions score on the same scale (distance of the score distributions 0.000)."
        in shown
    )
    assert "Threshold 0.4 kept" in shown
    assert (tmp_path / "out" / "demo.dense.scores.svg").is_file()
    assert (tmp_path / "out" / "plots" / "demo.dense.query-changes.svg").is_file()
    gone = evalkit("compare", demo, after, "--baseline", "bm25")
    assert (gone.returncode, "with two folders, the first one is the baseline" in gone.stderr) == (2, True)


@pytest.mark.long
def test_what_was_not_measured_on_the_same_things_is_refused(tmp_path: Path, demo: Path) -> None:
    """Another depth, another dataset, no common tag, an incomplete folder, not a folder: one line each."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: d\ndatasets: [demo]\nretriever: {{depth: 20}}\nrerankers:\n  dense: {{backend: replay, path: {RUN}}}\n",
        encoding="utf-8",
    )
    run(config, tmp_path / "shallow")
    shallow = only_folder(tmp_path / "shallow")
    other = evalkit("compare", demo, shallow)
    assert (other.returncode, "cannot be compared: depth 100 and depth 20" in other.stderr) == (2, True)
    boards = evalkit("leaderboard", demo, shallow)
    assert boards.returncode == 0
    assert "Not comparable with the table above: " in " ".join(boards.stdout.split())
    assert "depth 100 and depth 20" in boards.stdout
    for words, code, message in (
        ((demo, demo, demo), 2, "got 3 result folders"),
        ((demo, "--primary", "P@3"), 2, "the result contains no values of 'P@3'"),
        ((demo, "--baseline", "bm52"), 2, "did you mean 'bm25'?"),
        ((tmp_path / "out-of-nowhere",), 2, "result folder not found"),
        (("--qrels", RUN, RUN, RUN), 2, "columns"),
        ((demo, "--threshold", "1"), 2, "--threshold requires two result folders"),
        ((demo, "--into", "/proc/nowhere"), 3, "cannot write into /proc/nowhere"),
    ):
        done = evalkit("compare", *words)
        assert done.returncode == code, done.stderr
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    broken = tmp_path / "broken"
    shutil.copytree(demo, broken)
    manifest = orjson.loads((broken / "manifest.json").read_bytes())
    (broken / "manifest.json").write_bytes(orjson.dumps({**manifest, "status": "incomplete"}))
    refused = evalkit("compare", broken)
    assert (refused.returncode, "is incomplete" in refused.stderr) == (3, True)
    assert evalkit("compare", broken, "--allow-incomplete").returncode == 0


def test_a_leaderboard_in_every_form(tmp_path: Path, demo: Path) -> None:
    """Table, Markdown, page, CSV and JSON hold the same ranks; a tag in two folders is told apart."""
    twin = tmp_path / "twin"
    shutil.copytree(demo, twin)
    rows: list[dict[str, Any]] = orjson.loads(evalkit("leaderboard", demo, twin, "--format", "json").stdout)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert {row["system"] for row in rows} == {
        "bm25", *(f"{tag} ({folder.name})" for tag in ("dense", "lexical") for folder in (demo, twin))
    }  # fmt: skip
    assert len(rows[0]["tied_with"]) == 1
    assert "| 1 | dense (" in evalkit("leaderboard", demo, twin, "--format", "markdown").stdout
    page = evalkit("leaderboard", demo, twin, "--format", "html").stdout
    places = [
        page.index(f'">{row["system"]}</') if row["rank"] == 1 else page.index(row["system"]) for row in rows
    ]
    assert places == sorted(places)
    assert page.count("<script") == 1, "only that of the charts"
    csv = evalkit("leaderboard", demo, twin, "--format", "csv").stdout.splitlines()
    assert len(csv) == 6
    done = evalkit("leaderboard", demo, "--metric", "P@1")
    assert (done.returncode, "contains no values of 'P@1'" in done.stderr) == (2, True)


class Unsteady(Counting):
    """A server that gives other scores each time it is asked."""

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer with the call's own order."""
        status, raw = super().__call__(body, headers)
        reply = orjson.loads(raw)
        for one in reply["results"]:
            one["relevance_score"] = ((one["index"] + 1) * (self.calls + 7) * 7919 % 1000) / 1000
        reply["results"].sort(key=lambda one: -one["relevance_score"])
        return status, orjson.dumps(reply)


@pytest.mark.long
@pytest.mark.parametrize(
    ("server", "steady"), [(Counting(), True), (Unsteady(), False)], ids=["steady", "unsteady"]
)
def test_a_reranker_against_itself(tmp_path: Path, server: Counting, steady: bool) -> None:
    """A steady server moves nothing; for another the smallest difference that would count as real is reported."""
    folder = write_collection(tmp_path / "small", 40)
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", folder, url)
        done = evalkit(
            "aa", config, "--reranker", "api", "--repeats", "3", "--into", tmp_path / "aa", "--json"
        )
        assert done.returncode == 0, done.stderr
        (row,) = orjson.loads(done.stdout)
        assert (row["repeats"], row["n"]) == (3, 40)
        assert (row["wrongly_real"] == row["moved"] == row["changed"] == 0) is steady
        assert len(server.pairs) == 240
        assert min(server.pairs.values()) == 3
        wrong = evalkit("aa", config, "--reranker", "ap", "--into", tmp_path / "aa")
        assert (wrong.returncode, "did you mean 'api'?" in wrong.stderr) == (2, True)


def test_known_rankings_of_dl19(test_data: Path) -> None:
    """BM25, RankVicuna, SPLADE, TAS-B and RepLLaMA: the means, the ties, and what 43 queries can find."""
    runs = test_data / "runs"
    names = (
        "bm25.top100",
        "bm25.rerank-rankvicuna-7b",
        "splade_pp_ed.top100",
        "tasb.top100",
        "repllama.top100",
    )
    done = evalkit(
        "compare", "--qrels", test_data / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv",
        *(runs / f"dl19.{name}.trec" for name in names), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = {row["contender"]: row for row in orjson.loads(done.stdout)}
    assert {name: round(row["contender_mean"], 4) for name, row in rows.items()} == {
        "rank": 0.6682, "splade_pp_ed": 0.7308, "tasb": 0.7210, "repllama": 0.7384
    }  # fmt: skip
    assert {round(row["baseline_mean"], 4) for row in rows.values()} == {0.5058}
    assert {row["verdict"] for row in rows.values()} == {"better"}
    assert {row["n"] for row in rows.values()} == {43}
    assert all(0.05 < row["detectable"] < 0.15 for row in rows.values())


def test_a_cut_off_run_is_no_evidence_on_the_first_screen(tmp_path: Path) -> None:
    """The screen says what is missing and what to do, and shows no difference and no p-value."""
    (tmp_path / "qrels.txt").write_text("".join(f"{n} 0 d{n} 1\n" for n in range(40)), encoding="utf-8")
    for name, queries, best in (("whole", 40, 2), ("cut", 12, 1)):
        rows = []
        for n in range(queries):
            docs = [f"d{n}", "x"] if best == 1 else ["x", f"d{n}"]
            rows += [f"{n} Q0 {doc} {rank} {3 - rank} {name}\n" for rank, doc in enumerate(docs, start=1)]
        (tmp_path / name).write_text("".join(rows), encoding="utf-8")
    words = ("compare", "--qrels", "qrels.txt", "whole", "cut")
    done = evalkit(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Undecided: Missing queries could change the result of cut")
    assert "cut lacks 28 of 40 judged queries: each counts as 0." in done.stdout
    assert "add --missing-as-zero" in done.stdout
    assert "difference" not in done.stdout
    (row,) = orjson.loads(evalkit(*words, "--json", cwd=tmp_path).stdout)
    assert (row["p_adjusted"], row["lower"], row["coverage"]["cut"]["missing_queries"]) == (None, None, 28)
    detailed = evalkit(*words, "--details", cwd=tmp_path).stdout
    assert "cut against whole, undecided because of missing queries, 40 queries." in detailed
    stated = evalkit(*words, "--missing-as-zero", cwd=tmp_path).stdout
    assert "each counts as 0, as stated" in stated
    assert stated.startswith("Keep: cut ranks worse than whole")
    assert evalkit("compare", tmp_path, "--missing-as-zero", cwd=tmp_path).returncode == 2


def test_depth_is_tuned_from_stored_scores(demo: Path) -> None:
    """The recommendation, its check on held-out queries, every depth as JSON, and the same in the report."""
    done = evalkit("tune", "depth", demo, "--reranker", "dense", "--details")
    assert done.returncode == 0, done.stderr
    advice = "demo: dense: use all candidates (4 to 100 per query). On held-out queries no smaller number is"
    assert done.stdout.startswith(advice)
    shown = " ".join(done.stdout.split())
    assert "Mean on 48 held-out queries: " in shown
    assert "Mean on the 48 tuning queries: " in shown
    assert "The bottleneck is the " in shown
    (found,) = orjson.loads(evalkit("tune", "depth", demo, "--reranker", "dense", "--json").stdout)
    assert [row["depth"] for row in found["rows"]] == list(range(1, 101))
    summary = orjson.loads((demo / "summary.json").read_bytes())
    (row,) = (r for r in summary["quality"] if (r["reranker"], r["metric"]) == ("dense", "nDCG@10"))
    assert found["rows"][-1]["mean"] == pytest.approx(row["mean"], abs=1e-12)
    assert all(one["oracle"] >= one["mean"] - 1e-12 for one in found["rows"])
    assert all(
        one["retrieval_loss"] + one["ranking_loss"] + one["mean"] == pytest.approx(1) for one in found["rows"]
    )
    assert "demo: dense: use all candidates (4 to 100 per query)" in (demo / "report.md").read_text(
        encoding="utf-8"
    )
    assert (demo / "plots" / "demo.dense.tune-depth.svg").is_file()
    tuned = orjson.loads((demo / "tuning.json").read_bytes())["depth"]
    assert [one for one in tuned if one["reranker"] == "dense"] == [found]
    limited = evalkit("tune", "depth", demo, "--max-p95-ms", "5")
    assert "no number of candidates is recommended: no depth with known latency" in " ".join(
        limited.stdout.split()
    )
    for words, message in (
        (("--reranker", "dens"), "did you mean 'dense'?"),
        (("--metric", "Judged@10"), "cannot be computed for all depths"),
        (("--margin", "0"), "margin"),
    ):
        wrong = evalkit("tune", "depth", demo, *words)
        assert (wrong.returncode, message in wrong.stderr) == (2, True)


def test_thresholds_are_tuned_from_stored_scores(demo: Path) -> None:
    """The sentence for a ticket, the held-out figure next to the tuned one, queries that nothing answers."""
    done = evalkit("tune", "threshold", demo, "--reranker", "dense", "--details")
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    promise = ". With 95 % confidence it keeps at least 90% of the relevant documents among these candidates"
    assert "Of 12 queries without any relevant document" in shown
    (found,) = orjson.loads(evalkit("tune", "threshold", demo, "--reranker", "dense", "--json").stdout)
    assert (demo / "plots" / "demo.dense.tune-threshold.svg").is_file()
    tuned = orjson.loads((demo / "tuning.json").read_bytes())["threshold"]
    assert [one for one in tuned if one["reranker"] == "dense"] == [found]
    at = "with 4 to 100 candidates (as tune depth recommends)"
    sentence = f"demo: dense: {at}, keep documents with a score of at least {found['threshold']}{promise}"
    assert sentence in shown
    assert sentence in (demo / "report.md").read_text(encoding="utf-8")
    expected = evalkit("tune", "threshold", demo, "--reranker", "dense", "--expected")
    assert "this one threshold may keep fewer" in " ".join(expected.stdout.split())
    unreachable = evalkit("tune", "threshold", demo, "--goal", "recall>=0.99")
    assert unreachable.returncode == 0
    assert "to guarantee a recall of 0.99: at least 299 are required" in " ".join(unreachable.stdout.split())
    for words, message in (
        (("--goal", "recall>2"), "is not a valid target"),
        (("--confidence", "1"), "confidence"),
    ):
        wrong = evalkit("tune", "threshold", demo, *words)
        assert (wrong.returncode, message in wrong.stderr) == (2, True)


def test_calibration_from_the_command_line(tmp_path: Path, demo: Path) -> None:
    """A table, a sentence, small JSON files and a diagram."""
    done = evalkit("tune", "calibration", demo, "--save", tmp_path / "cal")
    assert done.returncode == 0, done.stderr
    assert "has the lowest log loss on held-out queries" in " ".join(done.stdout.split())
    saved = sorted(path.name for path in (tmp_path / "cal").iterdir())
    assert {"demo.dense.platt.json", "demo.dense.reliability.svg", "demo.lexical.isotonic.json"} <= set(saved)
    document = orjson.loads((tmp_path / "cal" / "demo.dense.platt.json").read_bytes())
    assert document["parameters"]["a"] > 0
    (found,) = orjson.loads(evalkit("tune", "calibration", demo, "--reranker", "dense", "--json").stdout)
    assert found["functions"]["platt"]["function"]["parameters"] == document["parameters"]
    wrong = evalkit("tune", "calibration", demo, "--save", "/proc/nowhere")
    assert (wrong.returncode, "cannot write into" in wrong.stderr) == (3, True)


def test_a_search_from_the_command_line(tmp_path: Path, demo: Path) -> None:
    """The front, the best configuration with its held-out figure, a plot."""
    done = evalkit("tune", "search", demo, "--reranker", "dense", "--save", tmp_path / "s")
    assert done.returncode == 0, done.stderr
    opponent = "demo: dense alone is not significantly different from its best fusion with the first stage"
    assert done.stdout.startswith(opponent)
    assert "demo: dense: no configuration is significantly better than the reranker alone" in done.stdout
    assert (tmp_path / "s" / "demo.dense.tune-search.svg").is_file()
    (found,) = orjson.loads(evalkit("tune", "search", demo, "--reranker", "dense", "--json").stdout)
    assert len(found["rows"]) == 180
