"""A gate decides on a model that was called: no way to arrange cached scores of a better one passes it."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from support.command import ROOT, evalkit
from support.stand_in import stand_in

from evalkit.datasets import load_dataset
from evalkit.formats import read_run

pytestmark = pytest.mark.usefixtures("blank_plots")

RUN = ROOT / "configs" / "quickstart.all-MiniLM-L6-v2.trec.gz"


@cache
def known_scores() -> dict[tuple[str, str], float]:
    """Return (query text, document text) -> score of the bundled run."""
    demo = load_dataset("demo")
    texts = {query.query_id: query.text for query in demo.queries}
    return {
        (texts[query_id], demo.corpus.text(doc_id)): float(score)
        for query_id, docs, scores in read_run(RUN)
        for doc_id, score in zip(docs, scores, strict=True)
    }


@dataclass
class Model:
    """A model behind a url that can change: it then reverses the lists of some queries."""

    is_worse: bool = False
    is_down: Callable[[int], bool] = lambda _call: False
    calls: int = field(default=0)

    def answer(self, body: Any, _headers: dict[str, str]) -> tuple[int, bytes]:
        """Score the documents of a request."""
        self.calls += 1
        if self.is_down(self.calls):
            return 500, b'{"error": {"message": "down"}}'
        query = body["query"]
        sign = -1 if self.is_worse and len(query) % 4 == 0 else 1
        scores = [0.5 + sign * known_scores()[query, text] / 2 for text in body["documents"]]
        results = [{"index": i, "relevance_score": score} for i, score in enumerate(scores)]
        results.sort(key=lambda row: -row["relevance_score"])
        return 200, orjson.dumps({"model": body["model"], "results": results, "usage": {"total_tokens": 7}})


@dataclass(frozen=True)
class Shop:
    """A folder with a configuration, and a baseline of the model while it was good."""

    model: Model
    folder: Path
    config: Path
    baseline: Path

    def run(self, into: str, *more: str, exits: int = 0) -> None:
        """Run the configuration."""
        done = evalkit("run", self.config, "--into", self.folder / into, *more)
        assert done.returncode == exits, done.stdout + done.stderr

    def gate(self, into: str, rules: str = "", *more: str | Path) -> tuple[int, list[dict[str, Any]], str]:
        """Gate the newest result; return the exit code, the verdicts and the text."""
        words: list[str | Path] = ["gate", self.folder / into, "--against", self.baseline, *more]
        if rules:
            file = self.folder / "gate.yaml"
            file.write_text(f"{rules}\nrules: [{{metric: nDCG@10, max_drop: 0.01}}]\n", encoding="utf-8")
            words += ["--rules", file]
        done = evalkit(*words)
        newest = max(path for path in (self.folder / into).glob("2*") if (path / "gates.json").is_file())
        verdicts = orjson.loads((newest / "gates.json").read_bytes())["verdicts"]
        return done.returncode, verdicts, " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a baseline of the good model with its store, made once."""
    model = Model()
    folder = tmp_path_factory.mktemp("prepared")
    with stand_in(model.answer) as url:
        config = folder / "ours.yaml"
        config.write_text(
            "name: ours\ndatasets: [demo]\nrerankers:\n"
            f"  api: {{backend: http, url: '{url}', model: m-1, retries: 0}}\n",
            encoding="utf-8",
        )
        shop = Shop(model, folder, config, folder / "release")
        shop.run("good")
        saved = evalkit("baseline", "save", folder / "good", "release", "--into", folder)
        assert saved.returncode == 0, saved.stderr
        yield shop


@pytest.fixture
def shop(prepared: Shop, tmp_path: Path) -> Shop:
    """Return an empty folder with the same configuration and baseline; the model is good again."""
    prepared.model.is_worse, prepared.model.is_down = False, lambda _call: False
    config = shutil.copy(prepared.config, tmp_path / "ours.yaml")
    return Shop(prepared.model, tmp_path, config, prepared.baseline)


def cache_restored(shop: Shop, good: Path) -> str:
    """Restore the folder of an earlier run, as the cache of a workflow does."""
    shutil.copytree(good, shop.folder / "restored")
    return "restored"


def shared_store(shop: Shop, good: Path) -> str:
    """Use a store that another experiment has filled."""
    shutil.copy(good / "scores.sqlite", shop.folder / "shared.sqlite")
    text = f"{shop.config.read_text(encoding='utf-8')}store: {{path: {shop.folder / 'shared.sqlite'}}}\n"
    shop.config.write_text(text, encoding="utf-8")
    return "second"


def folder_resumed(shop: Shop, _good: Path) -> str:
    """Resume a run that the good model answered in part."""
    start = shop.model.calls
    shop.model.is_down = lambda call: call > start + 60
    shop.run("resumed", exits=3)
    shop.model.is_down = lambda _call: False
    return "resumed"


