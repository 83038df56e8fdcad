"""Grades of a judge and of people for the same documents, with runs and texts."""

from __future__ import annotations

from pathlib import Path

import orjson

QUERIES = [f"q{n:02}" for n in range(12)]
PERSON = ("--kind", "human")
DOCS = ("d0", "d1", "d2", "d3")


def qrels(offset: int) -> str:
    """Return TREC qrels in which grades depend on query, document and an offset."""
    return "".join(
        f"{query} 0 {doc} {(number + place * offset) % 4}\n"
        for number, query in enumerate(QUERIES)
        for place, doc in enumerate(DOCS)
    )


def write_two_raters(folder: Path) -> Path:
    """Write the grades of a judge and of people, runs, and the texts; return the folder."""
    (folder / "judge.qrels").write_text(qrels(1), encoding="utf-8")
    (folder / "people.qrels").write_text(qrels(2) + "q00 0 other 1\n", encoding="utf-8")
    for tag, step in (("up", 1), ("down", -1), ("mixed", 3)):
        rows = [
            f"{query} Q0 {doc} {rank + 1} {10 - rank} {tag}\n"
            for query in QUERIES
            for rank, doc in enumerate(sorted(DOCS, key=lambda doc: step * int(doc[1]) % 5))
        ]
        (folder / f"{tag}.run").write_text("".join(rows), encoding="utf-8")
    texts = folder / "texts"
    (texts / "qrels").mkdir(parents=True)
    corpus = [{"_id": doc, "title": "", "text": "word " * (number + 1)} for number, doc in enumerate(DOCS)]
    asked = [{"_id": query, "text": f"word {query}"} for query in QUERIES]
    for name, rows in (("corpus", corpus), ("queries", asked)):
        (texts / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    tsv = "".join("\t".join(line.split()[::2] + line.split()[3:]) + "\n" for line in qrels(2).splitlines())
    (texts / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\n" + tsv, encoding="utf-8")
    return folder
