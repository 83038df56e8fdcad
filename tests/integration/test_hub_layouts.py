"""The layouts of judged collections on the hub: each loads with the right content, or is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from support.hub_loading import hub, load_in_process
from support.stand_in_hub import Repository, parquet_bytes, stand_in_hub

pytestmark = pytest.mark.long  # `test_hub.py` reads the usual layouts

Rows = Sequence[Mapping[str, Any]]
Tables = Mapping[tuple[str, str], Rows]
"""Configuration and split -> rows."""

CORPUS = [{"_id": f"d{n}", "text": f"body number{n}"} for n in range(8)]
QUERIES = [{"_id": f"q{n}", "text": f"number{n}"} for n in range(3)]
BARE = [{"query-id": f"q{n}", "corpus-id": f"d{n}"} for n in range(3)]
GRADED = [{**row, "score": 1} for row in BARE]
RANKED = [{"query-id": f"q{n}", "corpus-ids": [f"d{n + rank}" for rank in (3, 1, 0, 2)]} for n in range(3)]
EXAMPLES = [
    {"id": str(n), "query": f"number{n}", "gold_ids": [f"d{n}", f"d{n + 1}"], "gold_ids_long": [f"long{n}"],
     "excluded_ids": ["d7"] if n == 0 else ["N/A"], "gold_answer": "x"}
    for n in range(3)
]  # fmt: skip


def parquet(rows: Rows) -> bytes:
    """Return rows as a Parquet file."""
    return parquet_bytes({name: [row[name] for row in rows] for name in rows[0]})


def repository(tables: Tables) -> dict[str, bytes]:
    """Return a repository with a card that names the file of every configuration and split."""
    files = {f"{config}/{split}.parquet": parquet(rows) for (config, split), rows in tables.items()}
    card = "---\nconfigs:\n"
    for config in dict.fromkeys(config for config, _ in tables):
        card += f"- config_name: {config}\n  data_files:\n"
        for name, split in tables:
            if name == config:
                card += f"  - split: {split}\n    path: {config}/{split}.parquet\n"
    return {"README.md": (card + "---\n").encode(), **files}


def three(qrels: Rows, *, corpus: Rows = CORPUS, queries: Rows = QUERIES, **more: Rows) -> dict[str, bytes]:
    """Return a repository in mteb's layout, all of it in the split test."""
    tables = {"corpus": corpus, "queries": queries, "qrels": qrels, **more}
    return repository({(config, "test"): rows for config, rows in tables.items()})


def lines(rows: Rows) -> bytes:
    """Return rows as JSON Lines."""
    return "\n".join(map(json.dumps, rows)).encode()