def store_imported(shop: Shop, good: Path) -> str:
    """Import the scores that another machine exported."""
    assert evalkit("store", "export", good, shop.folder / "scores.parquet").returncode == 0
    (shop.folder / "imported").mkdir()
    done = evalkit(
        "store", "import", shop.folder / "imported" / "scores.sqlite", shop.folder / "scores.parquet"
    )
    assert done.returncode == 0, done.stderr
    return "imported"


def into_reused(shop: Shop, _good: Path) -> str:
    """Run twice with the same --into."""
    shop.run("reused")
    return "reused"


LONG = pytest.mark.long
WAYS = [
    pytest.param(cache_restored, id="cache restored"),
    pytest.param(folder_resumed, id="folder resumed"),
    pytest.param(shared_store, id="shared store", marks=LONG),
    pytest.param(store_imported, id="store imported", marks=LONG),
    pytest.param(into_reused, id="into reused", marks=LONG),
]


@pytest.mark.parametrize("arrange", WAYS)
def test_cached_scores_of_a_better_model_are_invalid(
    shop: Shop, prepared: Shop, arrange: Callable[[Shop, Path], str]
) -> None:
    """In each of five ways to arrange it: exit code 3, never a pass; with --refresh the worse model fails."""
    into = arrange(shop, prepared.folder / "good")
    shop.model.is_worse = True
    shop.run(into)
    code, (verdict,), text = shop.gate(into)
    assert (code, verdict["status"]) == (3, "INVALID"), text
    assert verdict["sentence"].startswith("cached scores: ")
    assert "are not from calls of this run" in text
    assert "--refresh" in text
    shop.run(into, "--refresh")
    code, (verdict,), text = shop.gate(into)
    assert (code, verdict["status"]) == (1, "FAIL"), text
    assert "scores are from calls of this run" in text


def test_an_accepted_age_is_printed_with_the_verdict(shop: Shop) -> None:
    """In text, JUnit, summary and annotations. An imported score is accepted at no age."""
    into = into_reused(shop, shop.folder)
    shop.run(into)
    junit, summary = shop.folder / "gate.xml", shop.folder / "summary.md"
    code, (verdict,), text = shop.gate(
        into, "max_score_age_hours: 24", "--junit", junit, "--summary", summary
    )
    assert (code, verdict["status"]) == (0, "IDENTICAL"), text
    assert verdict["scores"]["kind"] == "recent"
    case = ET.parse(junit).getroot().find(".//system-out")  # noqa: S314 - our own file
    assert case is not None
    for said in (text, case.text or "", summary.read_text(encoding="utf-8")):
        assert "old at the end of the run (accepted: 24 hours)" in said
    assert shop.gate(into, "max_score_age_hours: 1e-9")[0] == 3


def test_imported_scores_are_accepted_at_no_age(shop: Shop, prepared: Shop) -> None:
    """Their time is what a file says."""
    into = store_imported(shop, prepared.folder / "good")
    shop.run(into)
    code, (verdict,), text = shop.gate(into, "max_score_age_hours: 100000")
    assert (code, verdict["status"]) == (3, "INVALID")
    assert "imported or of unknown time" in text


def test_a_drift_check_finds_a_model_that_changed(shop: Shop, prepared: Shop) -> None:
    """Cached scores are accepted where a sample was scored again and holds; the verdict says what it rests on."""
    into = cache_restored(shop, prepared.folder / "good")
    before = shop.model.calls
    shop.run(into, "--set", "drift_check.queries=30")
    assert shop.model.calls == before + 60
    rules = "drift_check_queries: 30"
    code, (verdict,), text = shop.gate(into, rules)
    assert (code, verdict["status"], verdict["scores"]["kind"]) == (0, "IDENTICAL", "checked"), text
    assert re.search(
        r"30 of 108 queries \([\d,]+ pairs\) were scored again without a change beyond noise", text
    )
    assert "Up to 9.5% of all queries may have changed all the same (95% confidence)" in text
    assert shop.gate(into, "drift_check_queries: 31")[0] == 3
    shop.model.is_worse = True
    shop.run(into, "--set", "drift_check.queries=30")
    code, (verdict,), text = shop.gate(into, rules)
    assert (code, verdict["status"]) == (3, "INVALID")
    assert "a sample is drifted" in text


