"""Long documents whose answer is at the end, a tokenizer for them, and a server that reads the beginning only."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from support.faulty import hashed_score
from support.tiny_tokenizers import bert_tokenizer

READ_WORDS = 100
"""Words of a document that `ShortSighted` reads."""


def write_long_documents(folder: Path, queries: int = 4, words: int = 400) -> Path:
    """Write a collection and a tokenizer; each query has five candidates, one of which answers it in its last words.

    The candidates of a query have its first word, so that the first stage finds them all.
    """
    (folder / "qrels").mkdir(parents=True)
    bert_tokenizer(folder / "tokenizer")
    vocabulary = (folder / "tokenizer" / "vocab.txt").read_text(encoding="utf-8").split("\n")
    known = [word for word in vocabulary if word.isalpha() and len(word) > 6]
    rng = random.Random(1)  # noqa: S311 - not for secrets
    topics, fillers = known[: 3 * queries], known[3 * queries :]
    documents, asked, judged = [], [], []
    for number in range(queries):
        query = topics[3 * number : 3 * number + 3]
        asked.append({"_id": f"q{number}", "text": " ".join(query)})
        judged.append(f"q{number}\td{number}.0#1\t1\n")
        for other in range(5):
            text = [query[0], *rng.choices(fillers, k=words)]
            text += query if other == 0 else []
            documents.append({"_id": f"d{number}.{other}#1", "title": "", "text": " ".join(text)})
    (folder / "corpus.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in documents))
    (folder / "queries.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in asked))
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8"
    )
    return folder


def write_passage_config(folder: Path, url: str, passages: str = "", more: str = "", rest: str = "") -> Path:
    """Write a configuration with one API on the collection in `folder`, next to it; `passages` is the block."""
    made = f", passages: {{{passages}}}" if passages else ""
    path = folder.parent / "c.yaml"
    path.write_text(
        f"name: long\ndatasets: [{{source: beir_folder, path: {folder.name}, name: long{made}}}]\n"
        "retriever: {depth: 5}\n"
        f"rerankers:\n  api: {{backend: http, url: '{url}', model: m{more}}}\nmetrics: [nDCG@10]\n{rest}",
        encoding="utf-8",
    )
    return path


class ShortSighted:
    """A server that counts the words of the query among the first words of each document, and what it is asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.texts = 0
        self.pairs: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer; equal numbers of words differ by a hash, so that no two passages tie."""
        query, texts = body["query"], body["documents"]
        with self._lock:
            self.calls += 1
            self.texts += len(texts)
            self.pairs.update((query, text) for text in texts)
        results = [
            {"index": index, "relevance_score": self.score(query, text)} for index, text in enumerate(texts)
        ]
        return 200, orjson.dumps(
            {"model": "m", "results": results, "usage": {"total_tokens": 10 * len(texts)}}
        )

    @staticmethod
    def score(query: str, text: str) -> float:
        """Return the score of a pair."""
        found = set(query.split()) & set(text.split()[:READ_WORDS])
        return len(found) + hashed_score(query, text) / 10