BEIR_FILES = {
    "corpus.jsonl": lines(CORPUS),
    "queries.jsonl": lines(QUERIES),
    "qrels/test.tsv": b"q0\td0\t1\n",
}
NANO = {
    (config, split): rows
    for split in ("NanoA", "NanoB")
    for config, rows in (("corpus", CORPUS), ("queries", QUERIES), ("qrels", BARE), ("bm25", RANKED))
}
RELEVANCE = [
    {"query-id": f"q{n}", "positive-corpus-ids": [f"d{n}"], "bm25-ranked-ids": row["corpus-ids"]}
    for n, row in enumerate(RANKED)
]
LANGUAGES = {
    (name.format(part), "test"): rows
    for part in ("ar", "de")
    for name, rows in (("corpus-{}", CORPUS), ("queries-{}", QUERIES), ("{}", GRADED))
}
BRIGHT = {
    ("documents", "biology"): [{"id": row["_id"], "content": row["text"]} for row in CORPUS],
    ("long_documents", "biology"): [{"id": f"long{n}", "content": f"long number{n}"} for n in range(3)],
    ("examples", "biology"): EXAMPLES,
    ("gpt4_reason", "biology"): [{**row, "query": f"reasoned {row['query']}"} for row in EXAMPLES],
}
DOCS = [{"id": row["_id"], "doc": row["text"]} for row in CORPUS]
MAIR = [
    {
        "qid": f"q{n}",
        "instruction": f"find {n}",
        "query": f"number{n}",
        "labels": [{"id": f"d{n}", "score": 2}, {"id": "d7", "score": 0}],
    }
    for n in range(2)
]
INTS = range(3)
REPOSITORIES: dict[str, Repository] = {
    "nano/one": repository({(c, "train"): rows for (c, split), rows in NANO.items() if split == "NanoA"}),
    "nano/all": repository(NANO),
    "nano/lists": three([{"query-id": f"q{n}", "corpus-id": [f"d{n}", f"d{n + 1}"]} for n in range(3)]),
    "nano/bm25": repository(
        {("corpus", "train"): CORPUS, ("queries", "train"): QUERIES, ("relevance", "train"): RELEVANCE}
    ),
    "other/columns": three([{**row, "gain": 0.3} for row in BARE]),
    "old/languages": repository(LANGUAGES),
    "bright/all": repository(BRIGHT),
    "coir/texts": repository({("default", "corpus"): CORPUS, ("default", "queries"): QUERIES}),
    "coir/qrels": repository({("default", "test"): [{"query_id": "q1", "corpus_id": "d1", "score": 1}]}),
    "other/ints": three(
        [{"query-id": n, "corpus-id": n, "score": 1.0} for n in INTS],
        corpus=[{"_id": n, "title": None, "text": f"number{n}"} for n in INTS],
        queries=[{"_id": float(n), "text": f"number{n}"} for n in INTS],
    ),
    "other/fractions": three([{**row, "score": 0.5} for row in BARE]),
    "other/nulls": three([{**row, "score": None if n else 1.0} for n, row in enumerate(BARE)]),
    "other/extra": three(GRADED, gains=[{**row, "gain": 0.3} for row in BARE], top_ranked=RANKED),
    "other/missing": three(GRADED, queries=QUERIES[:-1]),
    "followir/set": three(GRADED, instruction=[{"query-id": "q1", "instruction": "only old ones"}]),
    "mldr/set": repository(
        {("default", "test"): [
            {"query_id": "q0", "query": "number0", "positive_passages": [{"docid": "d0", "text": "body"}],
             "negative_passages": [{"docid": "d1", "text": "other"}]},
        ]}
    ),
    "mair/queries": repository(
        {("Legal", "queries"): MAIR, ("Forum", "android_queries"): MAIR, ("Forum", "english_queries"): MAIR}
    ),
    "mair/docs": repository(
        {("Legal", "docs"): DOCS, ("Forum", "android_docs"): DOCS, ("Forum", "english_docs"): DOCS[:2]}
    ),
    "files/script": {"README.md": b"", "script.py": b"import datasets\n"},
    "files/zip": {"README.md": b"", "scifact.zip": b"PK"},
    "files/beir": {"README.md": b"", **BEIR_FILES},
    "files/folders": {
        "README.md": b"",
        **{f"{part}/{name}": data for part in ("android", "english") for name, data in BEIR_FILES.items()},
    },
    "files/converted": {
        f"{config}/test/0000.parquet": parquet(rows)
        for config, rows in (("corpus", CORPUS), ("queries", QUERIES), ("qrels", GRADED))
    },
    "files/gated": three(GRADED),
    "nano/corpus-ids": three([{"query-id": f"q{n}", "corpus-ids": [f"d{n}", f"d{n + 1}"]} for n in range(3)]),
    "triplets/numbered": repository(
        {("default", "test"): [
            {"anchor": "number0", "positive": "body0", "negative_1": "body1", "negative_2": "body2"},
        ]}
    ),
    "lists/instructed": repository(
        {("default", "test"): [{"query": "number0", "instruction": "only old ones", "pos": ["a"], "neg": ["b"]}]}
    ),
    "mldr/corpus": repository(
        {
            ("de", "test"): [
                {"query_id": "q0", "query": "number0", "positive_passages": [{"docid": "d0", "text": "body number0"}],
                 "negative_passages": [{"docid": "d1", "text": "body number1"}]},
            ],
            ("corpus-de", "corpus"): [{"docid": row["_id"], "text": row["text"]} for row in CORPUS],
        }
    ),
    "bright/null": repository(
        {**BRIGHT, ("examples", "biology"): [{**row, "gold_ids": row["gold_ids"] if n else None}
                                              for n, row in enumerate(EXAMPLES)]}
    ),
    "vidore/images": three(
        [{"query-id": n, "corpus-id": n, "score": 1} for n in INTS],
        corpus=[{"corpus-id": n, "image": b"PNG", "doc-id": "a.pdf"} for n in INTS],
    ),
    "vidore/pages": three(
        [{"query_id": n, "corpus_id": n, "score": 1} for n in INTS],
        corpus=[{"corpus_id": n, "image": b"PNG", "doc_id": "a.pdf", "markdown": f"page {n}"} for n in INTS],
        queries=[{"query_id": n, "query": f"number{n}", "language": "en"} for n in INTS],
    ),
    "vidore/table": repository({("default", "test"): [{"query": "number0", "image": b"PNG", "answer": "x"}]}),
    "vidore/empty": three(GRADED, corpus=[{"_id": row["_id"], "image": b"PNG", "text": ""} for row in CORPUS]),
    "no/judgments": repository({("corpus", "corpus"): CORPUS, ("queries", "queries"): QUERIES}),
    "followir/other": three(GRADED, instruction=[{"query-id": "x1", "instruction": "only old ones"}]),
    "uneven/columns": repository({("a", "test"): GRADED, ("a", "dev"): QUERIES}),
    "several/configurations": repository({("v1", "test"): GRADED, ("v2", "test"): GRADED}),
}  # fmt: skip

