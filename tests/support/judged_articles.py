"""Articles with 60 searches and two runs, and judgments of people and of models on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evalkit.formats import judgment_lines
from evalkit.records import Judgment, Rater, text_sha256, utc_text

ANNA = Rater("human", "anna")
GPT = Rater("model", "gpt-4o", prompt_sha256="1a2b3c4d" * 8)
WORDS = (
    "apple",
    "banana",
    "cherry",
    "delta",
    "eagle",
    "forest",
    "garden",
    "house",
    "island",
    "jungle",
    "kettle",
)
CONFIG = """\
name: mine
datasets:
  - source: tables
    name: articles
    corpus: {path: corpus.csv, id: id, text: text}
    queries: {path: searches.csv, id: id, text: text}
    judgments:
      - {path: people.jsonl}
      - {judge: luna}
judges:
  luna: {backend: replay, path: grades.qrels}
runs:
  good: {path: good.trec}
  bad: {path: bad.trec}
rerankers: {}
metrics: [nDCG@5]
retriever: {depth: 10}
"""
REPLAYED = {"fine": "good", "poor": "bad"}
QUERIES = [f"s{n}" for n in range(60)]
Grade = Callable[[str, str], float | None]


def text_of(kind: str, number: int) -> str:
    """Return the text of a query or of a document."""
    words = (WORDS[(number + step * step) % len(WORDS)] for step in range(2 if kind == "s" else 10))
    return f"{' '.join(words)} {kind}{number}"


def write_folder(folder: Path) -> Path:
    """Write a corpus, searches, two runs that rank documents 0-4 and 5-9 first, and the configuration."""
    folder.mkdir(exist_ok=True)
    for name, kind, count in (("corpus", "d", 20), ("searches", "s", len(QUERIES))):
        rows = "".join(f"{kind}{n},{text_of(kind, n)}\n" for n in range(count))
        (folder / f"{name}.csv").write_text(f"id,text\n{rows}", encoding="utf-8")
    for name, docs in (("good", range(10)), ("bad", [*range(5, 10), *range(5)])):
        lines = [f"{q} Q0 d{d} {rank} {10 - rank} {name}\n" for q in QUERIES for rank, d in enumerate(docs)]
        (folder / f"{name}.trec").write_text("".join(lines), encoding="utf-8")
    path = folder / "c.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def write_replayed(folder: Path) -> Path:
    """Write the articles with both runs as rerankers, too, that are replayed over the candidates of the first stage."""
    path = write_folder(folder)
    for name, docs in (("good", range(20)), ("bad", [*range(5, 20), *range(5)])):
        lines = [f"{q} Q0 d{d} {rank} {20 - rank} {name}\n" for q in QUERIES for rank, d in enumerate(docs)]
        (folder / f"{name}.trec").write_text("".join(lines), encoding="utf-8")
    replayed = "".join(f"\n  {tag}: {{backend: replay, path: {run}.trec}}" for tag, run in REPLAYED.items())
    text = path.read_text(encoding="utf-8").replace("rerankers: {}", f"rerankers:{replayed}")
    path.write_text(text.replace("{depth: 10}", "{depth: 20}"), encoding="utf-8")
    return path


def judged(rater: Rater, pairs: Iterable[tuple[str, str]], grade: Grade) -> list[Judgment]:
    """Return judgments of pairs, with the hashes of their texts; no grade is a failure."""
    return [
        Judgment(
            q, d, found := grade(q, d), rater, utc_text(),
            text_sha256(text_of("s", int(q[1:]))), text_sha256(text_of("d", int(d[1:]))),
            failure=None if found is not None else "answer: no grade",
        )
        for q, d in pairs
    ]  # fmt: skip


def pairs(queries: Sequence[str] = QUERIES, documents: int = 10) -> list[tuple[str, str]]:
    """Return queries with their pool."""
    return [(q, f"d{n}") for q in queries for n in range(documents)]


def good_is_better(query: str, doc: str) -> float:
    """Return grades that make one run far better than the other, with some spread over queries."""
    return (3.0 if int(query[1:]) % 3 else 2.0) if int(doc[1:]) < 5 else 0.0


def write_judgments(path: Path, *judgments: Sequence[Judgment]) -> None:
    """Write a file of judgments."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(map(judgment_lines, judgments)))
