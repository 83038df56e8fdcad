"""mxbai-rerank-v2: https://huggingface.co/mixedbread-ai/mxbai-rerank-base-v2, and -large-v2.

The makers' package (https://github.com/mixedbread-ai/mxbai-rerank, ``mxbai_rerank_v2.py``) joins the tokens of the
parts of a prompt of Qwen2.5, each tokenised apart; the query gets at most three quarters of the room. The score is the
logit of 1 minus that of 0.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "mxbai_rerank_v2"
_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
_TASK = (
    "You are a search relevance expert who evaluates how well documents match search queries. For each query-document"
    " pair, carefully analyze the semantic relationship between them, then provide your binary relevance judgment"
    " (0 for not relevant, 1 for relevant).\nRelevance:"
)

PRESET = Preset(
    name=_NAME,
    families=("Qwen2",),
    owners=("mixedbread-ai",),
    names=re.compile(r"mxbai-rerank-(base|large)-v2"),
    form=InputForm(
        _NAME,
        (
            f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n<|im_start|>user\n",
            "{instruction}query: {query}",
            "\n",
            "document: {document}",
            "\n",
            _TASK,
            "<|im_end|>\n<|im_start|>assistant\n",
        ),
        instruction_format="instruction: {instruction}\n",
        query_share=(3, 4),
    ),
    head=TokenHead("1", "0"),
    mark="You are a search relevance expert who evaluates how well documents match search queries.",
)
