"""Datasets of the hub, through the real `datasets` package and a stand-in hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.collections import DOCUMENTS, QRELS, QUERIES
from support.command import evalkit_process, only_folder
from support.hub_loading import environment, hub, load_in_process
from support.stand_in_hub import parquet_bytes, stand_in_hub

README = b"""---
configs:
- config_name: corpus
  data_files: [{split: corpus, path: corpus/corpus-00000-of-00001.parquet}]
- config_name: queries
  data_files: [{split: queries, path: queries/queries-00000-of-00001.parquet}]
---
"""


def tsv() -> bytes:
    """Return the judgments as the BeIR qrels repositories hold them."""
    rows = [f"{q}\t{d}\t{g}" for q, docs in QRELS.items() for d, g in docs.items()]
    return ("query-id\tcorpus-id\tscore\n" + "\n".join(rows) + "\n").encode()


def card(configs: dict[str, str], *, licence: str = "cc-by-4.0") -> bytes:
    """Return a card that names the file of each configuration; its split is the file's stem."""
    files = [
        f"- config_name: {name}\n  data_files: [{{split: {Path(path).stem}, path: {path}}}]\n"
        for name, path in configs.items()
    ]
    return f"---\nlicense: {licence}\nconfigs:\n{''.join(files)}---\n".encode()


REPOSITORIES = {
    "BeIR/tiny": {
        "README.md": README,
        "corpus/corpus-00000-of-00001.parquet": parquet_bytes(
            {
                "_id": list(DOCUMENTS),
                "title": [title for title, _ in DOCUMENTS.values()],
                "text": [text for _, text in DOCUMENTS.values()],
            }
        ),
        "queries/queries-00000-of-00001.parquet": parquet_bytes(
            {"_id": list(QUERIES), "title": [""] * len(QUERIES), "text": list(QUERIES.values())}
        ),
    },
    "BeIR/tiny-qrels": {"README.md": b"", "test.tsv": tsv()},
}


POSITIVES = {q: [DOCUMENTS[d][1] for d, g in docs.items() if g > 0] for q, docs in QRELS.items()}
NEGATIVES = {q: [DOCUMENTS[d][1] for d, g in docs.items() if g == 0] for q, docs in QRELS.items()}
PASSAGES = {
    q: {
        "is_selected": [int(g > 0) for g in docs.values()],
        "passage_text": [DOCUMENTS[d][1] for d in docs],
        "url": ["" for _ in docs],
    }
    for q, docs in QRELS.items()
}
PAIRS = [(q, d, g) for q, docs in QRELS.items() for d, g in docs.items()]
PARTS = ("corpus", "queries", "qrels", "top_ranked")
SHAPES = {
    "mteb/reranking": {
        "README.md": card({f"en-{part}": f"en-{part}/test.parquet" for part in PARTS}),
        "en-corpus/test.parquet": REPOSITORIES["BeIR/tiny"]["corpus/corpus-00000-of-00001.parquet"],
        "en-queries/test.parquet": parquet_bytes({"id": list(QUERIES), "text": list(QUERIES.values())}),
        "en-qrels/test.parquet": parquet_bytes(
            {
                "query-id": [q for q, _, _ in PAIRS],
                "corpus-id": [d for _, d, _ in PAIRS],
                "score": [float(g) for _, _, g in PAIRS],
            }
        ),
        "en-top_ranked/test.parquet": parquet_bytes(
            {"query-id": list(QRELS), "corpus-ids": [["d1", "d2", "d3"]] * len(QRELS)}
        ),
    },
    "someone/named": {
        "README.md": card(
            {"docs": "docs/train.parquet", "asked": "asked/dev.parquet", "rel": "rel/test.parquet"}
        ),
        "docs/train.parquet": parquet_bytes(
            {
                "pid": list(DOCUMENTS),
                "heading": [title for title, _ in DOCUMENTS.values()],
                "body": [text for _, text in DOCUMENTS.values()],
            }
        ),
        "asked/dev.parquet": parquet_bytes({"qid": list(QUERIES), "asked": list(QUERIES.values())}),
        "rel/test.parquet": parquet_bytes(
            {
                "q": [q for q, _, _ in PAIRS],
                "p": [d for _, d, _ in PAIRS],
                "how": [["no", "some", "good", "exact"][g] for _, _, g in PAIRS],
            }
        ),
    },
    "someone/lists": {
        "README.md": card({"default": "data/test.parquet"}),
        "data/test.parquet": parquet_bytes(
            {
                "query": list(QUERIES.values()),
                "positive": [POSITIVES[q] for q in QUERIES],
                "negative": [NEGATIVES[q] for q in QUERIES],
            }
        ),
    },
    "someone/marco": {
        "README.md": card({"v1": "v1/validation.parquet", "v2": "v2/validation.parquet"}),
        "v1/validation.parquet": parquet_bytes({"other": ["x"]}),
        "v2/validation.parquet": parquet_bytes(
            {
                "query": list(QUERIES.values()),
                "query_id": list(range(len(QUERIES))),
                "passages": [PASSAGES[q] for q in QUERIES],
            }
        ),
    },
    "someone/triples": {
        "README.md": card({"default": "data/train.parquet"}),
        "data/train.parquet": parquet_bytes(
            {
                "anchor": ["cat on the roof", "cat on the roof", "garden bird"],
                "positive": ["a cat", "the cat", "a bird"],
                "negative": ["a dog", "a cat", "a dog"],
            }
        ),
    },
    "someone/odd": {
        "README.md": card({"default": "data/test.parquet"}),
        "data/test.parquet": parquet_bytes({"x": ["cat"], "y": ["a cat"], "z": ["2"]}),
    },
}


