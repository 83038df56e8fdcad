"""Whole outputs, read and approved by a person. ``make golden`` rewrites them; review the difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from support.collections import write_beir_folder
from support.command import evalkit, evalkit_process, only_folder
from support.golden import approve

from evalkit.comparison.gate_verdicts import GateVerdict, invalid
from evalkit.comparison.score_origins import AcceptedScores, DriftSample, ScoreOrigin, judge_origin
from evalkit.config import GateRule
from evalkit.records import MetricValues
from evalkit.report.gate import conclusion, gate_lines, nights_lines, scores_lines, unchanged_line
from evalkit.results.gate_document import GateResult, NightsFinding
from evalkit.summaries.gate_evidence import Evidence
from evalkit.workflows.gate import judge_rule
from evalkit.workflows.gate_case import Look, Terms


def test_the_problems_of_a_bad_configuration(tmp_path: Path) -> None:
    """The whole text for a file with many mistakes."""
    (tmp_path / "compare.yaml").write_text(
        """\
name: before adoption
seed: yes
datasets: [dmo, {source: beir_folder, paht: data}]
retriever: {kind: bm25, depth: 50, k1: -1}
rerankers:
  minilm: {backend: cross-encoder, model: x}
  api: {backend: http, url: api.example.com, api_key: secret}
  api: {backend: identity}
  bm25: {backend: lexical, batchsize: 3}
depths: [10, 100]
metrics: [nDCG@10, NDCG@10, P]
batch_sizes: [1]
latency: {rounds: 2}
""",
        encoding="utf-8",
    )
    done = evalkit("run", "compare.yaml", cwd=tmp_path)
    assert done.returncode == 2
    approve("config-problems.txt", done.stderr)


def test_the_report_of_a_tiny_run(tmp_path: Path) -> None:
    """The whole Markdown report of a run without a latency pass, but for what depends on the machine."""
    write_beir_folder(tmp_path / "tiny")
    (tmp_path / "c.yaml").write_text(
        """\
name: tiny
datasets: [{source: beir_folder, path: tiny}]
retriever: {depth: 5}
rerankers:
  lexical: {backend: lexical}
  unchanged: {backend: identity}
depths: [2, 5]
metrics: [nDCG@10, MRR@10, Judged@2]
""",
        encoding="utf-8",
    )
    done = evalkit("run", "c.yaml", "--into", "results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = (only_folder(tmp_path / "results") / "report.md").read_text(encoding="utf-8")
    report = re.sub(r"\d+ [A-Z][a-z]+ 20\d\d, \d\d:\d\d UTC", "DATE", report)
    approve("report.md", re.sub(r"(?s)## Run details.*", "", report))


def test_the_help() -> None:
    """The whole help of the program and of its main command."""
    env = {"COLUMNS": "100"}
    said = [evalkit_process(*words, "--help", env=env).stdout for words in ([], ["run"], ["serve"])]
    approve("help.txt", "\n".join(said))


def gate_side(name: str, values: np.ndarray, ranking: str | None = "same") -> Evidence:
    """Return one side of a gate: a reranker with these values of Success@10, and one hash for all rankings."""
    query_ids = tuple(f"q{n}" for n in range(len(values)))
    key = ("d", "r")
    found = {key: MetricValues("r", ("Success@10",), query_ids, values[:, None])}
    rankings = {} if ranking is None else {key: dict.fromkeys(query_ids, ranking)}
    origins = {key: ScoreOrigin(fresh=len(values))}
    return Evidence(name, "bm25", found, {key: 0}, {"d": {}}, {}, {}, rankings, origins=origins)


def test_the_sentence_of_every_verdict_of_a_gate() -> None:
    """One line for each state that a user can see."""
    drop = GateRule(metric="Success@10", max_drop=0.01)
    fallen = GateRule(metric="Success@10", max_fallen=0.05, fallen_by=0.2)
    least = GateRule(metric="Success@10", min=0.95)
    noise = np.random.default_rng(1).normal(0, 0.05, 100)
    old, few = np.full(100, 0.5), np.full(20, 0.5)
    cases: list[tuple[GateRule, np.ndarray, np.ndarray, str | None, Look]] = [
        (drop, old, old, "same", "only"),
        (drop, old, old, "other", "only"),
        (drop, old, old, None, "only"),
        (drop, few, few, "same", "only"),
        (drop, old, old + noise / 5, "same", "only"),
        (drop, old, old - 0.1 + noise, "same", "only"),
        (drop, old, old + noise - noise.mean() + 0.001, "same", "only"),
        (drop, old, old + 2 * noise - 2 * noise.mean(), "same", "first"),
        (drop, old, old + 2 * noise - 2 * noise.mean() - 0.015, "same", "only"),
        (drop, old, old + 2 * noise - 2 * noise.mean(), "same", "last"),
        *((fallen, old, np.where(np.arange(100) < k, 0.0, old), "same", "only") for k in (1, 3, 20)),
        (fallen, few, few, "same", "only"),
        *((least, old, (np.arange(100) >= k).astype(np.float64), "same", "only") for k in (0, 5, 20)),
        (least, few, np.ones(20), "same", "only"),
        (GateRule(metric="Success@10", min=1.2), old, np.full(100, 2.0), "same", "only"),
    ]
    lines = [
        line
        for rule, before, after, ranking, look in cases
        for line in gate_lines(
            list(
                judge_rule(
                    rule, gate_side("new", after), gate_side("old", before, ranking), Terms(0.05, look)
                )
            )
        )
    ]
    finding = NightsFinding(
        "Success@10 max_drop 0.01", "d", "r", 40, 0.31, 20.0, "2026-11-02T0300-ab", -0.012
    )
    nights = (finding, replace(finding, e_value=35.2))
    verdict = GateVerdict("rule", "d", "r", "CANNOT TELL", "", unchanged_passes=0.8)
    for verdicts in ((verdict,), (verdict, replace(verdict, unchanged_passes=0.9))):
        gate = GateResult("new", "old", verdicts, open_passes=True, nights=nights)
        lines += [*nights_lines(gate), unchanged_line(gate) or "", conclusion(gate)]
    bases = [judge_origin(origin, accepted, 0.05) for origin, accepted in score_origins()]
    lines += list(scores_lines([replace(verdict, scores=one, dataset=one.kind) for one in bases]))
    lines += [invalid(one.sentence).sentence for one in bases if not one.is_accepted]
    approve("gate.txt", "\n".join(lines) + "\n")


def score_origins() -> Iterator[tuple[ScoreOrigin, AcceptedScores]]:
    """Yield every kind of origin with rules that accept it or not."""
    fresh = ScoreOrigin(fresh=9700, ended="2026-11-02T03:00:00+00:00")
    cached = ScoreOrigin(fresh=700, older=9000, age_s=5000.0)
    imported = replace(cached, undated=300)
    checked = replace(cached, drift=DriftSample(20, 97, 400, "holds", ""))
    drifted = replace(cached, drift=DriftSample(20, 97, 400, "drifted", "3 of 400 pairs are bitwise equal"))
    day, sample = AcceptedScores(max_age_s=86400.0), AcceptedScores(drift_queries=20)
    yield from ((one, AcceptedScores()) for one in (fresh, cached, imported))
    yield replace(cached, proven_by="model files, sha256 0123456789abcdef"), AcceptedScores()
    yield from ((cached, day), (imported, day), (replace(cached, age_s=90000.0), day))
    yield from ((checked, sample), (cached, sample), (drifted, sample))