ORDERED = {"config": "bm25", "ordered": True}
SPECS: dict[str, dict[str, Any]] = {
    "nano one": hub("nano/one", split="train"),
    "nano all": hub("nano/all", split="NanoA"),
    "nano ordered": hub("nano/all", split="NanoB", candidates=ORDERED),
    "nano random": hub("nano/all", split="NanoB", candidates={"config": "bm25"}),
    "nano split": hub("nano/all"),
    "nano lists": hub("nano/lists"),
    "nano bm25": hub("nano/bm25", split="train", candidates={"config": "relevance", "ordered": True}),
    "columns": hub("other/columns"),
    "columns stated": hub("other/columns", qrels={"fixed_grade": 1}),
    "language": hub("old/languages", subset="ar"),
    "languages": hub("old/languages"),
    "bright": hub("bright/all", split="biology"),
    "bright long": hub("bright/all", split="biology", long_documents=True),
    "bright reasoned": hub("bright/all", split="biology", queries={"config": "gpt4_reason"}),
    "bright split": hub("bright/all", split="chemistry"),
    "no long": hub("nano/all", split="NanoA", long_documents=True),
    "coir": hub("coir/texts", qrels_path="coir/qrels"),
    "coir without": hub("coir/texts"),
    "ints": hub("other/ints"),
    "fractions": hub("other/fractions"),
    "fractions mapped": hub("other/fractions", qrels={"grades": {"0.5": 1}}),
    "nulls": hub("other/nulls"),
    "extra": hub("other/extra"),
    "missing": hub("other/missing"),
    "missing left out": hub("other/missing", judged_queries_without_text="leave_out"),
    "followir": hub("followir/set"),
    "mldr": hub("mldr/set"),
    "script": hub("files/script"),
    "zip": hub("files/zip"),
    "beir files": hub("files/beir"),
    "beir files split": hub("files/beir", split="dev"),
    "folders": hub("files/folders"),
    "folder": hub("files/folders", subset="english"),
    "converted": hub("files/converted", revision="refs/convert/parquet"),
    "converted split": hub("files/converted", revision="refs/convert/parquet", split="dev"),
    "not converted": hub("mldr/set", revision="refs/convert/parquet"),
    "gated": hub("files/gated"),
    "several": hub("several/configurations"),
    "nano corpus-ids": hub("nano/corpus-ids"),
    "triplets": hub("triplets/numbered"),
    "instructed": hub("lists/instructed"),
    "mldr corpus": hub("mldr/corpus", subset="de"),
    "bright null": hub("bright/null", split="biology"),
    "images": hub("vidore/images"),
    "pages": hub("vidore/pages"),
    "image table": hub("vidore/table"),
    "empty texts": hub("vidore/empty"),
    "no judgments": hub("no/judgments"),
    "other instructions": hub("followir/other"),
    "uneven": hub("uneven/columns"),
    "mair": hub("mair/queries", corpus_path="mair/docs", subset="Legal"),
    "mair part": hub("mair/queries", corpus_path="mair/docs", subset="Forum", split="english_queries"),
    "mair alone": hub("mair/queries", subset="Legal", split="queries"),
    "unknown part": hub("old/languages", subset="fr"),
    "unknown configuration": hub("several/configurations", subset="v3"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return what is found of each dataset of `SPECS`, all loaded in one process."""
    with stand_in_hub(REPOSITORIES, frozenset({"files/gated"})) as endpoint:
        facts = load_in_process(list(SPECS.values()), endpoint, tmp_path_factory.mktemp("hf"))
    return dict(zip(SPECS, facts, strict=True))


ONE_EACH = {f"q{n}": {f"d{n}": 1} for n in range(3)}
TWO_EACH = {f"q{n}": {f"d{n}": 1, f"d{n + 1}": 1} for n in range(3)}
MAIR_GRADES = {f"q{n}": {f"d{n}": 2, "d7": 0} for n in range(2)}
BRIGHT_GRADES = {str(n): docs for n, docs in enumerate(TWO_EACH.values())}


@pytest.mark.parametrize(
    ("name", "grades", "documents"),
    [
        ("nano one", ONE_EACH, 8),
        ("nano all", ONE_EACH, 8),
        ("nano ordered", ONE_EACH, 8),
        ("nano lists", TWO_EACH, 8),
        ("nano bm25", ONE_EACH, 8),
        ("columns stated", ONE_EACH, 8),
        ("language", ONE_EACH, 8),
        ("bright", BRIGHT_GRADES, 8),
        ("bright reasoned", BRIGHT_GRADES, 8),
        ("bright long", {str(n): {f"long{n}": 1} for n in range(3)}, 3),
        ("coir", {"q1": {"d1": 1}}, 8),
        ("ints", {str(n): {str(n): 1} for n in range(3)}, 3),
        ("fractions", {query: dict.fromkeys(docs, 0.5) for query, docs in ONE_EACH.items()}, 8),
        ("fractions mapped", ONE_EACH, 8),
        ("extra", ONE_EACH, 8),
        ("missing left out", {"q0": {"d0": 1}, "q1": {"d1": 1}}, 8),
        ("followir", ONE_EACH, 8),
        ("mldr", {"q0": {"d0": 1, "d1": 0}}, 2),
        ("mldr corpus", {"q0": {"d0": 1, "d1": 0}}, 8),
        ("nano corpus-ids", TWO_EACH, 8),
        ("bright null", {query: docs for query, docs in BRIGHT_GRADES.items() if query != "0"}, 8),
        ("pages", {str(n): {str(n): 1} for n in range(3)}, 3),
        ("mair", MAIR_GRADES, 8),
        ("mair part", MAIR_GRADES, 2),
        ("beir files", {"q0": {"d0": 1}}, 8),
        ("folder", {"q0": {"d0": 1}}, 8),
        ("converted", ONE_EACH, 8),
    ],
)
def test_a_layout_loads_with_its_judgments(
    found: dict[str, dict[str, Any]], name: str, grades: dict[str, dict[str, int]], documents: int
) -> None:
    """Grades, queries and documents are those of the tables."""
    facts = found[name]
    assert "error" not in facts, facts["error"]
    assert facts["grades"] == grades
    assert facts["queries"] == list(grades)
    assert len(facts["ids"]) == documents


@pytest.mark.parametrize(
    ("name", "sentence", "hint"),
    [
        ("mair alone", "contains queries with their judgments, but no documents", "set corpus_path"),
        ("nano split", "'nano/all' has no split 'test' of configuration 'corpus'", "NanoA, NanoB"),
        ("columns", "row 1 has no column for the grade", "set qrels: {fixed_grade: 1}"),
        ("languages", "'old/languages' contains 2 parts, each with a corpus", "set subset to one of: ar, de"),
        ("bright split", "split 'chemistry') has no such split", "use one of the splits: biology"),
        ("no long", "the repository has no long documents", "remove long_documents"),
        ("coir without", "contains a corpus and queries, but no judgments", "set qrels_path"),
        ("nulls", "row 2 has no grade", "give every judgment a grade"),
        (
            "missing",
            "1 of 3 judged queries have no text (first: 'q2')",
            "judged_queries_without_text: leave_out",
        ),
        ("images", "row 1: the documents are images (column 'image')", "with corpus: {text: ...}"),
        ("image table", "the documents are images (column 'image')", "with pairs: {document: ...}"),
        ("empty texts", "all 8 documents are empty", "choose the column with the texts"),
        (
            "no judgments",
            "a corpus, but no judgments under a usual name",
            "set qrels: {config: ...}, or qrels_path",
        ),
        (
            "other instructions",
            "no query has one of the 1 instructions (first: of query 'x1')",
            "the same query ids",
        ),
        ("uneven", "have different columns", "download the files"),
        ("unknown part", "'old/languages' has no part 'fr'", "set subset to one of: ar, de"),
        ("script", "contains a loading script (script.py)", "set revision: refs/convert/parquet"),
        ("zip", "contains no tables, only archives: scifact.zip", "download scifact.zip"),
        ("beir files split", "dev.tsv", "use one of the splits: test"),
        ("folders", "contains 2 datasets in BEIR's layout", "set subset to one of: android, english"),
        ("converted split", "'files/converted' has no split 'dev'", "test"),
        ("not converted", "the hub has no Parquet copy of the dataset 'mldr/set'", "remove revision"),
        ("several", "has several configurations: v1, v2", "set subset to one of them"),
        ("unknown configuration", "has no configuration 'v3'", "use one of the configurations: v1, v2"),
    ],
)
def test_a_layout_that_needs_a_choice_is_refused(
    found: dict[str, dict[str, Any]], name: str, sentence: str, hint: str
) -> None:
    """One line says what is wrong, the hint what to set."""
    facts = found[name]
    error, _, rest = facts["error"].partition("\n  hint: ")
    assert sentence in error
    assert hint in rest
    assert "\n" not in error + rest
    assert facts["code"] == 2


def test_a_gated_dataset_is_not_called_unknown(found: dict[str, dict[str, Any]]) -> None:
    """The hint says where its terms are accepted."""
    assert found["gated"]["error"].splitlines() == [
        "error: the hub dataset 'files/gated' is gated",
        "  hint: open its page https://huggingface.co/datasets/files/gated, accept the terms, and set HF_TOKEN",
    ]
    assert found["gated"]["code"] == 3


def test_listed_candidates_keep_their_order_only_where_it_is_a_ranking(
    found: dict[str, dict[str, Any]],
) -> None:
    """By default the order is random, because other tables list the relevant documents first."""
    ranked = {row["query-id"]: row["corpus-ids"] for row in RANKED}
    assert found["nano ordered"]["listed"] == found["nano bm25"]["listed"] == ranked
    drawn = found["nano random"]["listed"]
    assert {q: sorted(docs) for q, docs in drawn.items()} == {q: sorted(docs) for q, docs in ranked.items()}
    assert drawn != ranked
    assert found["nano all"]["listed"] is None


def test_bright_excludes_documents_of_a_query(found: dict[str, dict[str, Any]]) -> None:
    """N/A means none; other forms of the queries have the same exclusions."""
    for name in ("bright", "bright reasoned", "bright long"):
        assert found[name]["excluded"] == {"0": ["d7"]}
        assert found[name]["counts"]["excluded_documents"] == 1
    assert found["bright reasoned"]["judged"][0][0] == "reasoned number0"
    assert "excluded_documents" not in found["nano all"]["counts"]


def test_judgments_without_grades_are_counted(found: dict[str, dict[str, Any]]) -> None:
    """And only those."""
    for name, count in (("nano one", 3), ("nano lists", 6), ("columns stated", 3), ("bright", 6)):
        assert found[name]["counts"]["judgments_without_grade"] == count
    assert "judgments_without_grade" not in found["language"]["counts"]
    assert found["missing left out"]["counts"]["judged_queries_without_text"] == 1


def test_instructions_of_followir_belong_to_their_queries(found: dict[str, dict[str, Any]]) -> None:
    """A query without one has none."""
    assert found["followir"]["instructions"] == ["", "only old ones", ""]
    assert found["followir"]["hash"] != found["language"]["hash"]
    assert found["beir files"]["location"] == "hub:files/beir"


def test_numbered_columns_of_other_documents_are_read(found: dict[str, dict[str, Any]]) -> None:
    """A triplet of sentence-transformers has one document in each column: grade 1, then 0 for all others."""
    (grades,) = found["triplets"]["grades"].values()
    assert sorted(grades.values()) == [0, 0, 1]
    (grades,) = found["instructed"]["grades"].values()
    assert sorted(grades.values()) == [0, 1]
