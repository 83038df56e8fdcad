"""Depth and threshold where a judge graded all and people a random draw, from the configuration to the advice."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit
from support.judged_articles import ANNA, GPT, judged, text_of, write_judgments

from evalkit.results.locate import locate_result
from evalkit.workflows.judge_rate import open_rating_input
from evalkit.workflows.pooled_dataset import Purpose

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]
QUERIES, DRAWN, DOCUMENTS = 90, 64, 12
CONFIG = f"""\
name: mine
datasets:
  - source: tables
    name: articles
    corpus: {{path: corpus.csv, id: id, text: text}}
    queries: {{path: searches.csv, id: id, text: text}}
    human_sample: {{queries: {DRAWN}, seed: 3}}
    judgments:
      - {{path: people.jsonl}}
      - {{judge: luna}}
judges:
  luna: {{backend: replay, path: grades.qrels}}
rerankers:
  fine: {{backend: replay, path: fine.trec}}
metrics: [nDCG@5]
retriever: {{kind: bm25, depth: {DOCUMENTS}}}
depths: [{DOCUMENTS}]
"""


def right(query: str, doc: str) -> float:
    """Return the grades of a person: five documents are relevant, fewer at some queries, and none at a few."""
    number = int(query[1:])
    return 3.0 if number % 30 != 7 and int(doc[1:]) < 5 - number % 3 else 0.0


def wrong(query: str, doc: str) -> float:
    """Return the grades of a judge that is off at a fourth of the queries."""
    return right(query, doc) if int(query[1:]) % 4 else float(int(doc[1:]) % 5 == 0)


def write_world(folder: Path) -> Path:
    """Write articles, a reranker that mostly ranks the relevant ones first, and a judge that has graded all."""
    folder.mkdir()
    for name, kind, count in (("corpus", "d", DOCUMENTS), ("searches", "s", QUERIES)):
        rows = "".join(f"{kind}{n},{text_of(kind, n)}\n" for n in range(count))
        (folder / f"{name}.csv").write_text(f"id,text\n{rows}", encoding="utf-8")
    lines = [
        f"s{q} Q0 d{d} 0 {20 - (d + (7 * q) % 11 * (d % 3 == 0)) + q / 1000} fine\n"
        for q in range(QUERIES)
        for d in range(DOCUMENTS)
    ]
    (folder / "fine.trec").write_text("".join(lines), encoding="utf-8")
    (folder / "grades.qrels").write_text("s0 0 d0 1\n")
    every = [(f"s{q}", f"d{d}") for q in range(QUERIES) for d in range(DOCUMENTS)]
    write_judgments(folder / "judgments" / "articles.luna.jsonl", judged(GPT, every, wrong))
    path = folder / "c.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def rate(config: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Let a person judge pairs, and no others."""
    in_order = sorted(
        pairs, key=lambda pair: (int(pair[0][1:]), pair[1])
    )  # halves depend on the order of queries
    write_judgments(config.parent / "people.jsonl", judged(ANNA, in_order, right))


def to_rate(config: Path, purpose: Purpose) -> list[tuple[str, str]]:
    """Return the pairs that the page asks for."""
    with chdir(config.parent):  # the newest result is looked for in the folder of results
        rated = open_rating_input(config, sample_only=True, purpose=purpose)
    return [(task.query_id, task.doc_id) for task in rated.tasks]


def run(config: Path) -> Path:
    """Run a configuration; return the result."""
    done = evalkit("run", config, cwd=config.parent)
    assert done.returncode == 0, done.stderr
    return locate_result(config.parent / "results" / "mine", scores=True)


def tuned(what: str, result: Path, *flags: str) -> dict[str, Any]:
    """Return what ``evalkit tune`` finds for the one reranker, as JSON."""
    done = evalkit("tune", what, result, "--json", *flags)
    assert done.returncode == 0, done.stderr
    (found,) = orjson.loads(done.stdout)
    return dict(found)


