"""Qwen3-Reranker: https://huggingface.co/Qwen/Qwen3-Reranker-0.6B, and -4B, -8B.

The card tokenises a fixed beginning and a fixed end apart from the text with instruction, query and document, whose end
is cut. The score is the logit of yes minus that of no: its sigmoid is the probability that the card computes.

Conversions to a classifier, such as https://huggingface.co/tomaarsen/Qwen3-Reranker-0.6B-seq-cls, take the pair of
query and document, each with its half of the same template.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "qwen3_reranker"
_TASK = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided."
    ' Note that the answer can only be "yes" or "no".'
)
_BEFORE = f"<|im_start|>system\n{_TASK}<|im_end|>\n<|im_start|>user\n"
_AFTER = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
_QUERY, _DOCUMENT = "<Instruct>: {instruction}\n<Query>: {query}\n", "<Document>: {document}"
_INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"

PRESET = Preset(
    name=_NAME,
    families=("Qwen3",),
    owners=("Qwen", "tomaarsen"),
    names=re.compile(r"qwen3[-_]reranker(-(0\.6b|4b|8b)(-seq-cls)?)?"),
    form=InputForm(_NAME, (_BEFORE, _QUERY + _DOCUMENT, _AFTER), instruction=_INSTRUCTION, cut="end"),
    head=TokenHead("yes", "no"),
    classifier_form=InputForm(_NAME, (_BEFORE + _QUERY, _DOCUMENT + _AFTER), instruction=_INSTRUCTION),
    mark="Judge whether the Document meets the requirements based on the Query and the Instruct",
)
