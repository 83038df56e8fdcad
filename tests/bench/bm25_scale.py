"""BM25 over many documents beside bm25s used plainly, and tantivy where it is installed: ``make bench``.

Every engine builds its index from the same texts (Zipf over 300,000 made-up words, about 60 a document), each in a
process of its own, and answers the same queries of 6 words: without the 100 commonest words, as a stop list leaves
queries; with them; and of different words among the 50 commonest. Queries are timed by the processor, one thread each,
the best of three passes: a neighbour on the machine says less there than on the clock. tantivy and Lucene (Anserini's,
of the package pyserini) write with two threads; tantivy's k1 and b cannot be set, and the hits of both are not turned
into ids. The peak is that of the whole process, texts included.

``python bm25_scale.py [--documents N] [--aside PYTHON]``: an interpreter that has tantivy, pyserini and pyjnius, if not
this one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

WORDS, COMMON, VERY_COMMON, MEAN_LENGTH, QUERY_WORDS = 300_000, 100, 50, 60, 6
BLOCK = 10_000
DEPTHS = (100, 1000)
K1, B = 0.9, 0.4
KINDS = ("rarer", "any", "common")
"""Which words the queries of a file are made of."""


def write_collection(folder: Path, documents: int, queries: int) -> None:
    """Write texts and queries, one a line."""
    import numpy as np

    rng = np.random.default_rng(7)
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in "aeiou"]
    made: set[str] = set()
    while len(made) < WORDS:
        made |= {
            "".join(syllables[s] for s in rng.integers(0, 80, length))
            for length in rng.integers(2, 6, 10_000)
        }
    words = np.array(sorted(made), dtype=object)
    words = words[rng.permutation(len(words))[:WORDS]]
    chances = np.cumsum(1 / np.arange(1, WORDS + 1))

    def drawn(count: int, leaving_out: int = 0) -> list[str]:
        """Return words, the commonest left out."""
        low = chances[leaving_out - 1] if leaving_out else 0.0
        picked: list[str] = words[np.searchsorted(chances, rng.uniform(low, chances[-1], count))].tolist()
        return picked

    with (folder / "texts.txt").open("w", encoding="utf-8") as file:
        for start in range(0, documents, BLOCK):
            lengths = rng.poisson(MEAN_LENGTH, min(BLOCK, documents - start)).clip(1)
            block = iter(drawn(int(lengths.sum())))
            file.writelines(" ".join(islice(block, length)) + "\n" for length in lengths.tolist())
    commonest = words[:VERY_COMMON]
    lines_of_kinds = (
        [" ".join(drawn(QUERY_WORDS, COMMON)) for _ in range(queries)],
        [" ".join(drawn(QUERY_WORDS)) for _ in range(queries)],
        [" ".join(rng.choice(commonest, QUERY_WORDS, replace=False)) for _ in range(queries)],
    )
    for kind, lines in zip(KINDS, lines_of_kinds, strict=True):
        (folder / f"{kind}.txt").write_text("\n".join(lines), encoding="utf-8")


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file."""
    with path.open(encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


Search = Callable[[list[str], int], Any]


def evalkit(folder: Path, texts: list[str], shards: int = 1) -> Search:
    """Build with evalkit; return what searches."""
    from evalkit.records import Corpus, Dataset, DatasetOrigin, Qrels, Query
    from evalkit.retrievers.bm25 import Bm25

    os.environ["EVALKIT_CACHE"] = str(folder / f"evalkit-{shards}")
    origin = DatasetOrigin("bench", "", "english", None, "", "", {}, None, exclude_same_id=False)
    corpus = Corpus(tuple(f"d{i}" for i in range(len(texts))), tuple(texts))
    dataset = Dataset("bench", corpus, (), Qrels({}), origin)
    retriever = Bm25(Bm25.Settings(k1=K1, b=B, shards=shards), dataset)
    return lambda queries, depth: retriever.retrieve(
        [Query(f"q{i}", q) for i, q in enumerate(queries)], depth
    )


def evalkit_in_parts(folder: Path, texts: list[str]) -> Search:
    """Build with evalkit in four parts."""
    return evalkit(folder, texts, shards=4)


def bm25s_plain(folder: Path, texts: list[str]) -> Search:
    """Build with bm25s as its README does."""
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    tokens = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
    model = bm25s.BM25(k1=K1, b=B, method="lucene")
    model.index(tokens, show_progress=False)
    model.save(str(folder / "bm25s"))

    def search(queries: list[str], depth: int) -> Any:
        """Search all queries."""
        asked = bm25s.tokenize(queries, stopwords="en", stemmer=stemmer, show_progress=False)
        return model.retrieve(asked, k=depth, show_progress=False)

    return search


def tantivy(folder: Path, texts: list[str]) -> Search:
    """Build with tantivy, two threads writing."""
    import tantivy as engine

    place = folder / "tantivy"
    place.mkdir()
    schema = engine.SchemaBuilder().add_text_field("text", tokenizer_name="en_stem").build()
    index = engine.Index(schema, path=str(place))
    writer = index.writer(heap_size=500_000_000, num_threads=2)
    for text in texts:
        writer.add_document(engine.Document(text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    return lambda queries, depth: [searcher.search(index.parse_query(q, ["text"]), depth) for q in queries]


def lucene(folder: Path, _texts: list[str]) -> Search:
    """Build with Anserini's Lucene, two threads writing, from a file of JSON lines that is written before."""
    import jnius_config

    (jar,) = Path(find_spec("pyserini").origin).parent.glob("resources/jars/anserini-*-fatjar.jar")  # type: ignore[union-attr, arg-type]
    jnius_config.set_classpath(str(jar))
    jnius_config.add_options("-Xmx2g")
    from jnius import autoclass

    place = str(folder / "lucene")
    told = ["-collection", "JsonCollection", "-input", str(folder / "json"), "-index", place]
    autoclass("io.anserini.index.IndexCollection").main([*told, "-threads", "2", "-optimize"])
    folder_of = autoclass("org.apache.lucene.store.MMapDirectory")
    path_of = autoclass("java.nio.file.Paths")
    reader = autoclass("org.apache.lucene.index.DirectoryReader").open(folder_of(path_of.get(place)))
    searcher = autoclass("org.apache.lucene.search.IndexSearcher")(reader.getContext())
    searcher.setSimilarity(autoclass("org.apache.lucene.search.similarities.BM25Similarity")(K1, B))
    query_of = autoclass("io.anserini.search.query.BagOfWordsQueryGenerator")()
    analyzer = autoclass("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance()
    return lambda queries, depth: [
        searcher.search(query_of.buildQuery("contents", analyzer, q), depth) for q in queries
    ]


def write_json(folder: Path) -> None:
    """Write the texts as Anserini reads them."""
    (folder / "json").mkdir()
    with (folder / "json" / "texts.jsonl").open("w", encoding="utf-8") as file:
        for number, text in enumerate(lines_of(folder / "texts.txt")):
            file.write(json.dumps({"id": f"d{number}", "contents": text}) + "\n")


ENGINES = {
    "evalkit": evalkit,
    "evalkit, 4 parts": evalkit_in_parts,
    "bm25s": bm25s_plain,
    "tantivy": tantivy,
    "lucene": lucene,
}
ASIDE = {"tantivy", "lucene"}
"""Engines that another interpreter may have to run."""


def peak_mb() -> float:
    """Return the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, folder: Path) -> dict[str, float]:
    """Build and search with one engine, in this process."""
    texts = lines_of(folder / "texts.txt")
    seen: dict[str, float] = {"texts_mb": peak_mb()}
    start, busy = time.perf_counter(), time.process_time()
    search = ENGINES[name](folder, texts)
    seen["build_s"], seen["cpu_s"] = time.perf_counter() - start, time.process_time() - busy
    for kind in KINDS:
        queries = lines_of(folder / f"{kind}.txt")
        for depth in DEPTHS:
            passes = []
            for _ in range(3):
                busy = time.process_time()
                search(queries, depth)
                passes.append(time.process_time() - busy)
            seen[f"{kind} {depth}"] = min(passes) / len(queries) * 1000
    return {**seen, "peak_mb": peak_mb()}


def compare(folder: Path) -> str:
    """Return how many scores of evalkit's index differ from those of bm25s's."""
    import numpy as np

    from evalkit.retrievers.bm25_index import load
    from evalkit.retrievers.bm25_scores import Bm25Index

    ours = load(next((folder / "evalkit-1" / "bm25").glob("*/0")), Bm25Index)
    data, rows, indptr = (
        np.load(folder / "bm25s" / f"{name}.csc.index.npy", mmap_mode="r")
        for name in ("data", "indices", "indptr")
    )
    column = json.loads((folder / "bm25s" / "vocab.index.json").read_text(encoding="utf-8"))
    starts = indptr[[column[term] for term in ours.terms.to_pylist()]]
    theirs = np.repeat(starts - ours.indptr[:-1], np.diff(ours.indptr)) + np.arange(len(ours.rows))
    differ = int(((rows[theirs] != ours.rows) | (data[theirs] != ours.scores)).sum()) + abs(
        len(data) - len(ours.scores)
    )
    return f"{len(ours.scores):,} scores of a term in a document; {differ:,} differ between evalkit and bm25s"


@contextmanager
def collection(documents: int, queries: int) -> Iterator[Path]:
    """Make the texts, and remove everything afterwards."""
    with tempfile.TemporaryDirectory() as name:
        write_collection(Path(name), documents, queries)
        write_json(Path(name))
        yield Path(name)


def main(documents: int, queries: int, interpreter: str) -> None:
    """Print one table."""
    cells = [f"{kind} {depth}" for kind in KINDS for depth in DEPTHS]
    columns = [("build_s", "build s"), ("cpu_s", "of it cpu s"), *((cell, f"ms {cell}") for cell in cells)]
    columns += [("peak_mb", "peak MB"), ("texts_mb", "texts MB")]
    heads = "".join(f"{head:>15}" for _, head in columns)
    sys.stdout.write(
        f"\nBM25 over {documents:,} documents, {queries} queries of each kind\n{'engine':16}{heads}\n"
    )
    with collection(documents, queries) as folder:
        for name in ENGINES:
            python = interpreter if name in ASIDE else sys.executable
            done = subprocess.run(
                [python, __file__, "--engine", name, "--folder", folder], capture_output=True, text=True, check=False
            )  # fmt: skip
            if done.returncode:
                sys.stdout.write(f"{name:16}not measured: {done.stderr.strip().splitlines()[-1]}\n")
                continue
            seen = json.loads(done.stdout.splitlines()[-1])  # engines may talk
            row = "".join(f"{seen[key]:15.{0 if key.endswith('mb') else 2}f}" for key, _ in columns)
            sys.stdout.write(f"{name:16}{row}\n")
            sys.stdout.flush()
        sys.stdout.write(compare(folder) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--aside", default=sys.executable)
    parser.add_argument("--engine")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.engine:
        sys.stdout.write(json.dumps(measure(given.engine, given.folder)))
    else:
        main(given.documents, given.queries, given.aside)
