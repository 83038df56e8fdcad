"""Local models beside sentence-transformers, and beside this machine's own matrix speed: ``make bench``.

The first table has the runtimes of a cross-encoder, the second one kinds of models on torch. The cross-encoder has the
shape of MiniLM-L6 and random weights: its scores mean nothing, its times do. The texts are passages of the DL19 pool,
the documents of the embedding part those of SciFact.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from local_kinds import print_kinds

from evalkit.datasets import open_dataset
from evalkit.datasets.beir_folder import BeirFolder
from evalkit.formats import read_run
from evalkit.records import RerankRequest
from evalkit.rerankers import Pooled, Preparable, load_reranker

Pairs = list[tuple[str, str]]


def make_model(folder: Path, tokenizer: Path) -> Path:
    """Save a random cross-encoder of MiniLM-L6's shape."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
        num_labels=1, initializer_range=0.1,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(str(tokenizer / "vocab.txt"), model_max_length=512).save_pretrained(folder)
    return folder


def passages(data: Path, queries: int) -> list[Pairs]:
    """Return the first queries of DL19, each with the passages that BM25 found."""
    settings = BeirFolder.Settings(path=data / "collections" / "trec-dl19-pool", split="test")
    dataset = open_dataset(settings)
    run = read_run(data / "runs" / "dl19.bm25.top100.trec", "bm25")
    texts = {query.query_id: query.text for query in dataset.queries}
    chosen = [query for query in run.query_ids if query in texts][:queries]
    return [[(texts[q], dataset.corpus.text(doc)) for doc in run.docs(q)] for q in chosen]


def matrix_speed() -> float:
    """Return floating-point operations a second of a large fp32 product, all threads."""
    import torch

    one = torch.randn(2048, 2048)
    times = []
    for _ in range(6):
        start = time.perf_counter()
        one @ one
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(times)


def work_of(lengths: np.ndarray) -> float:
    """Return the floating-point operations that pairs of some lengths take at least.

    The last layer is read at the first token alone, which attends to the keys and values of all tokens.
    """
    hidden, inner, whole = 384, 1536, 5
    per_token = 2 * (4 * hidden * hidden + 2 * hidden * inner)
    layers = whole * (per_token * lengths.sum() + 4 * hidden * (lengths.astype(float) ** 2).sum())
    return float(layers + (4 * hidden * hidden + 4 * hidden) * lengths.sum() + per_token * len(lengths))


def requests_of(lists: list[Pairs]) -> list[RerankRequest]:
    """Return lists of pairs as requests."""
    return [
        RerankRequest(str(i), pairs[0][0], tuple(d for _, d in pairs), tuple(map(str, range(len(pairs)))))
        for i, pairs in enumerate(lists)
    ]


def pooled(reranker: Any, lists: list[Pairs]) -> np.ndarray:
    """Score lists in pools, as the quality pass does."""
    assert isinstance(reranker, Pooled)
    requests, scores, pool, held = requests_of(lists), [], [], 0
    for number, request in enumerate(requests):
        pool.append(request)
        held += len(request.documents)
        if held >= reranker.pool_pairs or number == len(requests) - 1:
            scores += [one.scores for one in reranker.score_many(pool)]
            pool, held = [], 0
    return np.concatenate(scores)


