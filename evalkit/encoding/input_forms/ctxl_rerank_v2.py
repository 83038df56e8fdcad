"""ctxl-rerank-v2: https://huggingface.co/ContextualAI/ctxl-rerank-v2-instruct-multilingual-1b, and -2b, -6b.

The card's prompt has the document before the query; an instruction follows the query. The score is the logit of the
first token of the vocabulary, whatever its text. Where the prompt is too long, the document is cut: the card cuts the
end of the prompt, which has the query.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "ctxl_rerank_v2"
_TASK = "Check whether a given document contains information helpful to answer the query."

PRESET = Preset(
    name=_NAME,
    families=("Qwen3", "Qwen2", "Llama"),
    owners=("ContextualAI",),
    names=re.compile(r"ctxl-rerank(er)?-v2(-instruct-multilingual-(1b|2b|6b))?"),
    form=InputForm(
        _NAME,
        (f"{_TASK}\n<Document> {{document}}\n<Query> {{query}}{{instruction}} ??",),
        special_tokens=True,
        instruction_format=" {instruction}",
    ),
    head=TokenHead(0),
    mark=_TASK,
)
