"""Judges and judgments change nothing but what rests on judgments: no score is requested again for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import Counting, run, visible, write_collection, write_config
from support.command import evalkit
from support.stand_in import stand_in

from evalkit.formats import judgment_lines, read_qrels
from evalkit.records import Judgment, Rater

pytestmark = pytest.mark.usefixtures("blank_plots", "settled_program")
LUNA = Rater("model", "luna-1", "1a2b3c4d" * 8)
JUDGES = "judges: {luna: {backend: replay, path: grades.qrels}}\n"
OTHER_JUDGES = (
    "judges: {luna: {backend: replay, path: other.qrels}, mars: {backend: replay, path: grades.qrels}}\n"
)


class Refusing(Counting):
    """A server that refuses one query while `refused` is set."""

    refused = True

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Refuse, or answer."""
        if self.refused and body["query"] == "topic1" and len(body["documents"]) > 1:
            return 400, b"{}"
        return super().__call__(body, headers)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection, with grades for judges next to it."""
    for name in ("grades", "other"):
        (tmp_path / f"{name}.qrels").write_text("q0 0 d0.1 1\n")
    return write_collection(tmp_path / "small", 4)


def graded(docs: Sequence[str], grade: float = 1.0) -> bytes:
    """Return judgments of documents of the first query."""
    return judgment_lines(Judgment("q0", f"d0.{doc}", grade, LUNA, "2026-11-30") for doc in docs)


def manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a result."""
    content: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
    return content


def test_an_unfinished_run_is_resumed_whatever_judges_there_are(tmp_path: Path, small: Path) -> None:
    """Judges that are added or changed are no other configuration of the run."""
    server, into = Refusing(), tmp_path / "results"
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        assert evalkit("run", config, "--into", into).returncode == 3
        write_config(tmp_path / "c.yaml", small, url, rest=JUDGES)
        assert evalkit("run", config, "--into", into).returncode == 3
        server.refused = False
        write_config(tmp_path / "c.yaml", small, url, rest=OTHER_JUDGES)
        run(config, into)
    (folder,) = visible(into)
    assert manifest(folder)["status"] == "complete"
    assert set(server.pairs.values()) == {1}


def test_a_run_that_is_copied_does_not_depend_on_judges(tmp_path: Path, small: Path) -> None:
    """Nothing is measured again for another judge; judgments are inputs, and are read again."""
    (tmp_path / "bm25.trec").write_text(
        "".join(f"q{q} Q0 d{q}.{i} 1 {9 - i} x\n" for q in range(4) for i in range(6))
    )

    def begin(judgments: str, rest: str) -> Path:
        (tmp_path / "c.yaml").write_text(
            f"name: t\ndatasets: [{{source: beir_folder, path: {small}{judgments}}}]\n"
            "retriever: {kind: trec_run, path: bm25.trec, tag: bm25, depth: 6}\n"
            f"rerankers: {{a: {{backend: replay, path: bm25.trec}}}}\nmetrics: [nDCG@10]\n{rest}"
        )
        run(tmp_path / "c.yaml", tmp_path / "results")
        return visible(tmp_path / "results")[-1]

    first = begin("", "")
    copied = [begin("", JUDGES), begin("", OTHER_JUDGES)]
    assert [manifest(one)["copied_from"] for one in copied] == manifest(first)["sessions"] * 2
    (tmp_path / "people.jsonl").write_bytes(graded("1"))
    source = ", judgments: [{path: people.jsonl}]"
    judged = begin(source, JUDGES)
    assert manifest(begin(source, "")).get("copied_from") == manifest(judged)["sessions"][0]
    (tmp_path / "people.jsonl").write_bytes(graded("12"))
    again = begin(source, "")
    assert manifest(again).get("copied_from") is None
    assert [read_qrels(one / "qrels" / "small.qrels.gz").count() for one in (judged, again)] == [5, 6]


def test_new_judgments_call_no_reranker_and_are_read_anew(tmp_path: Path, small: Path) -> None:
    """After ``judge run``, other files, another order of lines or files, and another draw for people."""
    server, into = Counting(), tmp_path / "results"
    file, people = tmp_path / "judgments" / "small.luna.jsonl", tmp_path / "people.jsonl"
    file.parent.mkdir()
    sources = ("{judge: luna}", "{path: people.jsonl}, {judge: luna}", "{judge: luna}, {path: people.jsonl}")
    with stand_in(server) as url:

        def judged(number: int, more: str = "") -> dict[str, float]:
            config = write_config(tmp_path / "c.yaml", small, url, rest=JUDGES)
            text = config.read_text().replace(
                f"path: {small}", f"path: {small}, judgments: [{sources[number]}]{more}"
            )
            config.write_text(text)
            run(config, into)
            folder = visible(into)[-1]
            assert manifest(folder)["status"] == "complete"
            return dict(read_qrels(folder / "qrels" / "small.qrels.gz").grades["q0"])

        own = {"d0.0": 1}
        assert judged(0) == own
        calls = server.calls
        file.write_bytes(graded("1"))
        assert judged(0) == own | {"d0.1": 1}
        file.write_bytes(graded("21"))
        assert judged(0) == own | {"d0.1": 1, "d0.2": 1}
        file.write_bytes(graded("12"))
        assert judged(0) == own | {"d0.1": 1, "d0.2": 1}
        people.write_bytes(graded("2", 0.0))
        assert judged(1) == own | {"d0.1": 1, "d0.2": 0}
        assert judged(2) == own | {"d0.1": 1, "d0.2": 1}
        for queries in (1, 2):
            judged(2, f", human_sample: {{queries: {queries}}}")
            facts = manifest(visible(into)[-1])["datasets"][0]["judgments"]
            assert len(facts["human_sample"]["query_ids"]) == queries
        assert server.calls == calls
    assert set(server.pairs.values()) == {1}