@pytest.mark.long
def test_beir_names_load_from_the_hub_like_the_folder(tmp_path: Path, beir_folder: Path) -> None:
    """beir/<name> is BeIR/<name> with its qrels: the same content as the same collection in a folder."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [beir/tiny, {{source: beir_folder, path: {beir_folder}, name: local}}]\n"
        "retriever: {depth: 5}\nrerankers: {a: {backend: lexical}}\n",
        encoding="utf-8",
    )
    with stand_in_hub(REPOSITORIES) as endpoint:
        done = evalkit_process(
            "run", config, "--into", tmp_path / "results", env=environment(endpoint, tmp_path / "hf")
        )
    assert done.returncode == 0, done.stderr
    hub, local = orjson.loads((only_folder(tmp_path / "results") / "manifest.json").read_bytes())["datasets"]
    assert hub["name"] == "tiny"
    assert hub["location"] == "hub:BeIR/tiny"
    assert hub["content_hash"] == local["content_hash"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration with a dataset that the hub lacks."""
    file = tmp_path / "c.yaml"
    file.write_text("name: t\ndatasets: [beir/none]\nrerankers: {a: {backend: lexical}}\n", encoding="utf-8")
    return file


def test_an_unknown_dataset_is_exit_3(tmp_path: Path, config: Path) -> None:
    """A name that the hub lacks is one clear line."""
    with stand_in_hub(REPOSITORIES) as endpoint:
        unknown = evalkit_process("run", config, env=environment(endpoint, tmp_path / "hf1"))
    assert unknown.returncode == 3
    assert "dataset 'BeIR/none' not found on the hub" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_a_dead_hub_is_exit_3(tmp_path: Path, config: Path) -> None:
    """A hub that is not there is one line with a hint, without the retries and log lines of the package."""
    dead = evalkit_process("run", config, env=environment("http://127.0.0.1:9", tmp_path / "hf2"))
    assert dead.returncode == 3
    error, hint = dead.stderr.splitlines()
    assert error.startswith("error: the hub dataset 'BeIR/none' ")
    assert error.endswith(
        "is not in the cache, and http://127.0.0.1:9 cannot be reached (Connection refused)"
    )
    assert hint.startswith("  hint: check the network")


@pytest.mark.long
def test_a_dataset_in_the_cache_needs_no_hub(tmp_path: Path) -> None:
    """What was loaded once is loaded again while the hub cannot be reached."""
    words = ("dataset", "info", "beir/tiny", "--json")
    with stand_in_hub(REPOSITORIES) as endpoint:
        online = evalkit_process(*words, env=environment(endpoint, tmp_path))
    offline = evalkit_process(*words, env=environment("http://127.0.0.1:9", tmp_path))
    assert offline.returncode == 0, offline.stderr
    before, after = (orjson.loads(done.stdout)[0] for done in (online, offline))
    assert after["content_hash"] == before["content_hash"]


