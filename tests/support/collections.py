"""A tiny collection, small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import orjson

DOCUMENTS = {
    "d1": ("Cats", "A cat sleeps on the warm roof."),
    "d2": ("Dogs", "A dog barks at the cat in the garden."),
    "d3": ("Birds", "A bird sings in the garden every morning."),
    "d4": ("Fish", "A fish swims in the pond of the garden."),
    "d5": ("Roofs", "A roof keeps the rain out of the house."),
}
QUERIES = {
    "q1": "cat on the roof",
    "q2": "garden bird",
    "q3": "pond fish in the rain",
    "q4": "zebra",
    "q5": "who sleeps",
}
QRELS = {
    "q1": {"d1": 3, "d2": 1, "d5": 0},
    "q2": {"d3": 2, "d4": 1},
    "q3": {"d4": 2, "d5": 1},
    "q4": {"d1": 1},
    "q5": {"d2": 0, "d1": 0},
}


def write_beir_folder(folder: Path) -> Path:
    """Write the tiny collection in BEIR's layout and return the folder."""
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": d, "title": title, "text": text} for d, (title, text) in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in corpus))
    queries = [{"_id": q, "text": text} for q, text in QUERIES.items()]
    queries.append({"_id": "q6", "text": "nobody judged this"})
    (folder / "queries.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in queries))
    rows = [f"{q}\t{d}\t{grade}" for q, docs in QRELS.items() for d, grade in docs.items()]
    text = "\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n"
    (folder / "qrels" / "test.tsv").write_text(text, encoding="utf-8")
    return folder
