"""Runs of other engines: what of a file takes part, and the files that are refused."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.experiments import config_for
from support.inspected import dataset

from evalkit.errors import DataFormatError
from evalkit.experiment.compared_runs import ComparedRun, read_runs
from evalkit.records import Dataset
from evalkit.results.run_facts import LatencyFile

TEXTS = {f"d{n}": f"document {n}" for n in range(4)} | {"q3": "a document with the id of a query"}
TINY = dataset(TEXTS, {f"q{n}": f"query {n}" for n in range(1, 4)}, {f"q{n}": {"d0": 1} for n in range(1, 4)})
RUN = "q1 Q0 d1 1 3.0 x\nq1 Q0 d0 2 2.0 x\nq2 Q0 d9 1 1.5 x\nq2 Q0 d0 2 0.5 x\nq7 Q0 d0 1 1.0 x\n"


def read(folder: Path, text: str = RUN, data: Dataset = TINY, **keys: str) -> ComparedRun:
    """Read the one run of a configuration, whose files are given by their contents."""
    (folder / "es.trec").write_text(text, encoding="utf-8")
    block: dict[str, str] = {"path": str(folder / "es.trec"), "dataset": "no-such-folder"}
    for key, content in keys.items():
        name, _, table = content.partition("\n")
        (folder / name).write_text(table, encoding="utf-8")
        block[key] = str(folder / name)
    config = config_for({"words": {"backend": "lexical"}}, runs={"es": block})
    settings = config.runs["es"][0].model_copy(update={"dataset": data.name})
    (found,) = read_runs(config.model_copy(update={"runs": {"es": (settings,)}}), data)
    return found


def lists(run: ComparedRun) -> Mapping[str, tuple[str, ...]]:
    """Return query -> documents."""
    return {query_id: docs for query_id, docs, _ in run.run}


def test_a_run_is_its_file_for_the_queries_of_the_dataset(tmp_path: Path) -> None:
    """Under the tag of the configuration, with documents that the corpus lacks, and all that is left out is counted."""
    found = read(tmp_path)
    assert (found.run.tag, lists(found)) == ("es", {"q1": ("d1", "d0"), "q2": ("d9", "d0")})
    facts = found.facts
    assert (facts.tag, facts.dataset, facts.path) == ("es", "tiny", str(tmp_path / "es.trec"))
    assert (facts.queries, facts.missing_queries, facts.other_queries, facts.documents) == (2, ("q3",), 1, 4)
    assert (facts.shortest_list, facts.longest_list) == (2, 2)
    assert (facts.distinct_documents, facts.documents_not_in_corpus, facts.same_id_left_out) == (3, 1, 0)
    assert (facts.latencies, found.latencies) == (None, {})


def test_a_run_is_identified_by_the_bytes_of_its_file(tmp_path: Path) -> None:
    """As sha256sum prints it, also of a compressed file."""
    assert read(tmp_path).facts.sha256 == hashlib.sha256(RUN.encode()).hexdigest()
    packed = tmp_path / "es.trec.gz"
    packed.write_bytes(gzip.compress(RUN.encode()))
    config = config_for({}, runs={"es": {"path": str(packed)}})
    settings = config.runs["es"][0].model_copy(update={"dataset": "tiny"})
    (found,) = read_runs(config.model_copy(update={"runs": {"es": (settings,)}}), TINY)
    assert found.facts.sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()
    assert lists(found) == lists(read(tmp_path))


def test_a_document_with_the_id_of_its_query_is_left_out_as_from_the_candidates(tmp_path: Path) -> None:
    """Only where the dataset says so; it is counted."""
    text = "q3 Q0 q3 1 9.0 x\nq3 Q0 d0 2 1.0 x\n"
    found = read(tmp_path, text)
    assert (lists(found), found.facts.same_id_left_out) == ({"q3": ("d0",)}, 1)
    kept = read(tmp_path, text, dataset(TEXTS, {"q3": "x"}, {"q3": {"d0": 1}}, exclude_same_id=False))
    assert (lists(kept), kept.facts.same_id_left_out) == ({"q3": ("q3", "d0")}, 0)


def test_a_run_is_not_read_where_it_is_not_compared(tmp_path: Path) -> None:
    """On another dataset, and without a quality pass."""
    config = config_for({}, runs={"es": {"path": str(tmp_path / "none.trec")}})
    assert read_runs(config, TINY) == ()
    here = config.runs["es"][0].model_copy(update={"dataset": "tiny"})
    assert read_runs(config.model_copy(update={"quality": False, "runs": {"es": (here,)}}), TINY) == ()


BAD = {
    "other queries": ("q7 Q0 d0 1 1.0 x\n", "the run 'es' contains no query of 'tiny'"),
    "no document left": ("q3 Q0 q3 1 1.0 x\n", "the run 'es' contains no query of 'tiny'"),
    "other documents": (
        "q1 Q0 x1 1 2.0 x\nq1 Q0 x2 2 1.0 x\n",
        "none of the 2 documents of the run 'es' is in the corpus of 'tiny'",
    ),
    "a document twice": ("q1 Q0 d1 1 2.0 x\nq1 Q0 d1 2 1.0 x\n", "query 'q1' lists document 'd1' twice"),
    "a score that is no number": ("q1 Q0 d1 1 best x\n", "es.trec:1 has the score 'best'"),
    "an infinite score": ("q1 Q0 d1 1 inf x\n", "query 'q1', document 'd1' has the score inf"),
    "not a run": ("q1 0 d1 1\n", "es.trec:1 has 4 columns"),
    "nothing": ("", "contains no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_compared_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    """It names the file."""
    text, expected = BAD[case]
    with pytest.raises(DataFormatError) as caught:
        read(tmp_path, text)
    assert expected in caught.value.message
    assert str(tmp_path / "es.trec") in caught.value.message
    assert "\n" not in caught.value.message


LATENCIES = {
    "csv": "es.csv\nquery_id,seconds\nq1,0.25\nq2,\nq9,3\n",
    "tsv": "es.tsv\nquery_id\tseconds\nq1\t0.25\nq2\t\nq9\t3\n",
    "jsonl": 'es.jsonl\n{"query_id": "q1", "seconds": 0.25}\n{"query_id": "q2", "seconds": null}\n',
}


@pytest.mark.parametrize("kind", LATENCIES)
def test_latencies_are_those_of_the_queries_of_the_dataset(tmp_path: Path, kind: str) -> None:
    """An empty one and an absent one are unknown, never 0."""
    found = read(tmp_path, latencies=LATENCIES[kind])
    assert found.latencies == {"q1": 0.25}
    table = LATENCIES[kind].partition("\n")[2].encode()
    path = str(tmp_path / f"es.{kind}")
    assert found.facts.latencies == LatencyFile(path, hashlib.sha256(table).hexdigest(), 1, 2)


BAD_LATENCIES = {
    "a column is missing": ("query_id,ms\nq1,3\n", "es.csv:2 has no column 'seconds'"),
    "a query twice": ("query_id,seconds\nq1,3\nq1,4\n", "es.csv:3: query 'q1' occurs twice"),
    "text": ("query_id,seconds\nq1,fast\n", "es.csv:2 has the latency 'fast'"),
    "negative": ("query_id,seconds\nq1,-1\n", "es.csv:2 has the latency '-1'"),
    "infinite": ("query_id,seconds\nq1,inf\n", "es.csv:2 has the latency 'inf'"),
    "other queries": ("query_id,seconds\nq9,1\n", "es.csv contains no latency of a query of 'tiny'"),
}


@pytest.mark.parametrize("case", BAD_LATENCIES)
def test_a_latency_file_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    """With the row."""
    table, expected = BAD_LATENCIES[case]
    with pytest.raises(DataFormatError) as caught:
        read(tmp_path, latencies=f"es.csv\n{table}")
    assert expected in caught.value.message


def test_a_document_that_the_dataset_excludes_is_left_out_as_from_the_candidates(tmp_path: Path) -> None:
    """Of its query only; it is counted apart from equal ids."""
    found = read(tmp_path, data=replace(TINY, excluded={"q1": frozenset({"d1"}), "q3": frozenset({"d0"})}))
    assert lists(found) == {"q1": ("d0",), "q2": ("d9", "d0")}
    assert (found.facts.excluded_left_out, found.facts.same_id_left_out) == (1, 0)
    assert read(tmp_path).facts.excluded_left_out == 0
