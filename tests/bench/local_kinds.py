"""Local rerankers of several kinds, compared with the code of their model cards; `local_models.py` prints the table.

All models have random weights and the words of BERT. Ratios are those of clock time, in interleaved rounds. The share
of the matrix speed is that of the products which the pairs need (see `matrix_work.py`) in evalkit's processor time.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from local_lists import print_lists
from matrix_work import Reading, product_seconds
from numpy.typing import NDArray

from evalkit.encoding import Engine
from evalkit.encoding.prefixes import shared_prefixes
from evalkit.rerankers import load_reranker

Pairs = list[tuple[str, str]]
Scores = NDArray[np.float64]
Way = Callable[[Pairs], Any]
TEMPLATE = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided. Note that the"
    ' answer can only be "yes" or "no".\nInstruct: Given a web search query, retrieve relevant passages that answer'
    " the query\nQuery: {query}\nDocument: {document}\nRelevant:"
)
PROMPT = {"template": TEMPLATE, "true_token": "yes", "false_token": "no"}
T5_PROMPT = {**PROMPT, "template": "Query: {query} Document: {document} Relevant:"}
ENCODER = {"vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12}
BATCH = 32
"""Pairs of a batch in model cards and in sentence-transformers."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model.

    Attributes
    ----------
    name
        First cell of its row.
    make
        Returns the model with random weights.
    prompt
        The setting of evalkit; None for a plain pair.
    causal
        Whether a token attends to the tokens before it alone.
    """

    name: str
    make: Callable[[], Any]
    prompt: dict[str, str] | None = None
    causal: bool = False


def _classifier(kind: str, **config: Any) -> Callable[[], Any]:
    """Return what makes a classifier of MiniLM-L6's shape."""

    def make() -> Any:
        import transformers

        sizes = {**ENCODER, "num_labels": 1, "pad_token_id": 0, "initializer_range": 0.1, **config}
        sizes.setdefault("intermediate_size", 1536)
        made = getattr(transformers, f"{kind}Config")(**sizes)
        return getattr(transformers, f"{kind}ForSequenceClassification")(made)

    return make


def _t5() -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {"d_model": 384, "d_ff": 1536, "d_kv": 64, "num_heads": 6, "num_layers": 6, "vocab_size": 30522}
    return T5ForConditionalGeneration(T5Config(**sizes, pad_token_id=0, decoder_start_token_id=0))


def _qwen3() -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    heads = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 64, "num_hidden_layers": 12}
    sizes = {"hidden_size": 512, "intermediate_size": 1536, "vocab_size": 30522}
    return Qwen3ForCausalLM(Qwen3Config(**sizes, **heads, pad_token_id=0, initializer_range=0.05))


_NO_ENDS = {"bos_token_id": 101, "eos_token_id": 102, "cls_token_id": 101, "sep_token_id": 102}
KINDS = (
    Kind("BERT", _classifier("Bert")),
    Kind("XLM-RoBERTa", _classifier("XLMRoberta", max_position_embeddings=514, type_vocab_size=2)),
    Kind("ModernBERT", _classifier("ModernBert", intermediate_size=768, **_NO_ENDS)),
    Kind("DeBERTa-v2", _classifier("DebertaV2", relative_attention=True, pos_att_type=["p2c", "c2p"])),
    Kind("monoT5 (encoder-decoder)", _t5, T5_PROMPT),
    Kind("Qwen3, 12 x 512 (causal)", _qwen3, PROMPT, causal=True),
)


def print_kinds(lists: Sequence[Pairs], vocabulary: Path, rounds: int) -> None:
    """Print pairs a second of each kind, in interleaved rounds, as ratios to what peers do for a query at a time.

    Parameters
    ----------
    lists
        The pairs of each query.
    vocabulary
        ``vocab.txt`` of BERT.
    rounds
        Number of rounds.
    """
    import tempfile

    count = sum(map(len, lists))
    sys.stdout.write(
        f"\nkinds of models, {len(lists)} queries, {count} pairs, {rounds} interleaved rounds; peers are"
        " sentence-transformers for classifiers, and the code of model cards for others, a query at a time\n"
        f"{'':28}{'peer':>9}{'pooled':>9}{'evalkit':>9}{'ratio':>8}{'pooled':>8}{'of matrix':>10}"
        f"{'unshared':>10}{'difference':>12}\n"
    )
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as scratch:
            _print_kind(kind, lists, _saved(kind, Path(scratch) / "model", vocabulary), rounds)
    with tempfile.TemporaryDirectory() as scratch:
        print_lists(lists, Path(scratch) / "model", vocabulary, rounds)


def _saved(kind: Kind, folder: Path, vocabulary: Path) -> Path:
    import torch
    from transformers import BertTokenizer

    torch.manual_seed(1)
    kind.make().save_pretrained(folder)
    BertTokenizer(str(vocabulary), model_max_length=512).save_pretrained(folder)
    return folder


