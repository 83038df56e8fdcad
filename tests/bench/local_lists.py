"""A local listwise reranker, compared with the matrix speed; `local_models.py` prints the row.

The model has random weights, the sizes of `local_kinds.py`'s causal model, and the code of the tests' stand-in for
jina-reranker-v3, with that model's limits: a query and its documents are one input, in which the query is read twice.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matrix_work import Reading, product_seconds

from evalkit.records import RerankRequest

Pairs = list[tuple[str, str]]


def _saved(folder: Path, vocabulary: Path) -> Path:
    sys.path.append(str(Path(__file__).parents[1]))
    import torch
    from support.list_code import CODE
    from support.tiny_models import edit, put
    from transformers import BertTokenizer, Qwen3Config

    code = CODE.replace("max_doc_length=12, max_query_length=6", "max_doc_length=2048, max_query_length=512")
    code = code.replace("len(documents), 3)", "len(documents), 125)").replace("first + 3]", "first + 125]")
    space: dict[str, Any] = {}
    exec(compile(code, "modeling.py", "exec"), space)  # noqa: S102 - the code above
    heads = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 64, "num_hidden_layers": 12}
    sizes = {"hidden_size": 512, "intermediate_size": 1536, "vocab_size": 30522, "pad_token_id": 0}
    torch.manual_seed(1)
    space["JinaForRanking"](Qwen3Config(**sizes, **heads, initializer_range=0.05)).save_pretrained(folder)
    BertTokenizer(str(vocabulary), model_max_length=8192).save_pretrained(folder)
    put(folder, "modeling.py", code)
    names = {"AutoModel": "modeling.JinaForRanking"}
    edit(folder, "config.json", architectures=["JinaForRanking"], auto_map=names)
    return folder


def print_lists(lists: Sequence[Pairs], folder: Path, vocabulary: Path, rounds: int) -> None:
    """Print the tokens a second of one thread, and the share of the matrix speed.

    Parameters
    ----------
    lists
        The pairs of each query.
    folder, vocabulary
        Where the model is saved, and ``vocab.txt`` of BERT.
    rounds
        Number of rounds.
    """
    from evalkit.rerankers import load_reranker

    saved = str(_saved(folder, vocabulary))
    own: Any = load_reranker("cross_encoder", model=saved, device="cpu", threads=1, trust_remote_code=True)
    requests = [
        RerankRequest("q", pairs[0][0], tuple(text for _, text in pairs), tuple(map(str, range(len(pairs)))))
        for pairs in lists
    ]
    times, tokens = [], []
    for _ in range(rounds):
        start = time.process_time()
        tokens = [one.usage.tokens for one in own.score_many(requests)]
        times.append(time.process_time() - start)
    attended = sum(float(count) ** 2 for count in tokens) / 2
    needed = product_seconds(own._lists._model._model, Reading(len(lists), sum(tokens), attended))
    sys.stdout.write(
        f"listwise, 12 x 512 (causal): {len(lists)} lists of {sum(tokens) / len(lists):.0f} tokens,"
        f" {sum(tokens) / statistics.median(times):.0f} tokens/s of one thread, {needed / min(times):.0%} of the"
        " matrix speed\n"
    )
