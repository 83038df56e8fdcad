"""Results in every state of a report on judged queries: real queries and runs, and grades of NIST and of a judge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from evalkit.config import load_config
from evalkit.datasets import open_dataset
from evalkit.datasets.human_sample import human_sample_of
from evalkit.formats import judgment_lines, read_qrels, read_run
from evalkit.records import Judgment, Rater, text_sha256, utc_text
from support.command import evalkit, only_folder

COPIES = 3
"""Each query of TREC DL 2019 is three queries, as if three of its kind had been drawn: 129 in all."""
CUTOFF = 10
RUNS = {"bm25": "dl19.bm25.top100", "repllama": "dl19.repllama.top100", "splade": "dl19.splade_pp_ed.top100"}
BASELINE = "bm25"
NIST = Rater("human", "nist")
JUDGE = "umbrela-gpt-4o"
PEOPLE, BY_JUDGE = {"path": "people.jsonl"}, {"judge": "umbrela"}
Pair = tuple[str, str]


@dataclass(frozen=True)
class State:
    """What is different from one state to another.

    Attributes
    ----------
    judgments
        Sources that count.
    sample
        Number of queries that are drawn for people; None for none.
    rated
        Number of queries that people judge: the drawn ones first; None for all.
    left
        Number of documents of the first judged query that people leave out.
    judge_lacks
        Number of queries that the judge leaves out.
    synthetic
        Whether a model wrote the queries.
    weighted
        Whether queries were drawn from a log by frequency.
    """

    judgments: tuple[Mapping[str, str], ...] = (PEOPLE, BY_JUDGE)
    sample: int | None = None
    rated: int | None = None
    left: int = 0
    judge_lacks: int = 0
    synthetic: bool = False
    weighted: bool = False


STATES: Mapping[str, State] = {
    "human": State(judgments=(PEOPLE,)),
    "corrected": State(sample=40, rated=40),
    "judge only": State(judgments=(BY_JUDGE,)),
    "mixed": State(rated=40),
    "sample incomplete": State(sample=40, rated=39, left=3),
    "sample below 30": State(sample=20, rated=20),
    "judge incomplete": State(sample=40, rated=40, judge_lacks=20),
    "synthetic": State(judgments=(PEOPLE,), synthetic=True),
    "weighted": State(sample=40, rated=40, weighted=True),
}


@dataclass(frozen=True)
class Dl19:
    """The part of TREC DL 2019 that the states are made of.

    Attributes
    ----------
    folder
        The folder of real data.
    """

    folder: Path
    runs: dict[str, dict[str, list[str]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for tag, name in RUNS.items():
            run = read_run(self.folder / "runs" / f"{name}.trec", tag)
            self.runs[tag] = {query_id: list(run.docs(query_id)[:CUTOFF]) for query_id in self.asked}

    @cached_property
    def asked(self) -> dict[str, str]:
        """Query id -> text, of the queries that NIST judged."""
        lines = (self.folder / "collections" / "trec-dl19-pool" / "queries.jsonl").read_bytes().splitlines()
        texts = {row["_id"]: row["text"] for row in map(orjson.loads, lines)}
        return {query_id: texts[query_id] for query_id in self.nist if query_id in texts}

    @cached_property
    def queries(self) -> dict[str, str]:
        """Id of each copy -> text."""
        return {f"{query_id}.{n}": text for query_id, text in self.asked.items() for n in range(COPIES)}

    @cached_property
    def nist(self) -> Mapping[str, Mapping[str, float]]:
        """Grades of NIST."""
        file = self.folder / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv"
        return read_qrels(file).grades

    @cached_property
    def judged(self) -> Mapping[str, Mapping[str, float]]:
        """Grades of the judge."""
        return read_qrels(self.folder / "judgments" / f"dl19.{JUDGE}.qrels").grades

    @cached_property
    def texts(self) -> dict[str, str]:
        """Document id -> text, of the documents that a run has within the cutoff."""
        wanted = {doc for lists in self.runs.values() for docs in lists.values() for doc in docs}
        lines = (self.folder / "collections" / "trec-dl19-pool" / "corpus.jsonl").read_bytes().splitlines()
        found = {row["_id"]: row["text"] for row in map(orjson.loads, lines) if row["_id"] in wanted}
        return found | {doc_id: f"passage {doc_id}" for doc_id in wanted - found.keys()}  # not in the pool

    def pool(self, query_id: str) -> list[str]:
        """Return the documents of a copy that a run has within the cutoff."""
        source = query_id.rpartition(".")[0]
        return list(dict.fromkeys(doc for lists in self.runs.values() for doc in lists[source]))

    def lines(self, rater: Rater, pairs: Iterable[Pair]) -> bytes:
        """Return judgments of a rater; a document without a grade in the data is not relevant."""
        grades = self.nist if rater.kind == "human" else self.judged
        return judgment_lines(
            Judgment(
                query_id, doc_id, float(grades.get(query_id.rpartition(".")[0], {}).get(doc_id, 0)), rater, utc_text(),
                text_sha256(self.queries[query_id]), text_sha256(self.texts[doc_id]),
            )
            for query_id, doc_id in pairs
        )  # fmt: skip


def make_result(data: Dl19, state: State, folder: Path) -> Path:
    """Write the files of a state, run it, and return the result folder."""
    config = write_state(data, state, folder)
    done = evalkit("run", config, "--into", folder / "results")
    assert done.returncode == 0, done.stderr
    return only_folder(folder / "results")


def write_state(data: Dl19, state: State, folder: Path) -> Path:
    """Write corpus, queries, runs and judgments of a state, and return the configuration."""
    (folder / "judgments").mkdir(parents=True)
    _write_rows(folder / "corpus.jsonl", ({"doc_id": d, "text": text} for d, text in data.texts.items()))
    _write_rows(folder / "queries.jsonl", map(_query(data, state), data.queries))
    for tag, lists in data.runs.items():
        rows = (
            f"{query_id} Q0 {doc_id} {rank} {CUTOFF - rank} {tag}\n"
            for query_id in data.queries
            for rank, doc_id in enumerate(lists[query_id.rpartition(".")[0]])
        )
        (folder / f"{tag}.trec").write_text("".join(rows), encoding="utf-8")
    (folder / "grades.qrels").write_text("q 0 d 1\n", encoding="utf-8")
    config = folder / "c.yaml"
    config.write_text(json.dumps(_config(state)), encoding="utf-8")
    _judge(data, state, config)
    return config


def _query(data: Dl19, state: State) -> Any:
    def row(query_id: str) -> dict[str, Any]:
        place = list(data.queries).index(query_id) + 1
        fields: dict[str, Any] = {"copy": query_id}
        if state.synthetic:
            fields["synthetic"] = True
        if state.weighted:
            fields |= {"frequency": 1 + 4000 // place, "inclusion": 1 if place <= 4 else 0.25}
        return {"query_id": query_id, "text": data.queries[query_id], **fields}

    return row


def _config(state: State) -> dict[str, Any]:
    dataset: dict[str, Any] = {
        "source": "tables", "name": "dl19", "corpus": {"path": "corpus.jsonl"}, "queries": {"path": "queries.jsonl"},
        "cluster_field": "copy", "judgments": [dict(one) for one in state.judgments],
    }  # fmt: skip
    if state.sample is not None:
        dataset["human_sample"] = {"queries": state.sample, "seed": 1}
    if state.weighted:
        dataset |= {"frequency_field": "frequency", "inclusion_field": "inclusion"}
    return {
        "name": "dl19",
        "datasets": [dataset],
        "retriever": {"kind": "trec_run", "path": f"{BASELINE}.trec", "tag": BASELINE, "depth": CUTOFF},
        "runs": {tag: {"path": f"{tag}.trec"} for tag in RUNS if tag != BASELINE},
        "rerankers": {},
        "judges": {"umbrela": {"backend": "replay", "path": "grades.qrels", "name": JUDGE}},
        "metrics": [f"nDCG@{CUTOFF}"],
    }


def _judge(data: Dl19, state: State, config: Path) -> None:
    """Let the judge grade first, draw the queries, and let people judge."""
    folder = config.parent
    if BY_JUDGE in state.judgments:
        graded = list(data.queries)[state.judge_lacks :]
        pairs = ((query_id, doc_id) for query_id in graded for doc_id in data.pool(query_id))
        judge = Rater("model", JUDGE)
        (folder / "judgments" / "dl19.umbrela.jsonl").write_bytes(data.lines(judge, pairs))
    if PEOPLE in state.judgments:
        ids = _drawn_first(data, config)[: state.rated]
        found = [(query_id, doc_id) for query_id in ids for doc_id in data.pool(query_id)]
        (folder / "people.jsonl").write_bytes(data.lines(NIST, found[state.left :]))


def _drawn_first(data: Dl19, config: Path) -> list[str]:
    """Return the queries, those that are drawn for people first."""
    (settings,) = load_config(config).datasets
    drawn = human_sample_of(settings, open_dataset(settings))
    first = () if drawn is None else drawn.sample.query_ids
    return [*first, *(query_id for query_id in data.queries if query_id not in set(first))]


def _write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