def _print_kind(kind: Kind, lists: Sequence[Pairs], folder: Path, rounds: int) -> None:
    more = {} if kind.prompt is None else {"prompt": kind.prompt}
    own: Any = load_reranker("cross_encoder", model=str(folder), device="cpu", **more)
    peer = _library(folder) if kind.prompt is None else _card(folder, kind)
    flat = [pair for pairs in lists for pair in pairs]
    engine: Engine = own._engine
    ways: dict[str, Callable[[], Any]] = {
        "peer": lambda: np.concatenate([peer(pairs) for pairs in lists]),
        "pooled": lambda: peer(flat),
        "evalkit": lambda: own.score_pairs(flat),
        "unshared": lambda: _unshared(engine, lambda: own.score_pairs(flat)),
    }
    if not kind.causal:
        del ways["unshared"]
    own.score_pairs(flat[:BATCH])
    times: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, Any] = {}
    busy = []
    for _ in range(rounds):
        for name, way in ways.items():
            start, processor = time.perf_counter(), time.process_time()
            scores[name] = way()
            times[name].append(time.perf_counter() - start)
            if name == "evalkit":
                busy.append(time.process_time() - processor)
    taken = {name: statistics.median(one) for name, one in times.items()}
    rates = {name: len(flat) / one for name, one in taken.items()}
    share = _needed_s(kind, engine, flat, own) / min(busy)
    gap = np.abs(np.asarray(scores["evalkit"]) - np.asarray(scores["pooled"])).max()
    saved = f"{_ratio(times, 'unshared'):9.2f}x" if kind.causal else f"{'':10}"
    sys.stdout.write(
        f"{kind.name:28}{rates['peer']:9.1f}{rates['pooled']:9.1f}{rates['evalkit']:9.1f}"
        f"{_ratio(times, 'peer'):8.2f}{_ratio(times, 'pooled'):8.2f}"
        f"{share:10.0%}{saved}{gap:12.1e}\n"
    )
    sys.stdout.flush()


def _ratio(times: dict[str, list[float]], name: str) -> float:
    """Return how many times longer a way takes than evalkit, the median of the rounds."""
    return statistics.median(a / b for a, b in zip(times[name], times["evalkit"], strict=True))


def _unshared(engine: Any, way: Callable[[], Any]) -> Any:
    """Return what a way returns if every input is read as a whole."""
    kept, engine._prefixes = engine._prefixes, None
    try:
        return way()
    finally:
        engine._prefixes = kept


def _needed_s(kind: Kind, engine: Any, flat: Pairs, own: Any) -> float:
    """Return the processor seconds that the matrix products of the pairs take alone."""
    network = own._model.library_model[0].model
    body = network.encoder if hasattr(network, "encoder") and kind.prompt is not None else network
    tokens = engine.tokeniser(flat)
    read, attended = float(tokens.lengths.sum()), float((tokens.lengths.astype(float) ** 2).sum())
    if kind.causal:
        for rows, length in shared_prefixes(flat, tokens, engine._prefixes.least_shared):
            read -= length * (len(rows) - 1)
            attended -= float(length) ** 2 * (len(rows) - 1)
        attended /= 2
    return product_seconds(body, Reading(len(flat), read, attended))


def _library(folder: Path) -> Way:
    """Return sentence-transformers' own way, as `CrossEncoder.predict` scores."""
    import torch
    from sentence_transformers import CrossEncoder

    model, identity = CrossEncoder(str(folder), device="cpu"), torch.nn.Identity()
    return lambda pairs: model.predict(pairs, activation_fn=identity, show_progress_bar=False)


def _card(folder: Path, kind: Kind) -> Way:
    """Return the way of model cards: batches in the order of the documents, and the logits of two tokens."""
    import torch
    import transformers

    auto = transformers.AutoModelForCausalLM if kind.causal else transformers.AutoModelForSeq2SeqLM
    model = auto.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        folder, padding_side="left" if kind.causal else "right"
    )
    prompt = kind.prompt or PROMPT
    yes, no = (tokenizer.convert_tokens_to_ids(prompt[name]) for name in ("true_token", "false_token"))

    def batch(texts: list[str]) -> Scores:
        inputs = tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors="pt")
        given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        if not kind.causal:
            given["decoder_input_ids"] = torch.zeros((len(texts), 1), dtype=torch.long)
        logits = model(**given).logits[:, -1]
        return np.asarray((logits[:, yes] - logits[:, no]).numpy())

    @torch.inference_mode()
    def scored(pairs: Pairs) -> Scores:
        texts = [prompt["template"].replace("{query}", q).replace("{document}", d) for q, d in pairs]
        return np.concatenate([batch(texts[place : place + BATCH]) for place in range(0, len(texts), BATCH)])

    return scored