@pytest.mark.long
def test_what_is_identified_by_its_content_may_be_cached(tmp_path: Path) -> None:
    """A run file and evalkit's own code mean the same scores wherever they are found; the verdict says so."""
    config = tmp_path / "c.yaml"
    config.write_text(
        "name: c\ndatasets: [demo]\nrerankers:\n  words: {backend: lexical}\n"
        f"  file: {{backend: replay, path: {RUN}}}\n",
        encoding="utf-8",
    )
    for _ in range(2):
        assert evalkit("run", config, "--into", tmp_path / "r").returncode == 0
    first, second = sorted((tmp_path / "r").glob("2*"))
    done = evalkit("gate", second, "--against", first)
    assert done.returncode == 0, done.stdout
    text = " ".join(done.stdout.split())
    assert "scores of words on demo: identified by its content (evalkit " in text
    assert f"(run file {RUN.name}, sha256 " in text


def test_failed_calls_are_not_judged_where_none_were_made(shop: Shop, prepared: Shop) -> None:
    """That every score was cached says nothing on how often calls fail."""
    into = cache_restored(shop, prepared.folder / "good")
    shop.run(into)
    rules = shop.folder / "failed.yaml"
    rules.write_text("rules: [{max_failed: 0.0}]\n", encoding="utf-8")
    done = evalkit("gate", shop.folder / into, "--against", shop.baseline, "--rules", rules)
    assert (done.returncode, "INVALID" in done.stdout) == (3, True)


def test_two_versions_are_not_compared_by_cached_scores(shop: Shop, prepared: Shop) -> None:
    """The scores of the version after would be those of the version before, and no difference would be found."""
    into = cache_restored(shop, prepared.folder / "good")
    shop.model.is_worse = True
    shop.run(into)
    before = prepared.folder / "good"
    done = evalkit("compare", before, shop.folder / into)
    assert done.stdout.startswith("Undecided: Cached scores could change the result"), done.stdout
    assert "--refresh" in done.stdout
    shop.run(into, "--refresh")
    again = evalkit("compare", before, shop.folder / into)
    assert again.stdout.startswith("Keep: "), again.stdout


@pytest.mark.long
def test_a_run_whose_report_is_missing_is_not_taken_for_a_new_one(shop: Shop) -> None:
    """A run that was killed before its report: with --refresh all is scored again, without it no gate takes it."""
    shop.run("k", "--refresh")
    (complete,) = (shop.folder / "k").glob("2*")
    (complete / "report.html").unlink()
    shop.model.is_worse = True
    shop.run("k", "--refresh")
    code, (verdict,), text = shop.gate("k")
    assert (code, verdict["status"]) == (1, "FAIL"), text
    shop.model.is_worse = False
    shop.run("plain")
    (complete,) = (shop.folder / "plain").glob("2*")
    (complete / "report.html").unlink()
    shop.model.is_worse = True
    shop.run("plain")
    code, (verdict,), text = shop.gate("plain")
    assert (code, verdict["status"]) == (3, "INVALID"), text
    assert "from before it was resumed" in text


def test_a_drift_check_asks_for_whole_lists(shop: Shop, prepared: Shop) -> None:
    """A model that changed only for documents far down the list is found, too."""
    into = cache_restored(shop, prepared.folder / "good")
    answer = shop.model.answer

    def lifts_the_end(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        status, raw = answer(body, headers)
        reply = orjson.loads(raw)
        for row in reply["results"]:
            row["relevance_score"] = 0.99 if row["index"] >= 30 else row["relevance_score"]
        reply["results"].sort(key=lambda row: -row["relevance_score"])
        return status, orjson.dumps(reply)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.model, "answer", lifts_the_end)
        with stand_in(shop.model.answer) as url:
            text = shop.config.read_text(encoding="utf-8")
            before = text.partition("url: '")[2].partition("'")[0]
            store = shop.folder / into / "scores.sqlite"
            renamed(store, before, url)
            shop.config.write_text(text.replace(before, url), encoding="utf-8")
            shop.run(into, "--set", "drift_check.queries=30")
    code, (verdict,), shown = shop.gate(into, "drift_check_queries: 30")
    assert (code, verdict["status"]) == (3, "INVALID"), shown
    assert "a sample is drifted" in shown


def renamed(store: Path, before: str, after: str) -> None:
    """Let the scores of a store belong to another url: a server of the test has its own port."""
    with sqlite3.connect(store) as base:
        base.execute("UPDATE backends SET identity = replace(identity, ?, ?)", (before, after))
    base.close()


def test_copies_of_one_run_are_no_repeats(shop: Shop) -> None:
    """Nineteen copies of a good result would outweigh a new worse one."""
    shop.run("many", "--refresh")
    (good,) = (shop.folder / "many").glob("2*")
    shutil.copytree(good, good.with_name(f"{good.name}-copy"))
    done = evalkit("gate", *sorted((shop.folder / "many").glob("2*")), "--against", shop.baseline)
    assert (done.returncode, "is a copy of" in done.stderr) == (2, True)