def cross_encoders(lists: list[Pairs], model: Path, rounds: int) -> None:
    """Print pairs a second of every way, in interleaved rounds, as ratios to one predict a query."""
    import torch
    from sentence_transformers import CrossEncoder

    flat = [pair for pairs in lists for pair in pairs]
    own = CrossEncoder(str(model), device="cpu")
    identity = torch.nn.Identity()

    def predict(pairs: Pairs) -> np.ndarray:
        return own.predict(pairs, activation_fn=identity, show_progress_bar=False)

    rerankers = {"evalkit, torch fp32": load_reranker("cross_encoder", model=str(model), device="cpu")}
    for precision in ("fp32", "int8"):
        name = f"evalkit, ONNX {precision}"
        rerankers[name] = load_reranker(
            "cross_encoder", model=str(model), runtime="onnx", precision=precision
        )
    ways: dict[str, Callable[[], np.ndarray]] = {
        "sentence-transformers, a query at a time": lambda: np.concatenate([predict(p) for p in lists]),
        "sentence-transformers, all pairs at once": lambda: predict(flat),
        **{name: (lambda one=one: pooled(one, lists)) for name, one in rerankers.items()},
    }
    for one in rerankers.values():
        pooled(one, lists[:1])
    times: dict[str, list[float]] = {name: [] for name in ways}
    scores, speeds = {}, []
    for _ in range(rounds):
        speeds.append(matrix_speed())
        for name, way in ways.items():
            start = time.perf_counter()
            scores[name] = way()
            times[name].append(time.perf_counter() - start)
    lengths = np.array(
        [len(own.tokenizer(q, d, truncation=True, max_length=512)["input_ids"]) for q, d in flat]
    )
    limit = len(flat) / (work_of(lengths) / statistics.median(speeds))
    first = statistics.median(times["sentence-transformers, a query at a time"])
    exact = scores["sentence-transformers, all pairs at once"]
    sys.stdout.write(
        f"\ncross-encoder of MiniLM-L6's shape, {len(lists)} queries, {len(flat)} pairs, mean {lengths.mean():.0f}"
        f" tokens, {rounds} interleaved rounds, threads {torch.get_num_threads()}; matrix speed"
        f" {statistics.median(speeds) / 1e9:.0f} GFLOP/s in fp32, which is {limit:.0f} pairs/s\n"
        f"{'':42}{'pairs/s':>9}{'ratio':>8}{'of limit':>10}{'largest difference':>20}\n"
    )
    for name, taken in times.items():
        median = statistics.median(taken)
        rate = len(flat) / median
        ratio = statistics.median(a / b for a, b in zip(times[next(iter(times))], taken, strict=True))
        gap = float(np.abs(scores[name] - exact).max())
        sys.stdout.write(f"{name:42}{rate:9.1f}{ratio:8.2f}{rate / limit:10.0%}{gap:20.1e}\n")
    sys.stdout.write(f"spread of scores {exact.std():.2f}; one round of the first way took {first:.1f} s\n")


def embeddings(data: Path, model: str, queries: int) -> None:
    """Print what it saves to embed a document once, over SciFact's top 100."""
    settings = BeirFolder.Settings(path=data / "collections" / "scifact", split="test")
    dataset = open_dataset(settings)
    run = read_run(data / "runs" / "scifact.bm25-top100.rerank-all-MiniLM-L6-v2.trec", "run")
    texts = {query.query_id: query.text for query in dataset.queries}
    lists = [
        [(texts[q], dataset.corpus.text(doc)) for doc in run.docs(q)] for q in run.query_ids if q in texts
    ]
    every = sum(map(len, lists))
    distinct = len({doc for pairs in lists for _, doc in pairs})
    sample = requests_of(lists[:queries])
    reranker = load_reranker("bi_encoder", model=model, device="cpu")
    assert isinstance(reranker, Preparable)
    start = time.perf_counter()
    one_by_one = np.concatenate([reranker.score(request).scores for request in sample])
    again = time.perf_counter() - start
    start = time.perf_counter()
    for portion in reranker.portions(sample):
        reranker.keep(portion, reranker.embed(portion))
    ahead = np.concatenate([reranker.score(request).scores for request in sample])
    once = time.perf_counter() - start
    in_sample = len({doc for request in sample for doc in request.documents})
    sys.stdout.write(
        f"\nbi-encoder, SciFact, top 100 of {len(lists)} queries: {every} pairs, {distinct} distinct documents:"
        f" {every / distinct:.2f} times fewer embeddings\n"
        f"measured on {len(sample)} queries ({in_sample} distinct documents): {again:.1f} s a query at a time,"
        f" {once:.1f} s each document once: ratio {again / once:.2f}; largest difference"
        f" {np.abs(one_by_one - ahead).max():.1e}\n"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bi-encoder", help="a sentence-transformers model to embed SciFact with")
    asked = parser.parse_args()
    if not (folder := os.environ.get("EVALKIT_TEST_DATA")):
        sys.stdout.write("local models: EVALKIT_TEST_DATA is unset, so there are no real texts to time\n")
        return
    data = Path(folder)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["EVALKIT_CACHE"] = scratch
        words = data / "models" / "bert-base-uncased-tokenizer"
        lists = passages(data, asked.queries)
        cross_encoders(lists, make_model(Path(scratch) / "model", words), asked.rounds)
        print_kinds([one[:20] for one in lists[:2]], words / "vocab.txt", asked.rounds)
        if asked.bi_encoder:
            embeddings(data, asked.bi_encoder, asked.queries)


if __name__ == "__main__":
    main()