def loaded(specs: list[Any], home: Path) -> list[dict[str, Any]]:
    """Load datasets from the stand-in in a process of its own; return what it prints of each."""
    with stand_in_hub({**REPOSITORIES, **SHAPES}) as endpoint:
        return load_in_process(specs, endpoint, home)


def test_three_tables_are_found_or_named(tmp_path: Path, beir_folder: Path) -> None:
    """Per-language configurations with listed candidates, and columns named in the block: the folder's content."""
    named = hub(
        "someone/named",
        corpus={"config": "docs", "id": "pid", "title": "heading", "text": "body"},
        queries={"config": "asked", "id": "qid", "text": "asked"},
        qrels={
            "config": "rel", "query": "q", "document": "p", "grade": "how",
            "grades": {"no": 0, "some": 1, "good": 2, "exact": 3},
        },
    )  # fmt: skip
    local = {"source": "beir_folder", "path": str(beir_folder)}
    reranking, own, folder = loaded([hub("mteb/reranking", subset="en"), named, local], tmp_path / "hf")
    assert reranking["hash"] == own["hash"] == folder["hash"]
    assert reranking["name"] == "reranking-en"
    assert (reranking["licence"], len(reranking["revision"])) == ("cc-by-4.0", 40)
    assert {q: sorted(docs) for q, docs in reranking["listed"].items()} == {
        q: ["d1", "d2", "d3"] for q in QRELS
    }
    assert own["listed"] is None
    assert folder["licence"] is None


ODD = {"query": "x", "document": "y", "grade": "z"}
SPECS: dict[str, Any] = {
    "lists": "someone/lists",
    "marco": hub("someone/marco", split="validation", pairs={"config": "v2"}),
    "triples": hub("someone/triples", split="train"),
    "again": "someone/lists",
    "unknown": "someone/odd",
    "named": hub("someone/odd", pairs=ODD),
    "wrong": hub("someone/odd", pairs={**ODD, "grade": "grade"}),
    "missing": hub("someone/odd", corpus={"config": "docs"}),
    "split": hub("mteb/reranking", subset="en", split="dev"),
    "beir split": hub("beir/tiny", split="dev"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return what is printed of each dataset of `SPECS`, all loaded in one process."""
    return dict(zip(SPECS, loaded(list(SPECS.values()), tmp_path_factory.mktemp("hf")), strict=True))


def test_lists_passages_and_triples_are_recognised(found: dict[str, dict[str, Any]]) -> None:
    """Positives and negatives, MS MARCO's passages, and triples: equal texts are one document, judged once a query."""
    lists, marco, triples, again = (found[name] for name in ("lists", "marco", "triples", "again"))
    judged = sorted([QUERIES[q], DOCUMENTS[d][1], int(g > 0)] for q, d, g in PAIRS)
    assert lists["judged"] == marco["judged"] == judged
    assert sorted(lists["ids"]) == sorted(marco["ids"])
    assert len(lists["ids"]) == len({d for _, d, _ in PAIRS})
    assert marco["queries"] == ["0", "1", "2", "3", "4"]
    assert lists == again
    assert triples["judged"] == [
        ["cat on the roof", "a cat", 1],
        ["cat on the roof", "a dog", 0],
        ["cat on the roof", "the cat", 1],
        ["garden bird", "a bird", 1],
        ["garden bird", "a dog", 0],
    ]
    assert {q: len(docs) for q, docs in triples["listed"].items()} == dict(
        zip(triples["queries"], [3, 2], strict=True)
    )


def test_columns_that_no_one_knows_are_asked_for(found: dict[str, dict[str, Any]]) -> None:
    """A table without usual columns is an error that lists them; with them named it loads; a wrong name is reported."""
    errors = [found[name] for name in ("unknown", "wrong", "missing", "split", "beir split")]
    unknown, wrong, missing, *splits = errors
    assert "its columns: x, y, z" in unknown["error"]
    assert "set pairs:" in unknown["error"]
    assert found["named"]["judged"] == [["cat", "a cat", 2]]
    assert "row 1 has no column 'grade'\n  hint: use one of its columns: x, y, z" in wrong["error"]
    assert "'docs'" in missing["error"]
    assert all("'dev'" in split["error"] for split in splits)
    assert {one["code"] for one in errors} == {2}