def said(*arguments: object) -> str:
    """Return what a command prints, on one line."""
    done = evalkit(*arguments)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_what_people_judged_decides_what_is_recommended(tmp_path: Path) -> None:
    """Nothing by a judge alone; the depth once the draw is complete for it; all else once every candidate is."""
    config = write_world(tmp_path / "w")
    alone = run(config)
    found = tuned("depth", alone, "--margin", "0.05")
    assert found["choice"]["recommended"] is None
    assert found["choice"]["why_not"].startswith("judge only (indication)")
    waiting = tuned("threshold", alone)
    assert waiting["threshold"] is None
    assert f"people's grades of the {DRAWN} drawn queries decide" in waiting["why_not"]
    for what in ("depth", "threshold", "calibration", "search", "all"):
        assert "next: Complete the judgments" in said("tune", what, alone)
    pool, every = to_rate(config, "depth"), to_rate(config, "threshold")
    drawn = {query for query, _ in every}
    answerable = sum(right(query, "d0") > 0 for query in drawn)
    assert answerable < len(drawn) == DRAWN

    rate(config, pool)
    result = run(config)
    depth = tuned("depth", result, "--margin", "0.05")
    assert depth["choice"]["recommended"] is not None
    assert (depth["corrected"]["human"], depth["corrected"]["judged_only"]) == (DRAWN, QUERIES - DRAWN)
    assert depth["queries"] == answerable
    assert depth["choice"]["held_out"]["n"] == answerable // 2
    assert f"corrected ({DRAWN} human + {QUERIES - DRAWN} judge: gpt-4o" in said("tune", "depth", result)
    threshold = tuned("threshold", result)
    assert threshold["threshold"] is None
    assert (
        f"people have judged {len(pool):,} of {len(every):,} candidates of the {DRAWN} queries of the human sample"
        in threshold["why_not"]
    )
    assert "evalkit judge rate CONFIG --for threshold" in threshold["why_not"]
    assert "Complete the judgments" in said("tune", "threshold", result)
    for what in ("calibration", "search"):
        assert "--for threshold" in tuned(what, result)["why_not"]
    carried = said("compare", result, result, "--threshold", "10", "--details")
    assert "keeps as many as before" in carried
    assert "No threshold for as many relevant candidates: judge grades included" in carried

    rate(config, every)
    carries_all_guarantees(run(config), answerable)


def carries_all_guarantees(result: Path, answerable: int) -> None:
    """Check that figures are of people who judged every candidate, whatever the judge says of other queries."""
    threshold = tuned("threshold", result)
    rests_on = f"people's grades of all candidates of {DRAWN} queries of the human sample"
    assert (threshold["why_not"], threshold["rests_on"]) == (None, rests_on)
    assert (threshold["queries"], threshold["unanswerable"]) == (answerable, DRAWN - answerable)
    assert f"It rests on {rests_on} alone" in said("tune", "threshold", result)
    assert tuned("calibration", result)["functions"]
    search = tuned("search", result)
    assert (search["rests_on"], search.get("why_not")) == (rests_on, None)
    assert "keeps as many relevant candidates" in said(
        "compare", result, result, "--threshold", "10", "--details"
    )
    said("tune", "all", result)
    (rule,) = orjson.loads((result / "production.json").read_bytes())["rerankers"]
    assert (rule["why_not"], rule["data"]["rests_on"]) == (None, rests_on)


def test_people_alone_guarantee_nothing_of_candidates_that_they_have_not_seen(tmp_path: Path) -> None:
    """Their grades within the metric's cutoff carry no threshold; those of every candidate do, and so do qrels."""
    config = write_world(tmp_path / "w")
    text = CONFIG.replace("      - {judge: luna}\n", "").replace(
        f"    human_sample: {{queries: {DRAWN}, seed: 3}}\n", ""
    )
    config.write_text(
        text.replace("judges:\n  luna: {backend: replay, path: grades.qrels}\n", ""), encoding="utf-8"
    )
    every = [(f"s{q}", f"d{d}") for q in range(QUERIES) for d in range(DOCUMENTS)]
    pool = [pair for pair in every if int(pair[1][1:]) < 5]
    rate(config, pool)
    result = run(config)
    missing = tuned("threshold", result)["why_not"].split(";")[0].split()
    judged_pairs, candidates = (int(missing[place].replace(",", "")) for place in (3, 5))
    assert 0 < judged_pairs <= len(pool) < candidates
    why = f"people have judged {judged_pairs:,} of {candidates:,} candidates of the {QUERIES} judged queries"
    assert tuned("threshold", result)["threshold"] is None
    for goal in ("recall>=0.9", "precision>=0.5", "max_f1"):
        assert why in tuned("threshold", result, "--goal", goal)["why_not"]
    printed = said("tune", "threshold", result)
    assert "confidence it keeps" not in printed
    assert "next: Complete the judgments" in printed
    for what in ("calibration", "search"):
        assert why in tuned(what, result)["why_not"]
    assert why in said("compare", result, result, "--threshold", "10", "--details")
    assert "written to" not in said("tune", "all", result)
    (rule,) = orjson.loads((result / "production.json").read_bytes())["rerankers"]
    assert (rule["threshold"], rule["held_out"]["status"]) == (None, "CANNOT TELL")
    assert why in rule["why_not"]
    page = " ".join((result / "report.md").read_text(encoding="utf-8").split())
    assert why in page
    assert "confidence it keeps" not in page

    with chdir(config.parent):
        asked = open_rating_input(config, purpose="threshold").tasks
    assert len(asked) == candidates  # the page passes over those that its file has
    rate(config, every)
    complete = tuned("threshold", run(config))
    assert complete["threshold"] is not None

    grades = "".join(f"{q} 0 {d} {right(q, d):g}\n" for q, d in pool)
    (config.parent / "people.qrels").write_text(grades, encoding="utf-8")
    listed = "    judgments:\n      - {path: people.jsonl}\n"
    plain = config.read_text(encoding="utf-8").replace(listed, "    qrels: {path: people.qrels}\n")
    config.write_text(plain, encoding="utf-8")
    assert tuned("threshold", run(config))["threshold"] is not None
