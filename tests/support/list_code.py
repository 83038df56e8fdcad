"""A listwise reranker with code of its own, laid out as jina-reranker-v3 is: the code is a stand-in with its interface.

The code scores a list by the words that a document shares with the query, and by the vectors of its network, so that a
score depends on the whole list. Blocks hold three documents, documents are cut to 12 tokens and queries to 6.
"""

from __future__ import annotations

from pathlib import Path

from support.tiny_models import edit, put, qwen_sizes, save
from support.tiny_tokenizers import qwen_tokenizer

BLOCK = 3
MOST_QUERY, MOST_DOCUMENT = 6, 12
CODE = """
import torch
from torch import nn
from transformers import AutoTokenizer, Qwen3ForCausalLM


class JinaForRanking(Qwen3ForCausalLM):
    def __init__(self, config):
        super().__init__(config)
        self.lm_head = nn.Identity()
        first, last = nn.Linear(config.hidden_size, 16, bias=False), nn.Linear(16, 8, bias=False)
        self.projector = nn.Sequential(first, nn.ReLU(), last)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, **more):
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[0]
        return self.projector(hidden)

    @torch.no_grad()
    def rerank(self, query, documents, top_n=None, return_embeddings=False, max_doc_length=12, max_query_length=6):
        if not hasattr(self, "_own"):
            self._own = AutoTokenizer.from_pretrained(self.name_or_path)
        cut = lambda text, most: self._own(text, truncation=True, max_length=most)["input_ids"]
        end, asked = self._own("<|im_end|>")["input_ids"], cut(query, max_query_length)
        queries, vectors = [], []
        for first in range(0, len(documents), 3):
            block = [cut(text, max_doc_length) for text in documents[first:first + 3]]
            ids = [one for tokens in [asked, *block, asked] for one in tokens + end]
            found = self.forward(input_ids=torch.tensor([ids], device=self.device))
            places, place = [], len(asked)
            for tokens in block:
                place += 1 + len(tokens)
                places.append(place)
            vectors += [found[one] for one in places]
            queries.append(found[-1])
        averaged = torch.stack(queries).mean(0)
        scores = [float(nn.functional.cosine_similarity(averaged, one, dim=0)) for one in vectors]
        order = sorted(range(len(scores)), key=lambda index: -scores[index])[:top_n or len(scores)]
        return [{"document": documents[one], "relevance_score": scores[one], "index": one} for one in order]
"""


def make_list_model(folder: Path) -> Path:
    """Save a listwise reranker with its code in ``modeling.py``."""
    from transformers import Qwen3Config

    vocabulary = qwen_tokenizer(folder)
    put(folder, "modeling.py", CODE)
    space: dict[str, type] = {}
    exec(compile(CODE, "modeling.py", "exec"), space)  # noqa: S102 - the code above
    save(folder, space["JinaForRanking"](Qwen3Config(**qwen_sizes(vocabulary))))
    edit(
        folder,
        "config.json",
        architectures=["JinaForRanking"],
        auto_map={"AutoModel": "modeling.JinaForRanking"},
    )
    return folder
